// SPDX-License-Identifier: Apache-2.0
//
// ConnectionDriver: joins one session to one socket. Session and net never meet: bytes go up
// through here, output goes down, and the session's pauses become the stream's.
//
// Thread: its worker. Owned by its WorkerHost, which is borrowed back.

#pragma once

#include "net/socket.h"
#include "net/stream.h"
#include "net/timer.h"
#include "session/connection.h"
#include "session/connection_host.h"

namespace leveret {

class WorkerHost;

class ConnectionDriver final : private StreamHandler, private ConnectionHost {
 public:
  ConnectionDriver(WorkerHost& host, Socket socket);
  ConnectionDriver(const ConnectionDriver&) = delete;
  ConnectionDriver& operator=(const ConnectionDriver&) = delete;

  void start() { stream_.start(*this); }
  /// The end of the turn: what was gathered is said, and what waits is written.
  void end_turn();
  void close_now() { stream_.close_now(); }
  [[nodiscard]] Connection& connection() { return connection_; }

 private:
  // StreamHandler
  std::size_t on_bytes(std::span<const std::byte> bytes) override;
  std::size_t gather(std::span<iovec> pieces) override;
  void on_written(std::size_t bytes) override;
  void on_closed(std::error_code error) override;
  // ConnectionHost
  void wants_turn() override;
  void input_resumed() override;
  void set_timer(Time deadline) override;
  void close_transport() override;
  void abandon_transport() override;
  void is_finished() override;

  WorkerHost& host_;
  Stream stream_;
  Timer timer_;
  Connection connection_;  // After what it calls from its constructor.
};

}  // namespace leveret
