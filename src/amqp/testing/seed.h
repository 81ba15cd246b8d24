// SPDX-License-Identifier: Apache-2.0
//
// The seed of a random test: another one each run, or the one that LEVERET_SEED names.
//
//   const Seed seed;
//   SCOPED_TRACE(seed.how_to_repeat());
//   std::mt19937_64 random(seed.value);

#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include <fmt/format.h>

namespace leveret::amqp::testing {

struct Seed {
  std::uint64_t value = chosen();

  [[nodiscard]] std::string how_to_repeat() const {
    return fmt::format("repeat with LEVERET_SEED={}", value);
  }

 private:
  static std::uint64_t chosen() {
    const char* given = std::getenv("LEVERET_SEED");
    return given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  }
};

}  // namespace leveret::amqp::testing
