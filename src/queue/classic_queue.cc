// SPDX-License-Identifier: Apache-2.0
#include "queue/classic_queue.h"

#include "base/assert.h"
#include "queue/delivery_headers.h"

#include <utility>
#include <vector>

namespace leveret {

ClassicQueue::ClassicQueue(QueueId id, Options options, QueueHost& host,
                           std::unique_ptr<MessageStore> store)
    : Queue(id, host),
      is_auto_delete_(options.is_auto_delete),
      store_(std::move(store)),
      dispatcher_(options.is_single_active),
      rules_(options.rules),
      deduplication_(options.deduplication
                         ? std::make_unique<Deduplication>(std::move(*options.deduplication))
                         : nullptr) {
  store_->set_listener(*this);
  totals_.recovered = store_->size();
  note_rules();
}

void ClassicQueue::publish(MessagePtr message, PublishToken token) {
  if (!takes_all_ || message->ttl_ms() != Message::no_ttl) [[unlikely]] {
    return deduplication_ ? take_once(std::move(message), token)
                          : static_cast<void>(take(std::move(message), token));
  }
  keep(std::move(message), 0, token);
}

bool ClassicQueue::take(MessagePtr&& message, PublishToken token) {
  if (rules_.overflow != Overflow::drop_head && !makes_room_for(*message)) [[unlikely]] {
    refuse(message, token);
    return false;
  }
  std::uint64_t expires_ms = 0;
  if (message->ttl_ms() != Message::no_ttl || rules_.message_ttl_ms != QueueRules::unlimited) {
    expires_ms = expiry_of(*message);
    is_ruled_ = true;
  }
  return keep(std::move(message), expires_ms, token);
}

bool ClassicQueue::keep(MessagePtr&& message, std::uint64_t expires_ms, PublishToken token) {
  const MessageStore::Taken taken = store_->push(std::move(message), expires_ms, token);
  if (taken == MessageStore::Taken::refused) [[unlikely]] {
    ++totals_.refused;
    if (token) host_.confirm(token, false);
    return false;
  }
  ++totals_.published;
  if (token && taken == MessageStore::Taken::safe) host_.confirm(token, true);
  want_dispatch();
  return true;
}

std::expected<void, AttachRefusal> ClassicQueue::attach(const ConsumerSpec& spec,
                                                        DeliverySink& sink) {
  if (dispatcher_.has_exclusive() || (spec.is_exclusive && dispatcher_.size() > 0)) {
    return std::unexpected(AttachRefusal::exclusive_use);
  }
  dispatcher_.add(spec, sink);
  want_dispatch();
  return {};
}

void ClassicQueue::detach(ConsumerId id) {
  if (!dispatcher_.remove(id)) return;
  if (dispatcher_.size() != 0) {
    if (dispatcher_.single_active().value() != 0) want_dispatch();  // It may be another.
    return;
  }
  note_use();
  if (is_ruled_) want_dispatch();
  if (is_auto_delete_) host_.is_unused(*this);
}

void ClassicQueue::resume(ConsumerId id) {
  Consumer* consumer = dispatcher_.find(id);
  if (consumer == nullptr) return;
  consumer->is_stalled = false;
  dispatcher_.refresh(*consumer);
  want_dispatch();
}

Queue::Got ClassicQueue::get(ChannelId channel, bool no_ack) {
  note_use();
  apply_rules_before_a_look();
  if (store_->first() == nullptr)
    return {.message = {}, .left = 0, .is_loading = store_->size() > 0};
  StoredMessage taken = store_->shift();
  if (taken.redelivered) ++totals_.redelivered;
  if (no_ack) {
    ++totals_.auto_acked;
    let_go(taken);
  } else {
    ++totals_.got;
    unacked_.add(channel, {taken, ConsumerId()});
  }
  if (is_ruled_) want_dispatch();  // Another is first now, and may be older.
  if (rules_.shows_delivery_count) [[unlikely]]
    taken.message = with_delivery_count(*taken.message, taken.return_count);
  return {std::move(taken), store_->size()};
}

void ClassicQueue::settle(ChannelId channel, std::span<const MessageSeq> messages,
                          Settlement settlement) {
  for (const MessageSeq seq : messages) {
    std::optional<UnackedMessage> taken = unacked_.take(channel, seq);
    if (!taken) continue;
    if (settlement == Settlement::requeued) {
      requeue(std::move(*taken), true);
      continue;
    }
    if (settlement == Settlement::acked) {
      ++totals_.acked;
      let_go(taken->stored);
    } else {
      die(std::move(taken->stored), Death::rejected);
    }
    if (Consumer* consumer = dispatcher_.find(taken->consumer)) {
      --consumer->unacked;
      if (!consumer->is_in_ring) {
        dispatcher_.refresh(*consumer);
        want_dispatch();
      }
    }
  }
}

void ClassicQueue::let_go(const StoredMessage& message) {
  if (deduplication_) [[unlikely]]
    deduplication_->on_left(*message.message);
  store_->settle(message);
}

void ClassicQueue::await_settled(PublishToken token) {
  const MessageStore::Taken taken = store_->await_settled(token);
  if (taken == MessageStore::Taken::waiting) return;
  host_.confirm(token, taken == MessageStore::Taken::safe);
}

void ClassicQueue::undo_delivery(ChannelId channel, MessageSeq seq) {
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

void ClassicQueue::release(ChannelId channel) {
  for (UnackedMessage& message : unacked_.take_all(channel)) requeue(std::move(message), true);
}

void ClassicQueue::requeue(UnackedMessage message, bool mark_redelivered) {
  StoredMessage& stored = message.stored;
  if (mark_redelivered) {
    stored.redelivered = true;
    if (stored.return_count != StoredMessage::return_count_max) ++stored.return_count;
    ++totals_.requeued;
  }
  if (Consumer* consumer = dispatcher_.find(message.consumer)) {
    --consumer->unacked;
    dispatcher_.refresh(*consumer);
  }
  want_dispatch();
  if (mark_redelivered && rules_.is_returned_too_often(stored.return_count)) [[unlikely]] {
    return die(std::move(stored), Death::delivery_limit);
  }
  if (stored.expires_ms != 0) is_ruled_ = true;
  store_->requeue(std::move(stored));
}

std::uint64_t ClassicQueue::purge() {
  apply_rules_before_a_look();
  const std::uint64_t purged = store_->purge();
  totals_.purged += purged;
  if (deduplication_) forget_gone_ids();
  LEVERET_DEBUG_ASSERT(is_balanced(), "queue {} has lost count", id().value());
  host_.has_loaded(*this);  // Who waits for what was on its way hears that it has gone.
  return purged;
}

bool ClassicQueue::remove(MessageSeq seq) {
  const std::optional<StoredMessage> removed = store_->extract(seq);
  if (!removed) return false;
  store_->settle(*removed);
  ++totals_.purged;
  return true;
}

bool ClassicQueue::dispatch(std::uint32_t messages_max) {
  begin_dispatch();
  const std::uint32_t delivered = deliver(messages_max);
  LEVERET_DEBUG_ASSERT(is_balanced(), "queue {} has lost count", id().value());
  if (delivered == messages_max && store_->first() != nullptr && dispatcher_.next() != nullptr) {
    return goes_on_dispatching();
  }
  // Whoever could take a message has had the chance.
  if (is_ruled_) [[unlikely]]
    apply_rules();
  return false;
}

std::uint32_t ClassicQueue::deliver(std::uint32_t messages_max) {
  std::uint32_t delivered = 0;
  while (delivered < messages_max) {
    const StoredMessage* first = store_->first();
    if (first == nullptr) break;
    Consumer* consumer = dispatcher_.next();
    if (consumer == nullptr) break;
    // Not at that very moment: what lives for 0 ms is delivered if that can be done at once.
    if (first->expires_ms != 0 && first->expires_ms < host_.now_ms()) [[unlikely]] {
      die(store_->shift(), Death::expired);
      continue;
    }
    if (consumer->sink->readiness() != Readiness::ready) {
      consumer->is_stalled = true;
      dispatcher_.refresh(*consumer);
      continue;
    }
    if (first->redelivered) ++totals_.redelivered;
    if (rules_.shows_delivery_count) [[unlikely]] {
      deliver_counted(*first, *consumer->sink);
    } else {
      consumer->sink->deliver(*first);
    }
    StoredMessage taken = store_->shift();
    if (consumer->spec.no_ack) {
      ++totals_.auto_acked;
      let_go(taken);
    } else {
      ++totals_.delivered;
      ++consumer->unacked;
      unacked_.add(consumer->spec.channel, {std::move(taken), consumer->spec.id});
    }
    dispatcher_.took_one(*consumer);
    ++delivered;
  }
  return delivered;
}

void ClassicQueue::deliver_counted(const StoredMessage& message, DeliverySink& sink) {
  StoredMessage shown = message;
  shown.message = with_delivery_count(*message.message, message.return_count);
  sink.deliver(shown);
}

std::expected<void, DeleteRefusal> ClassicQueue::may_delete(bool if_unused, bool if_empty) {
  apply_rules_before_a_look();
  // RabbitMQ looks in this order.
  if (if_empty && store_->size() > 0) return std::unexpected(DeleteRefusal::not_empty);
  if (if_unused && dispatcher_.size() > 0) return std::unexpected(DeleteRefusal::in_use);
  return {};
}

std::uint64_t ClassicQueue::close() {
  for (const ConsumerId id : dispatcher_.ids()) dispatcher_.find(id)->sink->on_cancelled();
  dispatcher_.clear();
  return store_->close(shifted());
}

void ClassicQueue::collect_delivered(std::vector<SeqRun>& delivered) const {
  store_->collect_delivered(shifted(), delivered);
}

bool ClassicQueue::is_balanced() const {
  return totals_.in() == totals_.out() + store_->size() + unacked_.size() + dying_.size();
}

void ClassicQueue::on_loaded() {
  want_dispatch();
  host_.has_loaded(*this);
}

void ClassicQueue::on_damaged(std::uint64_t messages) {
  totals_.damaged += messages;
  if (deduplication_) forget_gone_ids();
}

QueueCounts ClassicQueue::counts() const {
  return {.ready = store_->size(),
          .unacked = unacked_.size(),
          .dying = dying_.size(),
          .consumers = dispatcher_.size(),
          .ready_body_bytes = store_->body_bytes(),
          .unacked_body_bytes = unacked_.body_bytes()};
}

}  // namespace leveret
