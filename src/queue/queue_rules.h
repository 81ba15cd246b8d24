// SPDX-License-Identifier: Apache-2.0
//
// QueueRules: what a queue does with its messages by itself: how long they live, how many there may
// be, what becomes of those that are too old or too many. From its arguments and its policy; may be
// replaced while the queue lives.
//
// Thread: values. RabbitMQ: ttl, maxlength, dlx.

#pragma once

#include <cstdint>

namespace leveret {

/// What happens when a queue is full. RabbitMQ: x-overflow.
enum class Overflow : std::uint8_t {
  drop_head,           ///< Its oldest messages die.
  reject_publish,      ///< A publish is refused.
  reject_publish_dlx,  ///< A publish is refused, and its message dies.
};

struct QueueRules {
  static constexpr std::uint64_t unlimited = UINT64_MAX;

  std::uint64_t message_ttl_ms = unlimited;  ///< Of messages that come from now on.
  std::uint64_t expires_ms = unlimited;      ///< The queue itself, when nobody uses it so long.
  std::uint64_t length_max = unlimited;      ///< Ready messages.
  std::uint64_t body_bytes_max = unlimited;  ///< Of ready messages; of a stream on its disk.
  std::uint64_t max_age_ms = unlimited;      ///< Of a stream's messages.
  std::uint64_t page_bytes_max = unlimited;  ///< A stream forgets so much at a time, or less.
  std::uint64_t delivery_limit = unlimited;  ///< A message that came back more often dies.
  Overflow overflow = Overflow::drop_head;
  bool has_dead_letter_exchange = false;  ///< Messages that die are given to the host.
  bool shows_delivery_count = false;      ///< Deliveries have the header x-delivery-count.
  bool expires_anywhere = false;          ///< Not only the first: the store finds each.
  bool is_holding_back = false;           ///< A message expires when its x-delay is over.

  [[nodiscard]] bool has_limit() const {
    return length_max != unlimited || body_bytes_max != unlimited;
  }
  /// More returns than are counted are more than any limit.
  [[nodiscard]] bool is_returned_too_often(std::uint16_t returns) const {
    return returns > delivery_limit || (returns == UINT16_MAX && delivery_limit != unlimited);
  }
  /// So much is too much.
  [[nodiscard]] bool is_over(std::uint64_t messages, std::uint64_t body_bytes) const {
    return messages > length_max || body_bytes > body_bytes_max;
  }
};

/// Why a message died: x-death's `reason`.
enum class Death : std::uint8_t {
  rejected,        ///< basic.reject or basic.nack without requeue.
  expired,         ///< It was too old.
  maxlen,          ///< There were too many.
  delivery_limit,  ///< It came back once too often.
};

}  // namespace leveret
