// SPDX-License-Identifier: Apache-2.0
//
// Worker: one thread of the pool, its event loop and its turn. The inside of WorkerPool; other
// rooms speak to the pool.
//
// Thread:  its own, unless a method says otherwise.
// Owns:    the event loop, the timers' queue, the shared read buffer. Borrows its peers, which the
//          pool destroys only when no worker runs.

#pragma once

#include "base/executor.h"
#include "base/intrusive_ptr.h"
#include "net/crossing.h"
#include "net/timer_queue.h"
#include "net/worker_pool.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace leveret {

/// Something that waits for the kernel to say "ready", and asks again at the end of the turn in
/// which it was told, so that a busy socket gets one go a turn.
class Watcher : public RefCounted<Watcher> {
 public:
  virtual ~Watcher() = default;
  /// Asks the kernel, if it still wants to. Called once for each Worker::arm_at_turn_end().
  virtual void arm() = 0;
};

class Worker {
 public:
  /// `peers` holds all workers of the pool, this one too, once all are made.
  Worker(WorkerPool& pool, WorkerId id, const std::vector<std::unique_ptr<Worker>>& peers,
         unsigned peer_count);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// The calling thread's worker, of whichever pool; null on other threads.
  [[nodiscard]] static Worker* current();
  /// Makes the calling thread this worker's, or no worker's.
  void attach_thread();
  static void detach_thread();

  /// Destroys all tasks that wait here, in either direction, unrun. Requires: no worker runs.
  void drop_tasks();

  /// Turns until the pool has stopped.
  void run();
  /// One turn. Returns true when something is left to do, so that it must not sleep.
  [[nodiscard]] bool turn();
  /// Waits in the kernel for something to do, at most until `wake_at`. Returns at once when a task
  /// has come.
  void sleep(Time wake_at);

  void post(Worker& target, Task task);
  /// Any thread.
  void post_from_outside(Task task);
  /// Any thread: makes it turn once more if it sleeps, or is about to.
  void wake();

  void add_hook(TurnHook& hook);
  void remove_hook(TurnHook& hook);
  void arm_at_turn_end(Watcher& watcher);
  /// Frees what it keeps for the next burst. Requires: called from its event loop.
  void shrink();

  [[nodiscard]] std::uint64_t in_flight(const Worker& target) const;
  /// Any thread.
  [[nodiscard]] WorkerCounters counters() const;

  [[nodiscard]] WorkerPool& pool() const { return pool_; }
  [[nodiscard]] WorkerId id() const { return id_; }
  [[nodiscard]] boost::asio::io_context& io_context() { return io_context_; }
  [[nodiscard]] TimerQueue& timers() { return timers_; }
  /// Scratch for whoever reads now; its content does not outlast the reader's callback.
  [[nodiscard]] std::span<std::byte> read_buffer();

 private:
  static constexpr std::size_t read_bytes_max = 256 * 1024;
  // After so many rounds of inbox and hooks the sockets get their turn, and batches leave.
  static constexpr int rounds_max = 8;
  // A burst of tasks to oneself is not paid for with memory for ever.
  static constexpr std::size_t own_tasks_kept = 4096;

  // A number that one thread writes and others read, on a cache line of its own.
  struct alignas(64) Published {
    std::atomic<std::uint64_t> value{0};
    void add(std::uint64_t by, std::memory_order order = std::memory_order_relaxed) {
      value.store(value.load(std::memory_order_relaxed) + by, order);
    }
    [[nodiscard]] std::uint64_t read() const { return value.load(std::memory_order_acquire); }
  };

  [[nodiscard]] bool run_rounds(int rounds);
  void run_inbox();
  void run_own_tasks();
  [[nodiscard]] bool run_hooks();
  void end_turn();
  void push_open_batch(std::size_t target);
  void run_until_all_quiet();
  [[nodiscard]] bool is_all_quiet() const;

  [[nodiscard]] std::size_t index() const { return id_.value(); }
  // Tasks from outside are counted under this index, after the peers'.
  [[nodiscard]] std::size_t outside() const { return peer_count_; }

  WorkerPool& pool_;
  const WorkerId id_;
  const std::vector<std::unique_ptr<Worker>>& peers_;
  const std::size_t peer_count_;

  // What waits in the event loop holds Watchers, and goes before anything they point to.
  std::unique_ptr<std::byte[]> read_buffer_;  // Null until somebody reads.
  boost::asio::io_context io_context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_;
  TimerQueue timers_;
  std::vector<TurnHook*> hooks_;  // Not owned: they live until the pool has been joined.
  std::vector<IntrusivePtr<Watcher>> to_arm_;
  std::vector<IntrusivePtr<Watcher>> arming_;  // to_arm_'s other half, so that it keeps its room.

  // Outgoing, by target.
  std::vector<std::unique_ptr<Batch>> open_batches_;
  BatchStock stock_;
  std::vector<Task> own_tasks_;
  std::vector<Task> own_tasks_running_;

  // Written here, by target or by source; read by the peers.
  std::vector<Published> posted_;   // Tasks posted to each worker; counted in post().
  std::vector<Published> run_;      // Tasks of each source that were run; told at the turn's end.
  std::vector<std::size_t> fresh_;  // Run in this turn, not yet told.
  Published has_left_sockets_;      // 1 when no socket or timer will make it post any more.

  Published turns_, sleeps_, tasks_run_, batches_taken_;

  // Written by other threads.
  alignas(64) Inbox inbox_;
  std::atomic<std::uint64_t> posted_from_outside_{0};
  std::atomic<std::uint64_t> wakes_{0};
  std::atomic<int> stop_wakes_{0};  // What it waits on in the stop, when it left the event loop.
};

}  // namespace leveret
