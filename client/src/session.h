// SPDX-License-Identifier: Apache-2.0
//
// Session: one connection's talk with a broker, without the connection. Bytes and times go in;
// bytes, and calls of listeners and handlers, come out. No socket, no thread and no clock is known
// here: each face brings its own, and a whole conversation runs in a test.
//
//   begin() -> protocol header   start -> start-ok   tune -> tune-ok, open   open-ok -> on_open()
//
// Listeners and handlers are called from within on_bytes(), on_time(), on_stream_lost() and
// close(); they may use the session and its channels.
//
// Thread: one at a time; whoever lets two have it guards it. Borrows: the listeners.
// Spec: AMQP 0-9-1 §2.2.4; RabbitMQ: connections, heartbeats, connection-blocked.

#pragma once

#include "amqp/frame.h"
#include "base/clock.h"
#include "client/src/channel.h"
#include "client/src/failure.h"
#include "client/src/keep_alive.h"
#include "client/src/output.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leveret::client {

class SessionListener {
 public:
  virtual ~SessionListener() = default;
  virtual void on_open() = 0;
  /// The broker has no room: what is published now waits at its door.
  virtual void on_blocked(std::string_view reason) = 0;
  virtual void on_unblocked() = 0;
  /// The last call, after those of all channels. What is left in output() is to be written, then
  /// the stream is to be closed.
  virtual void on_closed(const Failure& failure) = 0;
};

struct SessionOptions {
  std::vector<std::byte> client_properties;  ///< A table without its length.
  std::string mechanism = "PLAIN";
  std::string response;  ///< What the mechanism says of us.
  std::string locale = "en_US";
  std::string virtual_host = "/";
  std::uint16_t channel_max = 65535;
  std::uint32_t frame_max = 131072;
  /// From what the broker proposes, in seconds; 0: none.
  std::function<std::uint16_t(std::uint16_t)> heartbeat = [](std::uint16_t proposed) {
    return proposed;
  };
  /// How long the broker may block us; none: as long as it likes.
  std::optional<Duration> blocked_timeout;
};

class Session {
 public:
  Session(SessionOptions options, SessionListener& listener);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Once, when there is a stream.
  void begin();
  /// Bytes came. Returns how many were taken; the others are shown again with those that follow.
  [[nodiscard]] std::size_t on_bytes(std::span<const std::byte> bytes, Time now);
  /// The stream ended, or could not be had.
  void on_stream_lost(std::string_view how);
  /// Opening takes too long.
  void give_up(std::string_view why) { end({FailureKind::connect_failed, 0, std::string(why)}); }
  /// When to call on_time(); none: there is nothing to wait for.
  [[nodiscard]] std::optional<Time> deadline() const;
  void on_time(Time now);
  /// Nobody reads from the stream at the moment, so that the broker's silence says nothing.
  void note_deaf(Time now) { keep_alive_.note_deaf(now); }

  [[nodiscard]] Output& output() { return output_; }
  /// What output() held has been taken away to be written.
  void note_taken(std::size_t bytes) { taken_bytes_ += bytes; }

  [[nodiscard]] bool is_open() const { return phase_ == Phase::open; }
  /// on_closed() was called.
  [[nodiscard]] bool is_over() const { return phase_ == Phase::over; }
  /// What a call is answered with when the session is not open.
  [[nodiscard]] Failure why_not_open() const;

  /// The channel, and the handler is called when it is open. `number` 0: the lowest that is free.
  /// Errors: wrong_state, no_free_channel.
  [[nodiscard]] std::expected<Channel*, Failure> open_channel(std::uint16_t number,
                                                              ChannelListener& listener,
                                                              AnswerHandler handler);
  /// Says connection.close; on_closed() follows when the broker agrees, or at once when the session
  /// was not open yet.
  void close(std::uint16_t reply_code, std::string_view reply_text);
  /// A new password or token. RabbitMQ: update-secret.
  void update_secret(std::string_view secret, std::string_view reason, AnswerHandler handler);

  // As negotiated; what was asked for until then.
  [[nodiscard]] std::uint16_t channel_max() const { return channel_max_; }
  [[nodiscard]] std::uint32_t frame_max() const { return frame_max_; }
  [[nodiscard]] std::chrono::seconds heartbeat() const { return heartbeat_; }
  /// A table without its length.
  [[nodiscard]] std::span<const std::byte> server_properties() const { return server_properties_; }
  [[nodiscard]] bool is_blocked() const { return blocked_since_.has_value(); }

 private:
  friend class Channel;

  enum class Phase : std::uint8_t {
    idle,
    start,  ///< The protocol header is said; connection.start is awaited.
    tune,   ///< Logging in.
    opening,
    open,
    closing,  ///< We have said connection.close.
    over,
  };

  template <class Method>
  void say(const Method& method);
  void on_frame(const amqp::Frame& frame, Time now);
  [[nodiscard]] std::string on_channel_frame(const amqp::Frame& frame);
  [[nodiscard]] std::string on_connection_method(std::span<const std::byte> payload, Time now);
  [[nodiscard]] std::string on_start(const amqp::ConnectionStart& method);
  void on_tune(const amqp::ConnectionTune& method, Time now);
  void on_close(const amqp::ConnectionClose& method);
  void refuse(amqp::ReplyCode code, std::string_view what);
  void end(Failure failure);
  /// A stream that ends before the session is open tells by when it does what the broker minded.
  [[nodiscard]] Failure explained(Failure failure) const;
  void retire(Channel& channel);

  SessionOptions options_;
  SessionListener& listener_;
  Phase phase_ = Phase::idle;
  Output output_;
  std::uint64_t taken_bytes_ = 0;
  KeepAlive keep_alive_;
  std::uint16_t channel_max_;
  std::uint32_t frame_max_;
  std::chrono::seconds heartbeat_{0};
  std::vector<std::byte> server_properties_;
  std::optional<Time> blocked_since_;
  Failure closing_;  // What on_closed() will be told when the broker agrees.
  std::optional<Failure> end_;
  std::deque<AnswerHandler> secrets_;  // Of update_secret().
  std::map<std::uint16_t, std::unique_ptr<Channel>> channels_;
  std::vector<std::unique_ptr<Channel>> retired_;  // Freed when nobody is inside one.
  int depth_ = 0;                                  // How many of our calls are under way.
};

}  // namespace leveret::client
