// SPDX-License-Identifier: Apache-2.0
//
// Random: where chance comes from, so that a test can say which.
//
// Thread: SystemRandom any; SeededRandom one.

#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>

namespace leveret {

class Random {
 public:
  virtual ~Random() = default;
  /// Fills `bytes`.
  virtual void fill(std::span<std::byte> bytes) = 0;
  /// 22 characters of base64url from 16 random bytes, as in the names that RabbitMQ makes up.
  [[nodiscard]] std::string unique_name();
};

/// The kernel's randomness: what nobody can guess.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> bytes) override;
};

/// Repeatable; for tests.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::byte> bytes) override;

 private:
  std::mt19937_64 engine_;
};

}  // namespace leveret
