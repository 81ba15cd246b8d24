// SPDX-License-Identifier: Apache-2.0
//
// list_vhosts, list_queues, list_exchanges, list_bindings, list_connections, list_channels,
// list_consumers: the verbs that take columns. A column with no key is one that Leveret cannot tell
// yet: it is printed empty.
#include "ctl/command.h"

#include <array>
#include <initializer_list>

#include <fmt/format.h>

namespace leveret::ctl {
namespace {

using enum CellKind;
using Defaults = std::initializer_list<std::string_view>;

constexpr std::array vhost_columns{
    Column{"name", "name"},        Column{"description", "description"},
    Column{"tags", "tags", atoms}, Column{"default_queue_type", "default_queue_type"},
    Column{"tracing", "tracing"},
};

constexpr std::array queue_columns{
    Column{"name", "name"},
    Column{"durable", "durable"},
    Column{"auto_delete", "auto_delete"},
    Column{"arguments", "arguments_typed", table},
    Column{"policy", "policy"},
    Column{"pid", "pid"},
    Column{"owner_pid", "owner_pid"},
    Column{"exclusive", "exclusive"},
    Column{"exclusive_consumer_pid", ""},
    Column{"exclusive_consumer_tag", ""},
    Column{"messages_ready", "messages_ready"},
    Column{"messages_unacknowledged", "messages_unacknowledged"},
    Column{"messages", "messages"},
    Column{"messages_ready_ram", "messages_ready"},
    Column{"messages_unacknowledged_ram", "messages_unacknowledged"},
    Column{"messages_ram", "messages"},
    Column{"messages_persistent", ""},
    Column{"message_bytes", "message_bytes"},
    Column{"message_bytes_ready", "message_bytes_ready"},
    Column{"message_bytes_unacknowledged", "message_bytes_unacknowledged"},
    Column{"message_bytes_ram", "message_bytes"},
    Column{"message_bytes_persistent", ""},
    Column{"head_message_timestamp", ""},
    Column{"disk_reads", ""},
    Column{"disk_writes", ""},
    Column{"consumers", "consumers"},
    Column{"consumer_utilisation", ""},
    Column{"consumer_capacity", ""},
    Column{"memory", ""},
    Column{"slave_pids", ""},
    Column{"synchronised_slave_pids", ""},
    Column{"state", "state"},
    Column{"type", "type"},
    Column{"leader", "leader"},
    Column{"members", "members", atoms},
    Column{"online", "online", atoms},
    Column{"durability", "durability"},
};

constexpr std::array exchange_columns{
    Column{"name", "name"},         Column{"type", "type"},
    Column{"durable", "durable"},   Column{"auto_delete", "auto_delete"},
    Column{"internal", "internal"}, Column{"arguments", "arguments_typed", table},
    Column{"policy", "policy"},
};

constexpr std::array binding_columns{
    Column{"source_name", "source"},           Column{"source_kind", "source_kind"},
    Column{"destination_name", "destination"}, Column{"destination_kind", "destination_type"},
    Column{"routing_key", "routing_key"},      Column{"arguments", "arguments_typed", table},
};

constexpr std::array connection_columns{
    Column{"pid", "pid"},
    Column{"name", "name"},
    Column{"port", "port"},
    Column{"host", "host"},
    Column{"peer_port", "peer_port"},
    Column{"peer_host", "peer_host"},
    Column{"ssl", "ssl"},
    Column{"ssl_protocol", ""},
    Column{"ssl_key_exchange", ""},
    Column{"ssl_cipher", ""},
    Column{"ssl_hash", ""},
    Column{"peer_cert_subject", ""},
    Column{"peer_cert_issuer", ""},
    Column{"peer_cert_validity", ""},
    Column{"state", "state"},
    Column{"channels", "channels"},
    Column{"protocol", "protocol_term"},
    Column{"auth_mechanism", "auth_mechanism"},
    Column{"user", "user"},
    Column{"vhost", "vhost"},
    Column{"timeout", "timeout"},
    Column{"frame_max", "frame_max"},
    Column{"channel_max", "channel_max"},
    Column{"client_properties", "client_properties_typed", table},
    Column{"recv_oct", "recv_oct"},
    Column{"recv_cnt", ""},
    Column{"send_oct", "send_oct"},
    Column{"send_cnt", ""},
    Column{"send_pend", ""},
    Column{"connected_at", "connected_at"},
};

constexpr std::array channel_columns{
    Column{"pid", "pid"},
    Column{"connection", "connection_pid"},
    Column{"name", "name"},
    Column{"number", "number"},
    Column{"user", "user"},
    Column{"vhost", "vhost"},
    Column{"transactional", "transactional"},
    Column{"confirm", "confirm"},
    Column{"consumer_count", "consumer_count"},
    Column{"messages_unacknowledged", "messages_unacknowledged"},
    Column{"messages_uncommitted", "messages_uncommitted"},
    Column{"acks_uncommitted", "acks_uncommitted"},
    Column{"messages_unconfirmed", "messages_unconfirmed"},
    Column{"prefetch_count", "prefetch_count"},
    Column{"global_prefetch_count", "global_prefetch_count"},
};

constexpr std::array consumer_columns{
    Column{"queue_name", "queue.name"},           Column{"channel_pid", "channel_details.pid"},
    Column{"consumer_tag", "consumer_tag"},       Column{"ack_required", "ack_required"},
    Column{"prefetch_count", "prefetch_count"},   Column{"active", "active"},
    Column{"activity_status", "activity_status"}, Column{"arguments", "arguments_typed", table},
};

enum class WhenEmpty { nothing, empty_line };

/// `complete` adds to a row what rabbitmqctl says and the API does not.
Outcome<void> list(const Session& session, std::string_view path, Defaults defaults,
                   WhenEmpty when_empty = WhenEmpty::nothing,
                   void (*complete)(boost::json::object&) = nullptr) {
  const Invocation& asked = session.invocation;
  const Command& command = *find_command(asked.verb);
  const auto columns =
      asked_columns(command, asked.arguments, std::span(defaults.begin(), defaults.size()));
  if (!columns) return std::unexpected(columns.error());
  const auto answer = session.api.get(path);
  if (!answer) return std::unexpected(answer.error());
  boost::json::array rows;
  // A vhost that is not there has nothing in it, says rabbitmqctl.
  if (answer->status != 404) {
    if (!answer->is_success() || !answer->body.is_array()) return fail_with(*answer);
    rows = answer->body.as_array();
  }
  if (complete != nullptr) {
    for (boost::json::value& row : rows) complete(row.as_object());
  }
  session.print(format_rows(rows, *columns, asked, when_empty == WhenEmpty::empty_line));
  return {};
}

std::string in_vhost(std::string_view resource, const Session& session) {
  return fmt::format("/api/{}/{}", resource, encode_percent(session.invocation.vhost));
}

Outcome<void> list_vhosts(const Session& session) {
  session.banner("Listing vhosts ...");
  return list(session, "/api/vhosts", {"name"}, WhenEmpty::empty_line);
}

Outcome<void> list_queues(const Session& session) {
  const Invocation& asked = session.invocation;
  session.banner(fmt::format("Timeout: {}.0 seconds ...",
                             asked.timeout.value_or(std::chrono::seconds(60)).count()));
  session.banner(fmt::format("Listing queues for vhost {} ...", asked.vhost));
  if (asked.has_switch("--offline")) {
    // There is one node; when it answers there is nothing offline.
    const auto answer = session.api.get("/api/leveret/ping");
    if (!answer) return std::unexpected(answer.error());
    return {};
  }
  return list(session, in_vhost("queues", session), {"name", "messages"});
}

Outcome<void> list_exchanges(const Session& session) {
  session.banner(fmt::format("Listing exchanges for vhost {} ...", session.invocation.vhost));
  return list(session, in_vhost("exchanges", session), {"name", "type"});
}

Outcome<void> list_bindings(const Session& session) {
  session.banner(fmt::format("Listing bindings for vhost {}...", session.invocation.vhost));
  return list(session, in_vhost("bindings", session),
              {"source_name", "source_kind", "destination_name", "destination_kind", "routing_key",
               "arguments"},
              WhenEmpty::nothing,
              [](boost::json::object& row) { row["source_kind"] = "exchange"; });
}

Outcome<void> list_connections(const Session& session) {
  session.banner("Listing connections ...");
  return list(session, "/api/connections", {"user", "peer_host", "peer_port", "state"},
              WhenEmpty::nothing,
              [](boost::json::object& row) { row["protocol_term"] = "{0,9,1}"; });
}

Outcome<void> list_channels(const Session& session) {
  session.banner("Listing channels ...");
  return list(session, "/api/channels",
              {"pid", "user", "consumer_count", "messages_unacknowledged"});
}

Outcome<void> list_consumers(const Session& session) {
  session.banner(fmt::format("Listing consumers in vhost {} ...", session.invocation.vhost));
  return list(session, in_vhost("consumers", session),
              {"queue_name", "channel_pid", "consumer_tag", "ack_required", "prefetch_count",
               "active", "arguments"});
}

constexpr std::array list_queues_switches{
    Switch{"--online", "", false, "lists only queues on online (reachable) nodes"},
    Switch{"--offline", "", false, "lists only queues on offline (unreachable) nodes"},
    Switch{"--local", "", false, "only return queues hosted on the target node"},
};

constexpr Command listing(std::string_view verb, std::string_view group, std::string_view usage,
                          std::string_view summary, Outcome<void> (*run)(const Session&),
                          std::span<const Column> columns, std::span<const Switch> switches = {}) {
  return {.verb = verb,
          .group = group,
          .usage = usage,
          .summary = summary,
          .run = run,
          .switches = switches,
          .columns = columns};
}

}  // namespace

std::span<const Command> listing_commands() {
  static constexpr std::string_view group = "Monitoring, observability and health checks";
  static constexpr Command commands[] = {
      listing("list_vhosts", "Access Control",
              "list_vhosts [--no-table-headers] [<column> ...] [--timeout <timeout>]",
              "Lists virtual hosts", list_vhosts, vhost_columns),
      listing("list_bindings", group,
              "list_bindings [--vhost <vhost>] [--no-table-headers] [<column> ...] [--timeout "
              "<timeout>]",
              "Lists all bindings on a vhost", list_bindings, binding_columns),
      listing("list_channels", group, "list_channels [--no-table-headers] [<column> ...]",
              "Lists all channels in the node", list_channels, channel_columns),
      listing("list_connections", group,
              "list_connections [--no-table-headers] [<column> ...] [--timeout <timeout>]",
              "Lists AMQP 0.9.1 connections for the node", list_connections, connection_columns),
      listing("list_consumers", group,
              "list_consumers [--vhost <vhost>] [--no-table-headers] [<column> ...] [--timeout "
              "<timeout>]",
              "Lists all consumers for a vhost", list_consumers, consumer_columns),
      listing("list_exchanges", group,
              "list_exchanges [--vhost <vhost>] [--no-table-headers] [<column> ...] [--timeout "
              "<timeout>]",
              "Lists exchanges", list_exchanges, exchange_columns),
      listing("list_queues", group,
              "list_queues [--vhost <vhost>] [--online] [--offline] [--local] "
              "[--no-table-headers] [<column>, ...] [--timeout <timeout>]",
              "Lists queues and their properties", list_queues, queue_columns,
              list_queues_switches),
  };
  return commands;
}

}  // namespace leveret::ctl
