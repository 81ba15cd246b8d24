// SPDX-License-Identifier: Apache-2.0
//
// TestClient: one client of a TestBroker, with its Connection and the two byte strings between
// them. It does in each turn what the server's driver does with a socket: shows bytes until the
// connection pauses, again when it resumes, and writes what waits at the end.
//
// What it hears is checked to be whole frames of the negotiated size, sorted into deliveries,
// returns, confirms and answers, and kept. An answer that is not the one expected throws, with what
// came instead; the test fails by it.
//
// Thread: the test's.

#pragma once

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"
#include "amqp/frame_decoder.h"
#include "amqp/frame_encoder.h"
#include "amqp/method_decoder.h"
#include "amqp/methods.gen.h"
#include "base/assert.h"
#include "base/random.h"
#include "session/connection.h"
#include "session/connection_host.h"
#include "vhost/testing/test_broker.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leveret::testing {

struct Publication {
  std::string_view exchange{};
  std::string_view routing_key{};
  bool mandatory = false;
  std::span<const std::byte> properties = amqp::no_properties;
};

/// A message that came: delivered, got or returned.
struct Content {
  std::uint16_t channel = 0;
  std::string consumer_tag;
  std::uint64_t delivery_tag = 0;
  bool is_redelivered = false;
  std::string exchange;
  std::string routing_key;
  std::uint32_t message_count = 0;  ///< Of get-ok.
  std::string properties;
  std::string body;
};

/// basic.ack or basic.nack from the broker.
struct Confirmation {
  std::uint16_t channel = 0;
  std::uint64_t sequence = 0;
  bool is_multiple = false;
  bool is_ack = true;
};

class TestClient : public ConnectionHost, public TurnParticipant {
 public:
  struct Options {
    std::string user = "guest";
    std::string password = "guest";
    std::string vhost = "/";
    std::uint32_t frame_max = 131072;
    std::uint16_t channel_max = 2047;
    std::uint16_t heartbeat_seconds = 0;
    bool can_be_told_of_cancel = true;
    bool can_be_told_of_blocked = true;
    bool is_loopback = true;
    SessionOptions session{};
  };

  TestClient(TestBroker& broker, unsigned worker) : TestClient(broker, worker, Options{}) {}
  TestClient(TestBroker& broker, unsigned worker, Options options);
  /// Cuts the transport and waits for the connection to be done with.
  ~TestClient() override;

  // Speaking. Nothing is heard by the broker before a turn.

  void send_bytes(std::span<const std::byte> bytes) {
    inbox_.insert(inbox_.end(), bytes.begin(), bytes.end());
  }
  template <class Method>
  void send(std::uint16_t channel, const Method& method) {
    send_bytes(amqp::encode_method_frame(channel, method));
  }
  void publish(std::uint16_t channel, const Publication& publication, std::string_view body);
  void ack(std::uint16_t channel, std::uint64_t tag, bool is_multiple = false) {
    send(channel, amqp::BasicAck{.delivery_tag = tag, .multiple = is_multiple});
  }

  // Conversations; each steps the broker until nothing is left to do.

  void send_start_ok();
  void handshake();
  void open_channel(std::uint16_t channel = 1) {
    call<amqp::ChannelOpenOk>(channel, amqp::ChannelOpen{});
  }
  /// Sends `method` and takes the next answer on its channel, which must be a `Reply`.
  template <class Reply, class Method>
  Reply call(std::uint16_t channel, const Method& method) {
    send(channel, method);
    broker_.settle();
    return take<Reply>(channel);
  }
  /// A queue of this name; a name made up by the broker when it is empty.
  std::string declare(std::string_view queue, amqp::QueueDeclare options = {}) {
    options.queue = queue;
    return std::string(call<amqp::QueueDeclareOk>(1, options).queue);
  }
  std::string consume(std::string_view queue, std::string_view tag, bool no_ack = false) {
    return std::string(
        call<amqp::BasicConsumeOk>(
            1, amqp::BasicConsume{.queue = queue, .consumer_tag = tag, .no_ack = no_ack})
            .consumer_tag);
  }

  // Hearing.

  /// The next answer on the channel that was not taken yet. Views in it live as long as the client.
  template <class Method>
  Method take(std::uint16_t channel);
  /// Nothing is there to take on the channel.
  [[nodiscard]] bool has_no_answer(std::uint16_t channel) const {
    return find_answer(channel) == nullptr;
  }
  /// "404 NOT_FOUND - no queue 'q' in vhost '/' (50.40)" of the channel.close (connection.close
  /// for channel 0) that is the next answer.
  std::string take_close(std::uint16_t channel);
  [[nodiscard]] std::vector<Content> take_deliveries() { return std::exchange(deliveries_, {}); }
  [[nodiscard]] std::vector<Content> take_returns() { return std::exchange(returns_, {}); }
  [[nodiscard]] std::vector<Confirmation> take_confirmations() {
    return std::exchange(confirmations_, {});
  }
  [[nodiscard]] std::optional<Content> take_got() { return std::exchange(got_, std::nullopt); }
  [[nodiscard]] std::uint64_t heartbeats() const { return heartbeats_; }

  // The transport.

