// SPDX-License-Identifier: Apache-2.0
//
// DeliveryAges: since when a channel's deliveries have been unacknowledged. Looks now and then at
// which delivery was the last, so that a delivery itself costs nothing.
//
// Thread: the connection's worker. Spec: RabbitMQ: consumers#acknowledgement-timeout.

#pragma once

#include "base/clock.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>

namespace leveret {

class DeliveryAges {
 public:
  /// How often in the time of a timeout one should look. What is overdue is so after the timeout
  /// and before it and twice this part of it are over.
  static constexpr int looks_per_timeout = 8;
  /// One does not look more often than this: of a shorter timeout what is overdue is so a little
  /// later.
  static constexpr Duration shortest_between_looks = std::chrono::milliseconds(100);
  [[nodiscard]] static constexpr Duration between_looks(Duration timeout) {
    return std::max(timeout / looks_per_timeout, shortest_between_looks);
  }

  /// Looks. `last_tag` is the newest delivery's, `oldest_tag` the oldest's that is unacknowledged;
  /// 0: there is none. More than `longest` ago is as good as `longest`.
  void look(Time now, Duration longest, std::uint64_t last_tag, std::uint64_t oldest_tag) {
    if (oldest_tag == 0) return looks_.clear();
    if (looks_.empty() || looks_.back().last_tag != last_tag) looks_.push_back({now, last_tag});
    while (looks_.front().last_tag < oldest_tag) looks_.pop_front();
    while (looks_.size() > 1 && looks_[1].at + longest <= now) looks_.pop_front();
  }

  /// When it was there for the first time that was looked. Requires: it is unacknowledged, and was
  /// there at the last look.
  [[nodiscard]] Time seen_at(std::uint64_t tag) const {
    return std::ranges::lower_bound(looks_, tag, {}, &Look::last_tag)->at;
  }

 private:
  struct Look {
    Time at{};
    std::uint64_t last_tag = 0;
  };
  std::deque<Look> looks_;  // By both. Of several with the same tag the first.
};

}  // namespace leveret
