// SPDX-License-Identifier: Apache-2.0
//
// Channel: one channel of a Session: calls and their answers, publishes, what the broker sends.
//
// A call is a method the broker answers. Calls may be sent without waiting for the answers to those
// before; the broker answers in order, and each handler is called exactly once: with the answer, or
// with the failure that ended the channel.
//
// Thread: whoever has the session. Lifetime: from Session::open_channel() until
// ChannelListener::on_closed() has returned.

#pragma once

#include "amqp/frame_encoder.h"
#include "amqp/method_decoder.h"
#include "amqp/methods.gen.h"
#include "client/src/confirms.h"
#include "client/src/content_assembler.h"
#include "client/src/failure.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace leveret::client {

class Session;

/// The answer to a call. Views, good until the handler returns.
struct Answer {
  amqp::MethodKey key = 0;
  Content content;  ///< `method` is the answer's payload; the rest is basic.get-ok's.

  /// Requires: key == Method::key. It has been found to be well formed.
  template <class Method>
  [[nodiscard]] Method as() const {
    return *amqp::decode_method<Method>(content.method);
  }
};
using AnswerHandler = std::move_only_function<void(std::expected<Answer, Failure>)>;

/// Told what the broker sends on its own account. Views are good until the call returns.
class ChannelListener {
 public:
  virtual ~ChannelListener() = default;
  virtual void on_delivery(const amqp::BasicDeliver& method, const Content& content) = 0;
  virtual void on_return(const amqp::BasicReturn& method, const Content& content) = 0;
  /// The broker has cancelled the consumer: its queue is gone.
  virtual void on_cancel(std::string_view consumer_tag) = 0;
  /// Publishes with these sequence numbers have been answered.
  virtual void on_confirmed(std::uint64_t first, std::uint64_t last, bool is_ack) = 0;
  /// The broker asks to stop publishing, or to go on.
  virtual void on_flow(bool is_active) = 0;
  /// The last call; after those of the handlers that waited.
  virtual void on_closed(const Failure& failure) = 0;
};

struct Publication {
  std::string_view exchange{};
  std::string_view routing_key{};
  std::span<const std::byte> properties{};  ///< Flags and list, well formed.
  std::span<const std::byte> body{};
  bool is_mandatory = false;
};

class Channel {
 public:
  Channel(Session& session, std::uint16_t number, ChannelListener& listener)
      : session_(session), number_(number), listener_(listener) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  [[nodiscard]] std::uint16_t number() const { return number_; }
  /// Neither closed nor closing, and so is its session.
  [[nodiscard]] bool is_open() const;

  /// A method without an answer. When the channel is not open it is not sent: the broker has
  /// forgotten what it is about.
  template <class Method>
  void send(const Method& method);
  /// A method with one. Requires: strings and tables that can be encoded.
  template <class Method>
  void call(const Method& method, AnswerHandler handler);
  /// Returns its sequence number when the channel is in confirm mode, else 0. Requires: is_open().
  std::uint64_t publish(const Publication& publication);
  /// Publishes that the broker has not answered.
  [[nodiscard]] std::size_t unconfirmed() const { return confirms_.outstanding(); }
  [[nodiscard]] bool is_confirming() const { return is_confirming_; }

  /// The handler is called when the broker has agreed, after what it had to answer before.
  void close(std::uint16_t reply_code, std::string_view reply_text, AnswerHandler handler);

 private:
  friend class Session;

  struct Pending {
    amqp::MethodKey method = 0;
    AnswerHandler handler;
  };

  [[nodiscard]] bool expect(amqp::MethodKey method, std::size_t frame_bytes,
                            AnswerHandler& handler);
  [[nodiscard]] std::span<std::byte> extend_output(std::size_t bytes);

  // Called by the session. What they return is wrong with what came; empty: nothing.
  [[nodiscard]] std::string on_method(std::span<const std::byte> payload);
  [[nodiscard]] std::string on_header(std::span<const std::byte> payload);
  [[nodiscard]] std::string on_body(std::span<const std::byte> payload);
  /// Everything that waits fails.
  void fail(const Failure& failure);

  [[nodiscard]] std::string on_answer(amqp::MethodKey key, const Content& content);
  [[nodiscard]] std::string on_confirm(std::uint64_t tag, bool is_multiple, bool is_ack);
  [[nodiscard]] std::string on_close(const amqp::ChannelClose& method);
  void deliver_content();

  Session& session_;
  const std::uint16_t number_;
  ChannelListener& listener_;
  std::deque<Pending> pending_;
  ContentAssembler assembler_;
  Confirms confirms_;
  bool is_confirming_ = false;
  bool is_closing_ = false;  // We have said so and wait for the broker.
  bool is_closed_ = false;
};

template <class Method>
void Channel::send(const Method& method) {
  if (!is_open()) return;
  amqp::WireWriter writer(extend_output(amqp::method_frame_size(method)));
  amqp::write_method_frame(writer, number_, method);
}

template <class Method>
void Channel::call(const Method& method, AnswerHandler handler) {
  if (!expect(Method::key, amqp::method_frame_size(method), handler)) return;
  amqp::WireWriter writer(extend_output(amqp::method_frame_size(method)));
  amqp::write_method_frame(writer, number_, method);
}

}  // namespace leveret::client
