// SPDX-License-Identifier: Apache-2.0
#include "leveret/blocking_channel.h"

#include "client/src/blocking_core.h"
#include "client/src/channel_state.h"
#include "client/src/raise.h"
#include "client/src/tables.h"
#include "leveret/exceptions.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace leveret {

using client::Answer;
using client::AnswerHandler;
using client::Channel;
using client::ChannelState;
using client::Link;

namespace {

void check_name(std::string_view what, std::string_view name) {
  if (name.size() <= amqp::short_string_bytes_max) return;
  throw ShortStringTooLong(fmt::format("{} of {} bytes; 255 are the most", what, name.size()));
}

/// Arguments as the wire has them.
std::vector<std::byte> encoded(const FieldTable& arguments) {
  if (const auto complaint = client::complaint_about(arguments)) {
    throw ShortStringTooLong("arguments: " + *complaint);
  }
  return client::to_raw(arguments);
}

/// Says `method` and waits for the answer.
template <class Method>
void ask(ChannelState& state, const Method& method,
         const std::function<void(const Answer&)>& take = {}) {
  Link::Lock lock = state.core().link.lock();
  Channel& channel = state.channel();
  state.core().call(
      lock, [&](AnswerHandler handler) { channel.call(method, std::move(handler)); }, take);
}

/// Says `method`, which has no answer.
template <class Method>
void tell(ChannelState& state, const Method& method) {
  const Link::Lock lock = state.core().link.lock();
  state.channel().send(method);
  state.core().link.flush();
}

}  // namespace

std::uint16_t BlockingChannel::channel_number() const { return state_->number(); }

bool BlockingChannel::is_open() const {
  const Link::Lock lock = state_->core().link.lock();
  return state_->is_open();
}

void BlockingChannel::close(std::uint16_t reply_code, std::string_view reply_text) {
  check_name("reply_text", reply_text);
  Link::Lock lock = state_->core().link.lock();
  Channel& channel = state_->channel();
  state_->core().call(lock, [&](AnswerHandler handler) {
    channel.close(reply_code, reply_text, std::move(handler));
  });
}

// Queues and exchanges.

QueueDeclareOk BlockingChannel::queue_declare(const QueueDeclare& options) {
  check_name("queue", options.queue);
  const auto arguments = encoded(options.arguments);
  QueueDeclareOk declared;
  ask(*state_,
      amqp::QueueDeclare{.queue = options.queue,
                         .passive = options.passive,
                         .durable = options.durable,
                         .exclusive = options.exclusive,
                         .auto_delete = options.auto_delete,
                         .arguments = amqp::RawTable(arguments)},
      [&](const Answer& answer) {
        const auto ok = answer.as<amqp::QueueDeclareOk>();
        declared = {.queue = std::string(ok.queue),
                    .message_count = ok.message_count,
                    .consumer_count = ok.consumer_count};
      });
  return declared;
}

QueueDeleteOk BlockingChannel::queue_delete(const QueueDelete& options) {
  check_name("queue", options.queue);
  QueueDeleteOk deleted;
  ask(*state_,
      amqp::QueueDelete{
          .queue = options.queue, .if_unused = options.if_unused, .if_empty = options.if_empty},
      [&](const Answer& answer) {
        deleted.message_count = answer.as<amqp::QueueDeleteOk>().message_count;
      });
  return deleted;
}

QueuePurgeOk BlockingChannel::queue_purge(std::string_view queue) {
  check_name("queue", queue);
  QueuePurgeOk purged;
  ask(*state_, amqp::QueuePurge{.queue = queue}, [&](const Answer& answer) {
    purged.message_count = answer.as<amqp::QueuePurgeOk>().message_count;
  });
  return purged;
}

void BlockingChannel::queue_bind(const QueueBind& options) {
  check_name("queue", options.queue);
  check_name("exchange", options.exchange);
  check_name("routing_key", options.routing_key);
  const auto arguments = encoded(options.arguments);
  ask(*state_, amqp::QueueBind{.queue = options.queue,
                               .exchange = options.exchange,
                               .routing_key = options.routing_key,
                               .arguments = amqp::RawTable(arguments)});
}

void BlockingChannel::queue_unbind(const QueueBind& options) {
  check_name("queue", options.queue);
  check_name("exchange", options.exchange);
  check_name("routing_key", options.routing_key);
  const auto arguments = encoded(options.arguments);
  ask(*state_, amqp::QueueUnbind{.queue = options.queue,
                                 .exchange = options.exchange,
                                 .routing_key = options.routing_key,
                                 .arguments = amqp::RawTable(arguments)});
}

