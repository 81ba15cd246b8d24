// SPDX-License-Identifier: Apache-2.0
//
// WorkerPool: the threads of the broker. Each worker is a thread with its own event loop; what
// lives on a worker is touched by that worker only, and everyone else posts a Task to it.
//
// One turn of a worker, in this order:
//
//   1. sockets and timers that are ready (each stream and listener at most once a turn)
//   2. the inbox: what other workers, this worker itself and outside threads posted
//   3. the turn hooks; while one says that it made work, 2 and 3 again, a bounded number of times
//   4. everything posted to other workers leaves, one batch a worker
//   5. sleep, unless something is left to do
//
// An idle worker sleeps in epoll without a tick. docs/threads.md tells the whole of it.
//
// Thread:  any, unless a method says otherwise.
// Owns:    the threads and event loops. Streams, timers and listeners borrow the pool and go first.

#pragma once

#include "base/executor.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): Asio's.
}

namespace leveret {

class Worker;

/// Work that is best done once for all that a turn brought: dispatching queues, sending confirms,
/// flushing outputs.
///
/// Thread: the worker it was added to.
class TurnHook {
 public:
  virtual ~TurnHook() = default;
  /// Does what the turn left to do. Returns true when that may have made more work for this worker
  /// (tasks to itself, another hook's work), so that the turn is not over yet.
  virtual bool finish_turn() = 0;
};

/// What a worker has done since the start. Read from any thread; each value is exact, they are not
/// of one instant.
struct WorkerCounters {
  std::uint64_t turns = 0;
  std::uint64_t sleeps = 0;         ///< Times it found nothing to do and waited in the kernel.
  std::uint64_t wakes = 0;          ///< Times a poster had to wake it.
  std::uint64_t tasks_run = 0;      ///< Tasks from everywhere, itself included.
  std::uint64_t batches_taken = 0;  ///< Batches those from other threads came in.
};

class WorkerPool final : public Executor {
 public:
  static constexpr unsigned workers_max = 256;

  /// Requires: 1 <= workers <= workers_max. Nothing runs before start() or run_on_caller().
  explicit WorkerPool(unsigned workers);
  /// Stops and joins. Tasks that were posted too late to run are destroyed.
  ~WorkerPool() override;
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Starts a thread for each worker ("leveret-w0" ...). Once. What was posted from outside before
  /// is run first.
  void start();

  /// Asks all workers to leave. From here on they watch no socket and no timer; they run what was
  /// posted, and what that posts, call their hooks, and leave when every posted task has run.
  /// From any thread, a worker's too; not from a signal handler (wait for the signal in a worker's
  /// event loop instead). Repeating it changes nothing.
  void request_stop();
  /// Waits until the workers have left. Requires: called on no worker.
  void join();

  /// Makes the calling thread worker 0 until the pool is destroyed, for tests and small programs.
  /// Requires: one worker, start() was not called; the pool is destroyed on this thread.
  void run_on_caller();
  /// Turns worker 0 on this thread until `is_done()`, sleeping between turns as a worker does.
  /// Returns false when `bound` passed first. Requires: run_on_caller() was called.
  [[nodiscard]] bool poll_turns_until(const std::function<bool()>& is_done,
                                      std::chrono::milliseconds bound);

  /// Adds a hook to a worker; hooks run in the order they were added. Requires: is_home(worker);
  /// the hook lives until join() has returned or remove_turn_hook().
  void add_turn_hook(WorkerId worker, TurnHook& hook);
  /// Requires: is_home(worker); not called by a hook.
  void remove_turn_hook(WorkerId worker, TurnHook& hook);

  [[nodiscard]] unsigned worker_count() const override;
  [[nodiscard]] WorkerId here() const override;
  void post(WorkerId target, Task task) override;
  /// Lock-free: one allocation and one atomic push. Tasks of one thread run in their order. Also
  /// right before start(), to set workers up. Once the pool has stopped the task may never run and
  /// is then destroyed with the pool.
  void post_from_outside(WorkerId target, Task task) override;

  /// True when the calling thread may touch what lives on `worker`: it is that worker, or no worker
  /// runs (before start, after join).
  [[nodiscard]] bool is_home(WorkerId worker) const;

  /// Tasks that the calling worker posted to `target` and that `target` has not reported as run; it
  /// reports at the end of each of its turns. To bound what one worker piles up on another.
  /// Requires: called on a worker.
  [[nodiscard]] std::uint64_t in_flight(WorkerId target) const;

  /// Frees what the calling worker keeps for the next burst: empty batches, the room of timers and
  /// tasks that are gone. For quiet moments. Requires: called on a worker, from a timer.
  void shrink();

  [[nodiscard]] WorkerCounters counters(WorkerId worker) const;

  /// The worker's event loop, for what Asio does and this room does not wrap (signals, HTTP). Its
  /// handlers run in step 1 of a turn. Requires: used on its worker; no run, poll or stop.
  [[nodiscard]] boost::asio::io_context& io_context(WorkerId worker);

 private:
  friend class Timer;
  friend class Stream;
  friend class Listener;
  friend class Worker;

  [[nodiscard]] Worker& worker(WorkerId id) const;
  [[nodiscard]] bool is_stopping() const;
  // Of the end, as worker.cc tells it.
  [[nodiscard]] bool is_all_quiet() const;
  void count_report();
  void tell_all_quiet();

  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace leveret
