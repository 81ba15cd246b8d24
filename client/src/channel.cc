// SPDX-License-Identifier: Apache-2.0
#include "client/src/channel.h"

#include "client/src/session.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace leveret::client {
namespace {

using amqp::MethodKey;

/// Most answers have their method's number and one; these do not.
bool answers(MethodKey answer, MethodKey method) {
  switch (method) {
    case amqp::BasicGet::key:
      return answer == amqp::BasicGetOk::key || answer == amqp::BasicGetEmpty::key;
    case amqp::ExchangeUnbind::key:
      return answer == amqp::ExchangeUnbindOk::key;
    default:
      return answer == method + 1;
  }
}

template <class Method>
bool is_well_formed(std::span<const std::byte> payload) {
  return amqp::decode_method<Method>(payload).has_value();
}

/// Whether an answer is what its number says: handlers may then decode it without asking.
bool is_well_formed_answer(MethodKey key, std::span<const std::byte> payload) {
  switch (key) {
    case amqp::QueueDeclareOk::key:
      return is_well_formed<amqp::QueueDeclareOk>(payload);
    case amqp::QueueDeleteOk::key:
      return is_well_formed<amqp::QueueDeleteOk>(payload);
    case amqp::QueuePurgeOk::key:
      return is_well_formed<amqp::QueuePurgeOk>(payload);
    case amqp::BasicConsumeOk::key:
      return is_well_formed<amqp::BasicConsumeOk>(payload);
    case amqp::BasicCancelOk::key:
      return is_well_formed<amqp::BasicCancelOk>(payload);
    case amqp::BasicGetOk::key:
      return is_well_formed<amqp::BasicGetOk>(payload);
    case amqp::ChannelFlowOk::key:
      return is_well_formed<amqp::ChannelFlowOk>(payload);
    default:
      return true;  // Of the others only the number is looked at.
  }
}

}  // namespace

bool Channel::is_open() const { return !is_closing_ && !is_closed_ && session_.is_open(); }

std::span<std::byte> Channel::extend_output(std::size_t bytes) {
  return session_.output().extend(bytes);
}

bool Channel::expect(MethodKey method, std::size_t frame_bytes, AnswerHandler& handler) {
  if (!is_open()) {
    handler(std::unexpected(session_.is_open()
                                ? Failure{FailureKind::channel_wrong_state, 0, "Channel is closed."}
                                : session_.why_not_open()));
    return false;
  }
  if (frame_bytes > session_.frame_max()) {
    handler(std::unexpected(
        Failure{FailureKind::frame_too_large, 0,
                fmt::format("a method of {} bytes does not fit in a frame of at most {}",
                            frame_bytes, session_.frame_max())}));
    return false;
  }
  if (method == amqp::ConfirmSelect::key) is_confirming_ = true;
  pending_.push_back({method, std::move(handler)});
  return true;
}

std::uint64_t Channel::publish(const Publication& publication) {
  const amqp::BasicPublish method{.exchange = publication.exchange,
                                  .routing_key = publication.routing_key,
                                  .mandatory = publication.is_mandatory};
  const std::size_t part_max = session_.frame_max() - amqp::frame_overhead_bytes;
  const std::size_t body_bytes = publication.body.size();
  const std::size_t parts = (body_bytes + part_max - 1) / part_max;
  const std::size_t bytes = amqp::method_frame_size(method) +
                            amqp::content_header_frame_size(publication.properties) + body_bytes +
                            parts * amqp::frame_overhead_bytes;
  amqp::WireWriter writer(extend_output(bytes));
  amqp::write_method_frame(writer, number_, method);
  amqp::write_content_header_frame(writer, number_, amqp::basic_class_id, body_bytes,
                                   publication.properties);
  for (std::size_t at = 0; at < body_bytes; at += part_max) {
    amqp::write_body_frame(writer, number_,
                           publication.body.subspan(at, std::min(part_max, body_bytes - at)));
  }
  return is_confirming_ ? confirms_.add() : 0;
}

void Channel::close(std::uint16_t reply_code, std::string_view reply_text, AnswerHandler handler) {
  call(amqp::ChannelClose{.reply_code = reply_code, .reply_text = reply_text}, std::move(handler));
  is_closing_ = true;
}

// From the broker.

