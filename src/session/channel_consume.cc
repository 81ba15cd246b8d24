// SPDX-License-Identifier: Apache-2.0
//
// A channel's consuming side: prefetch, consumers, gets, deliveries, and what the client says of
// them.
#include "amqp/field_table.h"
#include "base/assert.h"
#include "session/channel.h"
#include "session/connection.h"
#include "session/content_writer.h"
#include "session/stream_arguments.h"
#include "vhost/queue_arguments.h"
#include "vhost/refusals.h"
#include "vhost/reply_addresses.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace leveret {

using amqp::ReplyCode;

// Prefetch.

Channel::Outcome Channel::on_basic_qos(const amqp::BasicQos& method) {
  if (method.prefetch_size != 0) {
    return amqp::refuse(ReplyCode::not_implemented,
                        fmt::format("prefetch_size!=0 ({})", method.prefetch_size));
  }
  if (method.global) {
    global_prefetch_count_ = method.prefetch_count;
    resume_starved();
  } else {
    // RabbitMQ lifts the shared limit too: for both to hold, this one must come first.
    prefetch_count_ = method.prefetch_count;
    if (std::exchange(global_prefetch_count_, 0) != 0) resume_starved();
  }
  connection_.send(number_, amqp::BasicQosOk{});
  return {};
}

Readiness Channel::readiness_for(ChannelConsumer& consumer) {
  Readiness readiness = Readiness::ready;
  if (connection_.is_output_full()) {
    readiness = Readiness::no_room;
    connection_.note_starved();
  } else if (!consumer.spec().no_ack && global_prefetch_count_ != 0 &&
             global_unacked_ >= global_prefetch_count_) {
    readiness = Readiness::no_credit;
  }
  if (readiness != Readiness::ready) consumer.is_starved = has_starved_ = true;
  return readiness;
}

void Channel::resume_starved() {
  if (!has_starved_) return;
  has_starved_ = false;
  for (auto& [tag, consumer] : consumers_) {
    if (!std::exchange(consumer->is_starved, false)) continue;
    connection_.shard().resume(consumer->queue(), consumer->spec().id);
  }
}

// Consumers.

Channel::Outcome Channel::check_new_consumer(const std::string& tag) const {
  if (consumers_.contains(tag)) {
    return amqp::refuse(ReplyCode::not_allowed,
                        fmt::format("attempt to reuse consumer tag '{}'", tag));
  }
  const std::uint32_t most = connection_.options().channel_consumers_max;
  if (most != SessionOptions::unlimited && consumers_.size() >= most) {
    return amqp::refuse(ReplyCode::not_allowed,
                        fmt::format("reached maximum ({}) of consumers per channel", most));
  }
  return {};
}

Channel::Outcome Channel::read_consumer_arguments(const amqp::FieldTable& arguments,
                                                  const QueueHandle& queue,
                                                  ConsumerSpec& spec) const {
  const QueueProperties& properties = queue.properties;
  const std::string resource = resource_text("queue", properties.name, properties.vhost);
  const QueueType type = type_of(properties);
  if (type == QueueType::stream) {
    Outcome read = read_stream_arguments(arguments, resource, connection_.shard().now_ms(), spec);
    if (!read) return read;
  } else if (arguments.find("x-stream-offset") != nullptr) {
    return amqp::refuse(
        ReplyCode::precondition_failed,
        fmt::format("invalid arg 'x-stream-offset' for {} of queue type rabbit_{}_queue", resource,
                    queue_type_name(type)));
  } else if (const amqp::FieldValue* priority = arguments.find("x-priority")) {
    const std::optional<std::int64_t> value = priority->as_integer();
    if (!value) {
      return amqp::refuse(
          ReplyCode::precondition_failed,
          fmt::format("invalid arg 'x-priority' for {}: \"expected integer, got {}\"", resource,
                      amqp::field_type_name(priority->type())));
    }
    spec.priority =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(*value, INT32_MIN, INT32_MAX));
  }
  if (type != QueueType::classic && global_prefetch_count_ != 0) {
    return amqp::refuse(ReplyCode::not_implemented, resource + " does not support global qos");
  }
  return {};
}

