// SPDX-License-Identifier: Apache-2.0
#include "session/firehose.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"
#include "amqp/limits.h"
#include "session/message_rules.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leveret {
namespace {

using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;

/// What is in the headers of a message is two tables deeper in what is said of it, which has to
/// stay a message that others can read.
constexpr int headers_depth_max = amqp::table_depth_max - 2;

/// RabbitMQ has every number as `I`, which a timestamp need not fit.
FieldValue number(std::uint64_t value) {
  if (value <= INT32_MAX) return FieldValue(static_cast<std::int32_t>(value));
  return FieldValue(static_cast<std::int64_t>(value));
}

FieldTable properties_of(const Message& message) {
  // They were looked at when it was published.
  const amqp::BasicProperties given = *amqp::BasicProperties::decode(message.properties());
  FieldTable table;
  const auto text = [&table](std::string_view name, const std::optional<std::string_view>& value) {
    if (value) table.append(std::string(name), FieldValue(*value));
  };
  text("cluster_id", given.cluster_id);
  text("app_id", given.app_id);
  text("user_id", given.user_id);
  text("type", given.type);
  if (given.timestamp) table.append("timestamp", number(*given.timestamp));
  text("message_id", given.message_id);
  text("expiration", given.expiration);
  text("reply_to", given.reply_to);
  text("correlation_id", given.correlation_id);
  if (given.priority) table.append("priority", number(*given.priority));
  if (given.delivery_mode) table.append("delivery_mode", number(*given.delivery_mode));
  if (given.headers && given.headers->is_well_formed(headers_depth_max)) {
    table.append("headers", FieldTable::decode(*given.headers).value_or(FieldTable()));
  }
  text("content_encoding", given.content_encoding);
  text("content_type", given.content_type);
  return table;
}

FieldTable what(const Message& message, std::span<const std::string_view> routing_keys,
                const TracedChannel& by) {
  FieldArray keys;
  keys.values.reserve(routing_keys.size());
  for (const std::string_view key : routing_keys) keys.values.emplace_back(key);
  FieldTable table;
  table.append("exchange_name", message.exchange());
  table.append("routing_keys", std::move(keys));
  table.append("properties", properties_of(message));
  table.append("node", by.node);
  return table;
}

void append_who(FieldTable& table, const TracedChannel& by) {
  table.append("vhost", by.vhost);
  table.append("connection", by.connection);
  table.append("channel", static_cast<std::int32_t>(by.channel));
  table.append("user", by.user);
}

MessagePtr make_trace(std::string key, const FieldTable& headers, const Message& message) {
  constexpr std::size_t key_bytes_max = 255;
  if (key.size() > key_bytes_max) key.resize(key_bytes_max);
  const std::vector<std::byte> encoded = headers.to_raw();
  const amqp::BasicProperties properties{.headers = amqp::RawTable(encoded)};
  return make_message(trace_exchange, key, properties.to_raw(), message.body());
}

}  // namespace

MessagePtr trace_of_publish(const Message& message, std::span<const std::string_view> routing_keys,
                            std::span<const QueueHandlePtr> queues, const TracedChannel& by) {
  FieldTable headers = what(message, routing_keys, by);
  append_who(headers, by);
  FieldArray routed;
  routed.values.reserve(queues.size());
  for (const QueueHandlePtr& queue : queues) {
    if (queue->properties.is_held_back) continue;
    routed.values.emplace_back(std::string_view(queue->properties.name));
  }
  headers.append("routed_queues", std::move(routed));
  return make_trace("publish." + std::string(message.exchange()), headers, message);
}

MessagePtr trace_of_delivery(const Message& message, std::string_view queue, bool is_redelivered,
                             const TracedChannel& by) {
  const amqp::RawTable given = amqp::peek_headers(message.properties()).value_or(amqp::RawTable());
  FieldTable headers = what(message, all_keys(message.routing_key(), given), by);
  headers.append("redelivered", std::int32_t{is_redelivered ? 1 : 0});
  append_who(headers, by);
  return make_trace("deliver." + std::string(queue), headers, message);
}

}  // namespace leveret
