// SPDX-License-Identifier: Apache-2.0
//
// Confirms: which publishes of a channel the broker has not answered yet.
//
// An answer names one sequence number or all up to one; each number is answered once. What comes
// out are runs of numbers that have just been answered, in order.
//
// RabbitMQ: confirms#publisher-confirms.
// Thread: whoever has the session. Complexity: O(1) a number.

#pragma once

#include "base/deque.h"

#include <cstddef>
#include <cstdint>

namespace leveret::client {

class Confirms {
 public:
  /// The next publish's sequence number, from 1.
  std::uint64_t add() {
    is_answered_.push_back(0);
    return first_ + is_answered_.size() - 1;
  }
  /// Publishes without an answer.
  [[nodiscard]] std::size_t outstanding() const { return is_answered_.size() - answered_; }

  /// Calls on_run(first, last) for each run that the answer settles. Returns false when the number
  /// was never given out, which no broker may say. One that was answered before changes nothing.
  template <class OnRun>
  [[nodiscard]] bool on_answer(std::uint64_t sequence, bool is_multiple, OnRun&& on_run) {
    const std::uint64_t end = first_ + is_answered_.size();
    if (sequence == 0 && is_multiple) sequence = end - 1;  // All there are.
    if (sequence >= end) return false;
    if (sequence < first_) return true;
    const std::uint64_t begin = is_multiple ? first_ : sequence;
    std::uint64_t run = 0;  // Where the run begins; 0: in none.
    for (std::uint64_t at = begin; at <= sequence; ++at) {
      char& is_answered = is_answered_[at - first_];
      if (is_answered == 0 && run == 0) run = at;
      if (is_answered != 0 && run != 0) {
        on_run(run, at - 1);
        run = 0;
      }
      if (is_answered == 0) ++answered_;
      is_answered = 1;
    }
    if (run != 0) on_run(run, sequence);
    while (!is_answered_.empty() && is_answered_.front() != 0) {
      is_answered_.pop_front();
      ++first_;
      --answered_;
    }
    return true;
  }

 private:
  std::uint64_t first_ = 1;  // Of what is in the deque.
  Deque<char> is_answered_;
  std::size_t answered_ = 0;  // Of those in the deque.
};

}  // namespace leveret::client