Channel::Outcome Channel::on_basic_consume(const amqp::BasicConsume& method) {
  if (method.queue == reply_queue_name) return consume_replies(method);
  const std::string given_tag(method.consumer_tag);
  if (Outcome may = check_new_consumer(given_tag); !may) return may;
  const auto name = meant_queue(method.queue);
  if (!name) return std::unexpected(name.error());
  if (Outcome may = connection_.access().check(Permission::read, ResourceKind::queue, *name);
      !may) {
    return may;
  }
  const auto arguments = amqp::FieldTable::decode(method.arguments);
  if (!arguments) return std::unexpected(arguments.error());
  const auto queue = find_queue(*name);
  if (!queue) return std::unexpected(queue.error());

  if (method.exclusive && has_single_active_consumer((*queue)->properties)) {
    return amqp::refuse(
        ReplyCode::access_refused,
        resource_text("queue", *name, connection_.vhost_name()) + " in exclusive use");
  }
  const std::string tag =
      given_tag.empty() ? "amq.ctag-" + connection_.random().unique_name() : given_tag;
  ConsumerSpec spec{.id = connection_.shard().next_consumer_id(),
                    .channel = id_,
                    .no_ack = method.no_ack,
                    .is_exclusive = method.exclusive,
                    .priority = 0,
                    .prefetch = prefetch_count_};
  if (Outcome read = read_consumer_arguments(*arguments, **queue, spec); !read) return read;
  std::uint64_t own_timeout_ms = UnackedDelivery::no_own_timeout;
  if (const amqp::FieldValue* timeout = arguments->find("x-consumer-timeout")) {
    if (const auto complaint = check_consumer_timeout(*timeout)) {
      return amqp::refuse(
          ReplyCode::precondition_failed,
          fmt::format("invalid arg 'x-consumer-timeout' for {}: {}",
                      resource_text("queue", *name, connection_.vhost_name()), *complaint));
    }
    own_timeout_ms = static_cast<std::uint64_t>(*timeout->as_integer());
  }
  auto consumer = std::make_unique<ChannelConsumer>(
      *this, tag, QueueHandlePtr(*queue), spec, encoded_table(method.arguments), own_timeout_ms);
  ChannelConsumer& subscribed = *consumer;
  consumers_.emplace(tag, std::move(consumer));
  if (!spec.no_ack) {
    hold(**queue);
    if (own_timeout_ms != UnackedDelivery::no_own_timeout) {
      own_timeouts_.add(timeout_duration(own_timeout_ms));
      connection_.look_within(own_timeouts_.shortest);
    }
  }

  connection_.ask();
  connection_.shard().consume(
      **queue, spec, subscribed,
      [this, tag, name = *name, no_wait = method.no_wait](Shard::ConsumeOutcome outcome) {
        if (!connection_.answered()) return;
        Outcome said;
        switch (outcome) {
          case Shard::ConsumeOutcome::subscribed:
            tell_consuming(*consumers_.find(tag)->second);
            if (!no_wait) connection_.send(number_, amqp::BasicConsumeOk{.consumer_tag = tag});
            return;
          case Shard::ConsumeOutcome::exclusive_use:
            said = amqp::refuse(
                ReplyCode::access_refused,
                resource_text("queue", name, connection_.vhost_name()) + " in exclusive use");
            break;
          case Shard::ConsumeOutcome::queue_gone:
            said = refuse_no_queue(name, connection_.vhost_name());
            break;
        }
        consumers_.erase(tag);
        said.error().method = amqp::BasicConsume::key;
        connection_.conclude(number_, std::move(said));
      });
  return {};
}

Channel::Outcome Channel::on_basic_cancel(const amqp::BasicCancel& method) {
  const std::string tag(method.consumer_tag);
  const bool is_reply_consumer = cancel_replies(tag);
  const auto found = consumers_.find(tag);
  if (is_reply_consumer || found == consumers_.end()) {
    if (!method.no_wait) connection_.send(number_, amqp::BasicCancelOk{.consumer_tag = tag});
    return {};
  }
  const QueueHandlePtr queue(&found->second->queue());
  connection_.ask();
  connection_.shard().cancel(
      *queue, found->second->spec().id, [this, tag, no_wait = method.no_wait] {
        if (!connection_.answered()) return;
        if (const auto gone = consumers_.extract(tag)) tell_cancelled(*gone.mapped());
        if (!no_wait) connection_.send(number_, amqp::BasicCancelOk{.consumer_tag = tag});
      });
  return {};
}

