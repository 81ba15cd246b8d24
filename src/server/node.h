// SPDX-License-Identifier: Apache-2.0
//
// Node: the whole broker in one object: opened from settings, run until somebody stops it.
//
// Life. open() locks the data directory, loads what was declared, binds the ports; a node that
// opened accepts connections. run() blocks. A stop (SIGTERM, SIGINT, leveretctl stop,
// request_stop()) drains: listeners close, every client is sent 320 CONNECTION_FORCED, what is gone
// is waited for `drain_max`, metadata is written, and run() returns.
//
// Thread: the main thread; request_stop() any.

#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "journal/file_system.h"
#include "metadata/metadata_store.h"
#include "mgmt/http_server.h"
#include "net/listener.h"
#include "net/timer.h"
#include "net/worker_pool.h"
#include "server/data_directory.h"
#include "server/resource_monitor.h"
#include "server/resource_probe.h"
#include "server/settings.h"
#include "server/worker_host.h"
#include "session/connection.h"
#include "vhost/broker.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace leveret {

class Node {
 public:
  static constexpr Duration drain_max = std::chrono::seconds(5);
  /// Between two looks at memory and disk.
  static constexpr Duration look_interval = std::chrono::seconds(1);

  /// Errors: what could not be opened, with its name and the system's reason.
  [[nodiscard]] static Result<std::unique_ptr<Node>> open(const Settings& settings);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Works until stopped. SIGTERM and SIGINT stop it.
  /// Errors: something failed that it cannot do without, and so it stopped by itself.
  [[nodiscard]] Result<void> run();
  /// Begins the graceful stop. Repeating it changes nothing.
  void request_stop();

  [[nodiscard]] std::uint16_t port() const { return listener_->port(); }
  [[nodiscard]] std::uint16_t management_port() const { return http_->port(); }
  [[nodiscard]] const DataDirectory& data_directory() const { return directory_; }

 private:
  class Signals;

  explicit Node(DataDirectory directory);
  [[nodiscard]] Result<void> build(const Settings& settings);
  void accept(Socket socket);
  void drain();
  void finish_drain();
  void look_at_resources();
  void give_memory_back();
  void tell_memory_short(bool is_short);
  void fail(const Error& error);

  // In the order in which they are made; destroyed the other way round.
  DataDirectory directory_;
  SystemClock clock_;
  PosixFileSystem files_;
  SessionOptions session_options_;
  std::unique_ptr<WorkerPool> pool_;
  std::unique_ptr<MetadataStore> metadata_;
  std::unique_ptr<Broker> broker_;
  std::vector<std::unique_ptr<WorkerHost>> hosts_;
  std::unique_ptr<ResourceProbe> probe_;
  std::unique_ptr<ResourceMonitor> monitor_;
  std::unique_ptr<Timer> look_timer_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<HttpServer> metrics_;  // Null: not asked for.
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<Timer> drain_timer_;
  unsigned draining_workers_ = 0;
  bool is_draining_ = false;
  bool is_drained_ = false;
  Result<void> outcome_;
};

}  // namespace leveret
