// SPDX-License-Identifier: Apache-2.0
//
// What a Shard needs from the connections and channels of its worker. Declared here, implemented by
// session, so that the registry knows nobody above it.
//
// Thread: the worker of the connection.

#pragma once

#include "amqp/reply_code.h"
#include "base/clock.h"
#include "message/ids.h"
#include "message/message.h"

#include <cstdint>
#include <string>
#include <vector>

namespace leveret {

/// A channel that waits to hear of its publishes.
class ConfirmSink {
 public:
  virtual ~ConfirmSink() = default;
  /// `count` publishes from `first_sequence` on are each safe in one of the queues they went to (or
  /// were refused by it). A publish to n queues is reported n times.
  virtual void on_confirmed(std::uint64_t first_sequence, std::uint32_t count,
                            bool is_accepted) = 0;
  /// A mandatory message that was sent on to gates reached no queue. Comes before it is confirmed.
  virtual void on_returned(const MessagePtr&) {}
};

/// A channel that waits for replies.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  /// At most once: what it cannot take is dropped.
  virtual void on_reply(const MessagePtr& message) = 0;
};

/// Values for people and for the management API; taken at one moment.
struct ConsumerInfo {
  ConsumerId id;
  QueueId queue_id;
  bool is_of_single_active_queue = false;
  std::string tag;
  std::string queue;
  bool is_ack_required = true;
  bool is_exclusive = false;
  std::uint32_t prefetch_count = 0;
  std::string arguments;  ///< Encoded field table.
};

struct ChannelInfo {
  ChannelId id;
  std::uint16_t number = 0;
  std::uint32_t prefetch_count = 0;
  std::uint32_t global_prefetch_count = 0;
  std::uint64_t unacked = 0;
  std::uint64_t unconfirmed = 0;
  std::uint64_t uncommitted_messages = 0;
  std::uint64_t uncommitted_acks = 0;
  bool is_confirming = false;
  bool is_transactional = false;
  std::vector<ConsumerInfo> consumers;
};

struct ConnectionInfo {
  ConnectionId id;
  std::string name;  ///< "127.0.0.1:40112 -> 127.0.0.1:5672", as RabbitMQ names connections.
  std::string user;
  std::string vhost;
  std::string state;  ///< "starting", "tuning", "opening", "running", "closing", ...
  std::string peer_host;
  std::uint16_t peer_port = 0;
  std::string host;
  std::uint16_t port = 0;
  std::string auth_mechanism;
  std::string client_properties;  ///< Encoded field table.
  std::uint16_t channel_max = 0;
  std::uint32_t frame_max = 0;
  std::uint16_t heartbeat_seconds = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  WallTime connected_at{};
  std::vector<ChannelInfo> channels;
};

/// A connection as others on its worker may address it.
class ConnectionPort {
 public:
  virtual ~ConnectionPort() = default;
  [[nodiscard]] virtual ConnectionInfo info() const = 0;
  [[nodiscard]] virtual const std::string& vhost_name() const = 0;
  [[nodiscard]] virtual const std::string& user_name() const = 0;
  /// Closes with connection.close (an operator asked, the vhost goes, the node stops).
  virtual void force_close(amqp::ReplyCode code, const std::string& text) = 0;
  /// The workers this connection publishes to have caught up: read again.
  virtual void on_uncongested() = 0;
  /// It has been slow for long enough: read again.
  virtual void on_slow_tick() = 0;
  /// Shard::alarms() has changed.
  virtual void on_alarms_changed() = 0;
};

}  // namespace leveret
