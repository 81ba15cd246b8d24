// SPDX-License-Identifier: Apache-2.0
#include "session/connection.h"

#include "amqp/erlang_text.h"
#include "amqp/frame_decoder.h"
#include "amqp/method_decoder.h"
#include "base/assert.h"
#include "base/log.h"
#include "session/dispatch.h"
#include "session/session_events.h"
#include "vhost/limits.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace leveret {

using amqp::AmqpError;
using amqp::AmqpResult;
using amqp::Frame;
using amqp::FrameType;
using amqp::ReplyCode;

namespace {

/// A whole frame, but not now and not there.
std::unexpected<AmqpError> refuse_unexpected_frame(const Frame& frame) {
  std::string text = fmt::format("type {}, all octets = ", static_cast<int>(frame.type));
  amqp::append_erlang_binary(text, frame.payload);
  return amqp::refuse(ReplyCode::unexpected_frame, std::move(text));
}

}  // namespace

Connection::Connection(Deps deps)
    : shard_(*deps.shard),
      host_(*deps.host),
      random_(*deps.random),
      options_(*deps.options),
      ends_(std::move(deps.ends)),
      id_(shard_.next_connection_id()),
      name_(
          fmt::format("{}:{} -> {}:{}", ends_.peer_host, ends_.peer_port, ends_.host, ends_.port)),
      connected_at_(deps.wall_now),
      output_(*deps.chunks),
      access_(shard_),
      is_alarmed_(!shard_.alarms().is_empty()),
      now_(deps.now),
      deadline_(deps.now + options_.handshake_timeout) {
  shard_.add_connection(id_, *this);
  set_next_timer();
}

Connection::~Connection() {
  drop_channels();
  shard_.remove_connection(id_);
}

// Bytes in.

std::size_t Connection::on_bytes(std::span<const std::byte> bytes, Time now) {
  now_ = now;
  received_bytes_ += bytes.size() - kept_bytes_;
  is_in_on_bytes_ = true;
  const std::size_t taken = take_bytes(bytes);
  is_in_on_bytes_ = false;
  kept_bytes_ = bytes.size() - taken;
  if (has_published_ && (stops_ & congested) == 0 && shard_.is_congested()) {
    stop_reading(congested);
    shard_.await_uncongested(id_);
  }
  if (std::exchange(has_fed_heavy_queue_, false)) [[unlikely]] {
    stop_reading(slowed);
    shard_.await_slow_tick(id_);
  }
  return taken;
}

std::size_t Connection::take_bytes(std::span<const std::byte> bytes) {
  constexpr std::size_t header_bytes = 8;
  std::size_t taken = 0;
  if (phase_ == Phase::header) {
    if (bytes.size() < header_bytes) return 0;
    conclude(0, on_protocol_header(bytes.first(header_bytes)));
    taken = header_bytes;
  }
  bool is_done = false;
  while (!is_done) {
    // A tune-ok changes what a frame may be; the bytes after it are cut anew.
    const std::uint32_t frame_max = frame_max_;
    amqp::FrameDecoder decoder(bytes.subspan(taken), frame_max);
    if (is_alarmed_) [[unlikely]] {
      take_frames_while_alarmed(decoder);
    } else {
      take_frames(decoder);
    }
    taken += decoder.consumed();
    is_done = frame_max == frame_max_;
    if (decoder.error() != nullptr) {
      if (phase_ == Phase::closing) {
        end_talk();
      } else {
        conclude(0, std::unexpected(*decoder.error()));
      }
      return bytes.size();
    }
  }
  // Whoever is not listened to any more may say what he likes.
  return phase_ == Phase::ended ? bytes.size() : taken;
}

void Connection::take_frames(amqp::FrameDecoder& decoder) {
  const std::uint32_t frame_max = frame_max_;
  const Frame* frame = nullptr;
  while (phase_ != Phase::ended && !is_paused() && frame_max == frame_max_ &&
         (frame = decoder.next()) != nullptr) {
    on_frame(*frame);
  }
}

