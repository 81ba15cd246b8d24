// SPDX-License-Identifier: Apache-2.0
//
// Endpoint: one end of a connection, as people and logs read it.
//
// Thread: a value.

#pragma once

#include <cstdint>
#include <string>

#include <sys/socket.h>

namespace leveret {

struct Endpoint {
  enum class Kind : std::uint8_t { unknown, ipv4, ipv6, unix_path };

  Kind kind = Kind::unknown;
  std::uint16_t port = 0;  ///< 0 for a unix socket.
  /// "127.0.0.1", "::1" (no brackets), or a unix path (empty when the peer bound none). An IPv4
  /// peer of a dual-stack listener is shown as IPv4, as RabbitMQ shows it.
  std::string address;

  /// "127.0.0.1:5672", "[::1]:5672", "unix:/run/leveret.sock", or "unknown".
  [[nodiscard]] std::string text() const;
  /// 127.0.0.0/8, ::1, or a unix socket.
  [[nodiscard]] bool is_loopback() const;
};

/// Reads what the kernel wrote. A family that is none of ours gives Kind::unknown.
[[nodiscard]] Endpoint to_endpoint(const sockaddr_storage& address, socklen_t length);
/// Either end of a connected socket; Kind::unknown when the kernel has none (the peer has gone).
[[nodiscard]] Endpoint local_endpoint(int fd);
[[nodiscard]] Endpoint peer_endpoint(int fd);

}  // namespace leveret
