// SPDX-License-Identifier: Apache-2.0
//
// Queue: where messages wait for consumers. What all types of queue have in common, as the worker
// that a queue lives on sees it:
//
//   ClassicQueue   hands each message to one consumer (classic_queue.h); RabbitMQ's classic queues
//                  and, on one node, its quorum queues
//   StreamQueue    keeps messages, and lets every consumer read them (stream_queue.h)
//
// A machine without a clock, a thread or a socket. Each method is a command; what it causes comes
// out through the sinks (deliveries) and the host (confirms, "dispatch me", "nobody uses me").
// Nothing is delivered inside a command: the queue asks its host for a dispatch(), which comes
// once, at the end of the loop turn, however many commands the turn brought. So a consume-ok is
// always on its way before the first delivery, and a thousand publishes are one dispatch.
//
// Thread: home worker, every method. Owns: its store and its consumers. Borrows: the host, which
// outlives it, and the sinks.

#pragma once

#include "journal/segment_format.h"
#include "message/ids.h"
#include "queue/consumer_spec.h"
#include "queue/delivery_sink.h"
#include "queue/message_store.h"
#include "queue/queue_host.h"
#include "queue/queue_rules.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

namespace leveret {

class Deduplication;

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

class Queue {
 public:
  virtual ~Queue() = default;
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// Takes a message in, or refuses it, as its rules say. The token's owner is told through
  /// QueueHost::confirm().
  virtual void publish(MessagePtr message, PublishToken token) = 0;

  /// Subscribes. Errors: exclusive_use (somebody has the queue for himself, or the caller asked for
  /// it for himself and somebody is there).
  [[nodiscard]] virtual std::expected<void, AttachRefusal> attach(const ConsumerSpec& spec,
                                                                  DeliverySink& sink) = 0;
  /// Ends a subscription; what it has not acknowledged stays with its channel. Unknown ids are
  /// passed over (the queue may have cancelled it meanwhile).
  virtual void detach(ConsumerId id) = 0;
  /// The consumer's sink may be ready again.
  virtual void resume(ConsumerId id) = 0;

  /// basic.get: the first ready message, if any. `left` is how many stay ready.
  struct Got {
    std::optional<StoredMessage> message;
    std::uint64_t left = 0;
    /// There is one, but it is on its way from the disk: ask again after QueueHost::has_loaded().
    bool is_loading = false;
  };
  [[nodiscard]] virtual Got get(ChannelId channel, bool no_ack) = 0;

  /// The channel says what became of messages it was given. Those it does not hold are passed over.
  virtual void settle(ChannelId channel, std::span<const MessageSeq> messages,
                      Settlement settlement) = 0;
  /// The token's owner is told when what was settled before is as safe as the queue's messages are.
  virtual void await_settled(PublishToken token) = 0;
  /// A delivery that never reached its client: back to its place as if it had not happened, and the
  /// consumer is passed over until resume().
  virtual void undo_delivery(ChannelId channel, MessageSeq seq) = 0;
  /// The channel is gone, and what it held is no longer its own. Its consumers are detached one by
  /// one, by detach().
  virtual void release(ChannelId channel) = 0;

  /// Drops what is ready, not what is unacknowledged. Returns how many.
  virtual std::uint64_t purge() = 0;
  /// Drops one message. False: it is not there. See MessageStore::extract().
  [[nodiscard]] virtual bool remove(MessageSeq) { return false; }

  /// Delivers while there is a message and a consumer for it, at most `messages_max` of them.
  /// Returns true when it stopped because of that limit: there is more.
  [[nodiscard]] virtual bool dispatch(std::uint32_t messages_max) = 0;

  /// Holds from now on; what is too much by it goes at the end of the turn.
  virtual void set_rules(const QueueRules& rules) = 0;
  /// Of messages that come from now on.
  virtual void set_durability(Durability durability) = 0;

  /// The time that was asked for by QueueHost::wake_at() has come.
  virtual void on_wake() = 0;
  /// What QueueHost::dead_letter() began for this message has come to its end.
  virtual void on_dead_lettered(MessageSeq) {}
  /// Null: the queue holds no ids of the messages that are in it. Else whoever makes a queue of
  /// what a start found says which they are, before anything is published.
  [[nodiscard]] virtual Deduplication* ids_of_present() { return nullptr; }
  /// Somebody asked about the queue, by a declaration: it is in use. Says what is in it.
  [[nodiscard]] virtual QueueCounts look() = 0;

  /// May the queue be deleted under these conditions?
  [[nodiscard]] virtual std::expected<void, DeleteRefusal> may_delete(bool if_unused,
                                                                      bool if_empty) = 0;
  /// The queue is being deleted: every consumer is told, and messages are dropped. Returns how many
  /// were ready. Nothing may be asked of the queue afterwards.
  virtual std::uint64_t close() = 0;

  /// Adds what has to be marked redelivered after a stop in good order.
  virtual void collect_delivered(std::vector<SeqRun>& delivered) const = 0;
  /// in = out + what is here. Every message that ever came in is one of those counted.
  [[nodiscard]] virtual bool is_balanced() const = 0;

  [[nodiscard]] QueueId id() const { return id_; }
  [[nodiscard]] virtual std::vector<ConsumerId> consumers() const = 0;
  [[nodiscard]] virtual QueueCounts counts() const = 0;
  /// Bytes of messages that are ready and in memory.
  [[nodiscard]] virtual std::uint64_t resident_bytes() const = 0;
  [[nodiscard]] const QueueTotals& totals() const { return totals_; }
  /// Zero: nobody is there, or all may be active.
  [[nodiscard]] virtual ConsumerId single_active_consumer() const { return {}; }

 protected:
  Queue(QueueId id, QueueHost& host) : host_(host), id_(id) {}

  /// Asks the host for a dispatch, once until begin_dispatch().
  void want_dispatch() {
    if (is_dispatch_wanted_) return;
    is_dispatch_wanted_ = true;
    host_.needs_dispatch(*this);
  }
  /// What dispatch() answers: it will be called again by itself.
  [[nodiscard]] bool goes_on_dispatching() { return is_dispatch_wanted_ = true; }
  void begin_dispatch() { is_dispatch_wanted_ = false; }

  QueueHost& host_;
  QueueTotals totals_;

 private:
  const QueueId id_;
  bool is_dispatch_wanted_ = false;  // The host has been asked and has not come yet.
};

}  // namespace leveret