void Connection::on_frame(const Frame& frame) {
  if (frame.channel != 0) {
    on_channel_frame(frame);
    return;
  }
  if (frame.type == FrameType::heartbeat) return;
  if (frame.type != FrameType::method) {
    if (phase_ != Phase::closing) conclude(0, refuse_unexpected_frame(frame));
    return;
  }
  conclude(0, Dispatch::on_connection(*this, frame.payload));
}

void Connection::on_channel_frame(const Frame& frame) {
  if (phase_ == Phase::closing) return;
  if (phase_ != Phase::running || frame.type == FrameType::heartbeat) {
    conclude(0, refuse_unexpected_frame(frame));
    return;
  }
  Channel* channel = find_channel(frame.channel);
  if (channel == nullptr) {
    on_frame_of_none(frame);
    return;
  }
  if (channel->is_closing()) {
    on_frame_of_closing(frame, *channel);
    return;
  }
  AmqpResult<void> outcome = take_frame(frame, *channel);
  if (!outcome) [[unlikely]]
    conclude(frame.channel, std::move(outcome));
}

inline AmqpResult<void> Connection::take_frame(const Frame& frame, Channel& channel) {
  if (frame.type == FrameType::body) return channel.on_content_body(frame.payload);
  if (frame.type == FrameType::header) return channel.on_content_header(frame.payload);
  if (channel.is_assembling()) return channel.refuse_interruption();
  return Dispatch::on_channel(*this, channel, frame.payload);
}

void Connection::on_frame_of_closing(const Frame& frame, Channel& channel) {
  // Sent before the client heard of our channel.close. Only the end of that matters, but the order
  // of content frames is looked at as ever.
  if (frame.type != FrameType::method) {
    AmqpResult<void> outcome = frame.type == FrameType::header
                                   ? channel.on_content_header(frame.payload)
                                   : channel.on_content_body(frame.payload);
    if (!outcome && outcome.error().code == ReplyCode::unexpected_frame) {
      conclude(0, std::move(outcome));
    }
    return;
  }
  switch (const amqp::MethodKey key = amqp::method_key_of(frame.payload); key) {
    case amqp::ChannelCloseOk::key:
      forget_channel(frame.channel);
      break;
    case amqp::ChannelClose::key:  // Both said it at once; their close-ok is still to come.
      send(frame.channel, amqp::ChannelCloseOk{});
      break;
    case amqp::ChannelOpen::key:
      conclude(0, amqp::refuse(ReplyCode::channel_error, "second 'channel.open' seen", key));
      break;
    case amqp::BasicPublish::key:
      channel.expect_content_to_drop();
      break;
    default:
      break;
  }
}

void Connection::on_frame_of_none(const Frame& frame) {
  const amqp::MethodKey key = amqp::method_key_of(frame.payload);
  const bool is_method = frame.type == FrameType::method;
  if (is_method && open_channels_ >= channel_max_) {
    conclude(0, amqp::refuse(ReplyCode::not_allowed,
                             fmt::format("number of channels opened ({}) has reached the "
                                         "negotiated channel_max ({})",
                                         open_channels_, channel_max_)));
  } else if (is_method && key == amqp::ChannelOpen::key) {
    conclude(0, on_channel_open(frame.channel));
  } else if (is_method) {
    conclude(0, amqp::refuse(ReplyCode::channel_error, "expected 'channel.open'", key));
  } else {
    conclude(0, amqp::refuse(ReplyCode::unexpected_frame,
                             "expected method frame, got non method frame instead"));
  }
}

// Channels.

Channel* Connection::find_channel(std::uint16_t number) const {
  return number <= channels_.size() ? channels_[number - 1].get() : nullptr;
}

AmqpResult<void> Connection::on_channel_open(std::uint16_t number) {
  Use use;
  // A user who was deleted is about to lose the connection, and has no limits.
  if (const User* user = shard_.auth()->find_user(user_name_)) {
    const std::int64_t most = limit_of(user->record.limits, max_channels);
    use = Use::take(user->channels, most);
    if (!use) {
      return amqp::refuse(ReplyCode::not_allowed,
                          fmt::format("number of channels opened for user '{}' has reached the "
                                      "maximum allowed user limit of ({})",
                                      user_name_, most));
    }
  }
  if (channels_.size() < number) channels_.resize(number);
  channels_[number - 1] = std::make_unique<Channel>(*this, number, std::move(use));
  ++open_channels_;
  channels_[number - 1]->tell_opened();
  send(number, amqp::ChannelOpenOk{});
  return {};
}

