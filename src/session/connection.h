// SPDX-License-Identifier: Apache-2.0
//
// Connection: one client's talk, from the protocol header to the last close-ok.
//
// A machine of bytes: on_bytes() takes whole frames and leaves the rest to be shown again, output()
// holds what is to be written. At the end of a loop turn end_turn() adds what was gathered
// (confirms).
//
// Questions and pauses. A method that needs an answer from elsewhere (declare, get, consume, ...)
// pauses the connection's input until its answer has been written, so that each connection has at
// most one question out, methods keep their order, and a Connection that has a question out is not
// destroyed before the answer came. Deliveries, confirms and heartbeats go on meanwhile.
//
// Alarms. While one is on, a connection that publishes is blocked and its publishes are held; the
// rest goes on (blocking.cc).
//
// Ends. The client closes; or it breaks the protocol and is sent connection.close; or its transport
// breaks; or heartbeats stay away. In each case its channels go first (what they hold is requeued),
// then, once no question is out, its exclusive queues are deleted, then the last frame is written.
//
// Thread: home worker, every method. Borrows: the Shard and the host, which outlive it.
// Spec: AMQP 0-9-1 §2.2.4, §4.2; RabbitMQ: connections, heartbeats.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/frame.h"
#include "amqp/frame_encoder.h"
#include "amqp/limits.h"
#include "amqp/methods.gen.h"
#include "base/clock.h"
#include "base/random.h"
#include "session/access.h"
#include "session/channel.h"
#include "session/connection_host.h"
#include "session/heartbeat.h"
#include "session/held_publishes.h"
#include "session/output.h"
#include "vhost/ports.h"
#include "vhost/shard.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace leveret {

namespace amqp {
class FrameDecoder;
}

/// What a node tells every connection. Shared and unchanging.
struct SessionOptions {
  std::uint16_t channel_max = 2047;
  std::uint32_t frame_max = 131072;             ///< Bytes of a whole frame.
  std::uint16_t heartbeat_seconds = 60;         ///< What is proposed.
  std::uint64_t message_bytes_max = 134217728;  ///< RabbitMQ's max_message_size.
  Duration handshake_timeout = std::chrono::seconds(10);
  Duration closing_timeout = std::chrono::seconds(30);
  /// How long a delivery may stay unacknowledged; zero: for ever.
  Duration consumer_timeout = std::chrono::minutes(30);
  TimeoutAction consumer_timeout_action = TimeoutAction::close_channel;
  static constexpr std::uint32_t unlimited = UINT32_MAX;
  /// Consumers of one channel, without one that waits for replies.
  std::uint32_t channel_consumers_max = unlimited;
  std::string cluster_name;
  std::string product_version = "3.10.8";  ///< RabbitMQ's version whose behaviour is offered.
  std::string leveret_version;
};

/// The two ends of the transport, for people and permissions.
struct ConnectionEnds {
  std::string peer_host;
  std::uint16_t peer_port = 0;
  std::string host;
  std::uint16_t port = 0;
  bool is_loopback = false;
};

class Connection final : public ConnectionPort {
 public:
  struct Deps {
    Shard* shard = nullptr;
    ConnectionHost* host = nullptr;
    ChunkPool* chunks = nullptr;
    Random* random = nullptr;
    const SessionOptions* options = nullptr;
    ConnectionEnds ends;
    Time now{};
    WallTime wall_now{};
  };

  explicit Connection(Deps deps);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Takes what it can of `bytes` and returns how much that was.
  [[nodiscard]] std::size_t on_bytes(std::span<const std::byte> bytes, Time now);
  /// The transport ended. What the connection held is given back; is_finished() follows.
  void on_transport_closed();
  void on_timer(Time now);
  /// Adds what a turn gathered to the output.
  void end_turn();
  /// The output shrank.
  void on_written(std::size_t bytes);
  [[nodiscard]] Output& output() { return output_; }
  /// The input is paused: on_bytes() would take nothing.
  [[nodiscard]] bool is_paused() const { return question_count_ > 0 || stops_ != 0; }

  // ConnectionPort
  [[nodiscard]] ConnectionInfo info() const override;
  [[nodiscard]] const std::string& vhost_name() const override { return vhost_name_; }
  [[nodiscard]] const std::string& user_name() const override { return user_name_; }
  void force_close(amqp::ReplyCode code, const std::string& text) override;
  void on_uncongested() override;
  void on_slow_tick() override { go_on_reading(slowed); }
  void on_alarms_changed() override;

