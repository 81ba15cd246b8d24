// SPDX-License-Identifier: Apache-2.0
//
// QueueHost: what a queue needs from the worker it lives on. Declared here, implemented by vhost's
// Shard, so that the queue knows nobody above it.
//
// Thread: the queue's home worker.

#pragma once

#include "message/ids.h"

#include <cstdint>

namespace leveret {

class Queue;

/// Who waits to hear that a publish is safe. A token without a channel means that nobody does.
struct PublishToken {
  ChannelId channel;
  std::uint64_t sequence = 0;  ///< The channel's own count of its publishes.
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
  /// The last consumer left an auto-delete queue. Must not destroy the queue inside this call.
  virtual void is_unused(Queue& queue) = 0;
};

}  // namespace leveret