  /// The client closes its socket: seen when the broker reads.
  void hang_up() { is_hung_up_ = true; }
  /// The transport breaks: seen at once.
  void cut();
  /// Whether the client reads what the broker writes. At first it does.
  void set_reading(bool is_reading) { is_reading_ = is_reading; }
  /// At most this many bytes are shown in one turn.
  void set_bytes_per_turn(std::size_t bytes) { bytes_per_turn_ = bytes; }

  [[nodiscard]] bool is_transport_open() const { return is_transport_open_; }
  [[nodiscard]] int times_finished() const { return times_finished_; }
  [[nodiscard]] bool has_unread_input() const { return !inbox_.empty(); }
  [[nodiscard]] std::span<const std::byte> heard_bytes() const { return heard_; }
  /// Requires: not finished.
  [[nodiscard]] Connection& connection() { return *connection_; }
  /// Null once the connection has finished.
  [[nodiscard]] Connection* find_connection() { return connection_.get(); }

  // ConnectionHost
  void wants_turn() override { is_turn_wanted_ = true; }
  void input_resumed() override {
    is_input_paused_ = false;
    is_input_shown_again_ = true;
  }
  void set_timer(Time deadline) override { deadline_ = deadline; }
  void close_transport() override { is_closing_transport_ = true; }
  void abandon_transport() override { is_abandoned_ = true; }
  void is_finished() override { ++times_finished_; }

  // TurnParticipant
  bool begin_turn() override;
  bool end_turn() override;

 private:
  static constexpr std::size_t bytes_per_turn_max = 256 * 1024;

  struct Answer {
    std::uint16_t channel = 0;
    std::vector<std::byte> payload;
    bool is_taken = false;
  };

  [[nodiscard]] Answer* find_answer(std::uint16_t channel) const;
  bool show_input();
  bool write_output();
  void close_now();
  void hear(std::span<const std::byte> bytes);
  void on_frame(const amqp::Frame& frame);
  void on_method(std::uint16_t channel, std::span<const std::byte> payload);
  void on_content_complete();

  TestBroker& broker_;
  const unsigned worker_;
  const Options options_;
  SeededRandom random_;
  ChunkPool chunks_;
  std::unique_ptr<Connection> connection_;

  // Between client and broker.
  std::vector<std::byte> inbox_;
  std::size_t kept_bytes_ = 0;  // Of the inbox: shown, and not taken.
  std::size_t bytes_per_turn_ = bytes_per_turn_max;
  Time deadline_ = Time::max();
  bool is_turn_wanted_ = false;
  bool is_input_paused_ = false;
  bool is_input_shown_again_ = false;  // What was kept, though nothing came to it.
  bool is_closing_transport_ = false;
  bool is_abandoned_ = false;
  bool is_hung_up_ = false;
  bool is_reading_ = true;
  bool is_transport_open_ = true;
  int times_finished_ = 0;
  // What has come and is less than a frame (of which more will come).
  std::vector<std::byte> heard_;

  // What was heard. A deque: answers stay where they are.
  mutable std::deque<Answer> answers_;
  std::vector<Content> deliveries_;
  std::vector<Content> returns_;
  std::optional<Content> got_;
  std::vector<Confirmation> confirmations_;
  std::uint64_t heartbeats_ = 0;

  // A content on its way, after the method that announced it.
  enum class ContentKind { none, deliver, get_ok, returned };
  ContentKind content_kind_ = ContentKind::none;
  bool is_header_next_ = false;
  std::uint64_t missing_bytes_ = 0;
  Content content_;
};

/// "queue.declare-ok", for what a test says when it fails.
[[nodiscard]] inline std::string name_of(std::span<const std::byte> payload) {
  std::string name = "an unknown method";
  amqp::for_each_method([&]<class Method>() {
    if (amqp::method_key_of(payload) == Method::key) name = Method::name;
  });
  return name;
}

template <class Method>
Method TestClient::take(std::uint16_t channel) {
  Answer* answer = find_answer(channel);
  if (answer == nullptr) {
    throw std::runtime_error(
        fmt::format("no answer on channel {}, but expected {}", channel, Method::name));
  }
  const bool is_close = amqp::method_key_of(answer->payload) == amqp::ChannelClose::key ||
                        amqp::method_key_of(answer->payload) == amqp::ConnectionClose::key;
  if (amqp::method_key_of(answer->payload) != Method::key) {
    throw std::runtime_error(
        fmt::format("expected {} on channel {}, heard {}", Method::name, channel,
                    is_close ? take_close(channel) : name_of(answer->payload)));
  }
  answer->is_taken = true;
  const auto method = amqp::decode_method<Method>(answer->payload);
  LEVERET_ASSERT(method.has_value(), "a malformed {}", Method::name);
  return *method;
}

/// A client that has opened its vhost and channel 1.
class Guest final : public TestClient {
 public:
  Guest(TestBroker& broker, unsigned worker) : Guest(broker, worker, Options{}) {}
  Guest(TestBroker& broker, unsigned worker, Options options)
      : TestClient(broker, worker, std::move(options)) {
    handshake();
    open_channel();
  }
};

}  // namespace leveret::testing
