// SPDX-License-Identifier: Apache-2.0
//
//   GET /api/overview
#include "mgmt/answers.h"
#include "mgmt/gather.h"
#include "mgmt/resources.h"
#include "mgmt/totals.h"
#include "mgmt/views.h"

namespace leveret {
namespace {

namespace json = boost::json;

json::array exchange_types_view() {
  json::array types;
  for (const ExchangeType type : exchange_types()) {
    types.push_back(json::object{{"name", exchange_type_name(type)}, {"enabled", true}});
  }
  return types;
}

json::array listeners_view(const ManagementContext& context) {
  json::array listeners;
  const auto add = [&](std::string_view protocol, std::string_view address, std::uint16_t port) {
    listeners.push_back(json::object{{"node", context.broker.node_name()},
                                     {"protocol", protocol},
                                     {"ip_address", address},
                                     {"port", port}});
  };
  for (const auto& listener : context.deps.listeners) {
    add(listener.protocol, listener.address, listener.port);
  }
  if (context.port != 0) {
    add("http", context.deps.bind.empty() ? "::" : context.deps.bind, context.port);
  }
  return listeners;
}

json::object overview_view(const Call& call, const Totals& sums) {
  const ManagementContext& context = call.context();
  std::size_t exchanges = 0;
  std::size_t queues = 0;
  for (const auto* vhost : seen_vhosts(call)) {
    exchanges += vhost->exchanges.size();
    queues += vhost->queues.size();
  }
  return {{"product_name", "Leveret"},
          {"product_version", context.deps.product_version},
          {"rabbitmq_version", context.deps.rabbitmq_version},
          {"management_version", context.deps.rabbitmq_version},
          {"cluster_name", context.broker.node_name()},
          {"node", context.broker.node_name()},
          {"rates_mode", "none"},
          {"exchange_types", exchange_types_view()},
          {"listeners", listeners_view(context)},
          {"message_stats", message_stats_view(sums.queues)},
          {"queue_totals", json::object{{"messages", sums.counts.ready + sums.counts.unacked},
                                        {"messages_ready", sums.counts.ready},
                                        {"messages_unacknowledged", sums.counts.unacked}}},
          {"object_totals", json::object{{"connections", sums.connections},
                                         {"channels", sums.channels},
                                         {"consumers", sums.counts.consumers},
                                         {"exchanges", exchanges},
                                         {"queues", queues}}}};
}

void get_overview(Call asked) {
  Broker& broker = asked.broker();
  gather<Totals>(broker, collect_totals,
                 [call = std::move(asked)](std::vector<Totals> all) mutable {
                   call.respond(HttpResponse::json(overview_view(call, sum_of(all))));
                 });
}

}  // namespace

std::span<const Route> overview_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/overview", Need::management, get_overview},
  };
  return routes;
}

}  // namespace leveret
