// SPDX-License-Identifier: Apache-2.0
//
// What the firehose says of a message: another message, to the exchange amq.rabbitmq.trace, with
// the same body, and in its headers what the message was and what was done with it.
//
//   publish.<exchange>   exchange_name, routing_keys, properties, node, vhost, connection, channel,
//                        user, routed_queues
//   deliver.<queue>      the same without routed_queues, and redelivered (0 or 1)
//
// Order and types are RabbitMQ 3.10's. Of routed_queues only those that exist are named; RabbitMQ
// also names what the default exchange would lead to, and BCC's keys of a delivery. A key longer
// than 255 bytes is cut, and headers nested so deep that nobody could read them here are left out.
// RabbitMQ: firehose.
//
// Thread: any.

#pragma once

#include "message/message.h"
#include "vhost/topology.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace leveret {

inline constexpr std::string_view trace_exchange = "amq.rabbitmq.trace";

/// Who did it, and where.
struct TracedChannel {
  std::string_view node;
  std::string_view vhost;
  std::string_view connection;
  std::uint16_t channel = 0;
  std::string_view user;
};

/// Requires, of both: the message's properties are well formed.
[[nodiscard]] MessagePtr trace_of_publish(const Message& message,
                                          std::span<const std::string_view> routing_keys,
                                          std::span<const QueueHandlePtr> queues,
                                          const TracedChannel& by);
[[nodiscard]] MessagePtr trace_of_delivery(const Message& message, std::string_view queue,
                                           bool is_redelivered, const TracedChannel& by);

}  // namespace leveret
