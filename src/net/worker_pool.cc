// SPDX-License-Identifier: Apache-2.0
//
// WorkerPool: the threads, and what all workers share about starting and stopping. The turn itself
// is in worker.cc.

#include "net/worker_pool.h"

#include "base/assert.h"
#include "net/worker.h"

#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include <pthread.h>

namespace leveret {

struct WorkerPool::Shared {
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  bool runs_on_caller = false;
  std::atomic<bool> has_begun{false};
  std::atomic<bool> is_running{false};  // Some thread is a worker now.
  std::atomic<bool> is_stopping{false};
  std::atomic<bool> is_all_quiet{false};
  std::atomic<std::uint64_t> reports{0};
};

WorkerPool::WorkerPool(unsigned workers) : shared_(std::make_unique<Shared>()) {
  LEVERET_ASSERT(workers >= 1 && workers <= workers_max, "{} workers", workers);
  shared_->workers.reserve(workers);
  for (unsigned i = 0; i < workers; ++i) {
    shared_->workers.push_back(std::make_unique<Worker>(
        *this, WorkerId(static_cast<std::uint16_t>(i)), shared_->workers, workers));
  }
}

WorkerPool::~WorkerPool() {
  request_stop();
  join();
  // A task may hold what lives on another worker, so all tasks go before any worker does.
  for (const auto& worker : shared_->workers) worker->drop_tasks();
}

void WorkerPool::start() {
  LEVERET_ASSERT(!shared_->has_begun.exchange(true), "a pool starts once");
  shared_->is_running = true;
  shared_->threads.reserve(shared_->workers.size());
  for (const auto& worker : shared_->workers) {
    shared_->threads.emplace_back([&worker = *worker] {
      // The name is for people who look at threads; without it they run as well.
      const std::string name = "leveret-w" + std::to_string(worker.id().value());
      static_cast<void>(pthread_setname_np(pthread_self(), name.c_str()));
      worker.run();
    });
  }
}

void WorkerPool::request_stop() {
  if (shared_->is_stopping.exchange(true)) return;
  for (const auto& worker : shared_->workers) worker->wake();
}

void WorkerPool::join() {
  LEVERET_ASSERT(
      shared_->runs_on_caller || !Worker::current() || &Worker::current()->pool() != this,
      "a worker cannot wait for its own end");
  for (std::thread& thread : shared_->threads) thread.join();
  shared_->threads.clear();
  if (std::exchange(shared_->runs_on_caller, false)) Worker::detach_thread();
  shared_->is_running = false;
}

void WorkerPool::run_on_caller() {
  LEVERET_ASSERT(shared_->workers.size() == 1, "{} workers on one thread", shared_->workers.size());
  LEVERET_ASSERT(!shared_->has_begun.exchange(true), "a pool starts once");
  shared_->runs_on_caller = true;
  shared_->is_running = true;
  shared_->workers.front()->attach_thread();
}

bool WorkerPool::poll_turns_until(const std::function<bool()>& is_done,
                                  std::chrono::milliseconds bound) {
  LEVERET_ASSERT(shared_->runs_on_caller, "run_on_caller() comes first");
  Worker& worker = *shared_->workers.front();
  const SystemClock clock;
  const Time give_up = clock.now() + bound;
  while (!is_done()) {
    if (clock.now() >= give_up) return false;
    const bool has_more = worker.turn();
    if (is_done()) break;
    if (!has_more) worker.sleep(give_up);
  }
  return true;
}

void WorkerPool::add_turn_hook(WorkerId worker_id, TurnHook& hook) {
  LEVERET_ASSERT(is_home(worker_id), "worker {}'s hook added elsewhere", worker_id.value());
  worker(worker_id).add_hook(hook);
}

void WorkerPool::remove_turn_hook(WorkerId worker_id, TurnHook& hook) {
  LEVERET_ASSERT(is_home(worker_id), "worker {}'s hook removed elsewhere", worker_id.value());
  worker(worker_id).remove_hook(hook);
}

unsigned WorkerPool::worker_count() const { return static_cast<unsigned>(shared_->workers.size()); }

WorkerId WorkerPool::here() const {
  const Worker* current = Worker::current();
  LEVERET_ASSERT(current && &current->pool() == this, "this thread is no worker of the pool");
  return current->id();
}

void WorkerPool::post(WorkerId target, Task task) {
  worker(here()).post(worker(target), std::move(task));
}

void WorkerPool::post_from_outside(WorkerId target, Task task) {
  worker(target).post_from_outside(std::move(task));
}

bool WorkerPool::is_home(WorkerId id) const {
  return Worker::current() == &worker(id) || !shared_->is_running;
}

std::uint64_t WorkerPool::in_flight(WorkerId target) const {
  return worker(here()).in_flight(worker(target));
}

void WorkerPool::shrink() { worker(here()).shrink(); }

WorkerCounters WorkerPool::counters(WorkerId id) const { return worker(id).counters(); }

boost::asio::io_context& WorkerPool::io_context(WorkerId id) { return worker(id).io_context(); }

Worker& WorkerPool::worker(WorkerId id) const {
  LEVERET_ASSERT(id.value() < shared_->workers.size(), "worker {} of {}", id.value(),
                 shared_->workers.size());
  return *shared_->workers[id.value()];
}

bool WorkerPool::is_stopping() const { return shared_->is_stopping; }

bool WorkerPool::is_all_quiet() const { return shared_->is_all_quiet; }

void WorkerPool::count_report() { shared_->reports.fetch_add(1, std::memory_order_acq_rel); }

void WorkerPool::tell_all_quiet() {
  shared_->is_all_quiet = true;
  for (const auto& worker : shared_->workers) worker->wake();
}

}  // namespace leveret
