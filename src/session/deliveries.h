// SPDX-License-Identifier: Apache-2.0
//
// Deliveries: a channel's delivery tags, and the messages they stand for that the client has not
// acknowledged.
//
// Tags grow by one for every delivery of the channel, acknowledged or not. An acknowledgement takes
// one, or with `multiple` all up to a tag; what it took is grouped by queue, to travel as one
// settlement each.
//
// Thread: the channel's worker. Complexity: O(1) at the old end, where acknowledgements come; O(log
// n) in the middle.

#pragma once

#include "base/deque.h"
#include "message/ids.h"
#include "vhost/topology.h"

#include <cstdint>
#include <span>
#include <vector>

namespace leveret {

struct UnackedDelivery {
  std::uint64_t tag = 0;
  MessageSeq seq;
  /// Null: already settled. Not owned: the channel holds every queue it was given messages from.
  const QueueHandle* queue = nullptr;
  bool is_to_consumer = true;  ///< False: basic.get, which no prefetch counts.
};

class Deliveries {
 public:
  /// The tag of the next delivery, which is not remembered (no_ack).
  [[nodiscard]] std::uint64_t next_tag() { return ++last_tag_; }
  /// The tag of the next delivery, to be acknowledged.
  [[nodiscard]] std::uint64_t add(const QueueHandle& queue, MessageSeq seq, bool is_to_consumer);

  /// Takes the deliveries that an acknowledgement means, oldest first. `multiple` with tag 0 means
  /// all. False: there is no such delivery (any more), and nothing was taken.
  [[nodiscard]] bool take(std::uint64_t tag, bool is_multiple, std::vector<UnackedDelivery>& taken);
  /// Takes all, oldest first.
  [[nodiscard]] std::vector<UnackedDelivery> take_all();

  /// Undoes take(): a transaction was rolled back.
  void give_back(std::span<const UnackedDelivery> taken);

  [[nodiscard]] std::uint64_t unacked() const { return unacked_; }
  /// Of the last delivery, and of the oldest that is unacknowledged (0: there is none).
  [[nodiscard]] std::uint64_t last_tag() const { return last_tag_; }
  [[nodiscard]] std::uint64_t oldest_tag() const {
    return unacked_ == 0 ? 0 : deliveries_.front().tag;
  }

 private:
  void drop_settled();
  void erase_settled();

  // By tag; settled ones in the middle stay until they are first.
  Deque<UnackedDelivery> deliveries_;
  std::uint64_t last_tag_ = 0;
  std::uint64_t unacked_ = 0;
};

}  // namespace leveret
