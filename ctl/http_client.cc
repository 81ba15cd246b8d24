// SPDX-License-Identifier: Apache-2.0
#include "ctl/http_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

namespace leveret::ctl {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::string system_text(int error) { return std::system_category().message(error); }

std::unexpected<Failure> timed_out() { return fail(ExitCode::timeout, "timed out"); }

/// When to give up: a timer of the kernel's, watched beside the socket. Without one, never.
class Deadline {
 public:
  /// Requires: not zero, which would disarm the timer.
  explicit Deadline(std::optional<std::chrono::milliseconds> after) {
    if (!after) return;
    timer_ = Descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    itimerspec when{};
    when.it_value.tv_sec = after->count() / 1000;
    when.it_value.tv_nsec = after->count() % 1000 * 1'000'000;
    ::timerfd_settime(timer_.fd(), 0, &when, nullptr);
  }

  /// Waits for `events`. False: it is time to give up.
  [[nodiscard]] bool await(int fd, short events) const {
    // Poll passes over a descriptor of -1.
    std::array<pollfd, 2> watched{pollfd{timer_.fd(), POLLIN, 0}, pollfd{fd, events, 0}};
    while (::poll(watched.data(), watched.size(), -1) < 0) {
      watched[0].revents = watched[1].revents = 0;
    }
    return watched[0].revents == 0;
  }

 private:
  Descriptor timer_;
};

/// Errors: unavailable, timeout.
Outcome<Descriptor> connect_to(const sockaddr* address, socklen_t length, int family,
                               const Deadline& deadline) {
  Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail(ExitCode::unavailable, system_text(errno));
  if (::connect(socket.fd(), address, length) == 0) return socket;
  if (errno != EINPROGRESS) return fail(ExitCode::unavailable, system_text(errno));
  if (!deadline.await(socket.fd(), POLLOUT)) return timed_out();
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(ExitCode::unavailable, system_text(error));
  return socket;
}

Outcome<Descriptor> connect_unix(const std::string& path, const Deadline& deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(ExitCode::usage, "the socket's path is too long: " + path);
  }
  std::ranges::copy(path, address.sun_path);
  return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_UNIX, deadline);
}

Outcome<Descriptor> connect_tcp(const std::string& host, const std::string& port,
                                const Deadline& deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return fail(ExitCode::unavailable, fmt::format("{}: {}", host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, ::freeaddrinfo);
  Outcome<Descriptor> last = fail(ExitCode::unavailable, "no address");
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    last = connect_to(at->ai_addr, at->ai_addrlen, at->ai_family, deadline);
    if (last || last.error().code == ExitCode::timeout) break;
  }
  return last;
}

Outcome<Descriptor> connect_to(const Target& target, const Deadline& deadline) {
  return target.socket.empty() ? connect_tcp(target.host, target.port, deadline)
                               : connect_unix(target.socket, deadline);
}

std::string encode_base64(std::string_view bytes) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) -> unsigned {
      return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
    };
    const unsigned bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    text += alphabet[bits >> 18];
    text += alphabet[bits >> 12 & 63];
    text += i + 1 < bytes.size() ? alphabet[bits >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? alphabet[bits & 63] : '=';
  }
  return text;
}

Outcome<void> send_all(int fd, std::string_view bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!deadline.await(fd, POLLOUT)) return timed_out();
    } else if (errno != EINTR) {
      return fail(ExitCode::unavailable, system_text(errno));
    }
  }
  return {};
}

/// Everything until the broker closes, which it was asked to do after its answer.
Outcome<std::string> receive_all(int fd, const Deadline& deadline) {
  std::string all;
  std::array<char, 65536> room;
  while (true) {
    const ssize_t count = ::recv(fd, room.data(), room.size(), 0);
    if (count > 0) {
      all.append(room.data(), static_cast<std::size_t>(count));
    } else if (count == 0) {
      return all;
    } else if (errno == EAGAIN) {
      if (!deadline.await(fd, POLLIN)) return timed_out();
    } else if (errno != EINTR) {
      return fail(ExitCode::unavailable, system_text(errno));
    }
  }
}

/// The value of a header, whose name stands in small letters, as the broker writes it.
std::string_view header(std::string_view head, std::string_view name) {
  const std::string begin = fmt::format("\r\n{}: ", name);
  const std::size_t at = head.find(begin);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = head.substr(at + begin.size());
  return rest.substr(0, rest.find("\r\n"));
}

