// SPDX-License-Identifier: Apache-2.0
//
// ScriptedBroker: the other end of a Session, in a test. It says what it is told to, reads what the
// session has said, and writes down what the listeners hear, one line each.
//
// Thread: the test's.

#pragma once

#include "amqp/basic_properties.h"
#include "amqp/frame_decoder.h"
#include "amqp/frame_encoder.h"
#include "amqp/method_decoder.h"
#include "client/src/session.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace leveret::client::testing {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ScriptedBroker : public SessionListener, public ChannelListener {
 public:
  explicit ScriptedBroker(SessionOptions options = {}) : session(std::move(options), *this) {}

  // SessionListener
  void on_open() override { heard.emplace_back("open"); }
  void on_blocked(std::string_view reason) override {
    heard.push_back(fmt::format("blocked {}", reason));
  }
  void on_unblocked() override { heard.emplace_back("unblocked"); }
  // ChannelListener
  void on_delivery(const amqp::BasicDeliver& method, const Content& content) override {
    heard.push_back(fmt::format("delivery {} {} '{}'", method.consumer_tag, method.delivery_tag,
                                text_of(content.body)));
  }
  void on_return(const amqp::BasicReturn& method, const Content& content) override {
    heard.push_back(fmt::format("return {} {} '{}'", method.reply_code, method.routing_key,
                                text_of(content.body)));
  }
  void on_cancel(std::string_view consumer_tag) override {
    heard.push_back(fmt::format("cancel {}", consumer_tag));
  }
  void on_confirmed(std::uint64_t first, std::uint64_t last, bool is_ack) override {
    heard.push_back(fmt::format("{} {}-{}", is_ack ? "ack" : "nack", first, last));
  }
  void on_flow(bool is_active) override { heard.push_back(fmt::format("flow {}", is_active)); }
  /// Of the session and of channels.
  void on_closed(const Failure& failure) override {
    heard.push_back(fmt::format("closed {} {} {}", static_cast<int>(failure.kind),
                                failure.reply_code, failure.text));
    failures.push_back(failure);
  }

  /// A handler that writes down what it is called with.
  AnswerHandler noted(std::string name) {
    return [this, name = std::move(name)](const std::expected<Answer, Failure>& answer) {
      heard.push_back(answer ? fmt::format("{}: {} '{}'", name, answer->key & 0xFFFF,
                                           text_of(answer->content.body))
                             : fmt::format("{}: failed {}", name, answer.error().text));
    };
  }

  // What the broker says.
  void give(std::span<const std::byte> bytes) {
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
    const std::size_t taken = session.on_bytes(waiting_, now);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  template <class Method>
  void say(std::uint16_t channel, const Method& method) {
    give(amqp::encode_method_frame(channel, method));
  }
  void say_content(std::uint16_t channel, std::string_view body, std::size_t part_max = 4088,
                   std::span<const std::byte> properties = amqp::no_properties) {
    give(content_of(channel, body, part_max, properties));
  }
  static std::vector<std::byte> content_of(
      std::uint16_t channel, std::string_view body, std::size_t part_max = 4088,
      std::span<const std::byte> properties = amqp::no_properties) {
    Output frames;
    amqp::WireWriter header(frames.extend(amqp::content_header_frame_size(properties)));
    amqp::write_content_header_frame(header, channel, amqp::basic_class_id, body.size(),
                                     properties);
    for (std::size_t at = 0; at < body.size(); at += part_max) {
      const auto part = bytes_of(body.substr(at, part_max));
      amqp::WireWriter writer(frames.extend(amqp::body_frame_size(part)));
      amqp::write_body_frame(writer, channel, part);
    }
    return {frames.bytes().begin(), frames.bytes().end()};
  }

  // What the session said.
  /// Takes the next frame off; its payload is good until the next call. Throws when there is none.
  amqp::Frame next_frame() {
    collect();
    const std::span<const std::byte> rest(said_);
    amqp::FrameDecoder decoder(rest.subspan(said_read_), 0);
    const amqp::Frame* frame = decoder.next();
    if (frame == nullptr) throw std::runtime_error("the session has said no (whole) frame");
    said_read_ += decoder.consumed();
    return *frame;
  }
  template <class Method>
  Method next(std::uint16_t channel = 0) {
    const amqp::Frame frame = next_frame();
    if (frame.channel != channel || amqp::method_key_of(frame.payload) != Method::key) {
      throw std::runtime_error(fmt::format("expected {} on channel {}, not {:x} on {}",
                                           Method::name, channel,
                                           amqp::method_key_of(frame.payload), frame.channel));
    }
    return amqp::decode_method<Method>(frame.payload).value();
  }
  bool is_silent() {
    collect();
    return said_read_ == said_.size();
  }
  void skip_protocol_header() {
    collect();
    said_read_ += 8;
  }

  /// From nothing to connection.open-ok.
  void open(std::uint32_t frame_max = 131072, std::uint16_t heartbeat = 0) {
    session.begin();
    skip_protocol_header();
    say(0, start());
    (void)next<amqp::ConnectionStartOk>();
    say(0,
        amqp::ConnectionTune{.channel_max = 2047, .frame_max = frame_max, .heartbeat = heartbeat});
    (void)next<amqp::ConnectionTuneOk>();
    (void)next<amqp::ConnectionOpen>();
    say(0, amqp::ConnectionOpenOk{});
  }
  Channel& open_channel() {
    Channel* channel = session.open_channel(0, *this, [](auto&&) {}).value();
    (void)next<amqp::ChannelOpen>(channel->number());
    say(channel->number(), amqp::ChannelOpenOk{});
    return *channel;
  }
  static amqp::ConnectionStart start() {
    return {.version_major = 0,
            .version_minor = 9,
            .server_properties = {},
            .mechanisms = "AMQPLAIN PLAIN",
            .locales = "en_US"};
  }

  Time now{std::chrono::hours(1)};
  std::vector<std::string> heard;
  std::vector<Failure> failures;
  Session session;

 private:
  void collect() {
    const auto bytes = session.output().bytes();
    said_.insert(said_.end(), bytes.begin(), bytes.end());
    session.note_taken(bytes.size());
    session.output().clear();
  }

  std::vector<std::byte> waiting_;
  std::vector<std::byte> said_;
  std::size_t said_read_ = 0;
};

}  // namespace leveret::client::testing
