// SPDX-License-Identifier: Apache-2.0
//
//   GET /api/channels
#include "mgmt/answers.h"
#include "mgmt/gather.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <algorithm>

namespace leveret {
namespace {

void list_channels(Call asked) {
  Broker& broker = asked.broker();
  gather<ConnectionInfo>(
      broker, collect_connections,
      [call = std::move(asked)](std::vector<ConnectionInfo> connections) mutable {
        std::ranges::sort(connections, {}, &ConnectionInfo::id);
        boost::json::array list;
        for (const ConnectionInfo& connection : connections) {
          if (!call.identity().sees_connection_of(connection.user)) continue;
          for (const ChannelInfo& channel : connection.channels) {
            list.push_back(channel_view(channel, connection, call.broker().node_name()));
          }
        }
        call.respond(HttpResponse::json(list));
      });
}

}  // namespace

std::span<const Route> channel_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/channels", Need::management, list_channels},
  };
  return routes;
}

}  // namespace leveret
