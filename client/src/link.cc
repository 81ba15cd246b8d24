// SPDX-License-Identifier: Apache-2.0
#include "client/src/link.h"

#include "client/src/session_options.h"
#include "client/src/tls.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace leveret::client {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
constexpr auto awaited = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t read_bytes = 256 * 1024;
/// A publisher waits while so much is not written.
constexpr std::size_t output_bytes_max = 1024 * 1024;

void set_option(tcp::socket& socket, int option, const std::optional<int>& value) {
  if (!value) return;
  const int number = *value;
  (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &number, sizeof number);
}

}  // namespace

// What is not said to be the I/O thread's is guarded by the link's mutex.
struct Link::Io {
  Io(Link& of, const ConnectionParameters& given, SessionListener& listener)
      : link(of), parameters(given), session(options_of(given), listener) {
    parameters.credentials = ExternalCredentials();  // The session has them, until they are said.
  }

  asio::awaitable<void> run();
  asio::awaitable<std::string> connect();
  asio::awaitable<std::string> connect_to(const tcp::endpoint& endpoint);
  asio::awaitable<void> read();
  void write();
  void lose(const std::string& how);
  void hang_up();
  void arm();

  Link& link;
  ConnectionParameters parameters;  // Constant after construction.
  Session session;
  bool is_write_due = false;  // A write is under way, or on its way to the I/O thread.
  bool is_listening = true;

  // The I/O thread's.
  asio::io_context context{1};
  tcp::resolver resolver{context};
  tcp::socket socket{context};
  std::optional<TlsStream> tls;
  asio::steady_timer connect_timer{context};
  asio::steady_timer timer{context};
  asio::steady_timer listen_again{context};  // Cancelled when there is reason to.
  std::optional<Time> armed_for;
  bool has_stream = false;
  std::vector<std::byte> input;
  std::size_t input_used = 0;
  Output writing;

  std::thread thread;
};

Link::Link(const ConnectionParameters& parameters, SessionListener& listener)
    : io_(std::make_unique<Io>(*this, parameters, listener)) {}

Link::~Link() {
  if (!io_->thread.joinable()) return;
  io_->context.stop();
  io_->thread.join();
}

Link::Lock Link::lock() { return Lock(mutex_); }
Session& Link::session() { return io_->session; }
void Link::notify() { changed_.notify_all(); }
bool Link::is_full() { return io_->session.output().size() > output_bytes_max; }

void Link::open() {
  asio::co_spawn(io_->context, io_->run(), asio::detached);
  io_->thread = std::thread([io = io_.get()] { io->context.run(); });
  Lock held = lock();
  const auto is_done = [this] { return session().is_open() || session().is_over(); };
  const Time deadline = SystemClock().now() + io_->parameters.stack_timeout;
  if (wait(held, deadline, is_done)) return;
  session().give_up(fmt::format("{}:{} did not open the connection within {} ms",
                                io_->parameters.host, io_->parameters.effective_port(),
                                io_->parameters.stack_timeout.count()));
}

void Link::flush() {
  if (io_->session.output().empty() || std::exchange(io_->is_write_due, true)) return;
  asio::post(io_->context, [io = io_.get()] { io->write(); });
}

void Link::set_listening(bool is_listening) {
  if (io_->is_listening == is_listening) return;
  io_->is_listening = is_listening;
  if (is_listening) asio::post(io_->context, [io = io_.get()] { io->listen_again.cancel(); });
}

// The I/O thread.

asio::awaitable<void> Link::Io::run() {
  if (const std::string complaint = co_await connect(); !complaint.empty()) {
    lose(complaint);
    co_return;
  }
  {
    const Lock lock = link.lock();
    has_stream = true;
    if (!session.is_over()) session.begin();
    link.flush();
  }
  co_await read();
}

asio::awaitable<std::string> Link::Io::connect() {
  const std::string where = fmt::format("{}:{}", parameters.host, parameters.effective_port());
  const auto [error, found] = co_await resolver.async_resolve(
      parameters.host, std::to_string(parameters.effective_port()), awaited);
  if (error) co_return fmt::format("cannot resolve {}: {}", where, error.message());
  std::string complaint = fmt::format("{} has no address", where);
  for (const auto& entry : found) {
    complaint = co_await connect_to(entry.endpoint());
    if (complaint.empty()) co_return complaint;
    complaint = fmt::format("cannot connect to {}: {}", where, complaint);
  }
  co_return complaint;
}

