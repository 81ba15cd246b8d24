// SPDX-License-Identifier: Apache-2.0
//
// Inbox and BatchStock are both lists that many push to and one takes whole. Because nobody ever
// pops a single node, the list has no ABA problem and needs no counters or hazard pointers.

#include "net/crossing.h"

#include "base/assert.h"

#include <utility>

namespace leveret {
namespace {

/// Returns how many there were.
std::size_t destroy_list(Batch* batch) {
  std::size_t count = 0;
  for (; batch; ++count) {
    std::unique_ptr<Batch> owned(batch);
    batch = owned->next;
  }
  return count;
}

}  // namespace

Inbox::~Inbox() { destroy_list(take_all()); }

bool Inbox::push(std::unique_ptr<Batch> batch) {
  Batch* pushed = batch.release();
  Batch* newest = newest_.load(std::memory_order_relaxed);
  do {
    pushed->next = newest == asleep() ? nullptr : newest;
    // Release: the taker sees the tasks. A failed attempt needs no order; it only tries again.
  } while (!newest_.compare_exchange_weak(newest, pushed, std::memory_order_release,
                                          std::memory_order_relaxed));
  return newest == asleep();
}

Batch* Inbox::take_all() {
  // The common turn finds nothing, and a load does not take the cache line from the pushers.
  if (newest_.load(std::memory_order_relaxed) == nullptr) return nullptr;
  Batch* newest = newest_.exchange(nullptr, std::memory_order_acquire);
  if (newest == asleep()) return nullptr;
  Batch* oldest = nullptr;
  while (newest) {
    Batch* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}

bool Inbox::begin_sleep() {
  Batch* expected = nullptr;
  return newest_.compare_exchange_strong(expected, asleep(), std::memory_order_relaxed);
}

BatchStock::~BatchStock() {
  destroy_list(at_hand_);
  destroy_list(returned_.load(std::memory_order_acquire));
}

std::unique_ptr<Batch> BatchStock::take() {
  if (!at_hand_ && returned_.load(std::memory_order_relaxed)) {
    at_hand_ = returned_.exchange(nullptr, std::memory_order_acquire);
  }
  if (!at_hand_) {
    auto made = std::make_unique<Batch>();
    made->tasks.reserve(Batch::tasks_max);
    return made;
  }
  std::unique_ptr<Batch> taken(at_hand_);
  at_hand_ = std::exchange(taken->next, nullptr);
  count_.fetch_sub(1, std::memory_order_relaxed);
  return taken;
}

void BatchStock::give_back(std::unique_ptr<Batch> batch) {
  LEVERET_DEBUG_ASSERT(batch->tasks.empty());
  if (count_.load(std::memory_order_relaxed) >= batches_max) return;
  count_.fetch_add(1, std::memory_order_relaxed);
  Batch* returned = batch.release();
  returned->next = returned_.load(std::memory_order_relaxed);
  while (!returned_.compare_exchange_weak(returned->next, returned, std::memory_order_release,
                                          std::memory_order_relaxed)) {
  }
}

void BatchStock::shrink() {
  const std::size_t freed = destroy_list(std::exchange(at_hand_, nullptr)) +
                            destroy_list(returned_.exchange(nullptr, std::memory_order_acquire));
  count_.fetch_sub(freed, std::memory_order_relaxed);
}

}  // namespace leveret
