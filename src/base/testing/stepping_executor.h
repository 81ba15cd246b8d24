// SPDX-License-Identifier: Apache-2.0
//
// SteppingExecutor: several workers on one thread, one task at a time, in an order that a seed
// decides. What would be a race between threads becomes an order that can be repeated. Tasks from
// one worker to another keep their order, as the real executor promises; nothing else is promised,
// so the seed may do everything else.
//
// Thread: the test's; post_from_outside() any.

#pragma once

#include "base/clock.h"
#include "base/executor.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

namespace leveret {

class SteppingExecutor final : public Executor {
 public:
  SteppingExecutor(unsigned workers, std::uint64_t seed)
      : workers_(workers), lanes_(workers * (workers + 1)), engine_(seed) {}

  [[nodiscard]] unsigned worker_count() const override { return workers_; }
  [[nodiscard]] WorkerId here() const override { return here_; }

  void post(WorkerId target, Task task) override {
    lane(here_.value(), target).push_back(std::move(task));
  }
  void post_from_outside(WorkerId target, Task task) override {
    const std::lock_guard lock(mutex_);
    outside_.emplace_back(target, std::move(task));
    has_outside_.notify_one();
  }

  /// Does something as `worker`.
  template <class Act>
  void as(WorkerId worker, Act act) {
    const WorkerId before = std::exchange(here_, worker);
    act();
    here_ = before;
  }

  /// Runs one task of a lane that the seed picks. False: there is none.
  bool step() {
    take_outside();
    std::vector<std::size_t> busy;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (!lanes_[i].empty()) busy.push_back(i);
    }
    if (busy.empty()) return false;
    const std::size_t picked = busy[engine_() % busy.size()];
    Task task = std::move(lanes_[picked].front());
    lanes_[picked].pop_front();
    as(WorkerId(static_cast<std::uint16_t>(picked % workers_)), [&] { task(); });
    return true;
  }

  /// Steps until `is_done`; sleeps only for what comes from outside. False: `bound` passed.
  bool run_until(const std::function<bool()>& is_done,
                 std::chrono::milliseconds bound = std::chrono::seconds(10)) {
    const auto deadline = SystemClock().now() + bound;
    while (!is_done()) {
      if (step()) continue;
      std::unique_lock lock(mutex_);
      if (!has_outside_.wait_until(lock, deadline, [&] { return !outside_.empty(); })) return false;
    }
    return true;
  }

 private:
  std::deque<Task>& lane(std::size_t source, WorkerId target) {
    return lanes_[source * workers_ + target.value()];
  }
  void take_outside() {
    const std::lock_guard lock(mutex_);
    for (auto& [target, task] : outside_) lane(workers_, target).push_back(std::move(task));
    outside_.clear();
  }

  const unsigned workers_;
  WorkerId here_{0};
  std::vector<std::deque<Task>> lanes_;  // By source (the last: outside) and target.
  std::mt19937_64 engine_;
  std::mutex mutex_;
  std::condition_variable has_outside_;
  std::vector<std::pair<WorkerId, Task>> outside_;
};

}  // namespace leveret
