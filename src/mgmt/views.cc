// SPDX-License-Identifier: Apache-2.0
#include "mgmt/views.h"

#include "routing/exchange_type.h"
#include "vhost/pid_text.h"
#include "vhost/queue_arguments.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <variant>

#include <fmt/format.h>

namespace leveret {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;
namespace json = boost::json;

FieldTable decode(const std::string& encoded) {
  auto table = FieldTable::decode(raw_table(encoded));
  return table ? std::move(*table) : FieldTable();
}

json::value json_number(double number) {
  // JSON has no infinity.
  return std::isfinite(number) ? json::value(number) : json::value(nullptr);
}

double to_double(const amqp::Decimal& decimal) {
  return decimal.number / std::pow(10.0, decimal.scale);
}

json::object table_object(const FieldTable& table);
json::array typed_table(const FieldTable& table);

struct PlainView {
  json::value operator()(amqp::Void) const { return nullptr; }
  json::value operator()(bool value) const { return value; }
  template <std::integral Number>
  json::value operator()(Number value) const {
    return static_cast<std::int64_t>(value);
  }
  json::value operator()(float value) const { return json_number(value); }
  json::value operator()(double value) const { return json_number(value); }
  json::value operator()(const amqp::Decimal& value) const { return to_double(value); }
  json::value operator()(const std::string& value) const { return json_text(value); }
  json::value operator()(const amqp::ByteArray& value) const { return json_text(value.bytes); }
  json::value operator()(const amqp::Timestamp& value) const { return value.seconds; }
  json::value operator()(const FieldTable& value) const { return table_object(value); }
  json::value operator()(const amqp::FieldArray& value) const {
    json::array array;
    for (const FieldValue& element : value.values) {
      array.push_back(std::visit(PlainView{}, element.variant()));
    }
    return array;
  }
};

/// RabbitMQ's names (rabbit_binary_parser), as they stand in texts and in rabbitmqctl's JSON.
struct TypeName {
  std::string_view operator()(amqp::Void) const { return "void"; }
  std::string_view operator()(bool) const { return "bool"; }
  std::string_view operator()(std::int8_t) const { return "byte"; }
  std::string_view operator()(std::uint8_t) const { return "unsignedbyte"; }
  std::string_view operator()(std::int16_t) const { return "short"; }
  std::string_view operator()(std::uint16_t) const { return "unsignedshort"; }
  std::string_view operator()(std::int32_t) const { return "signedint"; }
  std::string_view operator()(std::uint32_t) const { return "unsignedint"; }
  std::string_view operator()(std::int64_t) const { return "long"; }
  std::string_view operator()(float) const { return "float"; }
  std::string_view operator()(double) const { return "double"; }
  std::string_view operator()(const amqp::Decimal&) const { return "decimal"; }
  std::string_view operator()(const std::string&) const { return "longstr"; }
  std::string_view operator()(const amqp::ByteArray&) const { return "binary"; }
  std::string_view operator()(const amqp::Timestamp&) const { return "timestamp"; }
  std::string_view operator()(const FieldTable&) const { return "table"; }
  std::string_view operator()(const amqp::FieldArray&) const { return "array"; }
};

json::value typed_value(const FieldValue& value) {
  if (const FieldTable* table = value.as_table()) return typed_table(*table);
  if (const amqp::FieldArray* array = value.as_array()) {
    json::array list;
    for (const FieldValue& element : array->values) {
      list.push_back(json::array{std::visit(TypeName{}, element.variant()), typed_value(element)});
    }
    return list;
  }
  return std::visit(PlainView{}, value.variant());
}

json::object table_object(const FieldTable& table) {
  json::object object;
  for (const auto& [name, value] : table) {
    object[json_text(name)] = std::visit(PlainView{}, value.variant());
  }
  return object;
}

json::array typed_table(const FieldTable& table) {
  json::array list;
  for (const auto& [name, value] : table) {
    list.push_back(
        json::array{json_text(name), std::visit(TypeName{}, value.variant()), typed_value(value)});
  }
  return list;
}

/// Length of the UTF-8 sequence that `text` begins with; 0: it is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;   // No overlong forms,
    const unsigned high = first == 0xed ? 0x9f : 0xbf;  // and no surrogates.
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

std::int64_t milliseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

json::object connection_details(const ConnectionInfo& connection) {
  return {{"name", json_text(connection.name)},
          {"peer_host", connection.peer_host},
          {"peer_port", connection.peer_port}};
}

std::string channel_name(const ConnectionInfo& connection, const ChannelInfo& channel) {
  return fmt::format("{} ({})", connection.name, channel.number);
}

}  // namespace

