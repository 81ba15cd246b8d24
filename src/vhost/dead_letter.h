// SPDX-License-Identifier: Apache-2.0
//
// What a message becomes when it dies: the same body and properties, without its expiration, with
// what befell it in the header x-death.
//
//   x-death                 an array of tables, the last death first; one for each queue and
//   reason,
//                           with how often: count, reason, queue, time, exchange, routing-keys and,
//                           if there was one, original-expiration
//   x-first-death-reason, -queue, -exchange
//                           of the first death; only on a message that had no x-death before
//   x-last-death-reason, -queue, -exchange
//                           of the last, where it is told
//
// Order and types are RabbitMQ 3.10's, to the byte. RabbitMQ: dlx#effects.
//
// Thread: any.

#pragma once

#include "amqp/field_table.h"
#include "amqp/raw_table.h"
#include "message/message.h"
#include "queue/queue_rules.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

struct DeathNotice {
  std::string_view queue;  ///< In which it died.
  Death death = Death::rejected;
  std::uint64_t seconds = 0;       ///< When, since 1970.
  std::string_view exchange;       ///< To which it goes.
  const std::string* routing_key;  ///< With which it goes. Null: with its own, CC's among them.
  bool tells_last_death = false;   ///< Personality::tells_last_death.
};

struct DeadLetter {
  MessagePtr message;
  /// With which it is routed; the first is the message's.
  std::vector<std::string> routing_keys;
};
/// Requires: the message's properties are well formed.
[[nodiscard]] DeadLetter make_dead_letter(const Message& message, const DeathNotice& notice);

/// The keys with which a message is routed: its own and those of its header CC.
[[nodiscard]] std::vector<std::string> routing_keys_of(const Message& message,
                                                       const amqp::FieldTable& headers);

/// The headers say that the message went through `queue` and has come back to it with nobody
/// rejecting it on the way: it would go round for ever.
[[nodiscard]] bool is_in_cycle(amqp::RawTable headers, std::string_view queue);

}  // namespace leveret
