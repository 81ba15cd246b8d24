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

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace leveret {

struct UnackedDelivery {
  std::uint64_t tag = 0;
  MessageSeq seq;
  /// Null: already settled. Not owned: the channel holds every queue it was given messages from.
  const QueueHandle* queue = nullptr;
  /// How long it may stay so, as its consumer said; 0: for ever.
  static constexpr std::uint64_t no_own_timeout = (std::uint64_t{1} << 48) - 1;
  std::uint64_t own_timeout_ms : 48 = no_own_timeout;
  bool is_to_consumer : 1 = true;  ///< False: basic.get, which no prefetch counts.
};
static_assert(sizeof(UnackedDelivery) == 32);

class Deliveries {
 public:
  /// The tag of the next delivery, which is not remembered (no_ack).
  [[nodiscard]] std::uint64_t next_tag() { return ++last_tag_; }
  /// The tag of the next delivery, to be acknowledged.
  [[nodiscard]] std::uint64_t add(const QueueHandle& queue, MessageSeq seq, bool is_to_consumer,
                                  std::uint64_t own_timeout_ms = UnackedDelivery::no_own_timeout);

  /// Takes the deliveries that an acknowledgement means, oldest first. `multiple` with tag 0 means
  /// all. False: there is no such delivery (any more), and nothing was taken. A tag that take_if()
  /// took means nothing; one that is older may have been taken so, and is passed over as well.
  [[nodiscard]] bool take(std::uint64_t tag, bool is_multiple, std::vector<UnackedDelivery>& taken);
  enum class Verdict : std::uint8_t { keep, take, stop };
  /// Asks `verdict` of each that is unacknowledged, oldest first, and takes those that it says. The
  /// client does not know, and may acknowledge them still.
  template <class Judge>
  void take_if(Judge verdict, std::vector<UnackedDelivery>& taken);
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
  std::uint64_t last_unknown_taken_ = 0;  // The newest tag that take_if() took.
};

template <class Judge>
void Deliveries::take_if(Judge verdict, std::vector<UnackedDelivery>& taken) {
  for (UnackedDelivery& delivery : deliveries_) {
    if (!delivery.queue) continue;
    const Verdict said = verdict(delivery);
    if (said == Verdict::stop) break;
    if (said == Verdict::keep) continue;
    taken.push_back(delivery);
    last_unknown_taken_ = std::max(last_unknown_taken_, delivery.tag);
    delivery.queue = nullptr;
    --unacked_;
  }
  drop_settled();
}

}  // namespace leveret
