// SPDX-License-Identifier: Apache-2.0
//
// DeliveryAges: whether the oldest unacknowledged delivery of a channel has waited too long. Looks
// now and then at which delivery was the last, so that a delivery itself costs nothing.
//
// Thread: the connection's worker. Spec: RabbitMQ: consumers#acknowledgement-timeout.

#pragma once

#include "base/clock.h"

#include <cstdint>
#include <deque>

namespace leveret {

class DeliveryAges {
 public:
  /// How often in the time of the timeout one should look. What is overdue is so after the timeout
  /// and before it and twice this part of it are over.
  static constexpr int looks_per_timeout = 8;

  /// Looks. `last_tag` is the newest delivery's, `oldest_tag` the oldest's that is unacknowledged;
  /// 0: there is none. True: that one is older than `timeout`.
  [[nodiscard]] bool is_overdue(Time now, Duration timeout, std::uint64_t last_tag,
                                std::uint64_t oldest_tag) {
    const auto is_of_use = [&](const Look& look) { return look.last_tag >= oldest_tag; };
    if (oldest_tag == 0) {
      looks_.clear();
      return false;
    }
    looks_.push_back({now, last_tag});
    // Before the oldest was delivered.
    while (!is_of_use(looks_.front())) looks_.pop_front();
    return looks_.front().at + timeout <= now;
  }

 private:
  struct Look {
    Time at{};
    std::uint64_t last_tag = 0;
  };
  std::deque<Look> looks_;  // The oldest first; never empty for long, nor longer than a timeout.
};

}  // namespace leveret
