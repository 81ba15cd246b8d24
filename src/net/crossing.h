// SPDX-License-Identifier: Apache-2.0
//
// How tasks cross from one worker to another: in batches, without locks.
//
// A worker gathers what it posts to another in a Batch, and at the end of its turn pushes the batch
// on the other's Inbox with one atomic operation. The other takes all that is there with one more,
// runs it, and gives the empty batches back to where they came from. Why batches and not one ring a
// pair of workers: docs/decisions/0001-crossing-in-batches.md.
//
//   worker 1   post post post | end of turn
//                 Batch ------------ push ----> Inbox of worker 0 ---- take_all ---> run
//                   ^                                                                 |
//                   +---------------- BatchStock of worker 1 <------- give_back ------+

#pragma once

#include "base/task.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace leveret {

/// Tasks from one source to one target, in the order they were posted.
///
/// Thread: its filler until it is pushed, then its taker; never two at once.
struct Batch {
  /// A batch that has this many tasks leaves before the turn ends, so that a batch is at most
  /// 16 KiB and a busy target begins early.
  static constexpr std::size_t tasks_max = 256;

  Batch* next = nullptr;
  unsigned source = 0;  ///< Index of the worker that filled it, or the pool's mark for outside.
  std::vector<Task> tasks;
};

/// What has come for one worker: a list of batches that any thread may add to and one takes whole.
///
/// Thread: push() any; the rest the owner's.
class Inbox {
 public:
  Inbox() = default;
  /// Destroys what was never taken, unrun.
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// Adds a batch; the batches of one thread are taken in the order it pushed them. Returns true
  /// when the owner sleeps: this caller, and nobody else, must wake it.
  [[nodiscard]] bool push(std::unique_ptr<Batch> batch);

  /// All that has come, oldest first; null: nothing. The caller owns the whole list. Ends sleep.
  [[nodiscard]] Batch* take_all();

  /// Declares that the owner is going to sleep. Returns false, and it must not, when something has
  /// come. True: whoever pushes next is told to wake it.
  [[nodiscard]] bool begin_sleep();

 private:
  // Newest first; null: empty; asleep(): empty, and the owner sleeps. To keep both facts in one
  // word makes the race between "I sleep" and "I pushed" a plain compare-and-swap: either the
  // pusher finds the mark, or the sleeper finds the batch.
  [[nodiscard]] Batch* asleep() { return &asleep_mark_; }

  std::atomic<Batch*> newest_{nullptr};
  Batch asleep_mark_;
};

/// A worker's own empty batches. Those it filled come back here from the workers that ran them, so
/// that a steady flow allocates nothing.
///
/// Thread: give_back() any; take() and shrink() the owner's.
class BatchStock {
 public:
  /// More than this many are freed: a burst must not be paid for with memory for ever (1 MiB).
  static constexpr std::size_t batches_max = 64;

  BatchStock() = default;
  ~BatchStock();
  BatchStock(const BatchStock&) = delete;
  BatchStock& operator=(const BatchStock&) = delete;

  /// An empty batch with room for Batch::tasks_max tasks, used before or new.
  [[nodiscard]] std::unique_ptr<Batch> take();
  /// Requires: no task in it.
  void give_back(std::unique_ptr<Batch> batch);
  /// Frees all that is here.
  void shrink();

 private:
  Batch* at_hand_ = nullptr;  // The owner's, taken from returned_ in one piece.
  std::atomic<Batch*> returned_{nullptr};
  // How many lie in both lists. Only the bound depends on it, so it need not be exact.
  std::atomic<std::size_t> count_{0};
};

}  // namespace leveret