void BlockingChannel::exchange_declare(const ExchangeDeclare& options) {
  check_name("exchange", options.exchange);
  check_name("exchange_type", options.exchange_type);
  const auto arguments = encoded(options.arguments);
  ask(*state_, amqp::ExchangeDeclare{.exchange = options.exchange,
                                     .type = options.exchange_type,
                                     .passive = options.passive,
                                     .durable = options.durable,
                                     .auto_delete = options.auto_delete,
                                     .internal = options.internal,
                                     .arguments = amqp::RawTable(arguments)});
}

void BlockingChannel::exchange_delete(const ExchangeDelete& options) {
  check_name("exchange", options.exchange);
  ask(*state_, amqp::ExchangeDelete{.exchange = options.exchange, .if_unused = options.if_unused});
}

void BlockingChannel::exchange_bind(const ExchangeBind& options) {
  check_name("destination", options.destination);
  check_name("source", options.source);
  check_name("routing_key", options.routing_key);
  const auto arguments = encoded(options.arguments);
  ask(*state_, amqp::ExchangeBind{.destination = options.destination,
                                  .source = options.source,
                                  .routing_key = options.routing_key,
                                  .arguments = amqp::RawTable(arguments)});
}

void BlockingChannel::exchange_unbind(const ExchangeBind& options) {
  check_name("destination", options.destination);
  check_name("source", options.source);
  check_name("routing_key", options.routing_key);
  const auto arguments = encoded(options.arguments);
  ask(*state_, amqp::ExchangeUnbind{.destination = options.destination,
                                    .source = options.source,
                                    .routing_key = options.routing_key,
                                    .arguments = amqp::RawTable(arguments)});
}

// Publishing.

void BlockingChannel::basic_publish(const BasicPublish& options) {
  check_name("exchange", options.exchange);
  check_name("routing_key", options.routing_key);
  if (const auto complaint = client::complaint_about(options.properties)) {
    throw ShortStringTooLong("properties: " + *complaint);
  }
  thread_local std::vector<std::byte> properties;
  properties.resize(client::encoded_size(options.properties));
  amqp::WireWriter writer(properties);
  client::encode(options.properties, writer);

  client::BlockingCore& core = state_->core();
  Link::Lock lock = core.link.lock();
  const auto may_publish = [&] {
    return !state_->is_open() ||
           (state_->may_publish && !core.link.is_full() && !state_->confirming);
  };
  if (!may_publish()) core.wait_for(lock, may_publish);
  Channel& channel = state_->channel();
  const bool is_confirming = channel.is_confirming();
  if (is_confirming) state_->confirming.emplace();
  const std::uint64_t sequence = channel.publish({.exchange = options.exchange,
                                                  .routing_key = options.routing_key,
                                                  .properties = properties,
                                                  .body = std::as_bytes(std::span(options.body)),
                                                  .is_mandatory = options.mandatory});
  core.link.flush();
  if (!is_confirming) return;

  state_->confirming->sequence = sequence;
  struct Done {
    ChannelState& state;
    ~Done() {
      state.confirming.reset();
      state.core().link.notify();
    }
  };
  const Done done{*state_};
  core.wait_for(lock, [&] { return state_->confirming->is_ack || !state_->is_open(); });
  const client::Confirming& confirming = *state_->confirming;
  if (!confirming.is_ack) {
    state_->raise_if_closed_by_broker();
    (void)state_->channel();  // Throws.
  }
  if (!*confirming.is_ack) throw NackError(confirming.returned);
  if (!confirming.returned.empty()) throw UnroutableError(confirming.returned);
}

void BlockingChannel::confirm_delivery() { ask(*state_, amqp::ConfirmSelect{}); }

void BlockingChannel::add_on_return_callback(OnReturn callback) {
  const Link::Lock lock = state_->core().link.lock();
  state_->on_return_callback = std::move(callback);
}

// Consuming.

std::string BlockingChannel::basic_consume(const BasicConsume& options) {
  check_name("queue", options.queue);
  check_name("consumer_tag", options.consumer_tag);
  const auto arguments = encoded(options.arguments);
  client::BlockingCore& core = state_->core();
  Link::Lock lock = core.link.lock();
  Channel& channel = state_->channel();
  const std::string tag = options.consumer_tag.empty()
                              ? fmt::format("ctag{}.{}", channel.number(), core.next_tag++)
                              : std::string(options.consumer_tag);
  // Before it is asked for: the first message may be on the heels of the answer.
  if (!state_->consumers.try_emplace(tag, options.on_message_callback, options.auto_ack).second) {
    throw DuplicateConsumerTag(tag);
  }
  try {
    core.call(lock, [&](AnswerHandler handler) {
      channel.call(amqp::BasicConsume{.queue = options.queue,
                                      .consumer_tag = tag,
                                      .no_ack = options.auto_ack,
                                      .exclusive = options.exclusive,
                                      .arguments = amqp::RawTable(arguments)},
                   std::move(handler));
    });
  } catch (...) {
    state_->consumers.erase(tag);
    throw;
  }
  return tag;
}

