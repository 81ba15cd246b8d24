// SPDX-License-Identifier: Apache-2.0
//
//   GET    /api/connections
//   GET    /api/connections/{name}
//   DELETE /api/connections/{name}    X-Reason: what the client is told
#include "mgmt/answers.h"
#include "mgmt/gather.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <algorithm>

namespace leveret {
namespace {

namespace json = boost::json;

void with_connections(Call call, void (*then)(Call, std::vector<ConnectionInfo>)) {
  Broker& broker = call.broker();
  gather<ConnectionInfo>(broker, collect_connections,
                         [call = std::move(call), then](std::vector<ConnectionInfo> all) mutable {
                           std::erase_if(all, [&](const ConnectionInfo& connection) {
                             return !call.identity().sees_connection_of(connection.user);
                           });
                           std::ranges::sort(all, {}, &ConnectionInfo::id);
                           then(std::move(call), std::move(all));
                         });
}

const ConnectionInfo* find_by_name(const std::vector<ConnectionInfo>& all,
                                   const std::string& name) {
  const auto found = std::ranges::find(all, name, &ConnectionInfo::name);
  return found == all.end() ? nullptr : &*found;
}

void list_connections(Call asked) {
  with_connections(std::move(asked), [](Call call, std::vector<ConnectionInfo> all) {
    json::array list;
    for (const ConnectionInfo& connection : all) {
      list.push_back(connection_view(connection, call.broker().node_name()));
    }
    call.respond(HttpResponse::json(list));
  });
}

void get_connection(Call asked) {
  with_connections(std::move(asked), [](Call call, std::vector<ConnectionInfo> all) {
    const ConnectionInfo* connection = find_by_name(all, call.name(0));
    if (connection == nullptr) return call.respond(HttpResponse::not_found());
    call.respond(HttpResponse::json(connection_view(*connection, call.broker().node_name())));
  });
}

/// On the connection's worker; if it went meanwhile, that is what was asked for.
void close_here(const Shard& shard, ConnectionId id, const std::string& reason) {
  for (ConnectionPort* port : shard.connections()) {
    if (port->info().id != id) continue;
    port->force_close(amqp::ReplyCode::connection_forced, reason);
    return;
  }
}

void delete_connection(Call asked) {
  with_connections(std::move(asked), [](Call call, std::vector<ConnectionInfo> all) {
    const ConnectionInfo* connection = find_by_name(all, call.name(0));
    if (connection == nullptr) return call.respond(HttpResponse::not_found());
    const std::string& given = call.request().reason;
    auto reason =
        std::make_unique<std::string>(given.empty() ? "Closed via management plugin" : given);
    Broker& broker = call.broker();
    broker.executor().post(home_of(connection->id),
                           [&broker, id = connection->id, reason = std::move(reason)] {
                             close_here(broker.here(), id, *reason);
                           });
    call.respond(HttpResponse::empty(204));
  });
}

}  // namespace

std::span<const Route> connection_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/connections", Need::management, list_connections},
      {"GET", "/api/connections/{}", Need::management, get_connection},
      {"DELETE", "/api/connections/{}", Need::administrator, delete_connection},
  };
  return routes;
}

}  // namespace leveret