  // For its channels.

  [[nodiscard]] Shard& shard() { return shard_; }
  [[nodiscard]] ConnectionId id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Null: the vhost has been deleted, and this connection is about to be closed.
  [[nodiscard]] VhostReplica* vhost();
  [[nodiscard]] Access& access() { return access_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] const SessionOptions& options() const { return options_; }
  [[nodiscard]] std::uint32_t frame_max() const { return frame_max_; }
  [[nodiscard]] bool can_be_told_of_cancel() const { return can_be_told_of_cancel_; }
  /// Its output is as long as it may be: deliver nothing more.
  [[nodiscard]] bool is_output_full() const { return output_.pending_bytes() >= output_bytes_max; }
  /// A consumer was refused because of that, and is to be resumed.
  void note_starved() { has_starved_ = true; }
  /// It publishes: it is held when workers cannot follow, and blocked when there is an alarm.
  void note_publisher() { has_published_ = true; }
  /// A message of its went to a queue that has more memory than it should.
  void note_heavy_queue() { has_fed_heavy_queue_ = true; }
  /// An alarm is on: what is published goes to hold().
  [[nodiscard]] bool is_alarmed() const { return is_alarmed_; }
  /// Keeps a publish, or a refusal behind one, until no alarm is on.
  void hold(Channel& channel, HeldPublishes::Entry entry);
  /// A channel has a timeout of deliveries that may be shorter than the others were.
  void look_within(Duration timeout);
  /// Something was appended to output(), or is to be by end_turn().
  void touch();
  /// The channel has something for end_turn() to say.
  void note_news(std::uint16_t channel) {
    channels_with_news_.push_back(channel);
    touch();
  }

  template <class Method>
  void send(std::uint16_t channel, const Method& method) {
    const std::size_t bytes = amqp::method_frame_size(method);
    amqp::WireWriter writer(std::span(output_.reserve(bytes), bytes));
    amqp::write_method_frame(writer, channel, method);
    output_.commit(bytes);
    touch();
  }

  /// A question is out: no more input until answered().
  void ask() { ++question_count_; }
  /// The answer came. Returns false when the talk has ended meanwhile: say nothing more.
  [[nodiscard]] bool answered();
  /// Carries out what a method returned: a refusal closes the channel or the connection.
  void conclude(std::uint16_t channel, amqp::AmqpResult<void> outcome);

 private:
  friend struct Dispatch;

  /// Where the talk is. `closing`: connection.close was sent and close-ok is awaited. `ended`:
  /// nothing more is said or heard.
  enum class Phase { header, start, tune, open, running, closing, ended };

  /// `congested`: too much of what it published is on the way to other workers. `alarmed`: it is
  /// blocked, and what comes next has to wait. `slowed`: it has published to a heavy queue.
  enum Stop : std::uint8_t { congested = 1, alarmed = 2, slowed = 4 };
  void stop_reading(Stop why) { stops_ |= why; }
  void go_on_reading(Stop why);

  [[nodiscard]] std::size_t take_bytes(std::span<const std::byte> bytes);
  void take_frames(amqp::FrameDecoder& decoder);
  void on_frame(const amqp::Frame& frame);
  void on_channel_frame(const amqp::Frame& frame);
  [[nodiscard]] amqp::AmqpResult<void> take_frame(const amqp::Frame& frame, Channel& channel);
  void on_frame_of_closing(const amqp::Frame& frame, Channel& channel);
  void on_frame_of_none(const amqp::Frame& frame);
  [[nodiscard]] amqp::AmqpResult<void> on_protocol_header(std::span<const std::byte> header);

