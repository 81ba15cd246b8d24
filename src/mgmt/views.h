// SPDX-License-Identifier: Apache-2.0
//
// Views: values of the broker as JSON, with the keys of RabbitMQ's management API. Keys that it
// lacks and rabbitmqctl needs are ours: `pid`, `owner_pid`, and `arguments_typed` and its like.
//
// Thread: any; values in, values out.

#pragma once

#include "message/ids.h"
#include "metadata/records.h"
#include "queue/durability.h"
#include "queue/queue.h"
#include "vhost/ports.h"
#include "vhost/topology.h"

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace leveret {

struct RecoveredCounts;

/// Text for JSON, which is UTF-8: what is none becomes U+FFFD, byte by byte.
[[nodiscard]] boost::json::string json_text(std::string_view text);

/// An encoded field table as a JSON object: numbers, texts, booleans, arrays, objects; a timestamp
/// is its number, a decimal a number, a byte array a text. A malformed table is an empty one.
[[nodiscard]] boost::json::object table_view(const std::string& encoded);

/// The same table as a list of [key, type, value], in its order and with RabbitMQ's names of types,
/// nested tables and arrays likewise: what rabbitmqctl prints.
[[nodiscard]] boost::json::array typed_table_view(const std::string& encoded);

[[nodiscard]] boost::json::object limits_view(const LimitsRecord& limits);
[[nodiscard]] boost::json::array texts_view(const std::vector<std::string>& texts);

[[nodiscard]] boost::json::object exchange_view(const ExchangeProperties& exchange);
[[nodiscard]] boost::json::object binding_view(const BindingProperties& binding);
/// RabbitMQ's name for a binding in a path: the routing key, and a hash when there are arguments.
[[nodiscard]] std::string properties_key(const BindingProperties& binding);

/// `durability` is the level that its persistent messages have.
[[nodiscard]] boost::json::object queue_view(const QueueProperties& queue, std::string_view node,
                                             Durability durability, const QueueCounts& counts,
                                             const QueueTotals& totals);
/// What came in, what went out by which way, and what is there; `balanced`, whether that is the
/// same, as the queue says (Queue::is_balanced()).
[[nodiscard]] boost::json::object ledger_view(const QueueCounts& counts, const QueueTotals& totals,
                                              bool is_balanced);
/// What the start found, and how sure it is that it had been promised.
[[nodiscard]] boost::json::object recovered_view(const RecoveredCounts& recovered);
[[nodiscard]] boost::json::object message_stats_view(const QueueTotals& totals);

[[nodiscard]] boost::json::object connection_view(const ConnectionInfo& connection,
                                                  std::string_view node);
[[nodiscard]] boost::json::object channel_view(const ChannelInfo& channel,
                                               const ConnectionInfo& connection,
                                               std::string_view node);
enum class ConsumerActivity { up, single_active, waiting };
[[nodiscard]] boost::json::object consumer_view(const ConsumerInfo& consumer,
                                                ConsumerActivity activity,
                                                const ChannelInfo& channel,
                                                const ConnectionInfo& connection,
                                                std::string_view node);

}  // namespace leveret
