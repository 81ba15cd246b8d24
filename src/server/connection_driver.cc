// SPDX-License-Identifier: Apache-2.0
#include "server/connection_driver.h"

#include "server/worker_host.h"
#include "vhost/broker.h"

#include <utility>

namespace leveret {
namespace {

ConnectionEnds ends_of(const Stream& stream) {
  return {.peer_host = stream.peer().address,
          .peer_port = stream.peer().port,
          .host = stream.local().address,
          .port = stream.local().port,
          .is_loopback = stream.peer().is_loopback()};
}

}  // namespace

ConnectionDriver::ConnectionDriver(WorkerHost& host, Socket socket)
    : host_(host),
      stream_(host.pool(), std::move(socket)),
      timer_(host.pool(), host.worker(), [this] { connection_.on_timer(host_.clock().now()); }),
      connection_({.shard = &host.shard(),
                   .host = this,
                   .chunks = &host.chunks(),
                   .random = &host.random(),
                   .options = &host.options(),
                   .ends = ends_of(stream_),
                   .now = host.clock().now(),
                   .wall_now = host.clock().wall_now()}) {}

std::size_t ConnectionDriver::on_bytes(std::span<const std::byte> bytes) {
  if (connection_.is_paused()) {
    stream_.pause_reading();
    return 0;
  }
  const std::size_t taken = connection_.on_bytes(bytes, host_.clock().now());
  if (connection_.is_paused()) stream_.pause_reading();
  return taken;
}

void ConnectionDriver::input_resumed() { stream_.resume_reading(); }

std::size_t ConnectionDriver::gather(std::span<iovec> pieces) {
  return connection_.output().gather(pieces);
}

void ConnectionDriver::on_written(std::size_t bytes) { connection_.on_written(bytes); }

void ConnectionDriver::wants_turn() { host_.wants_turn(*this); }

void ConnectionDriver::end_turn() {
  connection_.end_turn();
  stream_.flush();
}

void ConnectionDriver::set_timer(Time deadline) { timer_.arm_at(deadline); }

void ConnectionDriver::close_transport() { stream_.close_after_flush(); }

void ConnectionDriver::abandon_transport() { stream_.close_now(); }

void ConnectionDriver::on_closed(std::error_code) {
  timer_.cancel();
  connection_.on_transport_closed();
}

void ConnectionDriver::is_finished() { host_.retire(*this); }

}  // namespace leveret
