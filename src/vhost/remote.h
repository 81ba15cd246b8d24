// SPDX-License-Identifier: Apache-2.0
//
// A consumer on one worker, its queue on another. On the queue's side a RemoteSink stands in for
// the consumer and carries deliveries across; on the consumer's side a RemoteConsumer counts what
// has come.
//
// A window bounds what is on the way: the sink may have so many messages and body bytes out that
// the other side has not credited. The other side credits in lumps, and only while its connection
// has room for more output, so a slow reader fills its window and no more.
//
//   queue's worker                            consumer's worker
//   Queue -> RemoteSink::deliver  --task-->   Shard::on_remote_delivery -> DeliverySink::deliver
//   RemoteSink::on_credit         <--task--   RemoteConsumer (every credit_messages or
//   credit_bytes)
//
// Thread: RemoteSink the queue's home worker, RemoteConsumer the consumer's.

#pragma once

#include "message/ids.h"
#include "queue/delivery_sink.h"
#include "queue/dispatcher.h"
#include "queue/queue_host.h"
#include "vhost/topology.h"

#include <cstdint>

namespace leveret {

class Broker;

/// What may be on the way to one remote consumer. Larger than what is credited at a time, so that a
/// consumer that keeps up never waits.
inline constexpr std::uint32_t remote_window_messages = 2048;
inline constexpr std::uint64_t remote_window_bytes = 2 * 1024 * 1024;
inline constexpr std::uint32_t remote_credit_messages = 256;
inline constexpr std::uint64_t remote_credit_bytes = 256 * 1024;

/// Body bytes of publishes that may be on the way from one worker to another before its publishers
/// are held, and at which they go on.
inline constexpr std::uint64_t publish_window_bytes = 16 * 1024 * 1024;
inline constexpr std::uint64_t publish_window_resume_bytes = publish_window_bytes / 2;

class RemoteSink final : public DeliverySink {
 public:
  RemoteSink(Broker& broker, ConsumerId consumer) : broker_(broker), consumer_(consumer) {}

  [[nodiscard]] Readiness readiness() override {
    return messages_out_ < remote_window_messages && bytes_out_ < remote_window_bytes
               ? Readiness::ready
               : Readiness::no_room;
  }
  void deliver(const StoredMessage& message) override;
  void on_cancelled() override;
  void on_credit(std::uint32_t messages, std::uint64_t bytes) {
    messages_out_ -= messages;
    bytes_out_ -= bytes;
  }

 private:
  Broker& broker_;
  const ConsumerId consumer_;
  std::uint32_t messages_out_ = 0;
  std::uint64_t bytes_out_ = 0;
};

struct RemoteConsumer {
  DeliverySink* sink = nullptr;  // Not owned: its channel drops the consumer before it goes.
  QueueHandlePtr queue;
  ChannelId channel;
  bool no_ack = false;
  std::uint32_t uncredited_messages = 0;
  std::uint64_t uncredited_bytes = 0;
  /// A delivery found no credit and goes back. All that is on the way behind it goes back too, or
  /// it would overtake; until the queue has said that nothing more is.
  bool is_undoing = false;
  bool is_resume_wanted = false;  ///< To be resumed when that has been said.
};

/// Confirms for one channel, gathered while they are for consecutive publishes with the same
/// outcome.
struct ConfirmRange {
  ChannelId channel;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  bool is_accepted = true;
};

}  // namespace leveret