void Channel::on_consumer_cancelled(ChannelConsumer& consumer) {
  const auto gone = consumers_.extract(consumer.tag());
  tell_cancelled(consumer);
  if (is_closing_ || !connection_.can_be_told_of_cancel()) return;
  connection_.send(number_, amqp::BasicCancel{.consumer_tag = gone.key(), .no_wait = true});
}

void Channel::deliver(ChannelConsumer& consumer, const StoredMessage& message) {
  std::uint64_t tag = 0;
  if (consumer.spec().no_ack) {
    tag = deliveries_.next_tag();
  } else {
    tag = deliveries_.add(consumer.queue(), message.seq, /*is_to_consumer=*/true,
                          consumer.own_timeout_ms());
    ++global_unacked_;
  }
  write_deliver(
      connection_.output(), number_,
      {.consumer_tag = consumer.tag(), .delivery_tag = tag, .is_redelivered = message.redelivered},
      message.message, connection_.frame_max());
  connection_.touch();
  if (connection_.shard().has_traced_vhost()) [[unlikely]]
    trace_delivery(message, consumer.queue());
}

Readiness ChannelConsumer::readiness() { return channel_.readiness_for(*this); }
void ChannelConsumer::deliver(const StoredMessage& message) { channel_.deliver(*this, message); }
void ChannelConsumer::on_cancelled() { channel_.on_consumer_cancelled(*this); }

// Get.

Channel::Outcome Channel::on_basic_get(const amqp::BasicGet& method) {
  const auto name = meant_queue(method.queue);
  if (!name) return std::unexpected(name.error());
  if (Outcome may = connection_.access().check(Permission::read, ResourceKind::queue, *name);
      !may) {
    return may;
  }
  const auto queue = find_queue(*name);
  if (!queue) return std::unexpected(queue.error());
  const QueueProperties& properties = (*queue)->properties;
  if (type_of(properties) == QueueType::stream) {
    return refuse_by_stream("basic.get", resource_text("queue", *name, connection_.vhost_name()));
  }
  if (type_of(properties) == QueueType::quorum && has_single_active_consumer(properties)) {
    return amqp::refuse(ReplyCode::resource_locked,
                        fmt::format("cannot obtain access to locked {}. basic.get operations are "
                                    "not supported by quorum queues with single active consumer",
                                    resource_text("queue", *name, connection_.vhost_name())));
  }
  if (!method.no_ack) hold(**queue);
  connection_.ask();
  connection_.shard().get(**queue, id_, method.no_ack,
                          [this, queue = QueueHandlePtr(*queue),
                           no_ack = method.no_ack](std::optional<Queue::Got> got) {
                            // A message for a channel that went meanwhile is requeued by its
                            // release.
                            if (!connection_.answered()) return;
                            if (!got) {
                              Outcome gone =
                                  refuse_no_queue(queue->properties.name, connection_.vhost_name());
                              gone.error().method = amqp::BasicGet::key;
                              return connection_.conclude(number_, std::move(gone));
                            }
                            if (got->message) {
                              send_get_ok(*queue, *got, no_ack);
                            } else {
                              connection_.send(number_, amqp::BasicGetEmpty{});
                            }
                          });
  return {};
}

void Channel::send_get_ok(const QueueHandle& queue, const Queue::Got& got, bool no_ack) {
  const std::uint64_t tag =
      no_ack ? deliveries_.next_tag()
             : deliveries_.add(queue, got.message->seq, /*is_to_consumer=*/false);
  write_get_ok(connection_.output(), number_,
               {.delivery_tag = tag,
                .is_redelivered = got.message->redelivered,
                .message_count = static_cast<std::uint32_t>(got.left)},
               got.message->message, connection_.frame_max());
  connection_.touch();
  if (connection_.shard().has_traced_vhost()) [[unlikely]]
    trace_delivery(*got.message, queue);
}