std::vector<Delivery> BlockingChannel::basic_cancel(std::string_view consumer_tag) {
  check_name("consumer_tag", consumer_tag);
  client::BlockingCore& core = state_->core();
  Link::Lock lock = core.link.lock();
  Channel& channel = state_->channel();
  const auto found = state_->consumers.find(consumer_tag);
  if (found == state_->consumers.end()) return {};
  const bool auto_ack = found->second.auto_ack;
  found->second.callback = nullptr;
  core.call(lock, [&](AnswerHandler handler) {
    channel.call(amqp::BasicCancel{.consumer_tag = consumer_tag}, std::move(handler));
  });
  std::vector<Delivery> waiting = core.take_deliveries(*state_, consumer_tag);
  state_->consumers.erase(std::string(consumer_tag));
  core.link.notify();
  if (auto_ack) return waiting;
  if (!state_->is_open()) return {};  // Closed behind the answer: they are back already.
  for (const Delivery& delivery : waiting) {
    state_->channel().send(
        amqp::BasicReject{.delivery_tag = delivery.method.delivery_tag, .requeue = true});
  }
  core.link.flush();
  return {};
}

void BlockingChannel::start_consuming() {
  client::BlockingCore& core = state_->core();
  Link::Lock lock = core.link.lock();
  core.check_may_dispatch("start_consuming()");
  const auto is_done = [this] { return state_->consumers.empty(); };
  while (!is_done()) core.dispatch(lock, std::nullopt, is_done);
  state_->raise_if_closed_by_broker();
}

void BlockingChannel::stop_consuming(std::string_view consumer_tag) {
  if (!consumer_tag.empty()) {
    basic_cancel(consumer_tag);
    return;
  }
  for (const std::string& tag : consumer_tags()) basic_cancel(tag);
}

void BlockingChannel::add_on_cancel_callback(OnCancel callback) {
  const Link::Lock lock = state_->core().link.lock();
  state_->on_cancel_callback = std::move(callback);
}

std::vector<std::string> BlockingChannel::consumer_tags() const {
  const Link::Lock lock = state_->core().link.lock();
  std::vector<std::string> tags;
  for (const auto& [tag, consumer] : state_->consumers) tags.push_back(tag);
  return tags;
}

std::optional<GotMessage> BlockingChannel::basic_get(std::string_view queue, bool auto_ack) {
  check_name("queue", queue);
  std::optional<GotMessage> got;
  ask(*state_, amqp::BasicGet{.queue = queue, .no_ack = auto_ack}, [&](const Answer& answer) {
    if (answer.key != amqp::BasicGetOk::key) return;
    const auto ok = answer.as<amqp::BasicGetOk>();
    const auto body = answer.content.body;
    got = {.method = {.delivery_tag = ok.delivery_tag,
                      .redelivered = ok.redelivered,
                      .exchange = std::string(ok.exchange),
                      .routing_key = std::string(ok.routing_key),
                      .message_count = ok.message_count},
           .properties =
               client::decode_properties(answer.content.properties).value_or(BasicProperties()),
           .body = {reinterpret_cast<const char*>(body.data()), body.size()}};
  });
  return got;
}

void BlockingChannel::basic_qos(const BasicQos& options) {
  ask(*state_, amqp::BasicQos{.prefetch_size = options.prefetch_size,
                              .prefetch_count = options.prefetch_count,
                              .global = options.global_qos});
}

// Settling.

void BlockingChannel::basic_ack(std::uint64_t delivery_tag, bool multiple) {
  tell(*state_, amqp::BasicAck{.delivery_tag = delivery_tag, .multiple = multiple});
}

void BlockingChannel::basic_nack(std::uint64_t delivery_tag, bool multiple, bool requeue) {
  tell(*state_,
       amqp::BasicNack{.delivery_tag = delivery_tag, .multiple = multiple, .requeue = requeue});
}

void BlockingChannel::basic_reject(std::uint64_t delivery_tag, bool requeue) {
  tell(*state_, amqp::BasicReject{.delivery_tag = delivery_tag, .requeue = requeue});
}

void BlockingChannel::basic_recover(bool requeue) {
  ask(*state_, amqp::BasicRecover{.requeue = requeue});
}

// Transactions.

void BlockingChannel::tx_select() { ask(*state_, amqp::TxSelect{}); }
void BlockingChannel::tx_commit() { ask(*state_, amqp::TxCommit{}); }
void BlockingChannel::tx_rollback() { ask(*state_, amqp::TxRollback{}); }

}  // namespace leveret
