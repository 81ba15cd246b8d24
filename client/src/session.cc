// SPDX-License-Identifier: Apache-2.0
#include "client/src/session.h"

#include "amqp/frame_decoder.h"
#include "base/assert.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace leveret::client {
namespace {

using amqp::FrameType;
using amqp::ReplyCode;

constexpr std::array<std::byte, 8> protocol_header = {
    std::byte{'A'}, std::byte{'M'}, std::byte{'Q'}, std::byte{'P'},
    std::byte{0},   std::byte{0},   std::byte{9},   std::byte{1}};

/// What a broker may say before frame_max is agreed on; connection.start with its table of
/// properties is the longest.
constexpr std::uint32_t first_frame_max = 131072;

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

/// As every client does it: zero is no limit.
template <class Number>
Number lower_limit(Number ours, Number theirs) {
  return ours == 0 || theirs == 0 ? std::max(ours, theirs) : std::min(ours, theirs);
}

/// What pika shows of the error that it found before it guessed the cause.
std::string described(const Failure& failure) {
  return failure.kind == FailureKind::closed_by_broker
             ? fmt::format("ConnectionClosedByBroker: ({}) '{}'", failure.reply_code, failure.text)
             : fmt::format("StreamLostError: {}", failure.text);
}

}  // namespace

Session::Session(SessionOptions options, SessionListener& listener)
    : options_(std::move(options)),
      listener_(listener),
      channel_max_(options_.channel_max),
      frame_max_(options_.frame_max) {}

Session::~Session() = default;

template <class Method>
void Session::say(const Method& method) {
  amqp::WireWriter writer(output_.extend(amqp::method_frame_size(method)));
  amqp::write_method_frame(writer, 0, method);
}

void Session::begin() {
  LEVERET_ASSERT(phase_ == Phase::idle);
  output_.append(protocol_header);
  phase_ = Phase::start;
}

// Bytes in.

std::size_t Session::on_bytes(std::span<const std::byte> bytes, Time now) {
  if (phase_ == Phase::over) return bytes.size();
  keep_alive_.note_heard(now);
  if (phase_ == Phase::start && !bytes.empty() && bytes[0] == protocol_header[0]) {
    // The broker's own header: it speaks another version, and ends.
    end({FailureKind::incompatible_protocol, 0,
         "the broker does not speak AMQP 0-9-1 and has said which protocol it speaks"});
    return bytes.size();
  }
  ++depth_;
  std::size_t taken = 0;
  bool is_done = false;
  while (!is_done && phase_ != Phase::over) {
    const bool is_tuned = phase_ >= Phase::opening;  // Then another limit holds.
    amqp::FrameDecoder decoder(bytes.subspan(taken), is_tuned ? frame_max_ : first_frame_max);
    const amqp::Frame* frame = nullptr;
    while (phase_ != Phase::over && is_tuned == (phase_ >= Phase::opening) &&
           (frame = decoder.next()) != nullptr) {
      on_frame(*frame, now);
    }
    taken += decoder.consumed();
    is_done = frame == nullptr && phase_ != Phase::over && is_tuned == (phase_ >= Phase::opening);
    if (phase_ != Phase::over && decoder.error() != nullptr) {
      refuse(decoder.error()->code, decoder.error()->text);
    }
  }
  if (--depth_ == 0) retired_.clear();
  return phase_ == Phase::over ? bytes.size() : taken;
}

void Session::on_frame(const amqp::Frame& frame, Time now) {
  if (frame.type == FrameType::heartbeat) return;
  if (phase_ == Phase::closing) {
    // What was on its way is of no use to anybody.
    if (frame.channel != 0 || frame.type != FrameType::method) return;
    const amqp::MethodKey key = amqp::method_key_of(frame.payload);
    if (key == amqp::ConnectionCloseOk::key) return end(closing_);
    if (key == amqp::ConnectionClose::key) say(amqp::ConnectionCloseOk{});
    return;
  }
  std::string complaint;
  if (frame.channel != 0) {
    complaint = on_channel_frame(frame);
  } else if (frame.type == FrameType::method) {
    complaint = on_connection_method(frame.payload, now);
  } else {
    complaint = "content on channel 0";
  }
  if (!complaint.empty()) refuse(ReplyCode::unexpected_frame, complaint);
}

std::string Session::on_channel_frame(const amqp::Frame& frame) {
  const auto found = channels_.find(frame.channel);
  if (found == channels_.end())
    return fmt::format("a frame on channel {}, which is not open", frame.channel);
  Channel& channel = *found->second;
  switch (frame.type) {
    case FrameType::method:
      return channel.on_method(frame.payload);
    case FrameType::header:
      return channel.on_header(frame.payload);
    case FrameType::body:
      return channel.on_body(frame.payload);
    case FrameType::heartbeat:
      break;
  }
  return "a heartbeat on a channel";
}

