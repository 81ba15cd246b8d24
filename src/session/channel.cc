// SPDX-License-Identifier: Apache-2.0
#include "session/channel.h"

#include "base/assert.h"
#include "session/connection.h"
#include "vhost/queue_arguments.h"

#include <map>
#include <utility>

namespace leveret {

using amqp::ReplyCode;

Channel::Channel(Connection& connection, std::uint16_t number, Use use)
    : connection_(connection),
      number_(number),
      use_(std::move(use)),
      id_(connection.shard().next_channel_id()) {
  connection_.shard().add_channel(id_, *this);
}

Channel::~Channel() { wind_up(); }

void Channel::begin_closing() {
  is_closing_ = true;
  wind_up();
}

void Channel::wind_up() {
  if (std::exchange(is_wound_up_, true)) return;
  use_ = {};
  Shard& shard = connection_.shard();
  shard.remove_channel(id_);
  drop_reply_consumer();
  tell_closed();
  for (const auto& [tag, consumer] : consumers_) {
    shard.drop_consumer(consumer->queue(), consumer->spec().id);
  }
  consumers_.clear();
  for (const auto& [id, queue] : held_queues_) shard.release(*queue, id_);
  held_queues_.clear();
  // A commit will not hear of its messages any more.
  if (std::exchange(commit_waits_for_, 0) > 0) static_cast<void>(connection_.answered());
}

ChannelInfo Channel::info() const {
  ChannelInfo info;
  info.id = id_;
  info.number = number_;
  info.prefetch_count = prefetch_count_;
  info.global_prefetch_count = global_prefetch_count_;
  info.unacked = deliveries_.unacked();
  info.unconfirmed = mode_ == Mode::confirming ? confirms_.unconfirmed() : 0;
  info.uncommitted_messages = transaction_.publishes.size();
  for (const auto& acknowledgement : transaction_.acknowledgements) {
    info.uncommitted_acks += acknowledgement.deliveries.size();
  }
  info.is_confirming = mode_ == Mode::confirming;
  info.is_transactional = mode_ == Mode::transactional;
  for (const auto& [tag, consumer] : consumers_) {
    info.consumers.push_back(info_of(*consumer));
  }
  return info;
}

ConsumerInfo Channel::info_of(const ChannelConsumer& consumer) {
  const QueueProperties& queue = consumer.queue().properties;
  return {.id = consumer.spec().id,
          .queue_id = queue.id,
          .is_of_single_active_queue = has_single_active_consumer(queue),
          .tag = consumer.tag(),
          .queue = queue.name,
          .is_ack_required = !consumer.spec().no_ack,
          .is_exclusive = consumer.spec().is_exclusive,
          .prefetch_count = consumer.spec().prefetch,
          .arguments = consumer.arguments()};
}

// Modes.

Channel::Outcome Channel::on_channel_flow(const amqp::ChannelFlow& method) {
  if (!method.active) return amqp::refuse(ReplyCode::not_implemented, "active=false");
  connection_.send(number_, amqp::ChannelFlowOk{.active = true});
  return {};
}

Channel::Outcome Channel::on_confirm_select(const amqp::ConfirmSelect& method) {
  if (mode_ == Mode::transactional) {
    return amqp::refuse(ReplyCode::precondition_failed, "cannot switch from tx to confirm mode");
  }
  mode_ = Mode::confirming;
  if (!method.nowait) connection_.send(number_, amqp::ConfirmSelectOk{});
  return {};
}

Channel::Outcome Channel::on_tx_select() {
  if (mode_ == Mode::confirming) {
    return amqp::refuse(ReplyCode::precondition_failed, "cannot switch from confirm to tx mode");
  }
  mode_ = Mode::transactional;
  connection_.send(number_, amqp::TxSelectOk{});
  return {};
}

Channel::Outcome Channel::on_tx_commit() {
  if (mode_ != Mode::transactional) {
    return amqp::refuse(ReplyCode::precondition_failed, "channel is not transactional");
  }
  constexpr std::uint64_t any_sequence = 1;
  const Transaction transaction = std::exchange(transaction_, {});
  connection_.ask();
  // One more than there are queues, so that answers that come at once do not end the commit early.
  commit_waits_for_ = 1;
  is_commit_refused_ = false;
  for (const Transaction::Publish& publish : transaction.publishes) {
    commit_waits_for_ += publish.routed.answers();
    if (publish.routed.is_nowhere() && publish.is_mandatory) send_return(publish.message);
    this->publish(publish, any_sequence);
  }
  std::map<QueueId, const QueueHandle*> settled_queues;
  for (const Transaction::Acknowledgement& acknowledgement : transaction.acknowledgements) {
    settle(acknowledgement.deliveries, acknowledgement.settlement);
    if (acknowledgement.settlement == Settlement::requeued) continue;
    for (const UnackedDelivery& delivery : acknowledgement.deliveries) {
      settled_queues[delivery.queue->properties.id] = delivery.queue;
    }
  }
  commit_waits_for_ += static_cast<std::uint32_t>(settled_queues.size());
  for (const auto& [id, queue] : settled_queues) {
    connection_.shard().await_settled(*queue, {id_, any_sequence});
  }
  on_commit_progress(1, true);
  return {};
}

void Channel::on_commit_progress(std::uint32_t count, bool is_accepted) {
  LEVERET_ASSERT(count <= commit_waits_for_);
  if (!is_accepted) is_commit_refused_ = true;
  commit_waits_for_ -= count;
  if (commit_waits_for_ > 0 || !connection_.answered()) return;
  if (is_commit_refused_) {
    Outcome refused = amqp::refuse(ReplyCode::precondition_failed, "partial tx completion");
    refused.error().method = amqp::TxCommit::key;
    connection_.conclude(number_, std::move(refused));
    return;
  }
  connection_.send(number_, amqp::TxCommitOk{});
}

Channel::Outcome Channel::on_tx_rollback() {
  if (mode_ != Mode::transactional) {
    return amqp::refuse(ReplyCode::precondition_failed, "channel is not transactional");
  }
  for (const auto& acknowledgement : transaction_.acknowledgements) {
    deliveries_.give_back(acknowledgement.deliveries);
  }
  transaction_ = {};
  connection_.send(number_, amqp::TxRollbackOk{});
  return {};
}

}  // namespace leveret
