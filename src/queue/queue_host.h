// SPDX-License-Identifier: Apache-2.0
//
// QueueHost: what a queue needs from the worker it lives on. Declared here, implemented by vhost's
// Shard, so that the queue knows nobody above it.
//
// Thread: the queue's home worker.

#pragma once

#include "message/ids.h"
#include "message/message.h"
#include "queue/queue_rules.h"

#include <cstdint>

namespace leveret {

class Queue;
struct StoredMessage;

/// Who waits to hear that a publish is safe. A token without a channel means that nobody does.
struct PublishToken {
  /// Set in `sequence`: a dead letter on its way from another queue. A full queue that turns it
  /// away has answered for it: it is gone, as RabbitMQ's is.
  static constexpr std::uint64_t move_bit = std::uint64_t{1} << 63;

  ChannelId channel;
  std::uint64_t sequence = 0;  ///< The channel's own count of its publishes.
  [[nodiscard]] bool is_move() const { return (sequence & move_bit) != 0; }
  explicit operator bool() const { return channel.value() != 0; }
};

class QueueHost {
 public:
  virtual ~QueueHost() = default;

  /// The queue answers for the message from now on (accepted), or will not take it (a basic.nack).
  virtual void confirm(PublishToken token, bool is_accepted) = 0;
  /// Something may be deliverable: call dispatch() before the loop turn ends.
  virtual void needs_dispatch(Queue& queue) = 0;
  /// A message that get() had to wait for is there, or will not come.
  virtual void has_loaded(Queue& queue) = 0;
  /// The last consumer left an auto-delete queue, or nobody has used the queue for as long as its
  /// rules allow. Must not destroy the queue inside this call.
  virtual void is_unused(Queue& queue) = 0;

  /// Wall time in milliseconds since 1970: the same from a command to the dispatch that follows it.
  [[nodiscard]] virtual std::uint64_t now_ms() = 0;
  /// Call on_wake() at that time, or a little later. Earlier requests stand.
  virtual void wake_at(Queue& queue, std::uint64_t time_ms) = 0;
  /// The message died in a queue with a dead letter exchange. True: on_dead_lettered() will be
  /// called when everybody who gets it has it for sure, perhaps before this call returns. False:
  /// nobody gets it.
  [[nodiscard]] virtual bool dead_letter(Queue& queue, const StoredMessage& message,
                                         Death death) = 0;
  /// The same for a message that the queue would not take; nothing is called.
  virtual void dead_letter_refused(Queue& queue, const MessagePtr& message) = 0;
};

}  // namespace leveret