  // Methods of channel 0 (handshake.cc, connection.cc).
  [[nodiscard]] amqp::AmqpResult<void> on_start_ok(const amqp::ConnectionStartOk& method);
  [[nodiscard]] amqp::AmqpResult<void> on_tune_ok(const amqp::ConnectionTuneOk& method);
  [[nodiscard]] amqp::AmqpResult<void> on_open(const amqp::ConnectionOpen& method);
  [[nodiscard]] amqp::AmqpResult<void> on_close(const amqp::ConnectionClose& method);
  [[nodiscard]] amqp::AmqpResult<void> on_close_ok();
  [[nodiscard]] amqp::AmqpResult<void> on_update_secret(const amqp::ConnectionUpdateSecret& method);
  // Alarms (blocking.cc).
  void take_frames_while_alarmed(amqp::FrameDecoder& decoder);
  /// False: it has to wait until no alarm is on.
  [[nodiscard]] bool may_take(const amqp::Frame& frame);
  /// Tells the client, once, that what it publishes is held from now on.
  void block();
  void unblock();
  [[nodiscard]] bool has_room_to_hold(std::uint64_t body_bytes) const;
  [[nodiscard]] std::vector<HeldPublishes::Entry> take_held();
  void drop_held();
  // Methods that make and end channels.
  [[nodiscard]] amqp::AmqpResult<void> on_channel_open(std::uint16_t number);
  [[nodiscard]] amqp::AmqpResult<void> on_channel_close(std::uint16_t number);

  [[nodiscard]] amqp::AmqpResult<void> refuse_login(std::string_view user, std::string_view why);
  /// Says nothing more and closes the transport a little later.
  void close_silently();
  void fail(const amqp::AmqpError& error);
  void close_channel(std::uint16_t number, const amqp::AmqpError& error);
  void look_at_deliveries();
  void set_next_look();
  void forget_channel(std::uint16_t number);
  void drop_channels();
  /// Drops channels and exclusive queues, then calls `then`. Only the first call counts.
  void wind_up(std::move_only_function<void()> then);
  void delete_exclusive_queues();
  void tell_closed();
  void end_talk();
  void end_question();
  void finish_if_idle();
  [[nodiscard]] Channel* find_channel(std::uint16_t number) const;
  void set_next_timer();
  [[nodiscard]] std::string_view state_name() const;

  static constexpr std::size_t output_bytes_max = 1024 * 1024;
  static constexpr std::size_t output_bytes_resume = 256 * 1024;

  // Constant after construction.
  Shard& shard_;
  ConnectionHost& host_;
  Random& random_;
  const SessionOptions& options_;
  const ConnectionEnds ends_;
  const ConnectionId id_;
  const std::string name_;
  const WallTime connected_at_;

  Phase phase_ = Phase::header;
  Output output_;
  std::vector<std::unique_ptr<Channel>> channels_;  // By number - 1.
  std::vector<std::uint16_t> channels_with_news_;
  std::uint16_t open_channels_ = 0;
  Heartbeat heartbeat_;
  Access access_;

  Use vhost_use_;  // Counted among the vhost's connections, and the user's.
  Use user_use_;
  std::string vhost_name_;
  std::string user_name_;
  std::string mechanism_;
  std::string client_properties_;
  std::uint16_t channel_max_ = 0;
  std::uint32_t frame_max_ = amqp::frame_bytes_min;
  bool can_be_told_of_cancel_ = false;
  bool can_be_told_of_login_failure_ = false;
  bool can_be_told_of_blocked_ = false;

  std::uint16_t heartbeat_seconds_ = 0;

  VhostReplica* vhost_ = nullptr;  // Not owned: the shard's, as of vhosts_version_.
  std::uint64_t vhosts_version_ = 0;

  int question_count_ = 0;
  bool is_in_on_bytes_ = false;
  std::uint8_t stops_ = 0;               // Why nothing is read beside questions: a set of Stop.
  bool has_fed_heavy_queue_ = false;     // Since it was last slowed for that.
  bool is_alarmed_ = false;              // As the shard's alarms; never changes inside on_bytes().
  bool is_blocked_ = false;              // It publishes while an alarm is on.
  std::unique_ptr<HeldPublishes> held_;  // Null: nothing is.
  bool is_turn_wanted_ = false;
  bool has_starved_ = false;
  bool has_published_ = false;
  bool is_winding_up_ = false;
  bool is_abandoned_next_ = false;  // The transport is being closed; at the deadline it is cut.
  bool is_transport_open_ = true;
  bool is_wound_up_ = false;
  bool is_finish_told_ = false;
  std::move_only_function<void()> after_wind_up_;  // Until exclusive queues are asked for.
  Time now_{};
  Time next_look_ = Time::max();  // For deliveries that wait too long to be acknowledged.
  Time deadline_{};               // Of the handshake, or of the client's close-ok.
  std::size_t kept_bytes_ = 0;    // Shown to us and not taken.
  std::uint64_t received_bytes_ = 0;
  std::uint64_t sent_bytes_ = 0;
};

}  // namespace leveret
