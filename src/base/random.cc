// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include "base/assert.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/random.h>

namespace leveret {

std::string Random::unique_name() {
  static constexpr char alphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<std::byte, 16> bytes;
  fill(bytes);
  std::string name;
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const std::byte byte : bytes) {
    bits = bits << 8 | std::to_integer<std::uint32_t>(byte);
    for (bit_count += 8; bit_count >= 6; bit_count -= 6) {
      name += alphabet[bits >> (bit_count - 6) & 63];
    }
  }
  name += alphabet[bits << (6 - bit_count) & 63];
  return name;
}

void SystemRandom::fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    LEVERET_ASSERT(got >= 0 || errno == EINTR, "getrandom: {}", std::strerror(errno));
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

void SeededRandom::fill(std::span<std::byte> bytes) {
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(engine_());
}

}  // namespace leveret