AmqpResult<void> Connection::on_channel_close(std::uint16_t number) {
  find_channel(number)->end_turn();
  send(number, amqp::ChannelCloseOk{});
  forget_channel(number);
  return {};
}

void Connection::forget_channel(std::uint16_t number) {
  channels_[number - 1] = nullptr;
  --open_channels_;
}

void Connection::drop_channels() {
  // A channel whose question is out waits for it; it is mute from here on.
  for (const auto& channel : channels_) {
    if (channel) channel->wind_up();
  }
}

// What methods return.

void Connection::conclude(std::uint16_t channel, AmqpResult<void> outcome) {
  if (outcome) return;
  const AmqpError& error = outcome.error();
  const bool is_before_tuned = phase_ == Phase::start || phase_ == Phase::tune;
  if (is_before_tuned) {
    log(LogLevel::warn, "session", "handshake_failed name=\"{}\" code={} text=\"{}\"", name_,
        static_cast<int>(error.code), log_safe(error.reply_text()));
    close_silently();
  } else if (channel == 0 || amqp::closes_connection(error.code)) {
    fail(error);
  } else if (Channel* at = find_channel(channel); at != nullptr && at->is_holding()) {
    hold(*at, {.refusal = error});
  } else {
    close_channel(channel, error);
  }
}

void Connection::close_channel(std::uint16_t number, const AmqpError& error) {
  Channel* channel = find_channel(number);
  if (channel == nullptr || channel->is_closing()) return;
  log(LogLevel::warn, "session", "channel_closed name=\"{}\" channel={} code={} text=\"{}\"", name_,
      number, static_cast<int>(error.code), log_safe(error.reply_text()));
  channel->end_turn();
  channel->begin_closing();
  const std::string text = error.reply_text();
  send(number, amqp::ChannelClose{.reply_code = static_cast<std::uint16_t>(error.code),
                                  .reply_text = text,
                                  .class_id = amqp::class_id_of(error.method),
                                  .method_id = amqp::method_id_of(error.method)});
}

void Connection::set_next_look() {
  // A queue may get a shorter timeout by its policy while it is consumed from.
  constexpr Duration longest_between_looks = std::chrono::minutes(4);
  Duration shortest = longest_between_looks * DeliveryAges::looks_per_timeout;
  for (const auto& channel : channels_) {
    if (channel) shortest = std::min(shortest, channel->shortest_timeout());
  }
  next_look_ = now_ + DeliveryAges::between_looks(shortest);
}

void Connection::look_within(Duration timeout) {
  const Time next = now_ + DeliveryAges::between_looks(timeout);
  if (next >= next_look_) return;
  next_look_ = next;
  set_next_timer();
}

void Connection::look_at_deliveries() {
  if (question_count_ > 0) return;  // Its answer would come behind channel.close. At the next look.
  for (const auto& channel : channels_) {
    // One whose publishes are held goes behind them, as every refusal does: later.
    if (!channel || channel->is_holding()) continue;
    const std::optional<Duration> overdue = channel->look_at_deliveries(now_);
    if (!overdue) continue;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*overdue);
    close_channel(channel->number(),
                  {ReplyCode::precondition_failed,
                   fmt::format("delivery acknowledgement on channel {} timed out. Timeout value "
                               "used: {} ms. This timeout value can be configured, see consumers "
                               "doc guide to learn more",
                               channel->number(), ms.count())});
  }
}

void Connection::fail(const AmqpError& error) {
  if (phase_ == Phase::closing || phase_ == Phase::ended) return;
  log(LogLevel::warn, "session", "connection_closed name=\"{}\" code={} text=\"{}\"", name_,
      static_cast<int>(error.code), log_safe(error.reply_text()));
  phase_ = Phase::closing;
  wind_up([this, error] {
    if (phase_ != Phase::closing) return;
    const std::string text = error.reply_text();
    send(0, amqp::ConnectionClose{.reply_code = static_cast<std::uint16_t>(error.code),
                                  .reply_text = text,
                                  .class_id = amqp::class_id_of(error.method),
                                  .method_id = amqp::method_id_of(error.method)});
    deadline_ = now_ + options_.closing_timeout;
    set_next_timer();
  });
}

