// SPDX-License-Identifier: Apache-2.0
#include "client/src/channel_state.h"

#include "client/src/raise.h"
#include "client/src/tables.h"

#include <utility>

namespace leveret::client {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The session lets nothing malformed through.
BasicProperties properties_of(const Content& content) {
  return decode_properties(content.properties).value_or(BasicProperties());
}

}  // namespace

Channel& ChannelState::channel() const {
  core_->check_open();
  if (channel_ == nullptr) {
    raise(failure_ && failure_->kind == FailureKind::channel_closed_by_broker
              ? Failure{FailureKind::channel_wrong_state, failure_->reply_code,
                        "Channel is closed: " + failure_->text}
              : Failure{FailureKind::channel_wrong_state, 0, "Channel is closed."});
  }
  return *channel_;
}

void ChannelState::raise_if_closed_by_broker() const {
  if (failure_ && failure_->kind == FailureKind::channel_closed_by_broker) raise(*failure_);
}

OnMessage ChannelState::callback_of(std::string_view consumer_tag) const {
  const auto found = consumers.find(consumer_tag);
  return found == consumers.end() ? OnMessage() : found->second.callback;
}

void ChannelState::on_delivery(const amqp::BasicDeliver& method, const Content& content) {
  core_->add({.channel = shared_from_this(),
              .delivery = {.method = {.consumer_tag = std::string(method.consumer_tag),
                                      .delivery_tag = method.delivery_tag,
                                      .redelivered = method.redelivered,
                                      .exchange = std::string(method.exchange),
                                      .routing_key = std::string(method.routing_key)},
                           .properties = properties_of(content),
                           .body = text_of(content.body)},
              .action = {}});
}

void ChannelState::on_return(const amqp::BasicReturn& method, const Content& content) {
  ReturnedMessage message{.method = {.reply_code = method.reply_code,
                                     .reply_text = std::string(method.reply_text),
                                     .exchange = std::string(method.exchange),
                                     .routing_key = std::string(method.routing_key)},
                          .properties = properties_of(content),
                          .body = text_of(content.body)};
  if (confirming) {
    confirming->returned.push_back(std::move(message));
  } else if (on_return_callback) {
    core_->add_action(
        [self = shared_from_this(), callback = on_return_callback, returned = std::move(message)] {
          BlockingChannel channel = self->handle();
          callback(channel, returned.method, returned.properties, returned.body);
        });
  }
}

void ChannelState::on_cancel(std::string_view consumer_tag) {
  // What had come of it is delivered first, so that its callback is not forgotten before.
  core_->add_action([self = shared_from_this(), tag = std::string(consumer_tag)] {
    OnCancel callback;
    {
      const Link::Lock lock = self->core_->link.lock();
      self->consumers.erase(tag);
      callback = self->on_cancel_callback;
    }
    BlockingChannel channel = self->handle();
    if (callback) callback(channel, tag);
  });
}

void ChannelState::on_confirmed(std::uint64_t first, std::uint64_t last, bool is_ack) {
  if (confirming && first <= confirming->sequence && confirming->sequence <= last) {
    confirming->is_ack = is_ack;
  }
}

void ChannelState::on_closed(const Failure& failure) {
  const auto self = shared_from_this();
  channel_ = nullptr;
  failure_ = failure;
  consumers.clear();
  core_->channels.erase(number_);
}

}  // namespace leveret::client
