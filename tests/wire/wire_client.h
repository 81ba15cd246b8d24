// SPDX-License-Identifier: Apache-2.0
//
// WireClient: one AMQP connection over a plain socket, for tests. It sends whatever bytes it is
// told to, however wrong, and tells what came back. It answers nothing by itself, so that what a
// test sees is what was sent.
//
// Every wait has a bound (answer_time_max); there are no sleeps.
//
// Thread:  the test's.
// Errors:  a broker that cannot be reached or breaks the framing throws std::runtime_error, which
//          fails the test. What a broker may rightly do (a close, an end, silence) is an Answer.

#pragma once

#include "amqp/methods.gen.h"
#include "amqp/reply_code.h"
#include "bytes.h"

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace leveret::wire {

/// Generous, because it is only spent when something is wrong: RabbitMQ waits three seconds before
/// it ends a connection without a word.
inline constexpr std::chrono::seconds answer_time_max{15};

struct Target {
  std::string host;
  std::uint16_t port = 0;
};

struct ReceivedFrame {
  char type = 0;
  std::uint16_t channel = 0;
  std::string payload;

  /// Class and method id; 0 when this is no method frame.
  [[nodiscard]] amqp::MethodKey key() const;
  /// The arguments behind the ids. The struct's views live as long as this frame.
  template <class Method>
  [[nodiscard]] Method as() const {
    Method value;
    amqp::WireReader reader(std::as_bytes(std::span(payload)).subspan(4));
    if (!value.decode(reader)) throw_undecodable(Method::name);
    return value;
  }

 private:
  [[noreturn]] static void throw_undecodable(std::string_view name);
};

/// What the broker did: the next thing that came.
struct Answer {
  enum class Kind {
    channel_close,     ///< channel.close: code, text, method.
    connection_close,  ///< connection.close: code, text, method.
    method,            ///< Any other method frame: method.
    protocol_header,   ///< "AMQP" 0 0 9 1.
    content,           ///< A content header or body.
    heartbeat,
    end_of_stream,  ///< The socket was closed or reset.
  };

  Kind kind = Kind::end_of_stream;
  std::uint16_t code = 0;
  std::string text;
  /// In a close, the method it blames; otherwise the method that came.
  amqp::MethodKey method = 0;

  friend bool operator==(const Answer&, const Answer&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Answer& answer);
};

[[nodiscard]] Answer closes_channel(amqp::ReplyCode code, std::string text, amqp::MethodKey method);
[[nodiscard]] Answer closes_connection(amqp::ReplyCode code, std::string text,
                                       amqp::MethodKey method);
[[nodiscard]] Answer answers(amqp::MethodKey method);
[[nodiscard]] Answer ends();

/// How a connection introduces itself.
struct Login {
  std::string user = "guest";
  std::string password = "guest";
  std::string vhost = "/";
  std::uint16_t channel_max = 2047;
  std::uint32_t frame_max = 131072;
  std::uint16_t heartbeat = 0;
  std::string mechanism = "PLAIN";
  /// Declares the capabilities authentication_failure_close and consumer_cancel_notify.
  bool with_capabilities = true;
};

class WireClient {
 public:
  /// Connects; sends nothing.
  explicit WireClient(const Target& target);
  ~WireClient();
  WireClient(const WireClient&) = delete;
  WireClient& operator=(const WireClient&) = delete;

  /// Sends everything. A broker that has hung up meanwhile is no error here: what it said before is
  /// still to be read.
  void send(std::string_view bytes);
  /// Says that nothing more will be sent.
  void finish_sending();

  /// The steps of the handshake, each with its reply awaited and expected.
  void begin();                           ///< Header, until connection.start.
  void authenticate(const Login& login);  ///< begin(), then start-ok, until connection.tune.
  void tune(const Login& login);          ///< authenticate(), then tune-ok, which has no answer.
  void open(const Login& login = {});     ///< tune(), then connection.open, until open-ok.
  void open_channel(std::uint16_t channel);

  /// The next frame; nothing when the stream has ended. Throws when nothing comes in time.
  [[nodiscard]] std::optional<ReceivedFrame> read_frame(
      std::chrono::milliseconds bound = answer_time_max);
  /// The next thing that comes, as an Answer.
  [[nodiscard]] Answer next_answer();
  /// True: something (a frame, the end) is there within `bound`.
  [[nodiscard]] bool has_more(std::chrono::milliseconds bound);

  /// Reads frames until one carries this method on this channel, and gives it. A close or the end
  /// that comes first throws, so that a test cannot pass over it.
  ReceivedFrame expect_method(amqp::MethodKey key, std::uint16_t channel = 1);
  /// send(bytes), then expect_method().
  ReceivedFrame call(std::string_view bytes, amqp::MethodKey key, std::uint16_t channel = 1);

  /// Fail the test (EXPECT) when something else comes next, deliveries and other frames of open
  /// channels apart.
  void expect_channel_close(amqp::ReplyCode code, std::string_view text);
  void expect_connection_close(amqp::ReplyCode code, std::string_view text);
  void expect_end_of_stream();

  /// Closes the connection as the specification asks, and awaits close-ok.
  void close();

 private:
  [[nodiscard]] bool fill(std::size_t bytes, std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] Answer next_close_or_end();

  int fd_;
  std::string received_;
  bool has_ended_ = false;
};

/// client_properties: the capabilities that a Login declares.
[[nodiscard]] std::string client_properties(bool with_capabilities);
/// connection.start-ok of this login.
[[nodiscard]] std::string start_ok(const Login& login);
/// PLAIN's response, or AMQPLAIN's.
[[nodiscard]] std::string credentials(const Login& login);

}  // namespace leveret::wire
