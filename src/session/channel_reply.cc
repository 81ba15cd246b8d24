// SPDX-License-Identifier: Apache-2.0
//
// Direct reply-to: a channel that consumes from amq.rabbitmq.reply-to, its requests, and its
// replies. Orders and texts as rabbit_channel 3.10.8 has them.
#include "amqp/basic_properties.h"
#include "base/log.h"
#include "queue/message_traits.h"
#include "session/channel.h"
#include "session/connection.h"
#include "session/content_writer.h"
#include "session/message_rules.h"
#include "vhost/refusals.h"
#include "vhost/reply_addresses.h"

#include <utility>

namespace leveret {
namespace {

/// What may wait to be read by a client. Replies beyond that are dropped: they are at most once.
constexpr std::size_t unread_bytes_max = std::size_t{64} * 1024 * 1024;

}  // namespace

Channel::Outcome Channel::consume_replies(const amqp::BasicConsume& method) {
  const std::string given_tag(method.consumer_tag);
  if (Outcome may = check_new_consumer(given_tag); !may) return may;
  if (!method.no_ack) {
    return amqp::refuse(amqp::ReplyCode::precondition_failed, "reply consumer cannot acknowledge");
  }
  if (reply_consumer_ != nullptr) {
    return amqp::refuse(amqp::ReplyCode::precondition_failed, "reply consumer already set");
  }
  reply_consumer_ = std::make_unique<ReplyConsumer>();
  reply_consumer_->tag =
      given_tag.empty() ? "amq.ctag-" + connection_.random().unique_name() : given_tag;
  reply_consumer_->address = make_reply_address(id_, connection_.random().unique_name());
  connection_.shard().add_reply_sink(id_, reply_consumer_->address, *this);
  if (!method.no_wait) {
    connection_.send(number_, amqp::BasicConsumeOk{.consumer_tag = reply_consumer_->tag});
  }
  return {};
}

bool Channel::cancel_replies(std::string_view tag) {
  if (reply_consumer_ == nullptr || reply_consumer_->tag != tag) return false;
  drop_reply_consumer();
  return true;
}

void Channel::drop_reply_consumer() {
  if (reply_consumer_ == nullptr) return;
  connection_.shard().remove_reply_sink(id_);
  reply_consumer_.reset();
}

Channel::Outcome Channel::set_reply_address(MessagePtr& message) {
  const auto reply_to = amqp::peek_reply_to(message->properties());
  if (!reply_to || *reply_to != reply_queue_name) [[likely]]
    return {};
  if (reply_consumer_ == nullptr) {
    return amqp::refuse(amqp::ReplyCode::precondition_failed, "fast reply consumer does not exist");
  }
  // They were looked at when the message came.
  amqp::BasicProperties properties = *amqp::BasicProperties::decode(message->properties());
  properties.reply_to = reply_consumer_->address;
  const std::vector<std::byte> encoded = properties.to_raw();
  message = make_message(message->exchange(), message->routing_key(), encoded, message->body(),
                         message->is_persistent(), traits_of(encoded));
  return {};
}

void Channel::on_reply(const MessagePtr& message) {
  if (is_closing_) return;
  if (connection_.output().pending_bytes() > unread_bytes_max) {
    connection_.shard().note_reply_dropped();
    if (!std::exchange(reply_consumer_->has_dropped, true)) {
      log(LogLevel::warn, "session", "replies_dropped channel={} reason=\"client does not read\"",
          number_);
    }
    return;
  }
  write_deliver(connection_.output(), number_,
                {.consumer_tag = reply_consumer_->tag,
                 .delivery_tag = deliveries_.next_tag(),
                 .is_redelivered = false},
                message, connection_.frame_max());
  connection_.touch();
}

Channel::Outcome Channel::declare_reply_address(const std::string& name, bool no_wait) {
  if (name == reply_queue_name) {
    send_declare_ok({name, 0, 1}, no_wait);
    return {};
  }
  connection_.ask();
  connection_.shard().find_reply_sink(name, [this, name, no_wait](bool is_there) {
    if (!connection_.answered()) return;
    if (is_there) return send_declare_ok({name, 0, 1}, no_wait);
    Outcome gone = refuse_no_queue(name, connection_.vhost_name());
    gone.error().method = amqp::QueueDeclare::key;
    connection_.conclude(number_, std::move(gone));
  });
  return {};
}

}  // namespace leveret
