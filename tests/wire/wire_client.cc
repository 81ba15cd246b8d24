// SPDX-License-Identifier: Apache-2.0
//
// WireClient over POSIX sockets: one poll() with a deadline under every wait.

#include "wire_client.h"

#include "amqp/reply_code.h"

#include <cerrno>
#include <cstring>
#include <ostream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace leveret::wire {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t frame_header_bytes = 7;

std::runtime_error system_failure(std::string_view what) {
  return std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

int connect_to(const Target& target) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(target.port);
  if (const int error = getaddrinfo(target.host.c_str(), port.c_str(), &hints, &found)) {
    throw std::runtime_error(fmt::format("{}: {}", target.host, gai_strerror(error)));
  }
  int fd = -1;
  for (const addrinfo* at = found; at != nullptr && fd < 0; at = at->ai_next) {
    fd = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (fd >= 0 && ::connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
      ::close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(found);
  if (fd < 0) throw system_failure(fmt::format("connect to {}:{}", target.host, target.port));
  // The small frames of a test must not wait for the broker's delayed acknowledgements.
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

int milliseconds_left(steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
  return static_cast<int>(std::max<milliseconds::rep>(left.count(), 0));
}

std::uint32_t number_at(std::string_view bytes, std::size_t at, int size) {
  std::uint32_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

Answer closed_by(const ReceivedFrame& frame) {
  const auto answer = [](Answer::Kind kind, const auto& close) {
    return Answer{.kind = kind,
                  .code = close.reply_code,
                  .text = std::string(close.reply_text),
                  .method = amqp::method_key(close.class_id, close.method_id)};
  };
  if (frame.key() == amqp::ConnectionClose::key) {
    return answer(Answer::Kind::connection_close, frame.as<amqp::ConnectionClose>());
  }
  return answer(Answer::Kind::channel_close, frame.as<amqp::ChannelClose>());
}

bool is_close(amqp::MethodKey key) {
  return key == amqp::ConnectionClose::key || key == amqp::ChannelClose::key;
}

std::string ids(amqp::MethodKey key) {
  return fmt::format("{}.{}", amqp::class_id_of(key), amqp::method_id_of(key));
}

}  // namespace

amqp::MethodKey ReceivedFrame::key() const {
  return type == method_frame && payload.size() >= 4 ? number_at(payload, 0, 4) : 0;
}

void ReceivedFrame::throw_undecodable(std::string_view name) {
  throw std::runtime_error(fmt::format("the broker sent a {} that does not decode", name));
}

std::ostream& operator<<(std::ostream& out, const Answer& answer) {
  switch (answer.kind) {
    case Answer::Kind::channel_close:
      return out << "channel.close " << answer.code << " \"" << answer.text << "\" "
                 << ids(answer.method);
    case Answer::Kind::connection_close:
      return out << "connection.close " << answer.code << " \"" << answer.text << "\" "
                 << ids(answer.method);
    case Answer::Kind::method:
      return out << "method " << ids(answer.method);
    case Answer::Kind::protocol_header:
      return out << "the protocol header";
    case Answer::Kind::content:
      return out << "content";
    case Answer::Kind::heartbeat:
      return out << "heartbeat";
    case Answer::Kind::end_of_stream:
      return out << "the end of the stream";
  }
  return out;
}

Answer closes_channel(amqp::ReplyCode code, std::string text, amqp::MethodKey method) {
  return {Answer::Kind::channel_close, std::to_underlying(code), std::move(text), method};
}
Answer closes_connection(amqp::ReplyCode code, std::string text, amqp::MethodKey method) {
  return {Answer::Kind::connection_close, std::to_underlying(code), std::move(text), method};
}
Answer answers(amqp::MethodKey method) {
  return {.kind = Answer::Kind::method, .text = {}, .method = method};
}
Answer ends() { return {}; }

std::string client_properties(bool with_capabilities) {
  Fields properties;
  if (with_capabilities) {
    properties.table("capabilities", Fields()
                                         .boolean("authentication_failure_close", true)
                                         .boolean("consumer_cancel_notify", true));
  }
  return properties.bytes();
}

std::string credentials(const Login& login) {
  if (login.mechanism == "AMQPLAIN") {
    return Fields().string("LOGIN", login.user).string("PASSWORD", login.password).bytes();
  }
  return '\0' + login.user + '\0' + login.password;
}

std::string start_ok(const Login& login) {
  const std::string properties = client_properties(login.with_capabilities);
  const std::string response = credentials(login);
  return method(amqp::ConnectionStartOk{.client_properties =
                                            amqp::RawTable(std::as_bytes(std::span(properties))),
                                        .mechanism = login.mechanism,
                                        .response = response,
                                        .locale = "en_US"},
                0);
}

WireClient::WireClient(const Target& target) : fd_(connect_to(target)) {}

WireClient::~WireClient() { ::close(fd_); }

void WireClient::send(std::string_view bytes) {
  const auto deadline = steady_clock::now() + answer_time_max;
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EPIPE || errno == ECONNRESET) return;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) throw system_failure("send");
    pollfd wanted{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&wanted, 1, milliseconds_left(deadline)) == 0) {
      throw std::runtime_error("the broker does not read");
    }
  }
}

void WireClient::finish_sending() { ::shutdown(fd_, SHUT_WR); }

