// SPDX-License-Identifier: Apache-2.0
//
// HttpServer: the management API over HTTP/1.1, on a unix socket in the data directory and on TCP.
//
// Whoever connects to the unix socket as root or as the broker's own user (the kernel says who) is
// an administrator without a password: he could read the data directory anyway. Everybody else
// sends Basic credentials of a user that has a tag `administrator`, `monitoring`, `policymaker` or
// `management`; only an administrator may change things. A user that is confined to loopback is
// refused from elsewhere.
//
// Bounds: limits.h of this room. A request that breaks one is answered (400, 413, 431) and the
// connection closed; a connection above the count is answered 503.
//
// Thread:   worker 0, every method (and any thread while no worker runs).
// Owns:     its listeners and connections. Borrows the Broker and the WorkerPool.
// Spec:     RFC 9110, RFC 9112; RabbitMQ: management HTTP API.

#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace leveret {

class Broker;
class NodeResources;
class WorkerPool;

class HttpServer {
 public:
  struct Deps {
    Broker* broker = nullptr;            // Not owned: outlives the server.
    WorkerPool* pool = nullptr;          // Not owned: outlives the server.
    NodeResources* resources = nullptr;  // Not owned: outlives the server.
    /// Where the unix socket is made, mode 0600; empty: none.
    std::filesystem::path unix_socket;
    std::string bind;                   ///< As ListenAddress::host.
    std::optional<std::uint16_t> port;  ///< 0: the kernel chooses; nullopt: no TCP.
    /// Serve /metrics to whoever asks, and nothing else.
    bool is_for_metrics = false;
    /// Begins the broker's graceful stop. Called on worker 0, after the answer to whoever asked has
    /// been handed to the kernel.
    std::function<void()> request_stop;
    std::string product_version;  ///< "0.1.0"
    /// The RabbitMQ version whose behaviour is promised, "3.10.8": what tools ask for.
    std::string rabbitmq_version;
    std::filesystem::path data_directory;
    /// What was opened for AMQP, for overview and status; nothing is done with it.
    struct Listening {
      std::string protocol;  ///< "amqp"
      std::string address;
      std::uint16_t port = 0;
    };
    std::vector<Listening> listeners;
  };

  /// Listens at once; requests are answered when the workers run.
  /// Errors: the system's, with the address as context.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> open(Deps deps);
  /// As close().
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Accepts no more, removes the unix socket and closes the connections. Answers that are still
  /// being gathered are dropped.
  void close();

  /// Of the TCP listener, with the number that the kernel chose; 0: no TCP.
  [[nodiscard]] std::uint16_t port() const;

 private:
  class Core;
  explicit HttpServer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace leveret