std::string Session::on_connection_method(std::span<const std::byte> payload, Time now) {
  const amqp::MethodKey key = amqp::method_key_of(payload);
  const auto unexpected = [key] {
    return fmt::format("method ({},{}) at this time", key >> 16, key & 0xFFFF);
  };
  switch (key) {
    case amqp::ConnectionStart::key: {
      const auto method = amqp::decode_method<amqp::ConnectionStart>(payload);
      if (!method) return method.error().text;
      return phase_ == Phase::start ? on_start(*method) : unexpected();
    }
    case amqp::ConnectionTune::key: {
      const auto method = amqp::decode_method<amqp::ConnectionTune>(payload);
      if (!method) return method.error().text;
      if (phase_ != Phase::tune) return unexpected();
      on_tune(*method, now);
      return {};
    }
    case amqp::ConnectionOpenOk::key:
      if (phase_ != Phase::opening) return unexpected();
      phase_ = Phase::open;
      listener_.on_open();
      return {};
    case amqp::ConnectionClose::key: {
      const auto method = amqp::decode_method<amqp::ConnectionClose>(payload);
      if (!method) return method.error().text;
      on_close(*method);
      return {};
    }
    case amqp::ConnectionBlocked::key: {
      const auto method = amqp::decode_method<amqp::ConnectionBlocked>(payload);
      if (!method) return method.error().text;
      if (!blocked_since_) blocked_since_ = now;
      listener_.on_blocked(method->reason);
      return {};
    }
    case amqp::ConnectionUnblocked::key:
      if (std::exchange(blocked_since_, std::nullopt)) listener_.on_unblocked();
      return {};
    case amqp::ConnectionUpdateSecretOk::key: {
      if (secrets_.empty()) return unexpected();
      AnswerHandler handler = std::move(secrets_.front());
      secrets_.pop_front();
      handler(Answer{key, {.method = payload, .properties = {}, .body = {}}});
      return {};
    }
    default:
      return unexpected();
  }
}

std::string Session::on_start(const amqp::ConnectionStart& method) {
  if (method.version_major != 0 || method.version_minor != 9) {
    end({FailureKind::incompatible_protocol, 0,
         fmt::format("the broker speaks AMQP {}-{}, not 0-9", method.version_major,
                     method.version_minor)});
    return {};
  }
  if (!method.server_properties.is_well_formed()) return "malformed server properties";
  const auto properties = method.server_properties.bytes();
  server_properties_.assign(properties.begin(), properties.end());
  if (!has_word(method.mechanisms, options_.mechanism)) {
    end({FailureKind::no_mechanism, 0,
         fmt::format("the broker offers the mechanisms '{}', and not {}", method.mechanisms,
                     options_.mechanism)});
    return {};
  }
  phase_ = Phase::tune;
  say(amqp::ConnectionStartOk{.client_properties = amqp::RawTable(options_.client_properties),
                              .mechanism = options_.mechanism,
                              .response = options_.response,
                              .locale = options_.locale});
  options_.response.clear();  // It may be a password.
  return {};
}

void Session::on_tune(const amqp::ConnectionTune& method, Time now) {
  channel_max_ = lower_limit(channel_max_, method.channel_max);
  if (channel_max_ == 0) channel_max_ = UINT16_MAX;
  frame_max_ = lower_limit(frame_max_, method.frame_max);
  if (frame_max_ == 0) frame_max_ = first_frame_max;  // Nobody minds; somebody must cut bodies.
  const std::uint16_t heartbeat = options_.heartbeat(method.heartbeat);
  heartbeat_ = std::chrono::seconds(heartbeat);
  say(amqp::ConnectionTuneOk{
      .channel_max = channel_max_, .frame_max = frame_max_, .heartbeat = heartbeat});
  say(amqp::ConnectionOpen{.virtual_host = options_.virtual_host});
  phase_ = Phase::opening;
  keep_alive_.start(heartbeat_, now, taken_bytes_ + output_.size());
}

void Session::on_close(const amqp::ConnectionClose& method) {
  say(amqp::ConnectionCloseOk{});
  end(explained(
      {FailureKind::closed_by_broker, method.reply_code, std::string(method.reply_text)}));
}

// Times.

std::optional<Time> Session::deadline() const {
  if (phase_ == Phase::over) return std::nullopt;
  std::optional<Time> deadline;
  if (keep_alive_.is_on()) deadline = keep_alive_.deadline();
  if (blocked_since_ && options_.blocked_timeout) {
    const Time blocked = *blocked_since_ + *options_.blocked_timeout;
    deadline = deadline ? std::min(*deadline, blocked) : blocked;
  }
  return deadline;
}

