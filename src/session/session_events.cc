// SPDX-License-Identifier: Apache-2.0
#include "session/session_events.h"

#include "amqp/erlang_text.h"
#include "vhost/pid_text.h"

#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

using amqp::FieldTable;

constexpr std::string_view protocol = "{0,9,1}";

FieldTable done_by(std::string_view by) { return {{"user_who_performed_action", by}}; }

void append_number(FieldTable& headers, std::string_view name, std::uint64_t value) {
  headers.append(std::string(name), static_cast<std::int64_t>(value));
}

void append_login(FieldTable& headers, const ConnectionInfo& connection, std::string_view user) {
  headers.append("ssl", false);
  headers.append("auth_mechanism", std::string_view(connection.auth_mechanism));
  headers.append("protocol", protocol);
  append_number(headers, "peer_port", connection.peer_port);
  headers.append("peer_host", std::string_view(amqp::erlang_address(connection.peer_host)));
  headers.append("connection_name", std::string_view(connection.name));
  headers.append("host", std::string_view(amqp::erlang_address(connection.host)));
  headers.append("name", user);
  headers.append("connection_type", "network");
}

void append_consumer(FieldTable& headers, const EventChannel& channel, std::string_view queue) {
  headers.append("queue", queue);
  headers.append("vhost", channel.vhost);
  headers.append("channel", std::string_view(pid_text(channel.node, channel.id)));
}

}  // namespace

Event login_succeeded(const ConnectionInfo& connection, std::string_view user) {
  FieldTable headers;
  append_login(headers, connection, user);
  return {"user.authentication.success", std::move(headers)};
}

Event login_refused(const ConnectionInfo& connection, std::string_view user, std::string_view why) {
  FieldTable headers{{"error", why}};
  append_login(headers, connection, user);
  return {"user.authentication.failure", std::move(headers)};
}

Event connection_created(const ConnectionInfo& connection, std::string_view node) {
  using std::chrono::milliseconds;
  const auto connected_at =
      std::chrono::duration_cast<milliseconds>(connection.connected_at.time_since_epoch());
  FieldTable headers = done_by(connection.user);
  headers.append("node", node);
  append_number(headers, "connected_at", static_cast<std::uint64_t>(connected_at.count()));
  headers.append("client_properties", event_arguments(raw_table(connection.client_properties)));
  append_number(headers, "channel_max", connection.channel_max);
  append_number(headers, "frame_max", connection.frame_max);
  append_number(headers, "timeout", connection.heartbeat_seconds);
  headers.append("vhost", std::string_view(connection.vhost));
  headers.append("user", std::string_view(connection.user));
  headers.append("protocol", protocol);
  for (const char* of_tls : {"ssl_hash", "ssl_cipher", "ssl_key_exchange", "ssl_protocol"}) {
    headers.append(of_tls, "");
  }
  headers.append("auth_mechanism", std::string_view(connection.auth_mechanism));
  for (const char* of_tls : {"peer_cert_validity", "peer_cert_issuer", "peer_cert_subject"}) {
    headers.append(of_tls, "");
  }
  headers.append("ssl", false);
  headers.append("peer_host", std::string_view(amqp::erlang_address(connection.peer_host)));
  headers.append("host", std::string_view(amqp::erlang_address(connection.host)));
  append_number(headers, "peer_port", connection.peer_port);
  append_number(headers, "port", connection.port);
  headers.append("name", std::string_view(connection.name));
  headers.append("pid", std::string_view(pid_text(node, connection.id)));
  headers.append("type", "network");
  return {"connection.created", std::move(headers)};
}

Event connection_closed(const ConnectionInfo& connection, std::string_view node) {
  FieldTable headers;
  headers.append("client_properties", event_arguments(raw_table(connection.client_properties)));
  headers.append("node", node);
  headers.append("pid", std::string_view(pid_text(node, connection.id)));
  headers.append("name", std::string_view(connection.name));
  return {"connection.closed", std::move(headers)};
}

Event channel_created(const EventChannel& channel) {
  FieldTable headers = done_by(channel.user);
  headers.append("vhost", channel.vhost);
  headers.append("user", channel.user);
  append_number(headers, "number", channel.number);
  headers.append("connection", std::string_view(pid_text(channel.node, channel.connection)));
  headers.append("name",
                 std::string_view(fmt::format("{} ({})", channel.connection_name, channel.number)));
  headers.append("pid", std::string_view(pid_text(channel.node, channel.id)));
  return {"channel.created", std::move(headers)};
}

Event channel_closed(const EventChannel& channel) {
  FieldTable headers = done_by(channel.user);
  headers.append("pid", std::string_view(pid_text(channel.node, channel.id)));
  return {"channel.closed", std::move(headers)};
}

Event consumer_created(const EventChannel& channel, const ConsumerInfo& consumer) {
  FieldTable headers = done_by(channel.user);
  headers.append("arguments", event_arguments(raw_table(consumer.arguments)));
  append_number(headers, "prefetch_count", consumer.prefetch_count);
  append_consumer(headers, channel, consumer.queue);
  headers.append("ack_required", consumer.is_ack_required);
  headers.append("exclusive", consumer.is_exclusive);
  headers.append("consumer_tag", std::string_view(consumer.tag));
  return {"consumer.created", std::move(headers)};
}

Event consumer_deleted(const EventChannel& channel, std::string_view tag, std::string_view queue) {
  FieldTable headers = done_by(channel.user);
  append_consumer(headers, channel, queue);
  headers.append("consumer_tag", tag);
  return {"consumer.deleted", std::move(headers)};
}

}  // namespace leveret
