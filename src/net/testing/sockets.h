// SPDX-License-Identifier: Apache-2.0
//
// Real sockets for tests: connected pairs, a blocking client end whose every wait is bounded, and a
// StreamHandler that remembers what it was told.
//
// Thread: the test's; a ClientEnd may be used by a thread of its own.

#pragma once

#include "net/socket.h"
#include "net/stream.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace leveret::testing {

/// No test waits longer than this for anything.
inline constexpr std::chrono::seconds bound{20};

#ifdef LEVERET_SANITIZED
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

[[nodiscard]] inline std::size_t open_fd_count() {
  const auto fds = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(fds), end(fds)));
}

/// A blocking socket of the other side. Its waits end after `bound`.
class ClientEnd {
 public:
  explicit ClientEnd(Socket socket) : socket_(std::move(socket)) {
    const timeval patience{.tv_sec = bound.count(), .tv_usec = 0};
    EXPECT_EQ(::setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    EXPECT_EQ(::setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
  }

  /// Connects to a port of 127.0.0.1.
  [[nodiscard]] static ClientEnd connect(std::uint16_t port) {
    ClientEnd client{Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
    const sockaddr_in address = loopback(port);
    EXPECT_EQ(::connect(client.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0)
        << std::strerror(errno);
    return client;
  }

  [[nodiscard]] static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  /// False when the peer has gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Up to `bytes_max`, fewer only when the peer closed.
  [[nodiscard]] std::string receive(std::size_t bytes_max) {
    std::string received(bytes_max, '\0');
    std::size_t filled = 0;
    while (filled < bytes_max) {
      const ssize_t count = ::recv(fd(), received.data() + filled, bytes_max - filled, 0);
      if (count <= 0) break;
      filled += static_cast<std::size_t>(count);
    }
    received.resize(filled);
    return received;
  }

  /// True when nothing more comes because the peer closed orderly.
  [[nodiscard]] bool sees_end() {
    char byte = 0;
    return ::recv(fd(), &byte, 1, 0) == 0;
  }

  void finish_sending() { EXPECT_EQ(::shutdown(fd(), SHUT_WR), 0); }
  void close() { socket_.close(); }

  /// Closes so that the peer gets a reset instead of an end.
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    EXPECT_EQ(::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    socket_.close();
  }

  [[nodiscard]] int fd() const { return socket_.fd(); }

 private:
  Socket socket_;
};

struct Pair {
  Socket ours;
  ClientEnd client;
};

/// A TCP connection over loopback. `buffer_bytes` makes the kernel's buffers small (0: as usual).
[[nodiscard]] inline Pair connected_pair(int buffer_bytes = 0) {
  const Socket listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = ClientEnd::loopback(0);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(listening.fd(), reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(listening.fd(), 1), 0);
  EXPECT_EQ(::getsockname(listening.fd(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  ClientEnd client = ClientEnd::connect(ntohs(address.sin_port));
  Socket ours(::accept4(listening.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(ours);
  if (buffer_bytes > 0) {
    for (const int fd : {ours.fd(), client.fd()}) {
      for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
        EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, option, &buffer_bytes, sizeof buffer_bytes), 0);
      }
    }
  }
  return {std::move(ours), std::move(client)};
}

/// Remembers; writes what `output` holds.
class RecordingHandler : public StreamHandler {
 public:
  std::size_t on_bytes(std::span<const std::byte> bytes) override {
    EXPECT_FALSE(closed) << "on_bytes() after on_closed()";
    ++shown_count;
    largest_shown = std::max(largest_shown, bytes.size());
    const std::size_t taken = std::min(bytes.size(), take_max);
    received.append(reinterpret_cast<const char*>(bytes.data()), taken);
    if (then_on_bytes) then_on_bytes();
    return taken;
  }
  std::size_t gather(std::span<iovec> pieces) override {
    if (output.empty()) return 0;
    // In two pieces, so that the stream's arithmetic over pieces is used.
    const std::size_t middle = output.size() / 2;
    pieces[0] = {output.data(), middle};
    pieces[1] = {output.data() + middle, output.size() - middle};
    return 2;
  }
  void on_written(std::size_t bytes) override {
    output.erase(0, bytes);
    if (then_on_written) then_on_written();
  }
  void on_closed(std::error_code error) override {
    EXPECT_FALSE(closed) << "on_closed() twice";
    closed = error;
    if (then_on_closed) then_on_closed();
  }

  std::string received;
  std::string output;
  std::optional<std::error_code> closed;
  std::size_t take_max = SIZE_MAX;
  std::size_t shown_count = 0;
  std::size_t largest_shown = 0;
  std::function<void()> then_on_bytes, then_on_written, then_on_closed;
};

}  // namespace leveret::testing
