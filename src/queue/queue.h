// SPDX-License-Identifier: Apache-2.0
//
// Queue: messages in order, handed out to consumers, taken back or settled.
//
// A machine without a clock, a thread or a socket. Each method is a command; what it causes comes
// out through the sinks (deliveries) and the host (confirms, "dispatch me", "nobody uses me").
// Nothing is delivered inside a command: the queue asks its host for a dispatch(), which comes
// once, at the end of the loop turn, however many commands the turn brought. So a consume-ok is
// always on its way before the first delivery, and a thousand publishes are one dispatch.
//
// Order: first in, first out. What comes back (nack, reject, recover, a closed channel) goes to its
// old place and is marked redelivered. RabbitMQ: queues#message-ordering.
//
// Thread: home worker, every method. Owns: its store and its consumers. Borrows: the host, which
// outlives it, and the sinks.

#pragma once

#include "message/ids.h"
#include "queue/deduplication.h"
#include "queue/dispatcher.h"
#include "queue/message_store.h"
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

struct QueueCounts {
  std::uint64_t ready = 0;
  std::uint64_t unacked = 0;
  std::uint64_t dying = 0;  ///< Dead, and not yet safe where their dead letters go.
  std::uint64_t consumers = 0;
  std::uint64_t ready_body_bytes = 0;
  std::uint64_t unacked_body_bytes = 0;
};

/// Counted since the queue came to be.
struct QueueTotals {
  std::uint64_t published = 0;
  std::uint64_t delivered = 0;   ///< To consumers that acknowledge.
  std::uint64_t auto_acked = 0;  ///< To consumers and gets that do not.
  std::uint64_t got = 0;         ///< By basic.get, to be acknowledged.
  std::uint64_t acked = 0;
  /// Rejected or nacked without requeue, or returned too often, and nobody got it.
  std::uint64_t rejected = 0;
  std::uint64_t expired = 0;        ///< Too old, and nobody got it.
  std::uint64_t dropped = 0;        ///< One too many, and nobody got it.
  std::uint64_t dead_lettered = 0;  ///< Died, and are safe where they went.
  std::uint64_t requeued = 0;
  std::uint64_t redelivered = 0;
  std::uint64_t purged = 0;
  std::uint64_t recovered = 0;     ///< Found on disk when the broker started.
  std::uint64_t refused = 0;       ///< Publishes that the store could not keep; never in the queue.
  std::uint64_t deduplicated = 0;  ///< Publishes of what had come before; never in the queue.
  std::uint64_t damaged = 0;       ///< Could not be read back.

  /// What ever was in the queue, and what has left it for good.
  [[nodiscard]] std::uint64_t in() const { return published + recovered; }
  [[nodiscard]] std::uint64_t out() const {
    return acked + auto_acked + rejected + expired + dropped + dead_lettered + purged + damaged;
  }
};

/// What becomes of a delivered message.
enum class Settlement : std::uint8_t {
  acked,     ///< basic.ack
  rejected,  ///< basic.reject / basic.nack without requeue
  requeued,  ///< basic.reject / basic.nack with requeue, basic.recover
};

enum class AttachRefusal { exclusive_use };
enum class DeleteRefusal { in_use, not_empty };

class Queue final : private StoreListener {
 public:
  struct Options {
    bool is_auto_delete = false;    ///< Report is_unused() when the last consumer leaves.
    bool is_single_active = false;  ///< One consumer gets all: see Dispatcher.
    QueueRules rules{};
    std::optional<DeduplicationRules> deduplication = {};  ///< None: all are let in.
  };

  Queue(QueueId id, Options options, QueueHost& host, std::unique_ptr<MessageStore> store);
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// Takes a message in, unless the queue is full and its rules have it refused, or it has come
  /// before. The token's owner is told through QueueHost::confirm(); of what has come before, when
  /// that is as safe as the queue's messages are.
  void publish(MessagePtr message, PublishToken token);

  /// Subscribes. Errors: exclusive_use (somebody has the queue for himself, or the caller asked for
  /// it for himself and somebody is there).
  [[nodiscard]] std::expected<void, AttachRefusal> attach(const ConsumerSpec& spec,
                                                          DeliverySink& sink);
  /// Ends a subscription; what it has not acknowledged stays with its channel. Unknown ids are
  /// passed over (the queue may have cancelled it meanwhile).
  void detach(ConsumerId id);
  /// The consumer's sink may be ready again.
  void resume(ConsumerId id);

  /// basic.get: the first ready message, if any. `left` is how many stay ready.
  struct Got {
    std::optional<StoredMessage> message;
    std::uint64_t left = 0;
    /// There is one, but it is on its way from the disk: ask again after QueueHost::has_loaded().
    bool is_loading = false;
  };
  [[nodiscard]] Got get(ChannelId channel, bool no_ack);

