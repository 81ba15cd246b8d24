// SPDX-License-Identifier: Apache-2.0
//
//   GET  /api/health/checks/alarms          200 {"status":"ok"}, or 503 with the alarms
//   GET  /api/health/checks/local-alarms    the same of this node, which is the only one
//   POST /api/leveret/set_vm_memory_high_watermark   {relative: 0.4} or {absolute: "1GB"}
//   POST /api/leveret/set_disk_free_limit            {mem_relative: 1.5} or {absolute: "1GB"}
//
// Our own two change the limits until the node stops. Errors: 400 bad_request.
#include "vhost/alarms.h"

#include "mgmt/node_resources.h"
#include "mgmt/resources.h"

#include <limits>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace leveret {
namespace {

namespace json = boost::json;

void check_alarms(Call& call, std::string_view where) {
  const AlarmSet& on = call.broker().alarms().now_on();
  if (on.is_empty()) return call.respond(HttpResponse::json(json::object{{"status", "ok"}}));
  json::array list;
  for (const Alarm& alarm : on.alarms()) {
    std::string_view resource = alarm.name;
    if (resource == "disk") resource = "disk space";  // RabbitMQ calls it so here only.
    list.push_back(json::object{{"node", call.broker().node_name()}, {"resource", resource}});
  }
  call.respond(HttpResponse::json(
      json::object{{"alarms", std::move(list)},
                   {"reason", fmt::format("There are alarms in effect {}", where)},
                   {"status", "failed"}},
      503));
}

void check_all(Call call) { check_alarms(call, "in the cluster"); }
void check_local(Call call) { check_alarms(call, "on the node"); }

/// The limit that the body gives, as a share under `share_key` or in bytes. None: it has been
/// answered.
std::optional<ResourceLimit> needed_limit(Call& call, std::string_view share_key,
                                          double share_max) {
  const auto refuse = [&](std::string_view reason) {
    call.respond(HttpResponse::bad_request(reason));
    return std::nullopt;
  };
  const auto body = call.body();
  if (!body) {
    call.respond(body.error());
    return std::nullopt;
  }
  if (const json::value* share = body->if_contains({share_key.data(), share_key.size()})) {
    const bool is_number = share->is_number();
    const double value = is_number ? share->to_number<double>() : -1;
    if (value >= 0 && value <= share_max) return MemoryShare{value};
    return refuse(fmt::format("{} must be a number from 0.0 to {:.1f}", share_key, share_max));
  }
  const auto text = find_text(*body, "absolute");
  if (!text) {
    call.respond(text.error());
    return std::nullopt;
  }
  if (!*text) return refuse(fmt::format("{} or absolute is missing", share_key));
  const auto bytes = parse_byte_count(**text);
  if (!bytes) return refuse(bytes.error().text());
  return *bytes;
}

void set_memory_limit(Call call) {
  const auto limit = needed_limit(call, "relative", 1.0);
  if (!limit) return;
  call.context().deps.resources->set_memory_limit(*limit);
  call.respond(HttpResponse::empty(204));
}

void set_disk_free_limit(Call call) {
  const auto limit = needed_limit(call, "mem_relative", std::numeric_limits<double>::max());
  if (!limit) return;
  call.context().deps.resources->set_disk_free_limit(*limit);
  call.respond(HttpResponse::empty(204));
}

}  // namespace

std::span<const Route> alarm_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/health/checks/alarms", Need::management, check_all},
      {"GET", "/api/health/checks/local-alarms", Need::management, check_local},
      {"POST", "/api/leveret/set_vm_memory_high_watermark", Need::administrator, set_memory_limit},
      {"POST", "/api/leveret/set_disk_free_limit", Need::administrator, set_disk_free_limit},
  };
  return routes;
}

}  // namespace leveret
