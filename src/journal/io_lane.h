// SPDX-License-Identifier: Apache-2.0
//
// IoLane: where work that waits for a disk is done, so that a worker never does. Jobs of a lane run
// one after the other, in the order in which they came; what a job found out is told at home, in
// the same order.
//
// IoThread is the lane of a running broker: a thread. Tests have a lane that runs a job when told.
//
// Thread: submit() the home worker; a job the lane's; its `done` the home worker.

#pragma once

#include "base/executor.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace leveret {

class IoLane {
 public:
  using Job = std::move_only_function<void()>;

  virtual ~IoLane() = default;
  /// Runs `job` on the lane and then `done` at home. `done` is dropped, not called, when home has
  /// stopped meanwhile.
  virtual void submit(Job job, Job done) = 0;
};

class IoThread final : public IoLane {
 public:
  /// `name` is what the system shows, 15 characters at most. Borrows the executor.
  IoThread(Executor& executor, WorkerId home, std::string name);
  /// Runs what was submitted, then ends. Requires: nobody submits any more.
  ~IoThread() override;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void submit(Job job, Job done) override;

 private:
  struct Work {
    Job job;
    Job done;
  };

  void run();

  Executor& executor_;
  const WorkerId home_;
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<Work> waiting_;  // Guarded by mutex_.
  bool is_ending_ = false;    // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace leveret