void Session::on_time(Time now) {
  if (phase_ == Phase::over) return;
  if (blocked_since_ && options_.blocked_timeout &&
      now >= *blocked_since_ + *options_.blocked_timeout) {
    return end({FailureKind::blocked_timeout, 0,
                "Blocked connection timeout expired before the broker unblocked it."});
  }
  if (!keep_alive_.is_on()) return;
  switch (keep_alive_.on_time(now, taken_bytes_ + output_.size())) {
    case KeepAlive::Verdict::quiet:
      break;
    case KeepAlive::Verdict::send: {
      amqp::WireWriter writer(output_.extend(amqp::frame_overhead_bytes));
      amqp::write_frame_header(writer, FrameType::heartbeat, 0, 0);
      amqp::write_frame_end(writer);
      break;
    }
    case KeepAlive::Verdict::broker_is_gone:
      end({FailureKind::heartbeat_timeout, 0,
           fmt::format("No activity or too many missed heartbeats in the last {} seconds",
                       heartbeat_.count())});
  }
}

// Ends.

void Session::on_stream_lost(std::string_view how) {
  if (phase_ == Phase::over) return;
  // Having said goodbye, it does not matter who hung up first.
  end(phase_ == Phase::closing ? closing_
                               : explained({FailureKind::stream_lost, 0, std::string(how)}));
}

void Session::close(std::uint16_t reply_code, std::string_view reply_text) {
  if (phase_ == Phase::closing || phase_ == Phase::over) return;
  if (phase_ != Phase::open) {
    return end({FailureKind::open_aborted, 0, "Connection setup was aborted by the client."});
  }
  closing_ = {FailureKind::closed_by_client, reply_code, std::string(reply_text)};
  say(amqp::ConnectionClose{.reply_code = reply_code, .reply_text = reply_text});
  phase_ = Phase::closing;
}

/// The peer has broken the protocol; told so, and not waited for.
void Session::refuse(ReplyCode code, std::string_view what) {
  if (phase_ == Phase::over) return;
  say(amqp::ConnectionClose{.reply_code = static_cast<std::uint16_t>(code),
                            .reply_text = what.substr(0, amqp::short_string_bytes_max)});
  end({FailureKind::protocol_error, static_cast<std::uint16_t>(code), std::string(what)});
}

Failure Session::explained(Failure failure) const {
  switch (phase_) {
    case Phase::idle:
      return {FailureKind::connect_failed, 0, failure.text};
    case Phase::start:
      return {FailureKind::incompatible_protocol, failure.reply_code, described(failure)};
    case Phase::tune:
      return {FailureKind::probable_authentication, failure.reply_code, described(failure)};
    case Phase::opening:
      return {FailureKind::probable_access_denied, failure.reply_code, described(failure)};
    default:
      return failure;
  }
}

void Session::end(Failure failure) {
  if (phase_ == Phase::over) return;
  phase_ = Phase::over;
  end_ = std::move(failure);
  ++depth_;
  while (!channels_.empty()) channels_.begin()->second->fail(*end_);
  while (!secrets_.empty()) {
    AnswerHandler handler = std::move(secrets_.front());
    secrets_.pop_front();
    handler(std::unexpected(*end_));
  }
  listener_.on_closed(*end_);
  if (--depth_ == 0) retired_.clear();
}

Failure Session::why_not_open() const {
  if (end_) return *end_;
  return {FailureKind::wrong_state, 0,
          phase_ == Phase::closing ? "Connection is closing." : "Connection is not open yet."};
}

// Channels.

std::expected<Channel*, Failure> Session::open_channel(std::uint16_t number,
                                                       ChannelListener& listener,
                                                       AnswerHandler handler) {
  if (phase_ != Phase::open) return std::unexpected(why_not_open());
  if (number == 0) {
    number = 1;
    for (const auto& [taken, channel] : channels_) {
      if (taken != number) break;
      if (number == channel_max_) {
        number = 0;
        break;
      }
      ++number;
    }
    if (number == 0) {
      return std::unexpected(Failure{FailureKind::no_free_channel, 0,
                                     fmt::format("all of the {} channels are open", channel_max_)});
    }
  }
  if (number > channel_max_ || channels_.contains(number)) {
    return std::unexpected(
        Failure{FailureKind::no_free_channel, 0,
                number > channel_max_
                    ? fmt::format("channel {} is beyond the negotiated {}", number, channel_max_)
                    : fmt::format("channel {} is open already", number)});
  }
  auto& channel = channels_[number] = std::make_unique<Channel>(*this, number, listener);
  channel->call(amqp::ChannelOpen{}, std::move(handler));
  return channel.get();
}

void Session::retire(Channel& channel) {
  const auto found = channels_.find(channel.number());
  LEVERET_ASSERT(found != channels_.end());
  retired_.push_back(std::move(found->second));
  channels_.erase(found);
}

void Session::update_secret(std::string_view secret, std::string_view reason,
                            AnswerHandler handler) {
  if (phase_ != Phase::open) {
    handler(std::unexpected(why_not_open()));
    return;
  }
  secrets_.push_back(std::move(handler));
  say(amqp::ConnectionUpdateSecret{.new_secret = secret, .reason = reason});
}

}  // namespace leveret::client
