// SPDX-License-Identifier: Apache-2.0
//
// Timer: calls once, when its time has come, unless cancelled or armed anew before. Cheap enough
// for several in every connection: arming and cancelling cost O(log n) of the worker's timers,
// allocate nothing and mostly call no kernel.
//
// Thread:   its home worker, every method (and any thread while no worker runs).
// Borrows:  the WorkerPool, which outlives it.

#pragma once

#include "base/clock.h"
#include "base/executor.h"

#include <cstddef>
#include <functional>

namespace leveret {

class TimerQueue;
class WorkerPool;

class Timer {
 public:
  /// `on_fire` is called on `home`, from its loop, never inside a method of Timer. It may arm,
  /// cancel or destroy the Timer.
  Timer(WorkerPool& pool, WorkerId home, std::move_only_function<void()> on_fire);
  /// Cancels.
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Fires no earlier than `deadline`, instead of whatever was armed. A time in the past fires in
  /// the next turn.
  void arm_at(Time deadline);
  void arm_after(Duration delay);
  void cancel();

  [[nodiscard]] bool is_armed() const { return place_ != nowhere; }

 private:
  friend class TimerQueue;
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  TimerQueue& queue_;
  Time deadline_{};
  std::size_t place_ = nowhere;  ///< Where in the queue's heap.
  std::move_only_function<void()> on_fire_;
};

}  // namespace leveret
