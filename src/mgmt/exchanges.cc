// SPDX-License-Identifier: Apache-2.0
//
//   GET /api/exchanges
//   GET /api/exchanges/{vhost}
//   GET /api/exchanges/{vhost}/{exchange}     (the default exchange: amq.default)
#include "mgmt/answers.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <algorithm>

namespace leveret {
namespace {

namespace json = boost::json;

/// As RabbitMQ: one without a policy has no key for it.
json::object view_of(const Registry::ExchangeEntry& entry) {
  json::object view = exchange_view(*entry.exchange);
  if (entry.policy != nullptr) view["policy"] = json_text(entry.policy->record.name);
  return view;
}

void respond_list(Call call, bool is_of_one_vhost) {
  const auto vhosts = asked_vhosts(call, is_of_one_vhost);
  if (!respond_if_error(call, vhosts)) return;
  json::array list;
  for (const auto* vhost : *vhosts) {
    std::vector<const Registry::ExchangeEntry*> exchanges;
    exchanges.reserve(vhost->exchanges.size());
    for (const auto& [name, entry] : vhost->exchanges) exchanges.push_back(&entry);
    std::ranges::sort(exchanges, {},
                      [](const Registry::ExchangeEntry* entry) -> const std::string& {
                        return entry->exchange->name;
                      });
    for (const Registry::ExchangeEntry* entry : exchanges) list.push_back(view_of(*entry));
  }
  call.respond(HttpResponse::json(list));
}

void list_exchanges(Call call) { respond_list(std::move(call), false); }

void list_vhost_exchanges(Call call) { respond_list(std::move(call), true); }

void get_exchange(Call call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!respond_if_error(call, vhost)) return;
  const std::string name = call.name(1) == "amq.default" ? "" : call.name(1);
  const auto found = (*vhost)->exchanges.find(name);
  if (found == (*vhost)->exchanges.end()) return call.respond(HttpResponse::not_found());
  call.respond(HttpResponse::json(view_of(found->second)));
}

}  // namespace

std::span<const Route> exchange_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/exchanges", Need::management, list_exchanges},
      {"GET", "/api/exchanges/{}", Need::management, list_vhost_exchanges},
      {"GET", "/api/exchanges/{}/{}", Need::management, get_exchange},
  };
  return routes;
}

}  // namespace leveret