  /// The channel says what became of messages it was given. Those it does not hold are passed over.
  void settle(ChannelId channel, std::span<const MessageSeq> messages, Settlement settlement);
  /// The token's owner is told when what was settled before is as safe as the queue's messages are.
  void await_settled(PublishToken token);
  /// A delivery that never reached its client: back to its place as if it had not happened, and the
  /// consumer is passed over until resume().
  void undo_delivery(ChannelId channel, MessageSeq seq);
  /// The channel is gone: all it holds is requeued. Its consumers are detached one by one, by
  /// detach().
  void release(ChannelId channel);

  /// Drops what is ready, not what is unacknowledged. Returns how many.
  std::uint64_t purge();
  /// Drops one message. False: it is not there. See MessageStore::extract().
  [[nodiscard]] bool remove(MessageSeq seq);

  /// Delivers while there is a message and a consumer for it, at most `messages_max` of them.
  /// Returns true when it stopped because of that limit: there is more.
  [[nodiscard]] bool dispatch(std::uint32_t messages_max);

  /// Holds from now on; what is too much by it goes at the end of the turn.
  void set_rules(const QueueRules& rules);
  /// Of messages that come from now on.
  void set_durability(Durability durability) { store_->set_durability(durability); }

  /// The time that was asked for by QueueHost::wake_at() has come.
  void on_wake();
  /// What QueueHost::dead_letter() began for this message has come to its end.
  void on_dead_lettered(MessageSeq seq);
  /// Null: the queue holds no ids of the messages that are in it. Else whoever makes a queue of
  /// what a start found says which they are, before anything is published.
  [[nodiscard]] Deduplication* ids_of_present() {
    return deduplication_ && deduplication_->holds_present() ? deduplication_.get() : nullptr;
  }
  /// Somebody asked about the queue, by a declaration: it is in use. Says what is in it.
  [[nodiscard]] QueueCounts look();

  /// May the queue be deleted under these conditions?
  [[nodiscard]] std::expected<void, DeleteRefusal> may_delete(bool if_unused, bool if_empty);
  /// The queue is being deleted: every consumer is told, and messages are dropped. Returns how many
  /// were ready. Nothing may be asked of the queue afterwards.
  std::uint64_t close();

  /// Adds what has to be marked redelivered after a stop in good order.
  void collect_delivered(std::vector<SeqRun>& delivered) const;
  /// in = out + what is here. Every message that ever came in is one of those counted.
  [[nodiscard]] bool is_balanced() const;

  [[nodiscard]] QueueId id() const { return id_; }
  [[nodiscard]] std::vector<ConsumerId> consumers() const { return dispatcher_.ids(); }
  [[nodiscard]] QueueCounts counts() const;
  /// Bytes of messages that are ready and in memory.
  [[nodiscard]] std::uint64_t resident_bytes() const { return store_->resident_bytes(); }
  [[nodiscard]] const QueueTotals& totals() const { return totals_; }
  /// Zero: nobody is there, or all may be active.
  [[nodiscard]] ConsumerId single_active_consumer() const { return dispatcher_.single_active(); }
  [[nodiscard]] bool has_exclusive_consumer() const { return dispatcher_.has_exclusive(); }

 private:
  // StoreListener
  void on_loaded() override;
  void on_damaged(std::uint64_t messages) override;
  [[nodiscard]] const StoredMessage* find_shifted(MessageSeq seq) const override;

  bool take(MessagePtr&& message, PublishToken token);
  void take_once(MessagePtr message, PublishToken token);
  void requeue(UnackedMessage message, bool mark_redelivered);
  static void deliver_counted(const StoredMessage& message, DeliverySink& sink);
  void want_dispatch();
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

  const QueueId id_;
  const bool is_auto_delete_;
  QueueHost& host_;
  std::unique_ptr<MessageStore> store_;
  Dispatcher dispatcher_;
  Unacked unacked_;
  QueueTotals totals_;
  QueueRules rules_;
  const std::unique_ptr<Deduplication> deduplication_;  // Null: all are let in.
  // Dead; their dead letters are on their way. The store still answers for them.
  boost::unordered_flat_map<MessageSeq, StoredMessage, std::hash<MessageSeq>> dying_;
  std::uint64_t last_used_ms_ = 0;   // Kept when the rules have the queue expire.
  std::uint64_t wake_ms_ = 0;        // The host has been asked to come then; 0: it has not.
  bool is_ruled_ = false;            // apply_rules() may have something to do.
  bool is_dispatch_wanted_ = false;  // The host has been asked and has not come yet.
  bool has_enough_dying_ = false;    // More are to die when some of them are safe.
};

}  // namespace leveret
