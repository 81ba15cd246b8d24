// SPDX-License-Identifier: Apache-2.0
//
// Stream: one TCP or unix connection on its home worker. It waits until the kernel says that bytes
// are there and then reads them into a buffer that all streams of the worker share, so that an idle
// connection holds no buffer; it writes by asking its handler for pieces and giving them to one
// writev.
//
// Fairness: a stream reads at most once a turn, at most what the shared buffer holds (256 KiB).
//
// Thread:   the home worker (the one that made it), every method.
// Owns:     the socket. Borrows the WorkerPool and the StreamHandler.

#pragma once

#include "base/intrusive_ptr.h"
#include "net/endpoint.h"
#include "net/socket.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

#include <sys/uio.h>

namespace leveret {

class WorkerPool;

/// What a stream tells its owner. Every call comes from the worker's loop (on_written and gather
/// also from flush() and close_after_flush()). Destroying the Stream inside any of these calls is
/// allowed: the call returns to a stream that touches neither itself nor its handler again, so the
/// handler may destroy itself with it.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  /// Bytes that came, with what was left over before in front of them. Returns how many were taken;
  /// the rest is kept and shown again together with what follows, or after resume_reading(). The
  /// view is valid during the call. Returns 0 .. bytes.size().
  virtual std::size_t on_bytes(std::span<const std::byte> bytes) = 0;

  /// Fills in what waits to be written, front first, and returns how many pieces it set; 0: nothing
  /// waits. The bytes stay in place until on_written() or the stream's end. Pieces must not all be
  /// empty.
  virtual std::size_t gather(std::span<iovec> pieces) = 0;

  /// The kernel took the first `bytes` of what gather() gave. Drop them.
  virtual void on_written(std::size_t bytes) = 0;

  /// The connection has ended, and the socket is closed. Called once, last, never inside a method
  /// of Stream. No error: the peer closed, or close_after_flush() is done.
  /// std::errc::operation_canceled: close_now(). Else: what broke. Not called when the Stream is
  /// destroyed first or the pool stops.
  virtual void on_closed(std::error_code error) = 0;
};

class Stream {
 public:
  /// Bytes that a handler leaves untaken beyond this end the connection (errc::message_size): it is
  /// the last bound, behind the handler's own (an AMQP frame is at most frame_max).
  static constexpr std::size_t kept_bytes_max = 64 * 1024 * 1024;
  /// How long close_after_flush() waits for the peer to close too.
  static constexpr std::chrono::milliseconds linger_max{1000};

  /// Takes a connected socket; the calling worker becomes its home. Sets TCP_NODELAY and makes it
  /// non-blocking. Reads nothing before start().
  Stream(WorkerPool& pool, Socket socket);
  /// Closes at once, as close_now(), without a further call to the handler.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Begins to read. `handler` lives until on_closed() or the Stream's destruction. Once.
  void start(StreamHandler& handler);

  /// Writes what the handler gathers until nothing is left, the socket is full (the rest follows by
  /// itself when it has room) or a bound is reached (the rest follows in the next turn). Calls
  /// gather() and on_written() from inside. After the end of the connection it does nothing.
  void flush();
  /// True while the socket is full and output waits for it.
  [[nodiscard]] bool wants_write() const;

  /// Stops showing bytes, and soon reading them, so that the peer feels it. A peer that went away
  /// is noticed only when writing to it. Does not count; repeating it changes nothing.
  void pause_reading();
  /// Goes on; kept bytes are shown again in a later call from the loop, not inside this one.
  void resume_reading();
  [[nodiscard]] bool is_reading_paused() const;

  /// Reads no more; writes all that the handler gathers, tells the peer (FIN), and waits for it to
  /// close too (at most `linger_max`, discarding what it still sends, so that the kernel does not
  /// answer with a reset that would destroy our last words). Then on_closed({}).
  /// A peer that does not read is waited for without bound: set a Timer and close_now().
  void close_after_flush();
  /// Closes the socket now; output that waits is lost. on_closed(operation_canceled) follows.
  void close_now();
  /// True until the connection has ended, by whichever side. Closing after flush is still open.
  [[nodiscard]] bool is_open() const;

  [[nodiscard]] const Endpoint& local() const;
  [[nodiscard]] const Endpoint& peer() const;

  [[nodiscard]] std::uint64_t bytes_received() const;
  [[nodiscard]] std::uint64_t bytes_sent() const;
  /// Bytes shown to the handler and not taken.
  [[nodiscard]] std::size_t kept_bytes() const;

 private:
  // What the event loop's pending callbacks hold on to; the Stream and they own it together.
  class Core;
  IntrusivePtr<Core> core_;
};

}  // namespace leveret
