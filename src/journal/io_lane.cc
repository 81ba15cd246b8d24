// SPDX-License-Identifier: Apache-2.0
#include "journal/io_lane.h"

#include <memory>
#include <utility>

#include <pthread.h>

namespace leveret {

IoThread::IoThread(Executor& executor, WorkerId home, std::string name)
    : executor_(executor), home_(home), thread_([this] { run(); }) {
  name.resize(std::min<std::size_t>(name.size(), 15));
  ::pthread_setname_np(thread_.native_handle(), name.c_str());
}

IoThread::~IoThread() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  has_work_.notify_one();
  thread_.join();
}

void IoThread::submit(Job job, Job done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(job), std::move(done)});
  }
  has_work_.notify_one();
}

void IoThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    has_work_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Work work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work.job();
    work.job = nullptr;
    auto done = std::make_unique<Job>(std::move(work.done));
    executor_.post_from_outside(home_, [done = std::move(done)] { (*done)(); });
    lock.lock();
  }
}

}  // namespace leveret
