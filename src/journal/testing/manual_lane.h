// SPDX-License-Identifier: Apache-2.0
//
// ManualLane: a lane that runs a job when the test says so, on the test's thread.

#pragma once

#include "journal/io_lane.h"

#include <deque>
#include <utility>

namespace leveret::testing {

class ManualLane final : public IoLane {
 public:
  void submit(Job job, Job done) override { waiting_.push_back({std::move(job), std::move(done)}); }

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  /// Runs the oldest job and says so at home. False: there was none.
  bool step() {
    if (waiting_.empty()) return false;
    Work work = std::move(waiting_.front());
    waiting_.pop_front();
    work.job();
    work.done();
    return true;
  }
  void run_all() {
    while (step()) {
    }
  }
  /// Runs the jobs and tells nobody, as a lane does whose home has stopped.
  void run_untold() {
    for (; !waiting_.empty(); waiting_.pop_front()) waiting_.front().job();
  }
  /// Forgets what waits, as the death of the process does.
  void drop() { waiting_.clear(); }

 private:
  struct Work {
    Job job;
    Job done;
  };
  std::deque<Work> waiting_;
};

}  // namespace leveret::testing
