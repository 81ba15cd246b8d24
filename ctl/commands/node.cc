// SPDX-License-Identifier: Apache-2.0
//
// ping, status, stop.
#include "ctl/command.h"

#include <cctype>
#include <string>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

Outcome<void> ping(const Session& session) {
  if (session.invocation.shows_banner()) {
    const auto timeout = session.invocation.timeout.value_or(std::chrono::seconds(60));
    session.banner(
        fmt::format("Will ping {}. This only checks if the broker's process is running and "
                    "answers. Timeout: {} ms.",
                    node_name(session), std::chrono::milliseconds(timeout).count()));
  }
  const auto answer = get_object(session.api, "/api/leveret/ping");
  if (!answer) return std::unexpected(answer.error());
  session.print("Ping succeeded\n");
  return {};
}

Outcome<void> stop(const Session& session) {
  if (session.invocation.shows_banner()) {
    session.banner(fmt::format("Stopping and halting node {} ...", node_name(session)));
  }
  const auto answer = session.api.post_and_await_end("/api/leveret/stop");
  if (!answer) return std::unexpected(answer.error());
  if (!answer->is_success()) return fail_with(*answer);
  return {};
}

struct Status {
  json::object overview;
  json::object node;
  json::array listeners;
  std::size_t vhosts = 0;
};

Outcome<Status> get_status(const HttpClient& api) {
  Status status;
  auto overview = get_object(api, "/api/overview");
  if (!overview) return std::unexpected(overview.error());
  status.overview = std::move(*overview);
  const json::value listeners = cell(status.overview, "listeners");
  if (!listeners.is_array()) return fail_titled(ExitCode::software, "the broker names no listener");
  status.listeners = listeners.as_array();
  const auto nodes = get_rows(api, "/api/nodes");
  if (!nodes) return std::unexpected(nodes.error());
  if (nodes->empty()) return fail_titled(ExitCode::software, "the broker names no node");
  status.node = nodes->front().as_object();
  const auto vhosts = get_rows(api, "/api/vhosts");
  if (!vhosts) return std::unexpected(vhosts.error());
  status.vhosts = vhosts->size();
  return status;
}

double number(const json::object& object, std::string_view key) {
  const json::value value = cell(object, key);
  return value.is_number() ? value.to_number<double>() : 0.0;
}

std::string purpose(std::string_view protocol) {
  if (protocol == "amqp") return "AMQP 0-9-1";
  if (protocol == "http") return "HTTP API";
  return std::string(protocol);
}

/// "0.05 gb": at most four digits behind the point, at least one, as rabbitmqctl rounds.
std::string gigabytes(double bytes) {
  std::string text = fmt::format("{:.4f}", bytes / 1e9);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return text + " gb";
}

std::string setting_text(const json::object& node) {
  const json::value absolute = cell(node, "mem_limit_setting.absolute");
  if (absolute.is_number()) return gigabytes(absolute.to_number<double>());
  std::string share = fmt::format("{}", number(node, "mem_limit_setting.relative"));
  if (share.find('.') == std::string::npos) share += ".0";
  return share + " of available memory";
}

json::array alarms_of(const json::object& node) {
  const json::value alarms = cell(node, "alarms");
  return alarms.is_array() ? alarms.as_array() : json::array();
}

std::string alarms_text(const json::object& node) {
  std::string text;
  for (const json::value& alarm : alarms_of(node)) {
    std::string resource = cell_text(cell(alarm.as_object(), "resource"), CellKind::plain);
    if (resource == "disk") resource = "free disk space";
    resource[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(resource[0])));
    text += fmt::format("{} alarm on node {}\n", resource,
                        cell_text(cell(node, "name"), CellKind::plain));
  }
  return text.empty() ? "(none)\n" : text;
}