std::string Channel::on_method(std::span<const std::byte> payload) {
  const MethodKey key = amqp::method_key_of(payload);
  if (key == amqp::ChannelClose::key) {  // May break into content: it ends all.
    const auto method = amqp::decode_method<amqp::ChannelClose>(payload);
    return method ? on_close(*method) : method.error().text;
  }
  if (assembler_.is_busy()) return "a method where content was expected";
  switch (key) {
    case amqp::BasicDeliver::key:
      if (!is_well_formed<amqp::BasicDeliver>(payload)) return "malformed basic.deliver";
      assembler_.begin(payload);
      return {};
    case amqp::BasicReturn::key:
      if (!is_well_formed<amqp::BasicReturn>(payload)) return "malformed basic.return";
      assembler_.begin(payload);
      return {};
    case amqp::BasicGetOk::key:
      if (pending_.empty() || pending_.front().method != amqp::BasicGet::key) break;
      if (!is_well_formed<amqp::BasicGetOk>(payload)) return "malformed basic.get-ok";
      assembler_.begin(payload);
      return {};
    case amqp::BasicAck::key: {
      const auto method = amqp::decode_method<amqp::BasicAck>(payload);
      return method ? on_confirm(method->delivery_tag, method->multiple, true)
                    : method.error().text;
    }
    case amqp::BasicNack::key: {
      const auto method = amqp::decode_method<amqp::BasicNack>(payload);
      return method ? on_confirm(method->delivery_tag, method->multiple, false)
                    : method.error().text;
    }
    case amqp::BasicCancel::key: {
      const auto method = amqp::decode_method<amqp::BasicCancel>(payload);
      if (!method) return method.error().text;
      if (!is_closing_) listener_.on_cancel(method->consumer_tag);
      return {};
    }
    case amqp::ChannelFlow::key: {
      const auto method = amqp::decode_method<amqp::ChannelFlow>(payload);
      if (!method) return method.error().text;
      send(amqp::ChannelFlowOk{.active = method->active});
      if (!is_closing_) listener_.on_flow(method->active);
      return {};
    }
    default:
      break;
  }
  return on_answer(key, {.method = payload, .properties = {}, .body = {}});
}

std::string Channel::on_answer(MethodKey key, const Content& content) {
  if (pending_.empty() || !answers(key, pending_.front().method)) {
    return fmt::format("method ({},{}) that nobody has asked for", key >> 16, key & 0xFFFF);
  }
  if (!is_well_formed_answer(key, content.method)) {
    return fmt::format("malformed method ({},{})", key >> 16, key & 0xFFFF);
  }
  AnswerHandler handler = std::move(pending_.front().handler);
  pending_.pop_front();
  handler(Answer{key, content});
  if (key == amqp::ChannelCloseOk::key) {
    fail({FailureKind::channel_closed_by_client, 0, "Normal shutdown"});
  }
  return {};
}

std::string Channel::on_confirm(std::uint64_t tag, bool is_multiple, bool is_ack) {
  const bool is_known =
      confirms_.on_answer(tag, is_multiple, [&](std::uint64_t first, std::uint64_t last) {
        if (!is_closing_) listener_.on_confirmed(first, last, is_ack);
      });
  return is_known ? std::string() : fmt::format("a confirm for publish {}, which is not", tag);
}

std::string Channel::on_close(const amqp::ChannelClose& method) {
  amqp::WireWriter writer(extend_output(amqp::method_frame_size(amqp::ChannelCloseOk{})));
  amqp::write_method_frame(writer, number_, amqp::ChannelCloseOk{});
  const Failure failure{FailureKind::channel_closed_by_broker, method.reply_code,
                        std::string(method.reply_text)};
  if (!is_closing_) {
    fail(failure);
    return {};
  }
  // Both said it at once: the broker will answer our close, and nothing that was asked before.
  assembler_ = {};
  while (pending_.size() > 1) {
    AnswerHandler handler = std::move(pending_.front().handler);
    pending_.pop_front();
    handler(std::unexpected(failure));
  }
  return {};
}

std::string Channel::on_header(std::span<const std::byte> payload) {
  std::string complaint(assembler_.on_header(payload));
  if (complaint.empty() && assembler_.is_complete()) deliver_content();
  return complaint;
}

std::string Channel::on_body(std::span<const std::byte> payload) {
  std::string complaint(assembler_.on_body(payload));
  if (complaint.empty() && assembler_.is_complete()) deliver_content();
  return complaint;
}

// Each method was found to be well formed when it came.
void Channel::deliver_content() {
  const Content content = assembler_.take();
  switch (amqp::method_key_of(content.method)) {
    case amqp::BasicDeliver::key:
      if (!is_closing_) {
        listener_.on_delivery(*amqp::decode_method<amqp::BasicDeliver>(content.method), content);
      }
      break;
    case amqp::BasicReturn::key:
      if (!is_closing_) {
        listener_.on_return(*amqp::decode_method<amqp::BasicReturn>(content.method), content);
      }
      break;
    default: {
      AnswerHandler handler = std::move(pending_.front().handler);
      pending_.pop_front();
      handler(Answer{amqp::BasicGetOk::key, content});
    }
  }
}

void Channel::fail(const Failure& failure) {
  if (std::exchange(is_closed_, true)) return;
  while (!pending_.empty()) {
    AnswerHandler handler = std::move(pending_.front().handler);
    pending_.pop_front();
    handler(std::unexpected(failure));
  }
  listener_.on_closed(failure);
  session_.retire(*this);
}

}  // namespace leveret::client
