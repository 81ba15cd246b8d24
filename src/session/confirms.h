// SPDX-License-Identifier: Apache-2.0
//
// Confirms: a channel's publishes that somebody waits for, from publish to safe.
//
// Each publish gets the next sequence and waits for as many queues as it was routed to. What has
// become safe is told once a turn, as few acks as say it: everything up to the first publish that
// still waits goes out as one `multiple`, what is safe beyond it one by one. A publish that any
// queue refused is nacked, before a `multiple` passes over it. RabbitMQ: confirms.
//
// Thread: the channel's worker.

#pragma once

#include "base/deque.h"

#include <cstdint>
#include <vector>

namespace leveret {

class Confirms {
 public:
  /// Answers to be sent, in this order.
  struct Answer {
    std::uint64_t sequence = 0;
    bool is_multiple = false;
    bool is_ack = true;  ///< False: basic.nack.
  };

  /// The next publish, which waits for `queues` queues (none: safe at once). Returns its sequence,
  /// from 1.
  std::uint64_t add(std::uint32_t queues);
  /// One of the queues that `sequence` waits for has answered.
  void on_answer(std::uint64_t sequence, bool is_accepted);

  /// What has become sayable since the last call.
  [[nodiscard]] std::vector<Answer> take_answers();
  [[nodiscard]] bool has_answers() const { return has_news_; }

  /// Publishes not yet answered for.
  [[nodiscard]] std::uint64_t unconfirmed() const { return unconfirmed_; }

 private:
  struct Publish {
    std::uint32_t waits_for = 0;
    bool is_refused = false;
    bool is_told = false;
  };

  Deque<Publish> publishes_;  // From first_ on.
  std::uint64_t first_ = 1;
  std::uint64_t unconfirmed_ = 0;
  std::vector<std::uint64_t> settled_ahead_;  // Became safe while an earlier one still waits.
  bool has_news_ = false;
};

}  // namespace leveret
