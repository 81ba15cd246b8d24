// SPDX-License-Identifier: Apache-2.0
//
// ConsumerTimeout: how long a delivery may stay unacknowledged, and what happens then. A consumer
// says so by an argument, else a queue by its argument or its policy, else the node.
//
// Thread: values. RabbitMQ: consumers#acknowledgement-timeout; `requeue` is our own.

#pragma once

#include "base/clock.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace leveret {

enum class TimeoutAction : std::uint8_t {
  unsaid,         ///< As who is asked next says.
  close_channel,  ///< With 406, as RabbitMQ does.
  requeue,        ///< The one delivery goes back to its queue.
};

/// For messages about other names.
inline constexpr std::string_view timeout_action_names = "close_channel, requeue";

[[nodiscard]] constexpr std::optional<TimeoutAction> parse_timeout_action(std::string_view name) {
  if (name == "close_channel") return TimeoutAction::close_channel;
  if (name == "requeue") return TimeoutAction::requeue;
  return std::nullopt;
}

/// Milliseconds, as whoever said it meant them: 0 is for ever.
struct ConsumerTimeout {
  static constexpr std::uint64_t unsaid = UINT64_MAX;
  static constexpr std::int64_t ms_max = 315'360'000'000;  ///< Ten years.

  std::uint64_t ms = unsaid;
  TimeoutAction action = TimeoutAction::unsaid;

  friend bool operator==(const ConsumerTimeout&, const ConsumerTimeout&) = default;
};

/// Of two that were said the shorter; `unsaid` and for ever are longer than any.
[[nodiscard]] constexpr std::uint64_t shorter_timeout(std::uint64_t a, std::uint64_t b) {
  if (a == ConsumerTimeout::unsaid || b == ConsumerTimeout::unsaid) return std::min(a, b);
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

/// Zero: for ever. Requires: it is said.
[[nodiscard]] constexpr Duration timeout_duration(std::uint64_t ms) {
  return std::chrono::milliseconds(
      std::min(ms, static_cast<std::uint64_t>(ConsumerTimeout::ms_max)));
}

}  // namespace leveret
