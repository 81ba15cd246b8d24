// SPDX-License-Identifier: Apache-2.0
//
// A connection's handshake: header, start, tune, open.
//
// Until tune-ok was accepted the old rule of the specification holds (AMQP 0-9-1 §2.2.4: "close the
// socket without sending any further data"), and as RabbitMQ does it not before three seconds have
// passed, which slows down who guesses passwords. One exception: a client with the capability
// authentication_failure_close is told that its login was refused.
#include "amqp/field_table.h"
#include "amqp/frame_encoder.h"
#include "auth/mechanism.h"
#include "base/log.h"
#include "session/connection.h"
#include "session/session_events.h"
#include "vhost/limits.h"

#include <cstring>
#include <optional>
#include <utility>

namespace leveret {

using amqp::AmqpResult;
using amqp::FieldTable;
using amqp::FieldValue;
using amqp::ReplyCode;

namespace {

constexpr Duration silent_close_delay = std::chrono::seconds(3);

FieldTable server_properties(const SessionOptions& options) {
  FieldTable capabilities;
  // Only what is true: clients rely on it.
  for (const char* name : {"publisher_confirms", "exchange_exchange_bindings", "basic.nack",
                           "consumer_cancel_notify", "connection.blocked", "consumer_priorities",
                           "authentication_failure_close", "per_consumer_qos", "direct_reply_to"}) {
    capabilities.set(name, FieldValue(true));
  }
  FieldTable properties;
  properties.set("capabilities", FieldValue(std::move(capabilities)));
  properties.set("cluster_name", FieldValue(options.cluster_name));
  properties.set("copyright", FieldValue(std::string("The Leveret authors")));
  properties.set("information",
                 FieldValue(std::string("Apache-2.0. Behaves as the RabbitMQ named here.")));
  properties.set("platform", FieldValue("Leveret " + options.leveret_version));
  // Clients choose what they dare by product and version.
  properties.set("product", FieldValue(std::string("RabbitMQ")));
  properties.set("version", FieldValue(options.product_version));
  return properties;
}

bool has_capability(const FieldTable& client_properties, std::string_view name) {
  const FieldValue* capabilities = client_properties.find("capabilities");
  const FieldTable* table = capabilities ? capabilities->as_table() : nullptr;
  const FieldValue* value = table ? table->find(name) : nullptr;
  return value && value->as_bool().value_or(false);
}

/// Login and password out of an AMQPLAIN response: a table's fields without its length.
std::optional<Credentials> parse_amqplain(std::string_view response) {
  const auto table = FieldTable::decode(
      amqp::RawTable(std::as_bytes(std::span(response.data(), response.size()))));
  if (!table) return std::nullopt;
  const FieldValue* login = table->find("LOGIN");
  const FieldValue* password = table->find("PASSWORD");
  if (!login || !login->as_string() || !password || !password->as_string()) return std::nullopt;
  return Credentials(*login->as_string(), *password->as_string());
}

}  // namespace

AmqpResult<void> Connection::on_protocol_header(std::span<const std::byte> header) {
  // The second is an old way to say 0-9-1 that RabbitMQ still hears.
  static constexpr char current[] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
  static constexpr char alias[] = {'A', 'M', 'Q', 'P', 1, 1, 0, 9};
  const bool is_ours = std::memcmp(header.data(), current, sizeof current) == 0 ||
                       std::memcmp(header.data(), alias, sizeof alias) == 0;
  if (!is_ours) {
    log(LogLevel::warn, "session", "connection_refused name=\"{}\" reason=bad_protocol_header",
        name_);
    output_.append(std::as_bytes(std::span(current)));
    end_talk();
    return {};
  }
  phase_ = Phase::start;
  const std::string properties = encoded_table(server_properties(options_));
  send(0, amqp::ConnectionStart{.version_major = 0,
                                .version_minor = 9,
                                .server_properties = raw_table(properties),
                                .mechanisms = "PLAIN AMQPLAIN",
                                .locales = "en_US"});
  return {};
}

AmqpResult<void> Connection::on_start_ok(const amqp::ConnectionStartOk& method) {
  const auto properties = FieldTable::decode(method.client_properties);
  if (!properties) return std::unexpected(properties.error());
  client_properties_ = encoded_table(method.client_properties);
  can_be_told_of_cancel_ = has_capability(*properties, "consumer_cancel_notify");
  can_be_told_of_blocked_ = has_capability(*properties, "connection.blocked");
  can_be_told_of_login_failure_ = has_capability(*properties, "authentication_failure_close");
  mechanism_ = method.mechanism;

  std::optional<Credentials> credentials;
  if (method.mechanism == "PLAIN") {
    credentials = parse_plain(method.response);
  } else if (method.mechanism == "AMQPLAIN") {
    credentials = parse_amqplain(method.response);
  } else {
    return amqp::refuse(ReplyCode::command_invalid,
                        "unknown authentication mechanism '" + mechanism_ + "'");
  }
  if (!credentials) {
    return amqp::refuse(ReplyCode::syntax_error, "malformed " + mechanism_ + " response");
  }

  const AuthSnapshot& auth = *shard_.auth();
  const auto user = auth.authenticate(credentials->user(), credentials->password());
  if (!user) return refuse_login(credentials->user(), user.error().text);
  if (!ends_.is_loopback && auth.is_loopback_only(credentials->user())) {
    return refuse_login(credentials->user(), "user can only connect via localhost");
  }
  user_name_ = credentials->user();
  if (shard_.has_event_listener()) shard_.tell(login_succeeded(info(), user_name_));
  phase_ = Phase::tune;
  send(0, amqp::ConnectionTune{.channel_max = options_.channel_max,
                               .frame_max = options_.frame_max,
                               .heartbeat = options_.heartbeat_seconds});
  return {};
}

AmqpResult<void> Connection::refuse_login(std::string_view user, std::string_view why) {
  log(LogLevel::warn, "session", "login_refused name=\"{}\" user=\"{}\" mechanism={} reason=\"{}\"",
      name_, log_safe(user), mechanism_, why);
  if (shard_.has_event_listener()) shard_.tell(login_refused(info(), user, why));
  if (!can_be_told_of_login_failure_) {
    close_silently();
    return {};
  }
  fail({ReplyCode::access_refused, "Login was refused using authentication mechanism " +
                                       mechanism_ + ". For details see the broker logfile."});
  return {};
}

void Connection::close_silently() {
  phase_ = Phase::ended;
  deadline_ = now_ + silent_close_delay;
  set_next_timer();
}

AmqpResult<void> Connection::on_tune_ok(const amqp::ConnectionTuneOk& method) {
  const auto refuse_tune = [](std::string_view what, std::uint32_t value, std::string_view relation,
                              std::uint32_t limit) {
    return amqp::refuse(ReplyCode::not_allowed,
                        fmt::format("negotiated {} = {}{} is {} the {} allowed value ({})", what,
                                    value, value == 0 ? " (no limit)" : "", relation,
                                    relation == "lower than" ? "minimum" : "maximum", limit));
  };
  if (method.channel_max == 0 || method.channel_max > options_.channel_max) {
    return refuse_tune("channel_max", method.channel_max, "higher than", options_.channel_max);
  }
  if (method.frame_max == 0 || method.frame_max > options_.frame_max) {
    return refuse_tune("frame_max", method.frame_max, "higher than", options_.frame_max);
  }
  if (method.frame_max < amqp::frame_bytes_min) {
    return refuse_tune("frame_max", method.frame_max, "lower than", amqp::frame_bytes_min);
  }
  channel_max_ = method.channel_max;
  frame_max_ = method.frame_max;
  heartbeat_seconds_ = method.heartbeat;
  heartbeat_.start(std::chrono::seconds(method.heartbeat), now_, sent_bytes_, received_bytes_);
  phase_ = Phase::open;
  set_next_timer();
  return {};
}

AmqpResult<void> Connection::on_open(const amqp::ConnectionOpen& method) {
  const std::string vhost(method.virtual_host);
  const VhostReplica* replica = shard_.find_vhost(vhost);
  if (replica == nullptr) {
    return amqp::refuse(ReplyCode::not_allowed, fmt::format("vhost {} not found", vhost));
  }
  const auto refuse_access = [&](std::string_view why) {
    return amqp::refuse(
        ReplyCode::not_allowed,
        fmt::format("access to vhost '{}' refused for user '{}'{}", vhost, user_name_, why));
  };
  Use of_vhost = replica->take_connection();
  if (!of_vhost) {
    return refuse_access(
        fmt::format(": connection limit ({}) is reached", replica->connections_max()));
  }
  const User* user = shard_.auth()->find_user(user_name_);
  if (user == nullptr) return refuse_access("");  // Deleted since the login.
  const std::int64_t most = limit_of(user->record.limits, max_connections);
  Use of_user = Use::take(user->connections, most);
  if (!of_user) {
    return amqp::refuse(ReplyCode::not_allowed,
                        fmt::format("connection refused for user '{}': user connection limit ({}) "
                                    "is reached",
                                    user_name_, most));
  }
  if (!shard_.auth()->may_access_vhost(user_name_, vhost)) return refuse_access("");
  vhost_use_ = std::move(of_vhost);
  user_use_ = std::move(of_user);
  vhost_name_ = vhost;
  access_.log_in(user_name_, vhost);
  phase_ = Phase::running;
  deadline_ = Time::max();
  set_next_look();
  set_next_timer();
  if (shard_.has_event_listener()) shard_.tell(connection_created(info(), shard_.node_name()));
  send(0, amqp::ConnectionOpenOk{});
  log(LogLevel::info, "session", "connection_opened name=\"{}\" user=\"{}\" vhost=\"{}\"", name_,
      log_safe(user_name_), log_safe(vhost));
  return {};
}

AmqpResult<void> Connection::on_update_secret(const amqp::ConnectionUpdateSecret&) {
  // A password cannot be renewed in place: with the internal users there is nothing to refresh, and
  // RabbitMQ answers so too.
  send(0, amqp::ConnectionUpdateSecretOk{});
  return {};
}

}  // namespace leveret
