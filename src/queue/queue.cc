// SPDX-License-Identifier: Apache-2.0
#include "queue/queue.h"

#include "base/assert.h"

#include <utility>
#include <vector>

namespace leveret {

Queue::Queue(QueueId id, Options options, QueueHost& host, std::unique_ptr<MessageStore> store)
    : id_(id), options_(options), host_(host), store_(std::move(store)) {
  store_->set_listener(*this);
  totals_.recovered = store_->size();
}

void Queue::publish(MessagePtr message, PublishToken token) {
  const MessageStore::Taken taken = store_->push(std::move(message), token);
  if (taken == MessageStore::Taken::refused) [[unlikely]] {
    ++totals_.refused;
    if (token) host_.confirm(token, false);
    return;
  }
  ++totals_.published;
  if (token && taken == MessageStore::Taken::safe) host_.confirm(token, true);
  want_dispatch();
}

std::expected<void, AttachRefusal> Queue::attach(const ConsumerSpec& spec, DeliverySink& sink) {
  if (dispatcher_.has_exclusive() || (spec.is_exclusive && dispatcher_.size() > 0)) {
    return std::unexpected(AttachRefusal::exclusive_use);
  }
  dispatcher_.add(spec, sink);
  want_dispatch();
  return {};
}

void Queue::detach(ConsumerId id) {
  if (!dispatcher_.remove(id)) return;
  if (options_.is_auto_delete && dispatcher_.size() == 0) host_.is_unused(*this);
}

void Queue::resume(ConsumerId id) {
  Consumer* consumer = dispatcher_.find(id);
  if (consumer == nullptr) return;
  consumer->is_stalled = false;
  dispatcher_.refresh(*consumer);
  want_dispatch();
}

Queue::Got Queue::get(ChannelId channel, bool no_ack) {
  if (store_->first() == nullptr)
    return {.message = {}, .left = 0, .is_loading = store_->size() > 0};
  StoredMessage taken = store_->shift();
  if (taken.redelivered) ++totals_.redelivered;
  if (no_ack) {
    ++totals_.auto_acked;
    store_->settle(taken);
  } else {
    ++totals_.got;
    unacked_.add(channel, {taken, ConsumerId()});
  }
  return {std::move(taken), store_->size()};
}

void Queue::settle(ChannelId channel, std::span<const MessageSeq> messages, Settlement settlement) {
  for (const MessageSeq seq : messages) {
    std::optional<UnackedMessage> taken = unacked_.take(channel, seq);
    if (!taken) continue;
    if (settlement == Settlement::requeued) {
      requeue(std::move(*taken), true);
      continue;
    }
    ++(settlement == Settlement::acked ? totals_.acked : totals_.rejected);
    store_->settle(taken->stored);
    if (Consumer* consumer = dispatcher_.find(taken->consumer)) {
      --consumer->unacked;
      if (!consumer->is_in_ring) {
        dispatcher_.refresh(*consumer);
        want_dispatch();
      }
    }
  }
}

void Queue::await_settled(PublishToken token) {
  const MessageStore::Taken taken = store_->await_settled(token);
  if (taken == MessageStore::Taken::waiting) return;
  host_.confirm(token, taken == MessageStore::Taken::safe);
}

void Queue::undo_delivery(ChannelId channel, MessageSeq seq) {
  std::optional<UnackedMessage> taken = unacked_.take(channel, seq);
  if (!taken) return;
  --totals_.delivered;
  if (taken->stored.redelivered) --totals_.redelivered;
  if (Consumer* consumer = dispatcher_.find(taken->consumer)) {
    consumer->is_stalled = true;
    dispatcher_.refresh(*consumer);
  }
  requeue(std::move(*taken), false);
}

void Queue::release(ChannelId channel) {
  for (UnackedMessage& message : unacked_.take_all(channel)) requeue(std::move(message), true);
}

void Queue::requeue(UnackedMessage message, bool mark_redelivered) {
  if (mark_redelivered) {
    message.stored.redelivered = true;
    ++totals_.requeued;
  }
  if (Consumer* consumer = dispatcher_.find(message.consumer)) {
    --consumer->unacked;
    dispatcher_.refresh(*consumer);
  }
  store_->requeue(std::move(message.stored));
  want_dispatch();
}

std::uint64_t Queue::purge() {
  const std::uint64_t purged = store_->purge();
  totals_.purged += purged;
  LEVERET_DEBUG_ASSERT(is_balanced(), "queue {} has lost count", id_.value());
  return purged;
}

bool Queue::dispatch(std::uint32_t messages_max) {
  is_dispatch_wanted_ = false;
  for (std::uint32_t delivered = 0; delivered < messages_max;) {
    const StoredMessage* first = store_->first();
    if (first == nullptr) return false;
    Consumer* consumer = dispatcher_.next();
    if (consumer == nullptr) return false;
    if (consumer->sink->readiness() != Readiness::ready) {
      consumer->is_stalled = true;
      dispatcher_.refresh(*consumer);
      continue;
    }
    if (first->redelivered) ++totals_.redelivered;
    consumer->sink->deliver(*first);
    StoredMessage taken = store_->shift();
    if (consumer->spec.no_ack) {
      ++totals_.auto_acked;
      store_->settle(taken);
    } else {
      ++totals_.delivered;
      ++consumer->unacked;
      unacked_.add(consumer->spec.channel, {std::move(taken), consumer->spec.id});
    }
    dispatcher_.took_one(*consumer);
    ++delivered;
  }
  LEVERET_DEBUG_ASSERT(is_balanced(), "queue {} has lost count", id_.value());
  is_dispatch_wanted_ = store_->first() != nullptr && dispatcher_.next() != nullptr;
  return is_dispatch_wanted_;
}

std::expected<void, DeleteRefusal> Queue::may_delete(bool if_unused, bool if_empty) const {
  // RabbitMQ looks in this order.
  if (if_empty && store_->size() > 0) return std::unexpected(DeleteRefusal::not_empty);
  if (if_unused && dispatcher_.size() > 0) return std::unexpected(DeleteRefusal::in_use);
  return {};
}

std::uint64_t Queue::close() {
  for (const ConsumerId id : dispatcher_.ids()) dispatcher_.find(id)->sink->on_cancelled();
  dispatcher_.clear();
  return store_->close(unacked_.all());
}

void Queue::collect_delivered(std::vector<SeqRun>& delivered) const {
  store_->collect_delivered(unacked_.all(), delivered);
}

bool Queue::is_balanced() const {
  return totals_.in() == totals_.out() + store_->size() + unacked_.size();
}

void Queue::on_loaded() {
  want_dispatch();
  host_.has_loaded(*this);
}

void Queue::on_damaged(std::uint64_t messages) { totals_.damaged += messages; }

QueueCounts Queue::counts() const {
  return {.ready = store_->size(),
          .unacked = unacked_.size(),
          .consumers = dispatcher_.size(),
          .ready_body_bytes = store_->body_bytes(),
          .unacked_body_bytes = unacked_.body_bytes()};
}

void Queue::want_dispatch() {
  if (is_dispatch_wanted_) return;
  is_dispatch_wanted_ = true;
  host_.needs_dispatch(*this);
}

}  // namespace leveret
