// SPDX-License-Identifier: Apache-2.0
//
// ClassicQueue: messages in order, each handed out to one consumer, taken back or settled.
//
// Order: first in, first out. What comes back (nack, reject, recover, a closed channel) goes to its
// old place and is marked redelivered. RabbitMQ: queues#message-ordering.
//
// Thread, ownership: queue.h.

#pragma once

#include "message/ids.h"
#include "queue/deduplication.h"
#include "queue/dispatcher.h"
#include "queue/message_store.h"
#include "queue/queue.h"
#include "queue/queue_host.h"
#include "queue/queue_rules.h"
#include "queue/unacked.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

class ClassicQueue final : public Queue, private StoreListener {
 public:
  struct Options {
    bool is_auto_delete = false;    ///< Report is_unused() when the last consumer leaves.
    bool is_single_active = false;  ///< One consumer gets all: see Dispatcher.
    QueueRules rules{};
    std::optional<DeduplicationRules> deduplication = {};  ///< None: all are let in.
  };

  ClassicQueue(QueueId id, Options options, QueueHost& host, std::unique_ptr<MessageStore> store);

  // Queue

  /// Unless the queue is full and its rules have it refused, or it has come before: then the
  /// token's owner is told when the first is as safe as the queue's messages are.
  void publish(MessagePtr message, PublishToken token) override;
  [[nodiscard]] std::expected<void, AttachRefusal> attach(const ConsumerSpec& spec,
                                                          DeliverySink& sink) override;
  void detach(ConsumerId id) override;
  void resume(ConsumerId id) override;
  [[nodiscard]] Got get(ChannelId channel, bool no_ack) override;
  void settle(ChannelId channel, std::span<const MessageSeq> messages,
              Settlement settlement) override;
  void await_settled(PublishToken token) override;
  void undo_delivery(ChannelId channel, MessageSeq seq) override;
  /// All that the channel holds is requeued.
  void release(ChannelId channel) override;
  std::uint64_t purge() override;
  [[nodiscard]] bool remove(MessageSeq seq) override;
  [[nodiscard]] bool dispatch(std::uint32_t messages_max) override;
  void set_rules(const QueueRules& rules) override;
  void set_durability(Durability durability) override { store_->set_durability(durability); }
  void on_wake() override;
  void on_dead_lettered(MessageSeq seq) override;
  [[nodiscard]] Deduplication* ids_of_present() override {
    return deduplication_ && deduplication_->holds_present() ? deduplication_.get() : nullptr;
  }
  [[nodiscard]] QueueCounts look() override;
  [[nodiscard]] std::expected<void, DeleteRefusal> may_delete(bool if_unused,
                                                              bool if_empty) override;
  std::uint64_t close() override;
  void collect_delivered(std::vector<SeqRun>& delivered) const override;
  [[nodiscard]] bool is_balanced() const override;
  [[nodiscard]] std::vector<ConsumerId> consumers() const override { return dispatcher_.ids(); }
  [[nodiscard]] QueueCounts counts() const override;
  [[nodiscard]] std::uint64_t resident_bytes() const override { return store_->resident_bytes(); }
  [[nodiscard]] ConsumerId single_active_consumer() const override {
    return dispatcher_.single_active();
  }

 private:
  // StoreListener
  void on_loaded() override;
  void on_damaged(std::uint64_t messages) override;
  [[nodiscard]] const StoredMessage* find_shifted(MessageSeq seq) const override;

  /// Both return: it is in the store.
  bool take(MessagePtr&& message, PublishToken token);
  bool keep(MessagePtr&& message, std::uint64_t expires_ms, PublishToken token);
  void take_once(MessagePtr message, PublishToken token);
  void requeue(UnackedMessage message, bool mark_redelivered);
  static void deliver_counted(const StoredMessage& message, DeliverySink& sink);
  std::uint32_t deliver(std::uint32_t messages_max);
  [[nodiscard]] bool is_full_for(const Message& message) const {
    return rules_.is_over(store_->size() + 1, store_->body_bytes() + message.body_bytes());
  }
  [[nodiscard]] bool makes_room_for(const Message& message);
  void refuse(const MessagePtr& message, PublishToken token);
  [[nodiscard]] std::uint64_t expiry_of(const Message& message) const;
  void note_rules();
  void apply_rules();
  void apply_rules_before_a_look();
  void expire_anywhere();
  void die(StoredMessage message, Death death);
  void let_go(const StoredMessage& message);
  void forget_gone_ids();
  void note_use();
  void wake_by(std::uint64_t time_ms);
  [[nodiscard]] std::vector<StoredMessage> shifted() const;

  const bool is_auto_delete_;
  std::unique_ptr<MessageStore> store_;
  Dispatcher dispatcher_;
  Unacked unacked_;
  QueueRules rules_;
  const std::unique_ptr<Deduplication> deduplication_;  // Null: all are let in.
  // Dead; their dead letters are on their way. The store still answers for them.
  boost::unordered_flat_map<MessageSeq, StoredMessage, std::hash<MessageSeq>> dying_;
  std::uint64_t last_used_ms_ = 0;  // Kept when the rules have the queue expire.
  std::uint64_t wake_ms_ = 0;       // The host has been asked to come then; 0: it has not.
  bool takes_all_ = false;          // No rule looks at a message before it is kept.
  bool is_ruled_ = false;           // apply_rules() may have something to do.
  bool has_enough_dying_ = false;   // More are to die when some of them are safe.
};

}  // namespace leveret