void Connection::force_close(ReplyCode code, const std::string& text) {
  if (phase_ == Phase::running) {
    fail({code, text});
  } else if (phase_ != Phase::closing) {
    end_talk();
  }
}

// Questions.

bool Connection::answered() {
  end_question();
  if (phase_ == Phase::running) return true;
  if (after_wind_up_ && question_count_ == 0) delete_exclusive_queues();
  finish_if_idle();
  return false;
}

void Connection::end_question() {
  LEVERET_ASSERT(question_count_ > 0);
  --question_count_;
  // Whatever the phase: a close-ok, or the end of the transport, is still to be read.
  if (!is_paused() && !is_in_on_bytes_ && is_transport_open_) host_.input_resumed();
}

void Connection::on_uncongested() { go_on_reading(congested); }

void Connection::go_on_reading(Stop why) {
  const bool was_paused = is_paused();
  stops_ &= static_cast<std::uint8_t>(~why);
  if (was_paused && !is_paused() && !is_in_on_bytes_ && is_transport_open_) host_.input_resumed();
}

// Ends.

AmqpResult<void> Connection::on_close(const amqp::ConnectionClose& method) {
  if (phase_ == Phase::closing) {  // Both said it at once.
    send(0, amqp::ConnectionCloseOk{});
    return {};
  }
  log(LogLevel::info, "session", "connection_closed name=\"{}\" by=client code={} text=\"{}\"",
      name_, method.reply_code, log_safe(method.reply_text));
  for (const auto& channel : channels_) {
    if (channel) channel->end_turn();
  }
  phase_ = Phase::ended;
  wind_up([this] {
    send(0, amqp::ConnectionCloseOk{});
    // The client closes the socket now. One that does not is not waited for for ever.
    deadline_ = now_ + options_.closing_timeout;
    set_next_timer();
  });
  return {};
}

AmqpResult<void> Connection::on_close_ok() {
  end_talk();
  return {};
}

void Connection::end_talk() {
  phase_ = Phase::ended;
  if (!is_transport_open_) return;
  touch();
  host_.close_transport();
  // A peer that does not read our last words is not waited for for ever.
  is_abandoned_next_ = true;
  deadline_ = now_ + options_.closing_timeout;
  set_next_timer();
}

void Connection::on_transport_closed() {
  is_transport_open_ = false;
  if (phase_ == Phase::running) {
    log(LogLevel::warn, "session", "connection_lost name=\"{}\"", name_);
  }
  phase_ = Phase::ended;
  output_.clear();
  wind_up([] {});
}

void Connection::wind_up(std::move_only_function<void()> then) {
  if (std::exchange(is_winding_up_, true)) {
    finish_if_idle();
    return;
  }
  drop_held();
  drop_channels();
  vhost_use_ = {};
  user_use_ = {};
  after_wind_up_ = std::move(then);
  if (question_count_ == 0) delete_exclusive_queues();
}

void Connection::delete_exclusive_queues() {
  // Exclusive queues are gone when the client hears that its connection is: people rely on it. One
  // whose declaration is still out (it may wait until its namesake is deleted) would come later,
  // and stay; so this is the last question.
  ask();
  shard_.delete_exclusive_queues(id_,
                                 [this, then = std::exchange(after_wind_up_, nullptr)]() mutable {
                                   end_question();
                                   is_wound_up_ = true;
                                   tell_closed();
                                   if (is_transport_open_) then();
                                   finish_if_idle();
                                 });
}

void Connection::tell_closed() {
  if (mechanism_.empty() || !shard_.has_event_listener()) return;
  shard_.tell(connection_closed(info(), shard_.node_name()));
}

void Connection::finish_if_idle() {
  if (is_transport_open_ || !is_wound_up_ || question_count_ > 0) return;
  if (!std::exchange(is_finish_told_, true)) host_.is_finished();
}

