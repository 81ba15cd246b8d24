// SPDX-License-Identifier: Apache-2.0
//
// Personality: which RabbitMQ the broker is, where its versions differ and a client can tell. Code
// asks for what differs, never for a version.
//
//   any    what any of them accepts; texts and numbers are those of 3.10
//   3.10   (3.10 and before)
//   3.13
//   4.x
//
// Thread: constants. RabbitMQ: the release notes of 3.11 to 4.0.

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace leveret {

struct Personality {
  std::string_view name;
  std::string_view version;  ///< What clients and tools are told.
  /// A refused access says which: "configure access to queue ...", and not "access to queue ...".
  bool names_refused_permission = false;
  /// An exchange type that nobody knows closes the channel with 406, and not the connection with
  /// 503.
  bool is_unknown_type_soft = false;
  /// Dead letters say in x-last-death-reason, -queue and -exchange what befell them last.
  bool tells_last_death = false;
  /// Of quorum queues that do not say: a message that came back more often dies.
  std::uint64_t delivery_limit = UINT64_MAX;
  std::uint64_t message_bytes_max = 128 * 1024 * 1024;
};

/// The first is the default.
[[nodiscard]] std::span<const Personality> personalities();
/// Null: there is none of this name.
[[nodiscard]] const Personality* find_personality(std::string_view name);
inline constexpr std::string_view personality_names = "any, 3.10, 3.13, 4.x";

}  // namespace leveret
