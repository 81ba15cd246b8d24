// SPDX-License-Identifier: Apache-2.0
//
// Link: a Session with its socket and the thread that reads, writes and keeps time for it.
//
//   any thread:   lock() -> say something through session() -> flush() -> unlock
//   I/O thread:   bytes -> lock -> Session::on_bytes() -> listeners -> unlock; what was said ->
//   socket
//
// What several threads say while a write is under way goes out with the next, in one piece.
//
// Thread: any. The listener is called with the lock held, mostly by the I/O thread.
// Owns: thread, socket, session. Borrows: the listener, until the destructor has returned.

#pragma once

#include "client/src/session.h"
#include "leveret/connection_parameters.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

namespace leveret::client {

class Link {
 public:
  using Lock = std::unique_lock<std::mutex>;

  Link(const ConnectionParameters& parameters, SessionListener& listener);
  /// Hangs up, whatever is left to say.
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Connects and opens; returns when the session is open or over, or after `stack_timeout`, which
  /// ends it.
  void open();

  [[nodiscard]] Lock lock();
  /// Requires: the lock.
  [[nodiscard]] Session& session();
  /// Has what was said sent. Requires: the lock.
  void flush();
  /// Waits until `is_so`, which is asked with the lock, for as long as until `deadline`. Returns
  /// whether it is. Whoever makes it so calls notify(), or is a listener.
  template <class Predicate>
  bool wait(Lock& lock, Time deadline, Predicate is_so);
  template <class Predicate>
  void wait(Lock& lock, Predicate is_so);
  void notify();

  /// More waits to be written than a publisher should add to. Requires: the lock.
  [[nodiscard]] bool is_full();
  /// Whether bytes are read from the socket. Requires: the lock.
  void set_listening(bool is_listening);

 private:
  struct Io;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Io> io_;  // What only the source knows: Asio.
};

template <class Predicate>
bool Link::wait(Lock& lock, Time deadline, Predicate is_so) {
  return changed_.wait_until(lock, deadline, is_so);
}

template <class Predicate>
void Link::wait(Lock& lock, Predicate is_so) {
  changed_.wait(lock, is_so);
}

}  // namespace leveret::client
