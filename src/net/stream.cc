// SPDX-License-Identifier: Apache-2.0
//
// Stream::Core: the socket and all that pending callbacks need. The Stream and each callback that
// waits in the event loop hold it, so it outlives a Stream that is destroyed inside a callback;
// destroying the Stream closes the Core. After every call into the handler the code below therefore
// asks whether it is still open before it touches the handler again.

#include "net/stream.h"

#include "base/assert.h"
#include "net/timer.h"
#include "net/worker.h"
#include "net/worker_pool.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace leveret {
namespace {

using Descriptor =
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

constexpr std::size_t pieces_max = 64;
// One flush gives the kernel at most so many writevs before others have their turn.
constexpr int writes_per_flush_max = 16;
// What a stream reads at once when kept bytes fill most of the shared buffer.
constexpr std::size_t grown_read_bytes = 64 * 1024;
// The peer gets this much patience for what it still sends after we said goodbye.
constexpr std::size_t linger_bytes_max = 16 * 1024 * 1024;

std::error_code last_error() { return {errno, std::system_category()}; }

bool is_would_block(const std::error_code& error) {
  return error == std::errc::operation_would_block;
}

void set_non_blocking(int fd) {
  int on = 1;
  // The only errors are of a descriptor that is none, which is our bug.
  LEVERET_ASSERT(::ioctl(fd, FIONBIO, &on) == 0, "fd {}: {}", fd, std::strerror(errno));
}

void set_no_delay(int fd) {
  const int on = 1;
  // Fails on a socket whose peer has gone already, which the first read will tell.
  static_cast<void>(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

}  // namespace

class Stream::Core final : public Watcher {
 public:
  Core(WorkerPool& pool, Worker& worker, Socket socket)
      : pool_(pool),
        worker_(worker),
        local_(local_endpoint(socket.fd())),
        peer_(peer_endpoint(socket.fd())),
        socket_(std::move(socket)),
        descriptor_(worker.io_context().get_executor()) {
    set_non_blocking(socket_.fd());
    if (local_.kind != Endpoint::Kind::unix_path) set_no_delay(socket_.fd());
  }

  void start(StreamHandler& handler);
  void leave();
  void flush();
  void pause_reading() { is_paused_ = true; }
  void resume_reading();
  void close_after_flush();
  void close_now();
  void arm() override;

 private:
  friend class Stream;

  // All bytes go through these two: where TLS will stand. 0 with no error: the peer closed.
  [[nodiscard]] std::size_t receive(std::span<std::byte> room, std::error_code& error);
  [[nodiscard]] std::size_t send(std::span<iovec> pieces, std::error_code& error);

  [[nodiscard]] IntrusivePtr<Core> self() { return IntrusivePtr<Core>(this); }
  void on_readable();
  void on_writable();
  void read_into_shared_buffer();
  void read_into_kept();
  void show_shared(std::span<const std::byte> bytes);
  [[nodiscard]] std::size_t show(std::span<const std::byte> bytes);
  void show_kept();
  void note_received(std::size_t bytes, const std::error_code& error);
  void write_some();
  void want_read();
  void want_write();
  void arm_later();
  void begin_linger();
  void discard();
  void finish(std::error_code error);

  // What Stream shows of it.
  WorkerPool& pool_;
  Worker& worker_;
  const Endpoint local_;
  const Endpoint peer_;
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::vector<std::byte> kept_;  // Shown and not taken; holds no storage when empty.
  bool is_paused_ = false;
  bool is_open_ = true;
  bool is_blocked_ = false;  // The socket was full at the last write.

  Socket socket_;
  Descriptor descriptor_;             // Watches socket_ for the event loop; does not own it.
  StreamHandler* handler_ = nullptr;  // Not owned. Set while started and open, and until on_closed.
  bool is_reading_armed_ = false;     // The event loop waits for it.
  bool is_writing_armed_ = false;
  bool wants_read_armed_ = false;  // To be armed at the turn's end.
  bool wants_write_armed_ = false;
  bool is_arming_queued_ = false;
  bool is_showing_ = false;      // Inside on_bytes().
  bool is_show_queued_ = false;  // show_kept() waits in the event loop.
  bool is_writing_ = false;      // Inside write_some().
  bool closes_when_flushed_ = false;
  std::size_t discarded_ = 0;
  std::optional<Timer> linger_;  // Set: all is written, we wait for the peer to close.
};

void Stream::Core::start(StreamHandler& handler) {
  LEVERET_ASSERT(!handler_ && is_open_, "a stream starts once");
  handler_ = &handler;
  boost::system::error_code error;
  descriptor_.assign(socket_.fd(), error);
  if (error) return finish(error);  // The kernel has no room for one more watch.
  want_read();
}

void Stream::Core::leave() {
  handler_ = nullptr;
  close_now();
}

void Stream::Core::want_read() {
  if (is_reading_armed_ || wants_read_armed_) return;
  wants_read_armed_ = true;
  arm_later();
}

void Stream::Core::want_write() {
  if (is_writing_armed_ || wants_write_armed_) return;
  wants_write_armed_ = true;
  arm_later();
}

void Stream::Core::arm_later() {
  if (std::exchange(is_arming_queued_, true)) return;
  worker_.arm_at_turn_end(*this);
}

void Stream::Core::arm() {
  is_arming_queued_ = false;
  if (!is_open_) return;
  if (std::exchange(wants_read_armed_, false)) {
    is_reading_armed_ = true;
    descriptor_.async_wait(Descriptor::wait_read,
                           [core = self()](const boost::system::error_code& error) {
                             core->is_reading_armed_ = false;
                             if (!error) core->on_readable();
                           });
  }
  if (std::exchange(wants_write_armed_, false)) {
    is_writing_armed_ = true;
    descriptor_.async_wait(Descriptor::wait_write,
                           [core = self()](const boost::system::error_code& error) {
                             core->is_writing_armed_ = false;
                             if (!error) core->on_writable();
                           });
  }
}

std::size_t Stream::Core::receive(std::span<std::byte> room, std::error_code& error) {
  ssize_t count = 0;
  do {
    count = ::recv(socket_.fd(), room.data(), room.size(), MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    error = last_error();
    return 0;
  }
  return static_cast<std::size_t>(count);
}

std::size_t Stream::Core::send(std::span<iovec> pieces, std::error_code& error) {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  ssize_t count = 0;
  do {
    count = ::sendmsg(socket_.fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    error = last_error();
    return 0;
  }
  return static_cast<std::size_t>(count);
}

void Stream::Core::on_readable() {
  if (!is_open_) return;
  if (linger_) return discard();
  if (is_paused_ || closes_when_flushed_) return;
  // Up to here the rest of the buffer is worth a read; an unfinished AMQP frame mostly is smaller.
  if (kept_.size() <= worker_.read_buffer().size() / 4 * 3) {
    read_into_shared_buffer();
  } else {
    read_into_kept();
  }
}

void Stream::Core::read_into_shared_buffer() {
  const std::span<std::byte> buffer = worker_.read_buffer();
  std::error_code error;
  const std::size_t received = receive(buffer.subspan(kept_.size()), error);
  if (received > 0) {
    bytes_received_ += received;
    // Only now: a false alarm must not have moved what was kept.
    std::ranges::copy(kept_, buffer.begin());
    const std::size_t kept = kept_.size();
    std::vector<std::byte>().swap(kept_);
    show_shared(buffer.first(kept + received));
  }
  note_received(received, error);
}

void Stream::Core::show_shared(std::span<const std::byte> bytes) {
  const std::size_t taken = show(bytes);
  if (is_open_) kept_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
}

std::size_t Stream::Core::show(std::span<const std::byte> bytes) {
  is_showing_ = true;
  const std::size_t taken = handler_->on_bytes(bytes);
  is_showing_ = false;
  LEVERET_ASSERT(taken <= bytes.size(), "{} of {} bytes taken", taken, bytes.size());
  return taken;
}

void Stream::Core::read_into_kept() {
  const std::size_t kept = kept_.size();
  kept_.resize(kept + grown_read_bytes);
  std::error_code error;
  const std::size_t received = receive(std::span(kept_).subspan(kept), error);
  kept_.resize(kept + received);
  if (received > 0) {
    bytes_received_ += received;
    show_kept();
  }
  note_received(received, error);
}

void Stream::Core::show_kept() {
  // Out of the member, so that the view lives even if the handler closes us.
  std::vector<std::byte> shown = std::exchange(kept_, {});
  const std::size_t taken = show(shown);
  if (!is_open_ || taken == shown.size()) return;
  shown.erase(shown.begin(), shown.begin() + static_cast<std::ptrdiff_t>(taken));
  kept_ = std::move(shown);
}

void Stream::Core::note_received(std::size_t bytes, const std::error_code& error) {
  if (!is_open_) return;
  if (kept_.size() > kept_bytes_max) return finish(make_error_code(std::errc::message_size));
  if (bytes > 0 || is_would_block(error)) {
    if (!is_paused_ && !closes_when_flushed_) want_read();
    return;
  }
  finish(error);
}

void Stream::Core::resume_reading() {
  if (!std::exchange(is_paused_, false) || !is_open_ || !handler_ || closes_when_flushed_) return;
  want_read();
  // on_bytes() that pauses and resumes may leave bytes which are not in kept_ yet.
  if ((kept_.empty() && !is_showing_) || std::exchange(is_show_queued_, true)) return;
  boost::asio::post(worker_.io_context(), [core = self()] {
    core->is_show_queued_ = false;
    if (!core->is_open_ || core->is_paused_ || core->closes_when_flushed_) return;
    if (!core->kept_.empty()) core->show_kept();
  });
}

void Stream::Core::flush() {
  // A writer at work or a full socket goes on by itself.
  if (is_open_ && handler_ && !is_writing_ && !is_blocked_ && !linger_) write_some();
}

void Stream::Core::on_writable() {
  is_blocked_ = false;
  flush();
}

void Stream::Core::write_some() {
  is_writing_ = true;
  for (int writes = 0; writes < writes_per_flush_max && is_open_; ++writes) {
    std::array<iovec, pieces_max> pieces;
    const std::size_t count = handler_->gather(pieces);
    if (!is_open_) break;
    if (count == 0) {
      is_writing_ = false;
      if (closes_when_flushed_) begin_linger();
      return;
    }
    LEVERET_ASSERT(count <= pieces_max, "{} pieces", count);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) bytes += pieces[i].iov_len;
    LEVERET_ASSERT(bytes > 0, "{} pieces, all empty", count);

    std::error_code error;
    const std::size_t sent = send(std::span(pieces).first(count), error);
    if (error && !is_would_block(error)) {
      is_writing_ = false;
      return finish(error);
    }
    if (sent > 0) {
      bytes_sent_ += sent;
      handler_->on_written(sent);
    }
    if (sent < bytes) {
      is_blocked_ = true;
      break;
    }
  }
  is_writing_ = false;
  if (is_open_) want_write();
}

void Stream::Core::close_after_flush() {
  if (!is_open_) return;
  LEVERET_ASSERT(handler_, "a stream that was not started has nothing to flush");
  if (!std::exchange(closes_when_flushed_, true)) flush();
}

// All is written. To close now with unread bytes in the socket would make the kernel send a reset,
// and a peer that gets it may never see our last words (an AMQP connection.close with its reason).
void Stream::Core::begin_linger() {
  if (::shutdown(socket_.fd(), SHUT_WR) != 0) return finish(last_error());
  linger_.emplace(pool_, worker_.id(), [core = self()] { core->finish({}); });
  linger_->arm_after(linger_max);
  std::vector<std::byte>().swap(kept_);
  want_read();
}

void Stream::Core::discard() {
  std::error_code error;
  const std::size_t received = receive(worker_.read_buffer(), error);
  bytes_received_ += received;
  discarded_ += received;
  const bool goes_on = received > 0 || is_would_block(error);
  if (goes_on && discarded_ <= linger_bytes_max) return want_read();
  // A reset at this point takes nothing from us: all was written, and we were leaving.
  finish({});
}

void Stream::Core::close_now() { finish(make_error_code(std::errc::operation_canceled)); }

void Stream::Core::finish(std::error_code error) {
  const IntrusivePtr<Core> hold = self();  // The timer may be the last to hold us.
  if (!std::exchange(is_open_, false)) return;
  linger_.reset();
  if (descriptor_.is_open()) descriptor_.release();  // Ends the waits; the socket is ours to close.
  socket_.close();
  is_blocked_ = false;
  std::vector<std::byte>().swap(kept_);
  if (!handler_) return;
  boost::asio::post(worker_.io_context(), [core = self(), error] {
    // Cleared first: this is the last call.
    if (StreamHandler* handler = std::exchange(core->handler_, nullptr)) handler->on_closed(error);
  });
}

Stream::Stream(WorkerPool& pool, Socket socket) {
  LEVERET_ASSERT(socket, "a stream needs a socket");
  core_ = IntrusivePtr<Core>(new Core(pool, pool.worker(pool.here()), std::move(socket)));
}

Stream::~Stream() {
  LEVERET_ASSERT(core_->pool_.is_home(core_->worker_.id()),
                 "a stream of worker {} destroyed elsewhere", core_->worker_.id().value());
  core_->leave();
}

void Stream::start(StreamHandler& handler) { core_->start(handler); }

// The core may lose its owner, this Stream, in the calls it makes.
void Stream::flush() { IntrusivePtr<Core>(core_)->flush(); }
void Stream::close_after_flush() { IntrusivePtr<Core>(core_)->close_after_flush(); }
void Stream::close_now() { core_->close_now(); }

bool Stream::wants_write() const { return core_->is_blocked_; }
void Stream::pause_reading() { core_->pause_reading(); }
void Stream::resume_reading() { core_->resume_reading(); }
bool Stream::is_reading_paused() const { return core_->is_paused_; }
bool Stream::is_open() const { return core_->is_open_; }
const Endpoint& Stream::local() const { return core_->local_; }
const Endpoint& Stream::peer() const { return core_->peer_; }
std::uint64_t Stream::bytes_received() const { return core_->bytes_received_; }
std::uint64_t Stream::bytes_sent() const { return core_->bytes_sent_; }
std::size_t Stream::kept_bytes() const { return core_->kept_.size(); }

}  // namespace leveret