std::string status_text(const Status& status) {
  const auto text = [](const json::object& object, std::string_view key) {
    return cell_text(cell(object, key), CellKind::plain);
  };
  std::string out;
  const auto section = [&](std::string_view title) { out += fmt::format("{}\n\n", bold(title)); };
  section("Runtime");
  out += fmt::format("OS PID: {}\nOS: Linux\nUptime (seconds): {}\n", text(status.node, "os_pid"),
                     static_cast<std::int64_t>(number(status.node, "uptime")) / 1000);
  out += fmt::format("Is under maintenance?: false\nLeveret version: {}\nRabbitMQ version: {}\n",
                     text(status.overview, "product_version"),
                     text(status.overview, "rabbitmq_version"));
  out += fmt::format("Node name: {}\nWorkers: {}\n\n", text(status.overview, "node"),
                     text(status.node, "workers"));
  section("Data directory");
  out += fmt::format("Node data directory: {}\n\n", text(status.node, "db_dir"));
  section("Alarms");
  out += alarms_text(status.node) + "\n";
  section("Memory");
  out += fmt::format(
      "Total memory used: {}\nCalculation strategy: {}\nMemory high watermark setting: {}, "
      "computed "
      "to: {}\n\n",
      gigabytes(number(status.node, "mem_used")), text(status.node, "mem_calculation_strategy"),
      setting_text(status.node), gigabytes(number(status.node, "mem_limit")));
  section("File Descriptors");
  out += fmt::format("Total: {}, limit: {}\n\n", text(status.node, "fd_used"),
                     text(status.node, "fd_total"));
  section("Free Disk Space");
  out += fmt::format("Low free disk space watermark: {}\nFree disk space: {}\n\n",
                     gigabytes(number(status.node, "disk_free_limit")),
                     gigabytes(number(status.node, "disk_free")));
  section("Totals");
  out += fmt::format("Connection count: {}\nQueue count: {}\nVirtual host count: {}\n\n",
                     text(status.overview, "object_totals.connections"),
                     text(status.overview, "object_totals.queues"), status.vhosts);
  section("Listeners");
  for (const json::value& listener : status.listeners) {
    const json::object& one = listener.as_object();
    out +=
        fmt::format("Interface: {}, port: {}, protocol: {}, purpose: {}\n", text(one, "ip_address"),
                    text(one, "port"), text(one, "protocol"), purpose(text(one, "protocol")));
  }
  return out;
}

json::object status_json(const Status& status) {
  json::array listeners;
  for (const json::value& listener : status.listeners) {
    const json::object& one = listener.as_object();
    const std::string protocol = cell_text(cell(one, "protocol"), CellKind::plain);
    listeners.push_back(json::object{{"interface", cell(one, "ip_address")},
                                     {"node", cell(one, "node")},
                                     {"port", cell(one, "port")},
                                     {"protocol", protocol},
                                     {"purpose", purpose(protocol)}});
  }
  json::array alarms;
  for (const json::value& alarm : alarms_of(status.node)) {
    alarms.push_back(json::object{{"node", cell(status.node, "name")},
                                  {"resource", cell(alarm.as_object(), "resource")},
                                  {"type", "resource_limit"}});
  }
  return {{"product_name", cell(status.overview, "product_name")},
          {"product_version", cell(status.overview, "product_version")},
          {"rabbitmq_version", cell(status.overview, "rabbitmq_version")},
          {"os", "Linux"},
          {"pid", std::stoll(cell_text(cell(status.node, "os_pid"), CellKind::plain))},
          {"uptime", static_cast<std::int64_t>(number(status.node, "uptime")) / 1000},
          {"is_under_maintenance", false},
          {"data_directory", cell(status.node, "db_dir")},
          {"alarms", std::move(alarms)},
          {"memory", json::object{{"total", json::object{{"rss", cell(status.node, "mem_used")}}},
                                  {"strategy", "rss"}}},
          {"vm_memory_calculation_strategy", cell(status.node, "mem_calculation_strategy")},
          {"vm_memory_high_watermark_limit", cell(status.node, "mem_limit")},
          {"vm_memory_high_watermark_setting", cell(status.node, "mem_limit_setting")},
          {"file_descriptors", json::object{{"total_used", cell(status.node, "fd_used")},
                                            {"total_limit", cell(status.node, "fd_total")}}},
          {"disk_free", cell(status.node, "disk_free")},
          {"disk_free_limit", cell(status.node, "disk_free_limit")},
          {"totals",
           json::object{{"virtual_host_count", status.vhosts},
                        {"connection_count", cell(status.overview, "object_totals.connections")},
                        {"queue_count", cell(status.overview, "object_totals.queues")}}},
          {"listeners", listeners}};
}

Outcome<void> status(const Session& session) {
  const auto status = get_status(session.api);
  if (!status) return std::unexpected(status.error());
  if (session.invocation.format == Format::json) {
    session.print(json::serialize(status_json(*status)) + "\n");
    return {};
  }
  session.banner(fmt::format("Status of node {} ...",
                             cell_text(cell(status->overview, "node"), CellKind::plain)));
  session.print(status_text(*status));
  return {};
}

}  // namespace

std::span<const Command> node_commands() {
  static constexpr Command commands[] = {
      {"ping", "Nodes", "ping", "Checks that the broker's process is up and answers", 0, 0, ping},
      {"status", "Nodes", "status [--formatter <json>] [--timeout <timeout>]",
       "Displays status of a node", 0, 0, status},
      {"stop", "Nodes", "stop [--timeout <timeout>]",
       "Stops the broker and waits until its process has ended", 0, 0, stop},
  };
  return commands;
}

}  // namespace leveret::ctl
