// SPDX-License-Identifier: Apache-2.0
//
// TimerQueue: all armed timers of one worker, in a heap, behind one kernel timer. Arming later than
// the kernel timer leaves it alone: it rings early once and is set anew then. So a heartbeat timer
// that is pushed back by every frame costs a few comparisons, not a system call.
//
// Thread:  the worker's.
// Owns:    the kernel timer. Borrows the timers, which take themselves out when they go.

#pragma once

#include "net/timer.h"

#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace leveret {

class TimerQueue {
 public:
  TimerQueue(boost::asio::io_context& io_context, const WorkerPool& pool, WorkerId home);
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  void arm(Timer& timer, Time deadline);
  void cancel(Timer& timer);
  /// The timer's destructor speaks: cancels it, and if its callback runs, forgets it.
  void forget(Timer& timer);
  /// Frees the room of timers that have gone.
  void shrink() { heap_.shrink_to_fit(); }

  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] bool may_touch() const;

 private:
  void fire_due();
  void set_kernel_timer();
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void put(std::size_t place, Timer& timer);

  const WorkerPool& pool_;
  WorkerId home_;
  SystemClock clock_;
  boost::asio::steady_timer kernel_timer_;
  Time kernel_deadline_ = Time::max();  // When kernel_timer_ rings; max: it is not set.
  std::vector<Timer*> heap_;            // heap_[0] is due first; heap_[i]->place_ == i.
  Timer* firing_ = nullptr;             // Whose callback runs; null when it destroyed itself.
  Time firing_time_ = Time::min();
};

}  // namespace leveret
