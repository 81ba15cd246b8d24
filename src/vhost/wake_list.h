// SPDX-License-Identifier: Apache-2.0
//
// WakeList: which queue wants to be woken when. A queue may stand in it several times; it knows
// itself which of them counts.
//
// Thread: its worker. Complexity: O(log n) to add and to take; nothing for queues that have not
// asked.

#pragma once

#include "message/ids.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace leveret {

class WakeList {
 public:
  void add(std::uint64_t time_ms, QueueId queue) {
    heap_.push_back({time_ms, queue});
    std::ranges::push_heap(heap_, std::greater<>(), &Entry::time_ms);
  }
  /// nullopt: nobody has asked.
  [[nodiscard]] std::optional<std::uint64_t> next_ms() const {
    return heap_.empty() ? std::nullopt : std::optional(heap_.front().time_ms);
  }
  /// Takes one out whose time has come.
  [[nodiscard]] std::optional<QueueId> take_due(std::uint64_t now_ms) {
    if (heap_.empty() || heap_.front().time_ms > now_ms) return std::nullopt;
    std::ranges::pop_heap(heap_, std::greater<>(), &Entry::time_ms);
    const QueueId queue = heap_.back().queue;
    heap_.pop_back();
    return queue;
  }
  void shrink() { heap_.shrink_to_fit(); }

 private:
  struct Entry {
    std::uint64_t time_ms = 0;
    QueueId queue;
  };
  std::vector<Entry> heap_;
};

}  // namespace leveret
