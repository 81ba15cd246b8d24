// SPDX-License-Identifier: Apache-2.0
//
//   GET /api/bindings
//   GET /api/bindings/{vhost}
//
// The default exchange's bindings, one for each queue by its name, are shown though nobody made
// them: RabbitMQ shows them.
#include "mgmt/answers.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <algorithm>

namespace leveret {
namespace {

namespace json = boost::json;

void respond_list(Call call, bool is_of_one_vhost) {
  const auto vhosts = asked_vhosts(call, is_of_one_vhost);
  if (!respond_if_error(call, vhosts)) return;
  json::array list;
  for (const auto* vhost : *vhosts) {
    std::vector<std::string_view> queues;
    for (const auto& [name, entry] : vhost->queues) queues.push_back(name);
    std::ranges::sort(queues);
    for (const std::string_view queue : queues) {
      list.push_back(binding_view({.vhost = vhost->record.name,
                                   .destination = std::string(queue),
                                   .routing_key = std::string(queue)}));
    }
    for (const auto& [properties, binding] : vhost->bindings) {
      list.push_back(binding_view(properties));
    }
  }
  call.respond(HttpResponse::json(list));
}

void list_bindings(Call call) { respond_list(std::move(call), false); }

void list_vhost_bindings(Call call) { respond_list(std::move(call), true); }

}  // namespace

std::span<const Route> binding_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/bindings", Need::management, list_bindings},
      {"GET", "/api/bindings/{}", Need::management, list_vhost_bindings},
  };
  return routes;
}

}  // namespace leveret
