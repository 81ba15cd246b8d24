// SPDX-License-Identifier: Apache-2.0
//
// What a channel tells the event exchange. Nothing, where nobody listens.
#include "session/channel.h"
#include "session/connection.h"
#include "session/session_events.h"

namespace leveret {
namespace {

EventChannel described(Channel& channel) {
  const Connection& connection = channel.connection();
  return {.node = channel.connection().shard().node_name(),
          .vhost = connection.vhost_name(),
          .user = connection.user_name(),
          .connection = connection.id(),
          .connection_name = connection.name(),
          .id = channel.id(),
          .number = channel.number()};
}

}  // namespace

void Channel::tell_opened() {
  Shard& shard = connection_.shard();
  if (shard.has_event_listener()) shard.tell(channel_created(described(*this)));
}

void Channel::tell_closed() {
  Shard& shard = connection_.shard();
  if (!shard.has_event_listener()) return;
  for (const auto& [tag, consumer] : consumers_) tell_cancelled(*consumer);
  shard.tell(channel_closed(described(*this)));
}

void Channel::tell_consuming(const ChannelConsumer& consumer) {
  Shard& shard = connection_.shard();
  if (shard.has_event_listener()) {
    shard.tell(consumer_created(described(*this), info_of(consumer)));
  }
}

void Channel::tell_cancelled(const ChannelConsumer& consumer) {
  Shard& shard = connection_.shard();
  if (!shard.has_event_listener()) return;
  shard.tell(consumer_deleted(described(*this), consumer.tag(), consumer.queue().properties.name));
}

}  // namespace leveret
