// SPDX-License-Identifier: Apache-2.0
//
// Timer and TimerQueue: a binary heap of pointers in which each timer knows its place, so that one
// can be taken out of the middle.

#include "net/timer.h"

#include "base/assert.h"
#include "net/timer_queue.h"
#include "net/worker.h"
#include "net/worker_pool.h"

#include <algorithm>
#include <utility>

namespace leveret {

Timer::Timer(WorkerPool& pool, WorkerId home, std::move_only_function<void()> on_fire)
    : queue_(pool.worker(home).timers()), on_fire_(std::move(on_fire)) {}

Timer::~Timer() { queue_.forget(*this); }

void Timer::arm_at(Time deadline) { queue_.arm(*this, deadline); }

void Timer::arm_after(Duration delay) {
  const Time now = queue_.clock().now();
  queue_.arm(*this, delay < Time::max() - now ? now + delay : Time::max());
}

void Timer::cancel() { queue_.cancel(*this); }

TimerQueue::TimerQueue(boost::asio::io_context& io_context, const WorkerPool& pool, WorkerId home)
    : pool_(pool), home_(home), kernel_timer_(io_context) {}

TimerQueue::~TimerQueue() {
  LEVERET_ASSERT(heap_.empty(), "{} timers outlive worker {}", heap_.size(), home_.value());
}

bool TimerQueue::may_touch() const { return pool_.is_home(home_); }

void TimerQueue::arm(Timer& timer, Time deadline) {
  LEVERET_ASSERT(may_touch(), "a timer of worker {} armed elsewhere", home_.value());
  // A callback that arms for the past must not be called again by the round that called it.
  if (deadline <= firing_time_) deadline = firing_time_ + Duration(1);
  timer.deadline_ = deadline;
  if (timer.place_ == Timer::nowhere) {
    heap_.push_back(&timer);
    timer.place_ = heap_.size() - 1;
    sift_up(timer.place_);
  } else {
    sift_up(timer.place_);
    sift_down(timer.place_);
  }
  // fire_due() sets it once, when all callbacks have had their say.
  if (firing_time_ == Time::min()) set_kernel_timer();
}

void TimerQueue::cancel(Timer& timer) {
  if (timer.place_ == Timer::nowhere) return;
  LEVERET_ASSERT(may_touch(), "a timer of worker {} cancelled elsewhere", home_.value());
  const std::size_t hole = std::exchange(timer.place_, Timer::nowhere);
  Timer& last = *heap_.back();
  heap_.pop_back();
  if (&last == &timer) return;
  put(hole, last);
  sift_up(hole);
  sift_down(last.place_);
}

void TimerQueue::forget(Timer& timer) {
  cancel(timer);
  if (firing_ == &timer) firing_ = nullptr;
}

void TimerQueue::fire_due() {
  firing_time_ = clock_.now();
  while (!heap_.empty() && heap_.front()->deadline_ <= firing_time_) {
    Timer& timer = *heap_.front();
    cancel(timer);
    // The callback runs from here, not from inside the timer, which it may destroy.
    auto on_fire = std::move(timer.on_fire_);
    firing_ = &timer;
    on_fire();
    if (firing_) timer.on_fire_ = std::move(on_fire);
    firing_ = nullptr;
  }
  firing_time_ = Time::min();
  set_kernel_timer();
}

void TimerQueue::set_kernel_timer() {
  if (heap_.empty() || heap_.front()->deadline_ >= kernel_deadline_) return;
  kernel_deadline_ = heap_.front()->deadline_;
  kernel_timer_.expires_at(kernel_deadline_);  // Aborts the wait for a later deadline.
  kernel_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    kernel_deadline_ = Time::max();
    fire_due();
  });
}

void TimerQueue::put(std::size_t place, Timer& timer) {
  heap_[place] = &timer;
  timer.place_ = place;
}

void TimerQueue::sift_up(std::size_t place) {
  Timer& rising = *heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (heap_[parent]->deadline_ <= rising.deadline_) break;
    put(place, *heap_[parent]);
    place = parent;
  }
  put(place, rising);
}

void TimerQueue::sift_down(std::size_t place) {
  Timer& sinking = *heap_[place];
  while (true) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->deadline_ < heap_[child]->deadline_) ++child;
    if (sinking.deadline_ <= heap_[child]->deadline_) break;
    put(place, *heap_[child]);
    place = child;
  }
  put(place, sinking);
}

}  // namespace leveret
