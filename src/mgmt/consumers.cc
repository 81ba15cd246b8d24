// SPDX-License-Identifier: Apache-2.0
//
//   GET /api/consumers
//   GET /api/consumers/{vhost}
#include "mgmt/answers.h"
#include "mgmt/gather.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <algorithm>
#include <optional>

namespace leveret {
namespace {

void respond_list(Call asked, std::optional<std::string> vhost) {
  Broker& broker = asked.broker();
  gather<ConnectionInfo>(broker, collect_connections,
                         [call = std::move(asked), vhost = std::move(vhost)](
                             std::vector<ConnectionInfo> connections) mutable {
                           std::ranges::sort(connections, {}, &ConnectionInfo::id);
                           boost::json::array list;
                           for (const ConnectionInfo& connection : connections) {
                             if (vhost && connection.vhost != *vhost) continue;
                             if (!call.identity().sees_vhost(connection.vhost)) continue;
                             for (const ChannelInfo& channel : connection.channels) {
                               for (const ConsumerInfo& consumer : channel.consumers) {
                                 list.push_back(consumer_view(consumer, channel, connection,
                                                              call.broker().node_name()));
                               }
                             }
                           }
                           call.respond(HttpResponse::json(list));
                         });
}

void list_consumers(Call call) { respond_list(std::move(call), std::nullopt); }

void list_vhost_consumers(Call call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!respond_if_error(call, vhost)) return;
  std::string name = call.name(0);
  respond_list(std::move(call), std::move(name));
}

}  // namespace

std::span<const Route> consumer_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/consumers", Need::management, list_consumers},
      {"GET", "/api/consumers/{}", Need::management, list_vhost_consumers},
  };
  return routes;
}

}  // namespace leveret
