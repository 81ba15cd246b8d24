// SPDX-License-Identifier: Apache-2.0
//
// Listener: a bound address that accepts connections on worker 0 and hands each socket to a
// callback, which chooses the worker it will live on and posts it there.
//
// When the process or the machine runs out of descriptors it logs once, stops accepting for 100 ms,
// and tries again; connections wait in the kernel's backlog meanwhile.
//
// Thread:   worker 0, every method (and any thread while no worker runs).
// Owns:     the listening socket, and the file of a unix address.

#pragma once

#include "base/intrusive_ptr.h"
#include "base/result.h"
#include "net/endpoint.h"
#include "net/socket.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

namespace leveret {

class WorkerPool;

/// Where to listen.
struct ListenAddress {
  /// IPv4 or IPv6 address or host name. "::" accepts IPv4 too; empty is "::", or "0.0.0.0" on a
  /// machine without IPv6.
  std::string host;
  std::uint16_t port = 0;  ///< 0: the kernel chooses; see Listener::local().
  /// Not empty: a unix socket at this path, and host and port do not matter.
  std::string unix_path;
  mode_t unix_mode = 0600;  ///< Of the unix socket's file.
  int backlog = 1024;       ///< The kernel cuts it at net.core.somaxconn.

  [[nodiscard]] std::string text() const;
};

class Listener {
 public:
  using OnAccept = std::move_only_function<void(Socket)>;

  /// Binds and begins to accept. Sockets are non-blocking and close-on-exec. `on_accept` is called
  /// on worker 0; it may close or destroy the Listener.
  /// Errors: the system's, with "listen 127.0.0.1:5672" as context. A unix socket's file that no
  /// process listens on any more is replaced.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> open(WorkerPool& pool,
                                                              const ListenAddress& address,
                                                              OnAccept on_accept);
  /// As close().
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Accepts no more, and removes the file of a unix address. Connections in the backlog are reset.
  void close();

  /// What was bound, with the port that the kernel chose.
  [[nodiscard]] const Endpoint& local() const;
  [[nodiscard]] std::uint16_t port() const;

  [[nodiscard]] std::uint64_t accepted_count() const;
  /// Times accepting was suspended for want of descriptors or memory.
  [[nodiscard]] std::uint64_t suspended_count() const;

 private:
  class Core;
  explicit Listener(IntrusivePtr<Core> core);
  IntrusivePtr<Core> core_;
};

}  // namespace leveret