json::string json_text(std::string_view text) {
  json::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      valid.append("\xef\xbf\xbd");
      text.remove_prefix(1);
    } else {
      valid.append(json::string_view(text.data(), length));
      text.remove_prefix(length);
    }
  }
  return valid;
}

json::object table_view(const std::string& encoded) { return table_object(decode(encoded)); }

json::array typed_table_view(const std::string& encoded) { return typed_table(decode(encoded)); }

json::object limits_view(const LimitsRecord& limits) {
  json::object view;
  for (const auto& [name, value] : limits) view[name] = value;
  return view;
}

json::array texts_view(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.push_back(json_text(text));
  return array;
}

json::object exchange_view(const ExchangeProperties& exchange) {
  return {{"name", json_text(exchange.name)},
          {"vhost", json_text(exchange.vhost)},
          {"type", exchange_type_name(exchange.type)},
          {"durable", exchange.is_durable},
          {"auto_delete", exchange.is_auto_delete},
          {"internal", exchange.is_internal},
          {"arguments", table_view(exchange.arguments)},
          {"arguments_typed", typed_table_view(exchange.arguments)}};
}

std::string properties_key(const BindingProperties& binding) {
  if (binding.arguments.empty()) return binding.routing_key.empty() ? "~" : binding.routing_key;
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a: the same name in every process.
  for (const char c : binding.arguments) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return fmt::format("{}~{:016x}", binding.routing_key, hash);
}

json::object binding_view(const BindingProperties& binding) {
  return {{"source", json_text(binding.source)},
          {"vhost", json_text(binding.vhost)},
          {"destination", json_text(binding.destination)},
          {"destination_type", binding.is_to_queue ? "queue" : "exchange"},
          {"routing_key", json_text(binding.routing_key)},
          {"arguments", table_view(binding.arguments)},
          {"arguments_typed", typed_table_view(binding.arguments)},
          {"properties_key", json_text(properties_key(binding))}};
}

json::object message_stats_view(const QueueTotals& totals) {
  return {{"publish", totals.published},
          {"deliver", totals.delivered},
          {"deliver_no_ack", totals.auto_acked},
          {"get", totals.got},
          {"deliver_get", totals.delivered + totals.auto_acked + totals.got},
          {"ack", totals.acked},
          {"reject", totals.rejected},
          {"redeliver", totals.redelivered},
          {"dedup", totals.deduplicated}};  // As LavinMQ calls it.
}

json::object ledger_view(const QueueCounts& counts, const QueueTotals& totals, bool is_balanced) {
  const std::uint64_t there = counts.ready + counts.unacked + counts.dying;
  return {{"published", totals.published},
          {"recovered", totals.recovered},
          {"acked", totals.acked},
          {"auto_acked", totals.auto_acked},
          {"rejected", totals.rejected},
          {"expired", totals.expired},
          {"dropped", totals.dropped},
          {"dead_lettered", totals.dead_lettered},
          {"purged", totals.purged},
          {"damaged", totals.damaged},
          {"present", there},
          {"dying", counts.dying},
          {"refused", totals.refused},
          {"deduplicated", totals.deduplicated},
          {"balanced", is_balanced}};
}

json::object recovered_view(const RecoveredCounts& recovered) {
  return {{"messages_confirmed", recovered.confirmed},
          {"messages_unconfirmed", recovered.unconfirmed},
          {"messages_discarded", recovered.discarded}};
}

