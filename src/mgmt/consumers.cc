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
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace leveret {
namespace {

using Connections = std::vector<ConnectionInfo>;
using ActiveConsumers = std::set<ConsumerId>;

ConsumerActivity activity_of(const ConsumerInfo& consumer, const ActiveConsumers& active) {
  if (!consumer.is_of_single_active_queue) return ConsumerActivity::up;
  return active.contains(consumer.id) ? ConsumerActivity::single_active : ConsumerActivity::waiting;
}

void respond(Call& call, const std::optional<std::string>& vhost, Connections connections,
             const ActiveConsumers& active) {
  std::ranges::sort(connections, {}, &ConnectionInfo::id);
  boost::json::array list;
  for (const ConnectionInfo& connection : connections) {
    if (vhost && connection.vhost != *vhost) continue;
    if (!call.identity().sees_vhost(connection.vhost)) continue;
    for (const ChannelInfo& channel : connection.channels) {
      for (const ConsumerInfo& consumer : channel.consumers) {
        list.push_back(consumer_view(consumer, activity_of(consumer, active), channel, connection,
                                     call.broker().node_name()));
      }
    }
  }
  call.respond(HttpResponse::json(list));
}

/// Each worker's consumers that are their queue's single active one.
void collect_active(Shard& shard, std::vector<ConsumerId>& active) {
  for (const QueueSnapshot& queue : shard.queue_snapshots()) {
    if (queue.single_active_consumer.value() != 0) active.push_back(queue.single_active_consumer);
  }
}

void respond_list(Call asked, std::optional<std::string> vhost) {
  Broker& broker = asked.broker();
  gather<ConnectionInfo>(
      broker, collect_connections,
      [call = std::move(asked), vhost = std::move(vhost)](Connections connections) mutable {
        Broker& asking = call.broker();
        gather<ConsumerId>(
            asking, collect_active,
            [call = std::move(call), vhost = std::move(vhost),
             connections = std::move(connections)](const std::vector<ConsumerId>& active) mutable {
              respond(call, vhost, std::move(connections),
                      ActiveConsumers(active.begin(), active.end()));
            });
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
