// SPDX-License-Identifier: Apache-2.0
//
// Limits: how many connections and queues a vhost may have, how many connections and channels a
// user. A definition is read here; who counts are the session and the registry.
//
// Thread: any. Spec: RabbitMQ 3.10: vhosts#limits, user-limits; texts of rabbit_vhost_limit and
// rabbit_auth_backend_internal.

#pragma once

#include "amqp/field_table.h"
#include "metadata/records.h"

#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace leveret {

inline constexpr std::string_view max_connections = "max-connections";
inline constexpr std::string_view max_queues = "max-queues";
inline constexpr std::string_view max_channels = "max-channels";

/// What limits there are, and what RabbitMQ calls them in a refusal.
struct LimitNames {
  std::string_view names[2];
  std::string_view called;
  /// Told as of any parameter: in a paragraph of its own behind "Validation failed".
  bool is_parameter = false;
};
inline constexpr LimitNames vhost_limit_names{{max_connections, max_queues}, "limits", true};
inline constexpr LimitNames user_limit_names{{max_connections, max_channels}, "user-limits"};

/// Errors: a name that is none of `allowed`; a value that is no whole number.
[[nodiscard]] std::expected<LimitsRecord, std::string> read_limits(const amqp::FieldTable& given,
                                                                   const LimitNames& allowed);

/// Below zero: any number.
[[nodiscard]] std::int64_t limit_of(const LimitsRecord& limits, std::string_view name);

}  // namespace leveret
