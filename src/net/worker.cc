// SPDX-License-Identifier: Apache-2.0
//
// The turn of a worker, and how all workers together find out that everything posted has been run.

#include "net/worker.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

namespace leveret {
namespace {

thread_local Worker* current_worker = nullptr;

}  // namespace

Worker::Worker(WorkerPool& pool, WorkerId id, const std::vector<std::unique_ptr<Worker>>& peers,
               unsigned peer_count)
    : pool_(pool),
      id_(id),
      peers_(peers),
      peer_count_(peer_count),
      io_context_(1),
      keep_running_(io_context_.get_executor()),
      timers_(io_context_, pool, id),
      open_batches_(peer_count),
      posted_(peer_count),
      run_(peer_count + 1),
      fresh_(peer_count + 1) {}

Worker::~Worker() = default;

Worker* Worker::current() { return current_worker; }

void Worker::attach_thread() {
  LEVERET_ASSERT(!current_worker, "this thread is worker {} already", current_worker->id_.value());
  current_worker = this;
}

void Worker::detach_thread() { current_worker = nullptr; }

void Worker::drop_tasks() {
  for (auto& batch : open_batches_) batch.reset();
  own_tasks_.clear();
  Batch* next = inbox_.take_all();
  while (next) {
    std::unique_ptr<Batch> batch(next);
    next = batch->next;
  }
}

void Worker::run() {
  attach_thread();
  while (!pool_.is_stopping()) {
    // Asked again before sleeping: the turn may have swallowed the wake that came with the request.
    if (!turn() && !pool_.is_stopping()) sleep(Time::max());
  }
  run_until_all_quiet();
  detach_thread();
}

bool Worker::turn() {
  turns_.add(1);
  io_context_.poll();
  const bool has_more = run_rounds(rounds_max);
  end_turn();
  return has_more;
}

void Worker::sleep(Time wake_at) {
  if (!inbox_.begin_sleep()) return;
  sleeps_.add(1);
  if (wake_at == Time::max()) {
    io_context_.run_one();
  } else {
    io_context_.run_one_until(wake_at);
  }
}

bool Worker::run_rounds(int rounds) {
  for (int round = 0; round < rounds; ++round) {
    run_inbox();
    run_own_tasks();
    if (!run_hooks() && own_tasks_.empty()) return false;
  }
  return true;
}

void Worker::run_inbox() {
  Batch* next = inbox_.take_all();
  while (next) {
    std::unique_ptr<Batch> batch(next);
    next = batch->next;
    for (Task& task : batch->tasks) task();
    fresh_[batch->source] += batch->tasks.size();
    batches_taken_.add(1);
    if (batch->source == outside()) continue;
    batch->tasks.clear();
    peers_[batch->source]->stock_.give_back(std::move(batch));
  }
}

void Worker::run_own_tasks() {
  if (own_tasks_.empty()) return;
  own_tasks_running_.swap(own_tasks_);
  for (Task& task : own_tasks_running_) task();
  fresh_[index()] += own_tasks_running_.size();
  own_tasks_running_.clear();
  if (own_tasks_running_.capacity() > own_tasks_kept) std::vector<Task>().swap(own_tasks_running_);
}

bool Worker::run_hooks() {
  bool has_more = false;
  for (std::size_t i = 0; i < hooks_.size(); ++i) has_more |= hooks_[i]->finish_turn();
  return has_more;
}

void Worker::end_turn() {
  for (std::size_t target = 0; target < peer_count_; ++target) {
    if (open_batches_[target]) push_open_batch(target);
  }
  // After the batches: whoever learns that a task was run learns what it posted, too.
  for (std::size_t source = 0; source <= peer_count_; ++source) {
    if (const std::size_t count = std::exchange(fresh_[source], 0)) {
      run_[source].add(count, std::memory_order_release);
      tasks_run_.add(count);
    }
  }
  arming_.swap(to_arm_);
  for (const auto& watcher : arming_) watcher->arm();
  arming_.clear();
}

void Worker::push_open_batch(std::size_t target) {
  Worker& peer = *peers_[target];
  if (peer.inbox_.push(std::move(open_batches_[target]))) peer.wake();
}

void Worker::post(Worker& target, Task task) {
  posted_[target.index()].add(1);
  if (&target == this) {
    own_tasks_.push_back(std::move(task));
    return;
  }
  std::unique_ptr<Batch>& open = open_batches_[target.index()];
  if (!open) {
    open = stock_.take();
    open->source = id_.value();
  }
  open->tasks.push_back(std::move(task));
  if (open->tasks.size() == Batch::tasks_max) push_open_batch(target.index());
}

void Worker::post_from_outside(Task task) {
  posted_from_outside_.fetch_add(1, std::memory_order_relaxed);
  auto batch = std::make_unique<Batch>();
  batch->source = static_cast<unsigned>(outside());
  batch->tasks.push_back(std::move(task));
  if (inbox_.push(std::move(batch))) wake();
}

void Worker::wake() {
  wakes_.fetch_add(1, std::memory_order_relaxed);
  stop_wakes_.fetch_add(1, std::memory_order_release);
  stop_wakes_.notify_one();
  boost::asio::post(io_context_, [] {});
}

std::span<std::byte> Worker::read_buffer() {
  if (!read_buffer_) [[unlikely]]
    read_buffer_ = std::make_unique_for_overwrite<std::byte[]>(read_bytes_max);
  return {read_buffer_.get(), read_bytes_max};
}

void Worker::add_hook(TurnHook& hook) { hooks_.push_back(&hook); }

void Worker::remove_hook(TurnHook& hook) { std::erase(hooks_, &hook); }

void Worker::arm_at_turn_end(Watcher& watcher) { to_arm_.emplace_back(&watcher); }

void Worker::shrink() {
  read_buffer_.reset();
  stock_.shrink();
  timers_.shrink();
  own_tasks_.shrink_to_fit();
  own_tasks_running_.shrink_to_fit();
  to_arm_.shrink_to_fit();
  arming_.shrink_to_fit();
}

std::uint64_t Worker::in_flight(const Worker& target) const {
  return posted_[target.index()].read() - target.run_[index()].read();
}

WorkerCounters Worker::counters() const {
  return {.turns = turns_.read(),
          .sleeps = sleeps_.read(),
          .wakes = wakes_.load(std::memory_order_relaxed),
          .tasks_run = tasks_run_.read(),
          .batches_taken = batches_taken_.read()};
}

// The end of a pool. A worker that has nothing to do may still be sent something by one that has,
// so no worker may leave before nothing is under way anywhere. Each reports at the end of a turn
// what it has run, after everything those tasks posted was counted and pushed, and after its hooks
// had nothing left. So when a reader sums up first what was run and then what was posted, every
// task it counts as run has all its offspring among what it counts as posted; if both sums are
// equal, the offspring have been run as well, and there is nothing more to come. Posts that come
// from no task (of a socket or a timer) were counted before has_left_sockets_.
//
// Nobody misses the end: the reports of all go through one atomic (count_report), so that the last
// one to report sees the reports of all the others.
void Worker::run_until_all_quiet() {
  while (!pool_.is_all_quiet()) {
    const int wakes_seen = stop_wakes_.load(std::memory_order_acquire);
    while (run_rounds(rounds_max)) {
      for (std::size_t target = 0; target < peer_count_; ++target) {
        if (open_batches_[target]) push_open_batch(target);
      }
    }
    end_turn();
    has_left_sockets_.value.store(1, std::memory_order_release);
    pool_.count_report();
    if (is_all_quiet()) {
      pool_.tell_all_quiet();
    } else if (inbox_.begin_sleep()) {
      stop_wakes_.wait(wakes_seen, std::memory_order_acquire);
    }
  }
}

bool Worker::is_all_quiet() const {
  std::uint64_t run = 0;
  for (const auto& peer : peers_) {
    if (peer->has_left_sockets_.read() == 0) return false;
    for (const Published& count : peer->run_) run += count.read();
  }
  std::uint64_t posted = 0;
  for (const auto& peer : peers_) {
    for (const Published& count : peer->posted_) posted += count.read();
    posted += peer->posted_from_outside_.load(std::memory_order_acquire);
  }
  return run == posted;
}

}  // namespace leveret