json::object queue_view(const QueueProperties& queue, std::string_view node, Durability durability,
                        const QueueCounts& counts, const QueueTotals& totals) {
  const QueueType type = type_of(queue);
  json::object view{{"name", json_text(queue.name)},
                    {"vhost", json_text(queue.vhost)},
                    {"node", node},
                    {"type", queue_type_name(type)},
                    {"state", "running"},
                    {"durable", queue.is_durable},
                    {"auto_delete", queue.is_auto_delete},
                    {"exclusive", queue.exclusive_owner.value() != 0},
                    {"arguments", table_view(queue.arguments)},
                    {"arguments_typed", typed_table_view(queue.arguments)},
                    {"pid", pid_text(node, queue.id)},
                    {"consumers", counts.consumers},
                    {"messages", counts.ready + counts.unacked},
                    {"messages_ready", counts.ready},
                    {"messages_unacknowledged", counts.unacked},
                    {"message_bytes", counts.ready_body_bytes + counts.unacked_body_bytes},
                    {"message_bytes_ready", counts.ready_body_bytes},
                    {"message_bytes_unacknowledged", counts.unacked_body_bytes},
                    {"durability", durability_name(durability)},
                    {"message_stats", message_stats_view(totals)}};
  if (queue.exclusive_owner.value() != 0) {
    view["owner_pid"] = pid_text(node, queue.exclusive_owner);
  }
  if (type != QueueType::classic) {
    view["leader"] = node;
    view["members"] = json::array{node};
    view["online"] = json::array{node};
  }
  return view;
}

json::object connection_view(const ConnectionInfo& connection, std::string_view node) {
  return {{"name", json_text(connection.name)},
          {"pid", pid_text(node, connection.id)},
          {"node", node},
          {"type", "network"},
          {"protocol", "AMQP 0-9-1"},
          {"state", connection.state},
          {"user", json_text(connection.user)},
          {"vhost", json_text(connection.vhost)},
          {"auth_mechanism", json_text(connection.auth_mechanism)},
          {"ssl", false},
          {"peer_host", connection.peer_host},
          {"peer_port", connection.peer_port},
          {"host", connection.host},
          {"port", connection.port},
          {"channels", connection.channels.size()},
          {"channel_max", connection.channel_max},
          {"frame_max", connection.frame_max},
          {"timeout", connection.heartbeat_seconds},
          {"recv_oct", connection.received_bytes},
          {"send_oct", connection.sent_bytes},
          {"connected_at", milliseconds(connection.connected_at)},
          {"client_properties", table_view(connection.client_properties)},
          {"client_properties_typed", typed_table_view(connection.client_properties)}};
}

json::object channel_view(const ChannelInfo& channel, const ConnectionInfo& connection,
                          std::string_view node) {
  return {{"name", json_text(channel_name(connection, channel))},
          {"pid", pid_text(node, channel.id)},
          {"connection_pid", pid_text(node, connection.id)},
          {"node", node},
          {"number", channel.number},
          {"state", "running"},
          {"user", json_text(connection.user)},
          {"vhost", json_text(connection.vhost)},
          {"confirm", channel.is_confirming},
          {"transactional", channel.is_transactional},
          {"consumer_count", channel.consumers.size()},
          {"prefetch_count", channel.prefetch_count},
          {"global_prefetch_count", channel.global_prefetch_count},
          {"messages_unacknowledged", channel.unacked},
          {"messages_unconfirmed", channel.unconfirmed},
          {"messages_uncommitted", channel.uncommitted_messages},
          {"acks_uncommitted", channel.uncommitted_acks},
          {"connection_details", connection_details(connection)}};
}

json::object consumer_view(const ConsumerInfo& consumer, ConsumerActivity activity,
                           const ChannelInfo& channel, const ConnectionInfo& connection,
                           std::string_view node) {
  return {{"consumer_tag", json_text(consumer.tag)},
          {"queue", json::object{{"name", json_text(consumer.queue)},
                                 {"vhost", json_text(connection.vhost)}}},
          {"channel_details", json::object{{"name", json_text(channel_name(connection, channel))},
                                           {"node", node},
                                           {"number", channel.number},
                                           {"connection_name", json_text(connection.name)},
                                           {"peer_host", connection.peer_host},
                                           {"peer_port", connection.peer_port},
                                           {"user", json_text(connection.user)},
                                           {"pid", pid_text(node, channel.id)}}},
          {"ack_required", consumer.is_ack_required},
          {"exclusive", consumer.is_exclusive},
          {"prefetch_count", consumer.prefetch_count},
          {"active", activity != ConsumerActivity::waiting},
          {"activity_status", activity == ConsumerActivity::up              ? "up"
                              : activity == ConsumerActivity::single_active ? "single_active"
                                                                            : "waiting"},
          {"arguments", table_view(consumer.arguments)},
          {"arguments_typed", typed_table_view(consumer.arguments)}};
}

}  // namespace leveret