// Time.

void Connection::on_timer(Time now) {
  now_ = now;
  if (now >= deadline_) {
    deadline_ = Time::max();
    if (is_abandoned_next_) {
      host_.abandon_transport();
      return;
    }
    if (phase_ != Phase::closing && phase_ != Phase::ended) {
      log(LogLevel::warn, "session", "handshake_timed_out name=\"{}\"", name_);
    }
    end_talk();
    return;
  }
  if (phase_ == Phase::running && heartbeat_.is_on() && now >= heartbeat_.deadline()) {
    // Bytes that we do not take in are a sign of life too.
    if (is_paused()) ++received_bytes_;
    switch (heartbeat_.on_time(now, sent_bytes_, received_bytes_)) {
      case Heartbeat::Verdict::quiet:
        break;
      case Heartbeat::Verdict::send:
        output_.append(amqp::heartbeat_frame);
        touch();
        break;
      case Heartbeat::Verdict::peer_is_gone:
        log(LogLevel::warn, "session",
            "connection_lost name=\"{}\" reason=missed_heartbeats timeout={}s", name_,
            heartbeat_seconds_);
        end_talk();
        return;
    }
  }
  if (phase_ == Phase::running && now >= next_look_) {
    look_at_deliveries();
    set_next_look();
  }
  set_next_timer();
}

void Connection::set_next_timer() {
  Time next = deadline_;
  if (phase_ == Phase::running) next = std::min(next, next_look_);
  if (phase_ == Phase::running && heartbeat_.is_on()) next = std::min(next, heartbeat_.deadline());
  if (next != Time::max()) host_.set_timer(next);
}

// The turn.

void Connection::touch() {
  if (std::exchange(is_turn_wanted_, true)) return;
  host_.wants_turn();
}

void Connection::end_turn() {
  for (std::size_t i = 0; i < channels_with_news_.size(); ++i) {
    Channel* channel = find_channel(channels_with_news_[i]);
    if (channel && phase_ == Phase::running) channel->end_turn();
  }
  channels_with_news_.clear();
  is_turn_wanted_ = false;
}

void Connection::on_written(std::size_t bytes) {
  output_.on_written(bytes);
  sent_bytes_ += bytes;
  if (has_starved_ && output_.pending_bytes() <= output_bytes_resume) {
    has_starved_ = false;
    for (const auto& channel : channels_) {
      if (channel && !channel->is_closing()) channel->resume_starved();
    }
  }
}

// For others.

VhostReplica* Connection::vhost() {
  if (vhosts_version_ != shard_.vhosts_version()) {
    vhost_ = shard_.find_vhost(vhost_name_);
    vhosts_version_ = shard_.vhosts_version();
  }
  return vhost_;
}

ConnectionInfo Connection::info() const {
  ConnectionInfo info;
  info.id = id_;
  info.name = name_;
  info.user = user_name_;
  info.vhost = vhost_name_;
  info.state = state_name();
  info.peer_host = ends_.peer_host;
  info.peer_port = ends_.peer_port;
  info.host = ends_.host;
  info.port = ends_.port;
  info.auth_mechanism = mechanism_;
  info.client_properties = client_properties_;
  info.channel_max = channel_max_;
  info.frame_max = frame_max_;
  info.heartbeat_seconds = heartbeat_seconds_;
  info.received_bytes = received_bytes_;
  info.sent_bytes = sent_bytes_;
  info.connected_at = connected_at_;
  for (const auto& channel : channels_) {
    if (channel && !channel->is_closing()) info.channels.push_back(channel->info());
  }
  return info;
}

std::string_view Connection::state_name() const {
  switch (phase_) {
    case Phase::header:
    case Phase::start:
      return "starting";
    case Phase::tune:
      return "tuning";
    case Phase::open:
      return "opening";
    case Phase::running:
      if (is_blocked_) return "blocked";
      if (stops_ & (congested | slowed)) return "flow";
      return is_alarmed_ ? "blocking" : "running";
    case Phase::closing:
      return "closing";
    case Phase::ended:
      return "closed";
  }
  return {};
}

}  // namespace leveret
