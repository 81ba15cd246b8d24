// SPDX-License-Identifier: Apache-2.0
//
// Socket: a file descriptor that closes when its owner goes. Small enough to ride in a Task, which
// is how an accepted connection reaches the worker it will live on.
//
// Thread: a value; used by one thread at a time.

#pragma once

#include <utility>

#include <unistd.h>

namespace leveret {

class Socket {
 public:
  Socket() = default;
  /// Takes ownership of `fd`; a negative one means none.
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Socket() { close(); }

  [[nodiscard]] int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  /// Gives the descriptor away; the caller closes it.
  [[nodiscard]] int detach() { return std::exchange(fd_, -1); }

  /// Closes now. What close() itself answers is of no use: on Linux the descriptor is gone either
  /// way.
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace leveret