Outcome<HttpAnswer> read_answer(std::string_view wire) {
  const auto broken = [](std::string_view why) {
    return fail(ExitCode::unavailable, fmt::format("the answer makes no sense: {}", why));
  };
  const std::size_t end = wire.find("\r\n\r\n");
  if (!wire.starts_with("HTTP/1.1 ") || end == std::string_view::npos) return broken("no header");
  const std::string_view head = wire.substr(0, end + 2);
  const std::string_view body = wire.substr(end + 4);
  HttpAnswer answer;
  std::from_chars(head.data() + 9, head.data() + head.size(), answer.status);
  std::size_t length = 0;
  const std::string_view announced = header(head, "content-length");
  std::from_chars(announced.data(), announced.data() + announced.size(), length);
  if (body.size() != length) return broken("it was cut short");
  if (!body.empty()) {
    boost::json::error_code error;
    answer.body = boost::json::parse(boost::json::string_view(body.data(), body.size()), error);
    if (error) return broken("no JSON");
  }
  return answer;
}

std::string member(const boost::json::value& body, boost::json::string_view key) {
  const auto* object = body.if_object();
  const auto* value = object ? object->if_contains(key) : nullptr;
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string(text->data(), text->size()) : std::string();
}

}  // namespace

std::string Target::text() const { return socket.empty() ? host + ":" + port : socket; }

std::string HttpAnswer::error() const { return member(body, "error"); }
std::string HttpAnswer::reason() const { return member(body, "reason"); }

std::string encode_percent(std::string_view name) {
  std::string encoded;
  for (const char c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || std::string_view("-._~").contains(c);
    if (is_plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

Outcome<HttpAnswer> HttpClient::get(std::string_view path) const {
  return ask("GET", path, {}, {});
}

Outcome<HttpAnswer> HttpClient::put(std::string_view path, const boost::json::value& body) const {
  return ask("PUT", path, boost::json::serialize(body), {});
}

Outcome<HttpAnswer> HttpClient::post(std::string_view path, const boost::json::value& body) const {
  return ask("POST", path, boost::json::serialize(body), {});
}

Outcome<HttpAnswer> HttpClient::del(std::string_view path, std::string_view reason) const {
  return ask("DELETE", path, {}, reason);
}

Outcome<HttpAnswer> HttpClient::ask(std::string_view method, std::string_view path,
                                    std::string_view body, std::string_view reason) const {
  // No time at all is too little, however quick the broker is.
  if (timeout_ == std::chrono::milliseconds::zero()) return timed_out();
  const Deadline deadline(timeout_);
  const auto socket = connect_to(target_, deadline);
  if (!socket) return std::unexpected(socket.error());

  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", method,
                                    path, target_.socket.empty() ? target_.host : "localhost");
  if (target_.socket.empty()) {
    request += fmt::format("Authorization: Basic {}\r\n",
                           encode_base64(target_.user + ":" + target_.password));
  }
  if (!reason.empty()) {
    // A line end would begin another header.
    std::string line(reason);
    std::ranges::replace_if(
        line, [](char c) { return c == '\r' || c == '\n'; }, ' ');
    request += fmt::format("X-Reason: {}\r\n", line);
  }
  request += fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);

  if (const auto sent = send_all(socket->fd(), request, deadline); !sent) {
    return std::unexpected(sent.error());
  }
  const auto wire = receive_all(socket->fd(), deadline);
  if (!wire) return std::unexpected(wire.error());
  auto answer = read_answer(*wire);
  if (answer && answer->status == 401) {
    const std::string why = answer->reason();
    return fail(ExitCode::unavailable,
                fmt::format("not authorised{}{}", why.empty() ? "" : ": ", why));
  }
  return answer;
}

Outcome<HttpAnswer> HttpClient::post_and_await_end(std::string_view path) const {
  // No time at all is too little, however quick the broker is.
  if (timeout_ == std::chrono::milliseconds::zero()) return timed_out();
  const Deadline deadline(timeout_);
  // Taken hold of before it is asked to end: its number may be another's afterwards.
  Descriptor process;
  const auto held = connect_to(target_, deadline);
  if (!held) return std::unexpected(held.error());
  ucred peer{};
  socklen_t size = sizeof peer;
  if (!target_.socket.empty() &&
      ::getsockopt(held->fd(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0) {
    process = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
  }
  auto answer = post(path, nullptr);
  if (!answer || !answer->is_success()) return answer;
  // Without the process itself, the connection that was left open says when the broker goes.
  const bool has_ended =
      process ? deadline.await(process.fd(), POLLIN) : deadline.await(held->fd(), POLLIN | POLLHUP);
  if (!has_ended) return timed_out();
  return answer;
}

}  // namespace leveret::ctl
