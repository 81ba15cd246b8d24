// SPDX-License-Identifier: Apache-2.0
//
// Bytes written down in tests: hex("01 00 ce"), and back to hex for what a failed test shows.
//
// Requires: pairs of hex digits, with or without spaces between the pairs.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace leveret::amqp::testing {

[[nodiscard]] inline std::vector<std::byte> hex(std::string_view text) {
  const auto digit = [](char each) {
    return static_cast<unsigned>(each <= '9' ? each - '0' : (each | 0x20) - 'a' + 10);
  };
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size();) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    bytes.push_back(static_cast<std::byte>(digit(text[i]) << 4 | digit(text[i + 1])));
    i += 2;
  }
  return bytes;
}

[[nodiscard]] inline std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte each : bytes) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(each));
  }
  return text;
}

/// The characters as bytes; the text must outlive them.
[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

}  // namespace leveret::amqp::testing
