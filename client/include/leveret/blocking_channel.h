// SPDX-License-Identifier: Apache-2.0
//
// BlockingChannel: pika's, with options by name:
//
//   auto channel = connection.channel();
//   channel.queue_declare({.queue = "hello", .durable = true});
//   channel.basic_publish({.routing_key = "hello", .body = "Hello World!"});
//
// A method returns when the broker has answered, and throws when it refuses:
//   ChannelClosedByBroker        the broker has closed the channel, and tells why
//   ChannelWrongStateError       the channel was closed before
//   AMQPConnectionError          or one below it: the connection has ended
//   ShortStringTooLong           a name of more than 255 bytes; nothing was sent
//
// A channel is a handle: copies are the same channel. It is closed by close(), by its connection's
// end, or by the broker; letting the last handle go does not close it.
//
// Thread: any method from any thread. Callbacks run in whoever is in process_data_events(),
// start_consuming() or sleep(), one at a time, in the order in which things came; none
// of those may be called from within a callback (ReentrancyError), everything else may.
//
// Source: RabbitMQ's AMQP 0-9-1 reference; the names and defaults are pika 1.3's.

#pragma once

#include "leveret/basic_properties.h"
#include "leveret/field_table.h"
#include "leveret/messages.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

namespace client {
class ChannelState;
}

class BlockingChannel;

/// Called with each message of a consumer. `body` is good until it returns.
using OnMessage = std::function<void(BlockingChannel& channel, const BasicDeliver& method,
                                     const BasicProperties& properties, std::string_view body)>;
using OnReturn = std::function<void(BlockingChannel& channel, const BasicReturn& method,
                                    const BasicProperties& properties, std::string_view body)>;
/// Called when the broker has cancelled a consumer: its queue is gone.
using OnCancel = std::function<void(BlockingChannel& channel, const std::string& consumer_tag)>;

struct QueueDeclare {
  std::string_view queue = "";  ///< Empty: the broker chooses a name.
  bool passive = false;         ///< Only look whether it is there.
  bool durable = false;         ///< Survives a restart of the broker.
  bool exclusive = false;       ///< Of this connection alone, and gone with it.
  bool auto_delete = false;     ///< Gone when its last consumer is.
  FieldTable arguments = {};
};

struct QueueDelete {
  std::string_view queue;
  bool if_unused = false;
  bool if_empty = false;
};

struct QueueBind {
  std::string_view queue;
  std::string_view exchange;
  std::string_view routing_key = "";
  FieldTable arguments = {};
};

struct ExchangeDeclare {
  std::string_view exchange;
  std::string_view exchange_type = "direct";
  bool passive = false;
  bool durable = false;
  bool auto_delete = false;
  bool internal = false;
  FieldTable arguments = {};
};

struct ExchangeDelete {
  std::string_view exchange;
  bool if_unused = false;
};

/// From `source` to `destination`.
struct ExchangeBind {
  std::string_view destination;
  std::string_view source;
  std::string_view routing_key = "";
  FieldTable arguments = {};
};

struct BasicPublish {
  std::string_view exchange = "";  ///< Empty: the default one, straight to the queue of that name.
  std::string_view routing_key = "";
  std::string_view body = "";
  BasicProperties properties = {};
  /// What reaches no queue comes back: UnroutableError after confirm_delivery(), else the callback
  /// of add_on_return_callback().
  bool mandatory = false;
};

struct BasicConsume {
  std::string_view queue;
  OnMessage on_message_callback;
  /// Messages count as done with when they are sent. Prefetch does not hold for them.
  bool auto_ack = false;
  bool exclusive = false;
  std::string_view consumer_tag = "";  ///< Empty: one is made.
  FieldTable arguments = {};
};

struct BasicQos {
  std::uint32_t prefetch_size = 0;   ///< RabbitMQ and Leveret take only 0.
  std::uint16_t prefetch_count = 0;  ///< Unacknowledged messages at a time; 0: any number.
  bool global_qos = false;           ///< For the channel, not for each consumer that comes.
};

class BlockingChannel {
 public:
  [[nodiscard]] std::uint16_t channel_number() const;
  [[nodiscard]] bool is_open() const;
  [[nodiscard]] bool is_closed() const { return !is_open(); }
  /// Waits until the broker agrees. Throws ChannelWrongStateError when it is closed already.
  void close(std::uint16_t reply_code = 0, std::string_view reply_text = "Normal shutdown");

  // Queues and exchanges.
  QueueDeclareOk queue_declare(const QueueDeclare& options);
  QueueDeleteOk queue_delete(const QueueDelete& options);
  QueuePurgeOk queue_purge(std::string_view queue);
  void queue_bind(const QueueBind& options);
  void queue_unbind(const QueueBind& options);
  void exchange_declare(const ExchangeDeclare& options);
  void exchange_delete(const ExchangeDelete& options);
  void exchange_bind(const ExchangeBind& options);
  void exchange_unbind(const ExchangeBind& options);

  // Publishing.
  /// Without confirm_delivery(): returns when the message is on its way, which promises nothing.
  /// After it: returns when the broker has the message, or throws UnroutableError (mandatory, and
  /// no queue took it) or NackError (the broker could not take it).
  void basic_publish(const BasicPublish& options);
  /// From now on each publish waits for the broker's confirm.
  void confirm_delivery();
  /// Called with what comes back when confirms are off.
  void add_on_return_callback(OnReturn callback);

  // Consuming.
  /// Returns the consumer tag. Throws DuplicateConsumerTag.
  std::string basic_consume(const BasicConsume& options);
  /// No message of it will be given to its callback any more. Those that had come unacknowledged go
  /// back to the queue; those of an auto_ack consumer are returned. Unknown tags: nothing happens.
  std::vector<Delivery> basic_cancel(std::string_view consumer_tag);
  /// Runs callbacks until every consumer of the channel is cancelled.
  void start_consuming();
  /// Cancels one consumer, or all; start_consuming() returns when none is left. From a callback, or
  /// any thread.
  void stop_consuming(std::string_view consumer_tag = "");
  void add_on_cancel_callback(OnCancel callback);
  [[nodiscard]] std::vector<std::string> consumer_tags() const;
  /// Nothing: the queue has no message ready.
  std::optional<GotMessage> basic_get(std::string_view queue, bool auto_ack = false);
  void basic_qos(const BasicQos& options);

  // Settling. These return at once; the broker closes the channel when a tag is unknown to it.
  /// `delivery_tag` 0 and `multiple`: all so far.
  void basic_ack(std::uint64_t delivery_tag = 0, bool multiple = false);
  void basic_nack(std::uint64_t delivery_tag = 0, bool multiple = false, bool requeue = true);
  void basic_reject(std::uint64_t delivery_tag, bool requeue = true);
  /// All that is unacknowledged comes again.
  void basic_recover(bool requeue = true);

  // Transactions.
  void tx_select();
  void tx_commit();
  void tx_rollback();

  /// The same channel.
  friend bool operator==(const BlockingChannel&, const BlockingChannel&) = default;

 private:
  friend class BlockingConnection;
  friend class client::ChannelState;
  explicit BlockingChannel(std::shared_ptr<client::ChannelState> state)
      : state_(std::move(state)) {}

  std::shared_ptr<client::ChannelState> state_;
};

}  // namespace leveret
