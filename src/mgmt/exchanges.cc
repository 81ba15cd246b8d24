// SPDX-License-Identifier: Apache-2.0
//
//   GET /api/exchanges
//   GET /api/exchanges/{vhost}
//   GET /api/exchanges/{vhost}/{exchange}     (the default exchange: amq.default)
#include "mgmt/answers.h"
#include "mgmt/gather.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {
namespace {

namespace json = boost::json;

using CountsById = boost::unordered_flat_map<QueueId, std::uint64_t, std::hash<QueueId>>;

/// As RabbitMQ: one without a policy has no key for it; and the plugin's key for one that knows
/// delays.
json::object view_of(const Registry::ExchangeEntry& entry, const CountsById& held_back) {
  json::object view = exchange_view(*entry.exchange);
  if (entry.policy != nullptr) view["policy"] = json_text(entry.policy->record.name);
  if (entry.exchange->held_back != nullptr) {
    const auto found = held_back.find(entry.exchange->held_back->properties.id);
    view["messages_delayed"] = found == held_back.end() ? 0 : found->second;
  }
  return view;
}

void collect_held_back(Shard& shard, std::vector<QueueSnapshot>& all) {
  all = shard.held_back_snapshots();
}

void with_held_back(Call call, void (*then)(Call, const CountsById&)) {
  Broker& broker = call.broker();
  gather<QueueSnapshot>(
      broker, collect_held_back,
      [call = std::move(call), then](const std::vector<QueueSnapshot>& all) mutable {
        CountsById counts;
        for (const QueueSnapshot& queue : all) counts[queue.id] = queue.counts.ready;
        then(std::move(call), counts);
      });
}

void respond_list(Call call, const CountsById& held_back, bool is_of_one_vhost) {
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
    for (const Registry::ExchangeEntry* entry : exchanges) {
      list.push_back(view_of(*entry, held_back));
    }
  }
  call.respond(HttpResponse::json(list));
}

void list_exchanges(Call asked) {
  with_held_back(std::move(asked), [](Call call, const CountsById& held_back) {
    respond_list(std::move(call), held_back, false);
  });
}

void list_vhost_exchanges(Call asked) {
  with_held_back(std::move(asked), [](Call call, const CountsById& held_back) {
    respond_list(std::move(call), held_back, true);
  });
}

void get_exchange(Call asked) {
  with_held_back(std::move(asked), [](Call call, const CountsById& held_back) {
    const auto vhost = find_vhost(call, call.name(0));
    if (!respond_if_error(call, vhost)) return;
    const std::string name = call.name(1) == "amq.default" ? "" : call.name(1);
    const auto found = (*vhost)->exchanges.find(name);
    if (found == (*vhost)->exchanges.end()) return call.respond(HttpResponse::not_found());
    call.respond(HttpResponse::json(view_of(found->second, held_back)));
  });
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