bool WireClient::fill(std::size_t bytes, steady_clock::time_point deadline) {
  while (received_.size() < bytes && !has_ended_) {
    pollfd wanted{.fd = fd_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&wanted, 1, milliseconds_left(deadline));
    if (ready == 0) return false;
    if (ready < 0) {
      if (errno == EINTR) continue;
      throw system_failure("poll");
    }
    char buffer[65536];
    const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count > 0) {
      received_.append(buffer, static_cast<std::size_t>(count));
    } else if (count == 0 || errno == ECONNRESET) {
      has_ended_ = true;
    } else if (errno != EINTR) {
      throw system_failure("recv");
    }
  }
  return true;
}

bool WireClient::has_more(milliseconds bound) { return fill(1, steady_clock::now() + bound); }

std::optional<ReceivedFrame> WireClient::read_frame(milliseconds bound) {
  const auto deadline = steady_clock::now() + bound;
  const auto require = [&](std::size_t bytes) {
    if (!fill(bytes, deadline)) {
      throw std::runtime_error(fmt::format("nothing came from the broker in {} ms", bound.count()));
    }
    return received_.size() >= bytes;
  };
  if (!require(frame_header_bytes)) {
    if (!received_.empty()) throw std::runtime_error("the stream ended inside a frame");
    return std::nullopt;
  }
  const std::size_t payload_bytes = number_at(received_, 3, 4);
  if (!require(frame_header_bytes + payload_bytes + 1)) {
    throw std::runtime_error("the stream ended inside a frame");
  }
  if (received_[frame_header_bytes + payload_bytes] != frame_end) {
    throw std::runtime_error("the broker sent a frame with a wrong end");
  }
  ReceivedFrame frame{.type = received_[0],
                      .channel = static_cast<std::uint16_t>(number_at(received_, 1, 2)),
                      .payload = received_.substr(frame_header_bytes, payload_bytes)};
  received_.erase(0, frame_header_bytes + payload_bytes + 1);
  return frame;
}

Answer WireClient::next_answer() {
  const auto deadline = steady_clock::now() + answer_time_max;
  if (fill(protocol_header_0_9_1.size(), deadline) &&
      received_.starts_with(protocol_header_0_9_1)) {
    received_.erase(0, protocol_header_0_9_1.size());
    return {.kind = Answer::Kind::protocol_header, .text = {}};
  }
  const std::optional<ReceivedFrame> frame = read_frame();
  if (!frame) return ends();
  if (frame->type == heartbeat_frame) return {.kind = Answer::Kind::heartbeat, .text = {}};
  if (frame->type != method_frame) return {.kind = Answer::Kind::content, .text = {}};
  return is_close(frame->key()) ? closed_by(*frame) : answers(frame->key());
}

ReceivedFrame WireClient::expect_method(amqp::MethodKey key, std::uint16_t channel) {
  while (std::optional<ReceivedFrame> frame = read_frame()) {
    if (frame->key() == key && frame->channel == channel) return *std::move(frame);
    if (is_close(frame->key())) {
      const Answer close = closed_by(*frame);
      throw std::runtime_error(
          fmt::format("{} {} instead of {}", close.code, close.text, ids(key)));
    }
  }
  throw std::runtime_error(fmt::format("the stream ended instead of {}", ids(key)));
}

ReceivedFrame WireClient::call(std::string_view bytes, amqp::MethodKey key, std::uint16_t channel) {
  send(bytes);
  return expect_method(key, channel);
}

Answer WireClient::next_close_or_end() {
  while (const std::optional<ReceivedFrame> frame = read_frame()) {
    if (is_close(frame->key())) return closed_by(*frame);
  }
  return ends();
}

void WireClient::expect_channel_close(amqp::ReplyCode code, std::string_view text) {
  const Answer came = next_close_or_end();
  EXPECT_EQ(came, closes_channel(code, std::string(text), came.method));
}

void WireClient::expect_connection_close(amqp::ReplyCode code, std::string_view text) {
  const Answer came = next_close_or_end();
  EXPECT_EQ(came, closes_connection(code, std::string(text), came.method));
}

void WireClient::expect_end_of_stream() { EXPECT_EQ(next_close_or_end(), ends()); }

void WireClient::begin() {
  send(protocol_header_0_9_1);
  expect_method(amqp::ConnectionStart::key, 0);
}

void WireClient::authenticate(const Login& login) {
  begin();
  call(start_ok(login), amqp::ConnectionTune::key, 0);
}

void WireClient::tune(const Login& login) {
  authenticate(login);
  send(method(amqp::ConnectionTuneOk{.channel_max = login.channel_max,
                                     .frame_max = login.frame_max,
                                     .heartbeat = login.heartbeat},
              0));
}

void WireClient::open(const Login& login) {
  tune(login);
  call(method(amqp::ConnectionOpen{.virtual_host = login.vhost}, 0), amqp::ConnectionOpenOk::key,
       0);
}

void WireClient::open_channel(std::uint16_t channel) {
  call(method(amqp::ChannelOpen{}, channel), amqp::ChannelOpenOk::key, channel);
}

void WireClient::close() {
  call(method(amqp::ConnectionClose{.reply_code = 200, .reply_text = "bye"}, 0),
       amqp::ConnectionCloseOk::key, 0);
}

}  // namespace leveret::wire
