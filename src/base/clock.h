// SPDX-License-Identifier: Apache-2.0
//
// Clock: where time comes from. The pure rooms are handed a `Time`; those that must ask are handed
// a Clock, so that a test can let an hour pass in a line.
//
// Thread: SystemClock any; ManualClock the test's.

#pragma once

#include <chrono>

namespace leveret {

/// Monotonic time, for intervals.
using Time = std::chrono::steady_clock::time_point;
/// Wall time, for what people and other machines read.
using WallTime = std::chrono::system_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Time now() const = 0;
  [[nodiscard]] virtual WallTime wall_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime wall_now() const override { return std::chrono::system_clock::now(); }
};

/// A clock that stands still until told.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return now_; }
  [[nodiscard]] WallTime wall_now() const override { return wall_now_; }
  void advance(Duration by) {
    now_ += by;
    wall_now_ += std::chrono::duration_cast<WallTime::duration>(by);
  }

 private:
  Time now_{std::chrono::hours(1)};
  WallTime wall_now_{std::chrono::hours(24 * 365 * 50)};
};

}  // namespace leveret
