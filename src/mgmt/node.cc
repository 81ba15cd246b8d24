// SPDX-License-Identifier: Apache-2.0
//
//   GET /api/nodes
//   GET /api/nodes/{node}
#include "mgmt/answers.h"
#include "mgmt/node_resources.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"
#include "vhost/alarms.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

namespace leveret {
namespace {

namespace json = boost::json;

std::uint64_t descriptors_open() {
  std::error_code error;
  std::uint64_t count = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  // The iterator's own descriptor is among them.
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  return count > 0 ? count - 1 : 0;
}

std::uint64_t descriptors_max() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

/// As `rabbitmqctl status --formatter json` tells it.
json::object setting_view(const ResourceLimit& limit) {
  if (const auto* bytes = std::get_if<std::uint64_t>(&limit)) return {{"absolute", *bytes}};
  return {{"relative", std::get<MemoryShare>(limit).share}};
}

json::array alarms_view(const AlarmSet& alarms) {
  json::array list;
  for (const Alarm& alarm : alarms.alarms()) {
    list.push_back(json::object{{"resource", alarm.name}, {"reason", alarm.reason}});
  }
  return list;
}

json::object node_view(const ManagementContext& context) {
  const AlarmSet& alarms = context.broker.alarms().now_on();
  const ResourceReadings resources = context.deps.resources->readings();
  const auto uptime = context.broker.clock().wall_now() - context.started_at;
  json::object view{
      {"name", context.broker.node_name()},
      {"type", "disc"},
      {"running", true},
      {"os_pid", std::to_string(::getpid())},
      {"uptime", std::chrono::duration_cast<std::chrono::milliseconds>(uptime).count()},
      {"processors", static_cast<std::int64_t>(::sysconf(_SC_NPROCESSORS_ONLN))},
      {"workers", context.broker.worker_count()},
      {"fd_used", descriptors_open()},
      {"fd_total", descriptors_max()},
      {"mem_used", resources.memory_used},
      {"mem_total", resources.memory_total},
      {"mem_limit", resources.memory_limit},
      {"mem_limit_setting", setting_view(resources.memory_setting)},
      {"mem_calculation_strategy", "rss"},
      {"mem_alarm", alarms.contains("memory")},
      {"disk_free_limit", resources.disk_free_limit},
      {"disk_free_alarm", alarms.contains("disk")},
      {"alarms", alarms_view(alarms)},
      {"partitions", json::array()},
      {"rates_mode", "none"},
      {"db_dir", json_text(context.deps.data_directory.native())},
      {"auth_mechanisms", json::array{json::object{{"name", "PLAIN"}, {"enabled", true}},
                                      json::object{{"name", "AMQPLAIN"}, {"enabled", true}}}}};
  if (resources.disk_free) view["disk_free"] = *resources.disk_free;
  return view;
}

void list_nodes(Call call) {
  call.respond(HttpResponse::json(json::array{node_view(call.context())}));
}

void get_node(Call call) {
  if (call.name(0) != call.broker().node_name()) return call.respond(HttpResponse::not_found());
  call.respond(HttpResponse::json(node_view(call.context())));
}

}  // namespace

std::span<const Route> node_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/nodes", Need::management, list_nodes},
      {"GET", "/api/nodes/{}", Need::management, get_node},
  };
  return routes;
}

}  // namespace leveret
