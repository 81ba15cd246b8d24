// SPDX-License-Identifier: Apache-2.0
//
// What a channel tells the firehose.
#include "session/channel.h"
#include "session/connection.h"
#include "session/firehose.h"

namespace leveret {
namespace {

TracedChannel described(Channel& channel) {
  const Connection& connection = channel.connection();
  return {.node = channel.connection().shard().node_name(),
          .vhost = connection.vhost_name(),
          .connection = connection.name(),
          .channel = channel.number(),
          .user = connection.user_name()};
}

}  // namespace

void Channel::trace_publish(const Message& message, std::span<const std::string_view> routing_keys,
                            std::span<const QueueHandlePtr> queues) {
  const VhostReplica* vhost = connection_.vhost();
  if (vhost == nullptr || !vhost->is_traced()) return;
  connection_.shard().trace(vhost->name(),
                            trace_of_publish(message, routing_keys, queues, described(*this)));
}

// Not of what the firehose said itself: who listens would hear of nothing else.
void Channel::trace_delivery(const StoredMessage& message, const QueueHandle& queue) {
  const VhostReplica* vhost = connection_.vhost();
  if (vhost == nullptr || !vhost->is_traced()) return;
  if (message.message->exchange() == trace_exchange) return;
  connection_.shard().trace(
      vhost->name(), trace_of_delivery(*message.message, queue.properties.name, message.redelivered,
                                       described(*this)));
}

}  // namespace leveret
