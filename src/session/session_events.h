// SPDX-License-Identifier: Apache-2.0
//
// What the event exchange hears of connections, channels and consumers (vhost/events.h).
//
//   user.authentication.success, .failure
//   connection.created, .closed    channel.created, .closed    consumer.created, .deleted
//
// Where RabbitMQ names a process, pid_text.h names the connection or channel; and the error of a
// refused login is a text where RabbitMQ has an array of numbers, its characters.
//
// Thread: values and pure functions; any.

#pragma once

#include "vhost/events.h"
#include "vhost/ports.h"

#include <string_view>

namespace leveret {

[[nodiscard]] Event login_succeeded(const ConnectionInfo& connection, std::string_view user);
[[nodiscard]] Event login_refused(const ConnectionInfo& connection, std::string_view user,
                                  std::string_view why);
[[nodiscard]] Event connection_created(const ConnectionInfo& connection, std::string_view node);
/// Of every connection of which a client has said who it is, also when it was not let in.
[[nodiscard]] Event connection_closed(const ConnectionInfo& connection, std::string_view node);

/// A channel and where it is.
struct EventChannel {
  std::string_view node;
  std::string_view vhost;
  std::string_view user;
  ConnectionId connection;
  std::string_view connection_name;
  ChannelId id;
  std::uint16_t number = 0;
};

[[nodiscard]] Event channel_created(const EventChannel& channel);
[[nodiscard]] Event channel_closed(const EventChannel& channel);
[[nodiscard]] Event consumer_created(const EventChannel& channel, const ConsumerInfo& consumer);
[[nodiscard]] Event consumer_deleted(const EventChannel& channel, std::string_view tag,
                                     std::string_view queue);

}  // namespace leveret