// Settling.

Channel::Outcome Channel::on_basic_ack(const amqp::BasicAck& method) {
  return settle(method.delivery_tag, method.multiple, Settlement::acked);
}

Channel::Outcome Channel::on_basic_nack(const amqp::BasicNack& method) {
  return settle(method.delivery_tag, method.multiple,
                method.requeue ? Settlement::requeued : Settlement::rejected);
}

Channel::Outcome Channel::on_basic_reject(const amqp::BasicReject& method) {
  return settle(method.delivery_tag, /*is_multiple=*/false,
                method.requeue ? Settlement::requeued : Settlement::rejected);
}

Channel::Outcome Channel::on_basic_recover(bool requeue, bool is_answered) {
  if (!requeue) return amqp::refuse(ReplyCode::not_implemented, "requeue=false");
  const std::vector<UnackedDelivery> all = deliveries_.take_all();
  if (Outcome may = refuse_for_streams("basic.recover", all); !may) return may;
  settle(all, Settlement::requeued);
  if (is_answered) connection_.send(number_, amqp::BasicRecoverOk{});
  return {};
}

Channel::Outcome Channel::settle(std::uint64_t tag, bool is_multiple, Settlement settlement) {
  taken_.clear();
  if (!deliveries_.take(tag, is_multiple, taken_)) {
    return amqp::refuse(ReplyCode::precondition_failed,
                        fmt::format("unknown delivery tag {}", tag));
  }
  if (settlement != Settlement::acked) {
    if (Outcome may = refuse_for_streams("basic.nack and basic.reject", taken_); !may) return may;
  }
  if (mode_ == Mode::transactional) {
    transaction_.acknowledgements.push_back({settlement, std::move(taken_)});
    return {};
  }
  settle(taken_, settlement);
  return {};
}

Channel::Outcome Channel::refuse_for_streams(std::string_view what,
                                             std::span<const UnackedDelivery> deliveries) {
  const QueueHandle* looked_at = nullptr;
  for (const UnackedDelivery& delivery : deliveries) {
    if (std::exchange(looked_at, delivery.queue) == delivery.queue) continue;
    const QueueProperties& properties = delivery.queue->properties;
    if (type_of(properties) != QueueType::stream) continue;
    return refuse_by_stream(what, resource_text("queue", properties.name, properties.vhost));
  }
  return {};
}

void Channel::settle(std::span<const UnackedDelivery> deliveries, Settlement settlement) {
  // Runs of deliveries from one queue travel together.
  std::uint32_t from_consumers = 0;
  for (std::size_t at = 0; at < deliveries.size();) {
    const QueueHandle* queue = deliveries[at].queue;
    settled_.clear();
    for (; at < deliveries.size() && deliveries[at].queue == queue; ++at) {
      settled_.push_back(deliveries[at].seq);
      if (deliveries[at].is_to_consumer) ++from_consumers;
    }
    connection_.shard().settle(*queue, id_, settled_, settlement);
  }
  global_unacked_ -= from_consumers;
  if (from_consumers > 0 && global_prefetch_count_ != 0) resume_starved();
}

void Channel::hold(const QueueHandle& queue) {
  // A channel that goes from queue to queue forgets those it owes nothing, now and then.
  constexpr std::size_t held_unneeded_max = 256;
  if (held_queues_.size() >= held_unneeded_max && deliveries_.unacked() == 0 &&
      transaction_.acknowledgements.empty()) {
    held_queues_.clear();
    for (const auto& [tag, consumer] : consumers_) {
      if (!consumer->spec().no_ack) {
        held_queues_.emplace(consumer->queue().properties.id, &consumer->queue());
      }
    }
  }
  if (held_queues_.try_emplace(queue.properties.id, &queue).second) {
    if (const Duration timeout = timeout_of(queue); timeout != Duration::zero()) {
      connection_.look_within(timeout);
    }
  }
}

}  // namespace leveret