asio::awaitable<std::string> Link::Io::connect_to(const tcp::endpoint& endpoint) {
  bool is_late = false;
  tls.reset();
  socket = tcp::socket(context);
  connect_timer.expires_after(parameters.socket_timeout);
  connect_timer.async_wait([&](error_code error) {
    if (error) return;
    is_late = true;
    socket.close(error);
  });
  auto [error] = co_await socket.async_connect(endpoint, awaited);
  std::string complaint = error ? error.message() : std::string();
  if (!error) {
    socket.set_option(tcp::no_delay(true), error);
    if (parameters.tcp_options.requires_keepalive()) {
      socket.set_option(asio::socket_base::keep_alive(true), error);
    }
    set_option(socket, TCP_KEEPIDLE, parameters.tcp_options.tcp_keepidle);
    set_option(socket, TCP_KEEPINTVL, parameters.tcp_options.tcp_keepintvl);
    set_option(socket, TCP_KEEPCNT, parameters.tcp_options.tcp_keepcnt);
    set_option(socket, TCP_USER_TIMEOUT, parameters.tcp_options.tcp_user_timeout);
  }
  if (complaint.empty() && parameters.ssl_options) {
    auto made = make_tls(*parameters.ssl_options, parameters.host, socket);
    if (made) {
      tls.emplace(std::move(*made));
      const auto [handshake] =
          co_await tls->stream->async_handshake(asio::ssl::stream_base::client, awaited);
      if (handshake) complaint = fmt::format("TLS: {}", handshake.message());
    } else {
      complaint = made.error();
    }
  }
  connect_timer.cancel();
  if (is_late) {
    co_return fmt::format("no answer within {} ms", parameters.socket_timeout.count());
  }
  co_return complaint;
}

asio::awaitable<void> Link::Io::read() {
  input.resize(read_bytes);
  while (true) {
    bool is_deaf = false;
    {
      const Lock lock = link.lock();
      if (session.is_over()) {
        if (!is_write_due) hang_up();  // Else when that is done.
        co_return;
      }
      is_deaf = !is_listening;
    }
    if (is_deaf) {
      listen_again.expires_after(std::chrono::seconds(1));
      co_await listen_again.async_wait(awaited);
      const Lock lock = link.lock();
      session.note_deaf(SystemClock().now());
      continue;
    }
    if (input_used == input.size()) input.resize(input.size() * 2);  // A frame of that size.
    const auto room = asio::buffer(input.data() + input_used, input.size() - input_used);
    const auto [error, bytes] = tls ? co_await tls->stream->async_read_some(room, awaited)
                                    : co_await socket.async_read_some(room, awaited);
    if (error) {
      lose(error.message());
      co_return;
    }
    input_used += bytes;
    {
      const Lock lock = link.lock();
      const std::size_t taken =
          session.on_bytes(std::span(input).first(input_used), SystemClock().now());
      input_used -= taken;
      if (input_used != 0) std::memmove(input.data(), input.data() + taken, input_used);
      link.flush();
    }
    link.notify();
    arm();
  }
}

void Link::Io::write() {
  bool is_over = false;
  {
    const Lock lock = link.lock();
    writing.clear();
    is_over = session.is_over();
    if (has_stream && !session.output().empty()) {
      writing.swap(session.output());
      session.note_taken(writing.size());
    } else {
      is_write_due = false;
    }
  }
  if (writing.empty()) {
    if (is_over) hang_up();
    return;
  }
  link.notify();  // There is room.
  const auto on_written = [this](error_code error, std::size_t) {
    if (error) return lose(error.message());
    write();
  };
  const auto bytes = asio::buffer(writing.bytes().data(), writing.size());
  if (tls) {
    asio::async_write(*tls->stream, bytes, on_written);
  } else {
    asio::async_write(socket, bytes, on_written);
  }
}

void Link::Io::lose(const std::string& how) {
  {
    const Lock lock = link.lock();
    session.on_stream_lost(how);
  }
  link.notify();
  hang_up();
}

void Link::Io::hang_up() {
  error_code ignored;
  timer.cancel();
  listen_again.cancel();
  socket.shutdown(tcp::socket::shutdown_both, ignored);
  socket.close(ignored);
}

void Link::Io::arm() {
  std::optional<Time> deadline;
  {
    const Lock lock = link.lock();
    deadline = session.deadline();
  }
  // The broker's signs of life move the time on; it is enough to look when the old one comes.
  if (!deadline || (armed_for && *armed_for <= *deadline)) return;
  armed_for = deadline;
  timer.expires_at(*deadline);
  timer.async_wait([this](error_code error) {
    if (error) return;
    armed_for.reset();
    bool is_over = false;
    {
      const Lock lock = link.lock();
      if (!is_listening) session.note_deaf(SystemClock().now());
      session.on_time(SystemClock().now());
      is_over = session.is_over();
      link.flush();
    }
    if (!is_over) return arm();
    link.notify();
    hang_up();
  });
}

}  // namespace leveret::client
