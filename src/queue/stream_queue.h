// SPDX-License-Identifier: Apache-2.0
//
// StreamQueue: a queue that keeps its messages. Each consumer reads them from where it asked to
// begin, and is told the offset of each; what it acknowledges is only that it has room for more.
// What was delivered and not acknowledged does not come back: who goes says where he goes on when
// he comes again.
//
// Consumers that may take a message get a few at a time, one after the other; one who reads what
// was long ago holds up nobody.
//
// Thread, ownership: queue.h. RabbitMQ: streams.

#pragma once

#include "queue/queue.h"
#include "queue/stream_cursor.h"
#include "queue/stream_log.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

class StreamQueue final : public Queue, private StreamListener {
 public:
  StreamQueue(QueueId id, const QueueRules& rules, QueueHost& host, std::unique_ptr<StreamLog> log);

  // Queue

  void publish(MessagePtr message, PublishToken token) override;
  /// Never refused. Requires: a prefetch, and acknowledgements.
  [[nodiscard]] std::expected<void, AttachRefusal> attach(const ConsumerSpec& spec,
                                                          DeliverySink& sink) override;
  void detach(ConsumerId id) override;
  void resume(ConsumerId id) override;
  /// Nothing: who reads a stream has to say from where.
  [[nodiscard]] Got get(ChannelId, bool) override { return {}; }
  /// However it is settled, the consumer has room for another.
  void settle(ChannelId channel, std::span<const MessageSeq> messages,
              Settlement settlement) override;
  void await_settled(PublishToken token) override { host_.confirm(token, true); }
  void undo_delivery(ChannelId channel, MessageSeq seq) override;
  void release(ChannelId channel) override;
  /// Drops nothing: what a stream keeps is said by its rules.
  std::uint64_t purge() override { return 0; }
  [[nodiscard]] bool dispatch(std::uint32_t messages_max) override;
  void set_rules(const QueueRules& rules) override;
  void set_durability(Durability durability) override { log_->set_durability(durability); }
  void on_wake() override;
  [[nodiscard]] QueueCounts look() override { return counts(); }
  [[nodiscard]] std::expected<void, DeleteRefusal> may_delete(bool if_unused,
                                                              bool if_empty) override;
  std::uint64_t close() override;
  /// Nothing is ever redelivered.
  void collect_delivered(std::vector<SeqRun>&) const override {}
  [[nodiscard]] bool is_balanced() const override;
  [[nodiscard]] std::vector<ConsumerId> consumers() const override;
  /// All that is kept is ready, whoever has read it.
  [[nodiscard]] QueueCounts counts() const override;
  [[nodiscard]] std::uint64_t resident_bytes() const override { return log_->resident_bytes(); }

 private:
  struct Reader {
    ConsumerSpec spec;
    DeliverySink* sink;  // Not owned: its channel detaches the consumer before it goes.
    StreamCursor cursor;
    std::uint32_t unacked = 0;
    bool is_stalled = false;  // The sink said it was not ready; resume() clears it.

    [[nodiscard]] bool may_take() const { return !is_stalled && unacked < spec.prefetch; }
  };
  /// What a channel was given and has not acknowledged. By a number of its own for each delivery:
  /// two consumers of a channel may have the same message.
  struct Delivered {
    ConsumerId consumer;
    std::uint64_t seq = 0;
  };
  using OfChannel = boost::unordered_flat_map<MessageSeq, Delivered, std::hash<MessageSeq>>;

  // StreamListener
  void on_more() override { want_dispatch(); }

  std::uint32_t deliver_to(Reader& reader, std::uint32_t messages_max);
  [[nodiscard]] static bool is_wanted(const Reader& reader, const StoredMessage& message);
  [[nodiscard]] Reader* find(ConsumerId id) const;
  void retain();

  const std::unique_ptr<StreamLog> log_;
  QueueRules rules_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::size_t next_reader_ = 0;  // Who is first in the next round.
  boost::unordered_flat_map<ChannelId, OfChannel, std::hash<ChannelId>> unacked_;
  std::uint64_t last_delivery_ = 0;
  std::uint64_t wake_ms_ = 0;  // The host has been asked to come then; 0: it has not.
};

}  // namespace leveret
