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
json::object view_of(const Registry::VhostEntry& vhost, const ExchangeProperties& exchange) {
  json::object view = exchange_view(exchange);
  if (const PolicyPtr policy = vhost.policies->match_exchange(exchange.name)) {
    view["policy"] = json_text(policy->record.name);
  }
  return view;
}

void respond_list(Call call, bool is_of_one_vhost) {
  const auto vhosts = asked_vhosts(call, is_of_one_vhost);
  if (!respond_if_error(call, vhosts)) return;
  json::array list;
  for (const auto* vhost : *vhosts) {
    std::vector<const ExchangeProperties*> exchanges;
    for (const auto& [name, entry] : vhost->exchanges) exchanges.push_back(entry.exchange.get());
    std::ranges::sort(exchanges, {}, [](const ExchangeProperties* exchange) -> const std::string& {
      return exchange->name;
    });
    for (const ExchangeProperties* exchange : exchanges) list.push_back(view_of(*vhost, *exchange));
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
  call.respond(HttpResponse::json(view_of(**vhost, *found->second.exchange)));
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
