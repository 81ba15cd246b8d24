// SPDX-License-Identifier: Apache-2.0
//
// A channel's publishes: checked when the method comes, put together from content frames, routed,
// and given to each queue.
#include "amqp/basic_properties.h"
#include "session/channel.h"
#include "session/connection.h"
#include "session/content_writer.h"
#include "session/message_rules.h"
#include "vhost/refusals.h"
#include "vhost/reply_addresses.h"

#include <algorithm>
#include <utility>

namespace leveret {

using amqp::ReplyCode;

Channel::Outcome Channel::on_basic_publish(const amqp::BasicPublish& method) {
  // What is wrong with a publish is told when its content is complete: until then the client goes
  // on sending frames that belong to it.
  refusal_.reset();
  Outcome checked = method.immediate ? amqp::refuse(ReplyCode::not_implemented, "immediate=true")
                                     : check_publish(method);
  if (!checked) refusal_ = std::move(checked).error();
  assembler_.begin(method.exchange, method.routing_key, method.mandatory, refusal_.has_value());
  return {};
}

void Channel::expect_content_to_drop() {
  assembler_.begin({}, {}, /*is_mandatory=*/false, /*is_dropped=*/true);
}

Channel::Outcome Channel::check_publish(const amqp::BasicPublish& method) {
  VhostReplica* vhost = connection_.vhost();
  if (vhost == nullptr) return refuse_no_vhost(connection_.vhost_name());
  const std::uint64_t auth_version = connection_.shard().auth_version();
  // A publisher asks for the same exchange again and again; while nothing was declared and no right
  // changed, neither does the answer.
  if (permitted_.is_known && permitted_.topology_version == vhost->version() &&
      permitted_.auth_version == auth_version && permitted_.exchange == method.exchange) {
    return {};
  }
  const std::string name = plain_name(method.exchange);
  if (Outcome may = connection_.access().check(Permission::write, ResourceKind::exchange, name);
      !may) {
    return may;
  }
  const ExchangeProperties* exchange = vhost->find_exchange(name);
  if (exchange == nullptr) return refuse_no_exchange(name, vhost->name());
  if (exchange->is_internal) {
    return amqp::refuse(
        ReplyCode::access_refused,
        "cannot publish to internal " + resource_text("exchange", name, vhost->name()));
  }
  connection_.note_publisher();
  permitted_.is_known = name == method.exchange;
  permitted_.exchange = name;
  permitted_.topology_version = vhost->version();
  permitted_.auth_version = auth_version;
  return {};
}

Channel::Outcome Channel::on_content_header(std::span<const std::byte> payload) {
  if (Outcome taken = assembler_.on_header(payload, connection_.options().message_bytes_max);
      !taken) {
    return taken;
  }
  return assembler_.is_complete() ? finish_publish() : Outcome{};
}

Channel::Outcome Channel::on_content_body(std::span<const std::byte> payload) {
  if (Outcome taken = assembler_.on_body(payload); !taken) return taken;
  return assembler_.is_complete() ? finish_publish() : Outcome{};
}

Channel::Outcome Channel::finish_publish() {
  MessagePtr message = assembler_.finish();
  if (!message) [[unlikely]] {
    if (!refusal_) return {};  // The channel is closing.
    refusal_->method = amqp::BasicPublish::key;
    return std::unexpected(*std::exchange(refusal_, std::nullopt));
  }
  const bool is_mandatory = assembler_.is_mandatory();
  if (connection_.is_alarmed()) [[unlikely]] {
    connection_.hold(*this, {.message = std::move(message), .is_mandatory = is_mandatory});
    return {};
  }
  return finish_publish(message, is_mandatory);
}

Channel::Outcome Channel::finish_publish(MessagePtr& message, bool is_mandatory) {
  Outcome sent = send_on(message, is_mandatory);
  if (!sent && sent.error().method == 0) sent.error().method = amqp::BasicPublish::key;
  return sent;
}

Channel::Outcome Channel::let_through(HeldPublishes::Entry entry) {
  if (!entry.message) return std::unexpected(std::move(entry.refusal));
  return finish_publish(entry.message, entry.is_mandatory);
}

Channel::Outcome Channel::send_on(MessagePtr& message, bool is_mandatory) {
  VhostReplica* vhost = connection_.vhost();
  if (vhost == nullptr) return refuse_no_vhost(connection_.vhost_name());
  amqp::RawTable headers;
  if (message->properties().size() > amqp::no_properties.size()) {
    if (message->properties().size() > reply_queue_name.size()) {
      if (Outcome addressed = set_reply_address(message); !addressed) return addressed;
    }
    if (Outcome checked = check_properties(*message, connection_.user_name(),
                                           connection_.access().may_impersonate());
        !checked) {
      return checked;
    }
    headers = amqp::peek_headers(message->properties()).value_or(amqp::RawTable());
  }
  const std::string_view exchange = message->exchange();
  const Routed* routed = nullptr;
  std::vector<std::string> extra_keys;
  if (has_extra_keys(headers)) [[unlikely]] {
    if (vhost->find_exchange(exchange) == nullptr) {
      return refuse_no_exchange(exchange, vhost->name());
    }
    extra_routed_.clear();
    const std::vector<std::string_view> keys = all_keys(message->routing_key(), headers);
    vhost->route(exchange, keys, {headers, message->properties()}, extra_routed_);
    routed = &extra_routed_;
    extra_keys.assign(keys.begin(), keys.end());
    const MessagePtr sent = without_bcc(message, headers);
    for (auto key = keys.begin(); key != keys.end(); ++key) {
      if (std::find(keys.begin(), key, *key) == key) reply_to(exchange, *key, sent);
    }
    if (connection_.shard().has_traced_vhost()) trace_publish(*sent, keys, routed->queues);
    message = sent;
  } else {
    routed =
        route_.find(*vhost, exchange, message->routing_key(), {headers, message->properties()});
    if (routed == nullptr) [[unlikely]]  // Deleted while the content came.
      return refuse_no_exchange(exchange, vhost->name());
    if (routed->queues.empty()) reply_to(exchange, message->routing_key(), message);
    if (connection_.shard().has_traced_vhost()) [[unlikely]] {
      const std::string_view key = message->routing_key();
      trace_publish(*message, {&key, 1}, routed->queues);
    }
  }

  if (!routed->histories.empty()) [[unlikely]]
    connection_.shard().keep_in_histories(*vhost, routed->histories, message);
  if (mode_ == Mode::transactional) {
    transaction_.publishes.push_back({message, *routed, std::move(extra_keys), is_mandatory});
    return {};
  }
  if (routed->is_nowhere() && is_mandatory) send_return(message);
  std::uint64_t sequence = 0;
  if (mode_ == Mode::confirming) {
    sequence = confirms_.add(routed->answers());
    if (routed->is_nowhere()) note_news();
  }
  if (routed->gates.empty()) [[likely]] {
    publish(std::move(message), routed->queues, sequence);
    return {};
  }
  publish(message, routed->queues, sequence);
  send_to_gates({message, *routed, std::move(extra_keys), is_mandatory}, sequence);
  return {};
}

// No queue has such a name, so that only what reaches none may be a reply. As with RabbitMQ it is
// then unroutable as well, and goes out at once in a transaction.
void Channel::reply_to(std::string_view exchange, std::string_view routing_key,
                       const MessagePtr& message) {
  if (exchange.empty() && is_reply_address(routing_key)) {
    connection_.shard().reply(routing_key, message);
  }
}

void Channel::publish(MessagePtr message, std::span<const QueueHandlePtr> queues,
                      std::uint64_t sequence) {
  if (queues.empty()) return;
  const PublishToken token = sequence == 0 ? PublishToken{} : PublishToken{id_, sequence};
  const auto publish_to = [this, token](const QueueHandle& queue, MessagePtr given) {
    connection_.shard().publish(queue, std::move(given), token);
    if (queue.is_heavy.load(std::memory_order_relaxed)) [[unlikely]]
      connection_.note_heavy_queue();
  };
  for (const QueueHandlePtr& queue : queues.first(queues.size() - 1)) publish_to(*queue, message);
  publish_to(*queues.back(), std::move(message));
}

void Channel::publish(const Transaction::Publish& publish, std::uint64_t sequence) {
  this->publish(publish.message, publish.routed.queues, sequence);
  if (!publish.routed.gates.empty()) send_to_gates(publish, sequence);
}

void Channel::send_to_gates(const Transaction::Publish& publish, std::uint64_t sequence) {
  const std::vector<ExchangePtr>& gates = publish.routed.gates;
  MandatoryPtr mandatory;
  if (publish.is_mandatory && publish.routed.queues.empty()) {
    mandatory = MandatoryPtr(new Mandatory(id_, static_cast<std::uint32_t>(gates.size())));
  }
  for (const ExchangePtr& gate : gates) {
    connection_.shard().gates().send(
        {.gate = gate,
         .message = publish.message,
         .routing_keys = publish.routing_keys,
         .token = sequence == 0 ? PublishToken{} : PublishToken{id_, sequence},
         .mandatory = mandatory});
  }
}

void Channel::on_returned(const MessagePtr& message) { send_return(message); }

void Channel::send_return(const MessagePtr& message) {
  write_return(connection_.output(), number_, message, connection_.frame_max());
  connection_.touch();
}

void Channel::on_confirmed(std::uint64_t first_sequence, std::uint32_t count, bool is_accepted) {
  if (mode_ == Mode::transactional) {
    on_commit_progress(count, is_accepted);
    return;
  }
  for (std::uint32_t i = 0; i < count; ++i) confirms_.on_answer(first_sequence + i, is_accepted);
  note_news();
}

void Channel::note_news() {
  if (!confirms_.has_answers() || std::exchange(has_news_, true)) return;
  connection_.note_news(number_);
}

void Channel::end_turn() {
  has_news_ = false;
  if (!confirms_.has_answers() || is_closing_) return;
  for (const Confirms::Answer& answer : confirms_.take_answers()) {
    if (answer.is_ack) {
      connection_.send(
          number_, amqp::BasicAck{.delivery_tag = answer.sequence, .multiple = answer.is_multiple});
    } else {
      connection_.send(number_, amqp::BasicNack{.delivery_tag = answer.sequence,
                                                .multiple = answer.is_multiple,
                                                .requeue = false});
    }
  }
}

}  // namespace leveret
