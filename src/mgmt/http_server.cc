// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http_server.h"

#include "base/log.h"
#include "mgmt/answers.h"
#include "mgmt/http_connection.h"
#include "mgmt/limits.h"
#include "mgmt/resources.h"
#include "mgmt/router.h"
#include "net/listener.h"
#include "net/worker_pool.h"

#include <unordered_map>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

namespace leveret {
namespace {

/// The kernel's word on who connected to the unix socket, as he was when he did.
bool is_owner_at(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

std::vector<Route> routes_of(const HttpServer::Deps& deps) {
  if (!deps.is_for_metrics) return all_routes();
  const std::span<const Route> metrics = metrics_routes();
  return {metrics.begin(), metrics.end()};
}

}  // namespace

class HttpServer::Core final : public HttpConnection::Host {
 public:
  explicit Core(Deps deps)
      : pool_(*deps.pool),
        context_(std::make_shared<ManagementContext>(
            ManagementContext{*deps.broker, deps.broker->clock().wall_now(), std::move(deps)})),
        router_(routes_of(context_->deps)) {}

  [[nodiscard]] Result<void> listen() {
    const Deps& deps = context_->deps;
    if (!deps.unix_socket.empty()) {
      LEVERET_TRY(unix_listener_,
                  Listener::open(pool_, {.unix_path = deps.unix_socket.native(), .unix_mode = 0600},
                                 [this](Socket socket) {
                                   const bool is_owner = is_owner_at(socket.fd());
                                   on_accept(std::move(socket), is_owner);
                                 }));
    }
    if (deps.port) {
      LEVERET_TRY(tcp_listener_,
                  Listener::open(pool_, {.host = deps.bind, .port = *deps.port},
                                 [this](Socket socket) { on_accept(std::move(socket), false); }));
      context_->port = tcp_listener_->port();
    }
    return {};
  }

  void close() {
    unix_listener_.reset();
    tcp_listener_.reset();
    connections_->clear();
  }

  [[nodiscard]] std::uint16_t port() const { return context_->port; }

 private:
  using Connections = std::unordered_map<HttpConnection::Id, std::unique_ptr<HttpConnection>>;

  void on_accept(Socket socket, bool is_owner) {
    const bool is_full = connections_->size() >= http_connections_max;
    // Those that are turned away linger for a second; beyond twice the count even that is too much.
    if (connections_->size() >= 2 * http_connections_max) return;
    const HttpConnection::Id id(++last_id_);
    auto connection =
        std::make_unique<HttpConnection>(pool_, std::move(socket), id, is_owner, *this);
    HttpConnection& here = *connection;
    connections_->emplace(id, std::move(connection));
    here.start();
    if (!is_full) return;
    log(LogLevel::warn, "mgmt", "connection_refused peer={} reason=too_many count={}",
        here.peer_text(), http_connections_max);
    here.turn_away(HttpResponse::error(503, "too_many_connections",
                                       "the management API has no room for another connection"));
  }

  void on_request(HttpConnection& connection, HttpRequest request) override {
    auto identity = identify(connection, request);
    if (!identity) return connection.respond(identity.error());
    auto match = router_.find(request.method, request.target);
    if (!match) return connection.respond(match.error());
    if (!identity->has(match->route->need)) {
      return connection.respond(
          HttpResponse::error(401, "not_authorised", "Not administrator user"));
    }
    // The connection, or the whole server, may have gone when the answer is there.
    std::weak_ptr<Connections> connections = connections_;
    Call call(
        context_, std::move(request), std::move(*identity),
        [connections = std::move(connections), id = connection.id()](const HttpResponse& response) {
          const auto living = connections.lock();
          if (!living) return;
          const auto found = living->find(id);
          if (found != living->end()) found->second->respond(response);
        });
    call.set_names(std::move(match->names));
    match->route->handle(std::move(call));
  }

  [[nodiscard]] std::expected<Identity, HttpResponse> identify(const HttpConnection& connection,
                                                               const HttpRequest& request) const {
    // Whoever reaches the port may read metrics, as with RabbitMQ.
    if (context_->deps.is_for_metrics) return Identity::owner();
    // Credentials, where they are given, count: so a user's own view can be looked at locally.
    if (connection.is_owner() && request.authorization.empty()) return Identity::owner();
    return Identity::of(request.authorization, connection.is_peer_loopback(),
                        context_->broker.registry().users().snapshot());
  }

  void on_ended(HttpConnection::Id connection) override { connections_->erase(connection); }

  WorkerPool& pool_;
  std::shared_ptr<ManagementContext> context_;
  const Router router_;
  std::unique_ptr<Listener> unix_listener_;
  std::unique_ptr<Listener> tcp_listener_;
  std::uint64_t last_id_ = 0;
  // Shared with nobody for long: answers on their way look whether it still lives.
  std::shared_ptr<Connections> connections_ = std::make_shared<Connections>();
};

HttpServer::HttpServer(std::unique_ptr<Core> core) : core_(std::move(core)) {}

HttpServer::~HttpServer() { close(); }

Result<std::unique_ptr<HttpServer>> HttpServer::open(Deps deps) {
  auto core = std::make_unique<Core>(std::move(deps));
  LEVERET_CHECK(core->listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
}

void HttpServer::close() { core_->close(); }

std::uint16_t HttpServer::port() const { return core_->port(); }

}  // namespace leveret
