// SPDX-License-Identifier: Apache-2.0
//
// The arguments of queue.declare that mean something, and what they may be.
// RabbitMQ: queues#optional-arguments; texts as rabbit_amqqueue 3.10.8 makes them.
//
// Thread: any.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/field_table.h"
#include "journal/journal.h"
#include "queue/deduplication.h"
#include "queue/queue_rules.h"
#include "vhost/consumer_timeout.h"
#include "vhost/topology.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

/// x-queue-type. On one node a quorum queue is a classic one that is always durable, keeps every
/// message, counts how often each came back, and refuses what RabbitMQ's refuses. Of a stream see
/// queue/stream_queue.h.
enum class QueueType : std::uint8_t { classic, quorum, stream };

/// A set of them.
using QueueTypes = std::uint8_t;
[[nodiscard]] constexpr QueueTypes queue_types_with(QueueType type) {
  return static_cast<QueueTypes>(1U << static_cast<unsigned>(type));
}
inline constexpr QueueTypes all_queue_types = queue_types_with(QueueType::classic) |
                                              queue_types_with(QueueType::quorum) |
                                              queue_types_with(QueueType::stream);

[[nodiscard]] QueueType type_of(const QueueProperties& queue);
[[nodiscard]] std::string_view queue_type_name(QueueType type);
/// nullopt: it is none of x-queue-type's values.
[[nodiscard]] std::optional<QueueType> parse_queue_type(std::string_view name);

/// What is declared beside the arguments.
struct QueueFlags {
  bool is_durable = false;
  bool is_exclusive = false;
  bool is_auto_delete = false;
  bool is_server_named = false;

  /// Survives the broker.
  [[nodiscard]] bool is_kept() const { return is_durable && !is_exclusive; }
};

/// Errors: precondition_failed "invalid arg '...' for queue 'q' in vhost '/': ...", or "invalid
/// property ..." where a type of queue cannot be like that. `resource` is "queue 'q' in vhost '/'".
[[nodiscard]] amqp::AmqpResult<void> validate_queue_arguments(const amqp::FieldTable& arguments,
                                                              QueueFlags flags,
                                                              std::string_view resource);

/// Of one segment of a stream.
inline constexpr std::int64_t stream_segment_bytes_max = 3'000'000'000;

/// The names that are compared when a queue of this type is declared again, in RabbitMQ's order.
[[nodiscard]] std::vector<std::string_view> queue_argument_names(QueueType type);

/// To give this argument means the same as to leave it out: x-queue-type=classic.
[[nodiscard]] bool is_default_argument(std::string_view name, const amqp::FieldValue& value);

/// Null: it is none of x-overflow's values.
[[nodiscard]] std::optional<Overflow> parse_overflow(std::string_view name);

/// Where the messages go that die in a queue.
struct DeadLetterRoute {
  std::string exchange;
  std::optional<std::string> routing_key;  ///< Else the keys that the message came with.
};

/// What a queue does by itself, as its arguments and its policy say.
struct QueueLife {
  QueueRules rules;
  std::optional<DeadLetterRoute> dead_letters;
};

/// x-single-active-consumer.
[[nodiscard]] bool has_single_active_consumer(const QueueProperties& queue);

/// x-expire-anywhere: messages expire wherever they stand, and not only at the head.
[[nodiscard]] bool expires_anywhere(const QueueProperties& queue);

/// x-message-deduplication, x-deduplication-header, x-cache-size and x-cache-ttl; nullopt: every
/// message is let in.
[[nodiscard]] std::optional<DeduplicationRules> deduplication_of(const QueueProperties& queue);

/// x-max-priority; 0: it has no priorities.
[[nodiscard]] std::uint8_t priority_max_of(const QueueProperties& queue);

/// Of two numbers the lower holds; of two texts that of the argument. RabbitMQ:
/// parameters#combining-policy-definitions, rabbit_amqqueue_process. `policy` null: there is none.
/// Of a stream the policy goes before the arguments.
/// Of a quorum queue the policy's overflow and expires go before the arguments, and
/// reject-publish-dlx is drop-head: rabbit_quorum_queue. What an exchange holds back dies when it
/// is due.
/// `delivery_limit` is that of quorum queues that say nothing; who says -1 has none.
[[nodiscard]] QueueLife life_of(const QueueProperties& queue, const Policy* policy,
                                std::uint64_t delivery_limit = QueueRules::unlimited);

/// x-consumer-timeout, or the policy's consumer-timeout: of two the shorter;
/// x-consumer-timeout-action, else the policy's. `policy` null: there is none.
[[nodiscard]] ConsumerTimeout consumer_timeout_of(const QueueProperties& queue,
                                                  const Policy* policy);

/// x-max-age and its policy, and intervals of x-stream-offset: "7D", in milliseconds. Years have
/// 365 days, months 30. nullopt: it is none, or not above 0.
[[nodiscard]] std::optional<std::uint64_t> parse_age(std::string_view text);

/// What is wrong with an x-consumer-timeout, of a queue or a consumer, in RabbitMQ's words for a
/// number that makes no sense; nullopt: nothing.
[[nodiscard]] std::optional<std::string> check_consumer_timeout(const amqp::FieldValue& value);

/// How safe the queue's persistent messages are before they are confirmed: as its argument
/// x-durability says, else as its policy (null: none), else as the node does. Messages of a queue
/// that is not kept are in memory.
[[nodiscard]] Durability durability_of(const QueueProperties& queue, const Policy* policy,
                                       Durability of_the_node);

}  // namespace leveret
