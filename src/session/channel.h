// SPDX-License-Identifier: Apache-2.0
//
// Channel: one channel of a connection. Publishes, consumers, gets, acknowledgements, confirms and
// transactions; declarations pass through to the registry.
//
// Every on_x(method) answers either with frames in the connection's output or with a refusal, whose
// code says whether the channel or the connection closes (conclude()). Methods that need an answer
// from elsewhere pause the connection (Connection::ask) and go on in a callback.
//
// A publish comes in three kinds of frame: on_basic_publish, on_content_header, on_content_body;
// what lies between is the PublishAssembler's.
//
// Thread: the connection's worker. Owned by its Connection, which is borrowed back.
// Spec: AMQP 0-9-1 §1.4-1.9; RabbitMQ: confirms, consumer-prefetch, nack, ttl.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/content_header.h"
#include "amqp/methods.gen.h"
#include "base/string_map.h"
#include "base/use_count.h"
#include "message/message.h"
#include "session/channel_consumer.h"
#include "session/confirms.h"
#include "session/deliveries.h"
#include "session/delivery_ages.h"
#include "session/held_publishes.h"
#include "session/publish_assembler.h"
#include "session/transaction.h"
#include "vhost/ports.h"
#include "vhost/replica.h"
#include "vhost/requests.h"
#include "vhost/topology.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

class Connection;

class Channel final : public ConfirmSink, public ReplySink {
 public:
  using Outcome = amqp::AmqpResult<void>;

  /// `use`: it is counted among the channels of its user.
  Channel(Connection& connection, std::uint16_t number, Use use);
  ~Channel() override;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  [[nodiscard]] std::uint16_t number() const { return number_; }
  [[nodiscard]] ChannelId id() const { return id_; }
  [[nodiscard]] Connection& connection() { return connection_; }
  /// channel.close was sent and close-ok is awaited: all else is passed over.
  [[nodiscard]] bool is_closing() const { return is_closing_; }
  /// Looks whether deliveries have been unacknowledged for too long, and returns to their queues
  /// those that are to be (channel_timeouts.cc). To be asked DeliveryAges::looks_per_timeout times
  /// in the shortest of its timeouts. The timeout of a delivery for which the channel is to be
  /// closed; nullopt: there is none.
  [[nodiscard]] std::optional<Duration> look_at_deliveries(Time now);
  [[nodiscard]] Duration shortest_timeout() const { return timeouts_in_force().shortest; }
  void begin_closing();
  [[nodiscard]] ChannelInfo info() const;
  /// The client has heard that it is open, or is about to.
  void tell_opened();

  /// Gives back what the channel holds: consumers go, unacknowledged messages are requeued, a
  /// commit is not waited for. The channel is mute from then on.
  void wind_up();
  /// Adds what a turn gathered to the output: confirms.
  void end_turn();
  /// The connection has room for output again.
  void resume_starved();

  // Content (channel_publish.cc).
  [[nodiscard]] bool is_assembling() const { return assembler_.is_busy(); }
  [[nodiscard]] std::unexpected<amqp::AmqpError> refuse_interruption() const {
    return assembler_.refuse_interruption();
  }
  [[nodiscard]] Outcome on_content_header(std::span<const std::byte> payload);
  [[nodiscard]] Outcome on_content_body(std::span<const std::byte> payload);
  [[nodiscard]] Outcome on_basic_publish(const amqp::BasicPublish& method);
  /// A publish on a channel that is closing: its content is part of what is passed over.
  void expect_content_to_drop();
  /// What is being assembled will not be kept. Requires: is_assembling().
  [[nodiscard]] bool is_dropping() const { return assembler_.is_dropping(); }
  /// Its connection holds publishes of this channel (blocking.cc).
  [[nodiscard]] bool is_holding() const { return is_holding_; }
  void set_holding(bool is_holding) { is_holding_ = is_holding; }
  /// A publish that was held, or a refusal that waited behind one, takes its effect.
  [[nodiscard]] Outcome let_through(HeldPublishes::Entry entry);

  // Declarations (channel_declare.cc).
  [[nodiscard]] Outcome on_exchange_declare(const amqp::ExchangeDeclare& method);
  [[nodiscard]] Outcome on_exchange_delete(const amqp::ExchangeDelete& method);
  [[nodiscard]] Outcome on_exchange_bind(const amqp::ExchangeBind& method);
  [[nodiscard]] Outcome on_exchange_unbind(const amqp::ExchangeUnbind& method);
  [[nodiscard]] Outcome on_queue_declare(const amqp::QueueDeclare& method);
  [[nodiscard]] Outcome on_queue_delete(const amqp::QueueDelete& method);
  [[nodiscard]] Outcome on_queue_purge(const amqp::QueuePurge& method);
  [[nodiscard]] Outcome on_queue_bind(const amqp::QueueBind& method);
  [[nodiscard]] Outcome on_queue_unbind(const amqp::QueueUnbind& method);

  // Consuming and settling (channel_consume.cc).
  [[nodiscard]] Outcome on_basic_qos(const amqp::BasicQos& method);
  [[nodiscard]] Outcome on_basic_consume(const amqp::BasicConsume& method);
  [[nodiscard]] Outcome on_basic_cancel(const amqp::BasicCancel& method);
  [[nodiscard]] Outcome on_basic_get(const amqp::BasicGet& method);
  [[nodiscard]] Outcome on_basic_ack(const amqp::BasicAck& method);
  [[nodiscard]] Outcome on_basic_nack(const amqp::BasicNack& method);
  [[nodiscard]] Outcome on_basic_reject(const amqp::BasicReject& method);
  [[nodiscard]] Outcome on_basic_recover(bool requeue, bool is_answered);

  // Modes (channel.cc).
  [[nodiscard]] Outcome on_channel_flow(const amqp::ChannelFlow& method);
  [[nodiscard]] Outcome on_confirm_select(const amqp::ConfirmSelect& method);
  [[nodiscard]] Outcome on_tx_select();
  [[nodiscard]] Outcome on_tx_commit();
  [[nodiscard]] Outcome on_tx_rollback();

  // ConfirmSink
  void on_confirmed(std::uint64_t first_sequence, std::uint32_t count, bool is_accepted) override;
  void on_returned(const MessagePtr& message) override;

  // ReplySink (channel_reply.cc)
  void on_reply(const MessagePtr& message) override;

  // For its consumers.
  [[nodiscard]] Readiness readiness_for(ChannelConsumer& consumer);
  void deliver(ChannelConsumer& consumer, const StoredMessage& message);
  void on_consumer_cancelled(ChannelConsumer& consumer);

 private:
  enum class Mode { plain, confirming, transactional };

  // channel_publish.cc
  [[nodiscard]] Outcome check_publish(const amqp::BasicPublish& method);
  [[nodiscard]] Outcome finish_publish();
  [[nodiscard]] Outcome finish_publish(MessagePtr& message, bool is_mandatory);
  /// Routes a message and gives it to the queues. Replaces it when a header has to go (BCC).
  [[nodiscard]] Outcome send_on(MessagePtr& message, bool is_mandatory);
  void publish(MessagePtr message, std::span<const QueueHandlePtr> queues, std::uint64_t sequence);
  void reply_to(std::string_view exchange, std::string_view routing_key, const MessagePtr& message);
  void publish(const Transaction::Publish& publish, std::uint64_t sequence);
  /// Sends it on to the gates that it was routed to.
  void send_to_gates(const Transaction::Publish& publish, std::uint64_t sequence);
  void send_return(const MessagePtr& message);

  // channel_trace.cc
  void trace_publish(const Message& message, std::span<const std::string_view> routing_keys,
                     std::span<const QueueHandlePtr> queues);
  void trace_delivery(const StoredMessage& message, const QueueHandle& queue);

  // channel_timeouts.cc
  struct Timeouts {
    Duration shortest = Duration::max();
    Duration longest = Duration::zero();
    /// Zero, for ever, is none.
    void add(Duration timeout);
  };
  [[nodiscard]] Timeouts timeouts_in_force() const;
  /// Zero: for ever.
  [[nodiscard]] Duration timeout_of(const UnackedDelivery& delivery) const;
  [[nodiscard]] Duration timeout_of(const QueueHandle& queue) const;
  [[nodiscard]] TimeoutAction timeout_action_of(const QueueHandle& queue) const;

  // channel_events.cc
  void tell_closed();
  void tell_consuming(const ChannelConsumer& consumer);
  void tell_cancelled(const ChannelConsumer& consumer);

  // channel_reply.cc
  [[nodiscard]] Outcome consume_replies(const amqp::BasicConsume& method);
  /// False: the tag is not the reply consumer's.
  [[nodiscard]] bool cancel_replies(std::string_view tag);
  void drop_reply_consumer();
  /// A request gets the address of this channel. Errors: nobody here waits for replies.
  [[nodiscard]] Outcome set_reply_address(MessagePtr& message);
  [[nodiscard]] Outcome declare_reply_address(const std::string& name, bool no_wait);

  // channel_declare.cc
  /// Pauses the connection; the Done that it returns goes on, sends `reply` unless no_wait, or
  /// refuses in the name of `method`.
  template <class Reply>
  [[nodiscard]] Done<void> reply_when_done(bool no_wait, amqp::MethodKey method, Reply reply);
  struct BindingChange {
    bool is_unbind = false;
    bool no_wait = false;
    amqp::MethodKey method = 0;
  };
  [[nodiscard]] Outcome change_binding(BindingProperties binding, BindingChange change);
  [[nodiscard]] Outcome declare_passively(const std::string& name, bool no_wait);
  void send_declare_ok(const DeclaredQueue& queue, bool no_wait);

  /// The queue a method means: the named one, or with an empty name the last declared on this
  /// channel.
  [[nodiscard]] amqp::AmqpResult<std::string> meant_queue(std::string_view name) const;
  /// Looks the queue up for use by this connection. Errors: not_found, resource_locked.
  [[nodiscard]] amqp::AmqpResult<const QueueHandle*> find_queue(const std::string& name);

  // channel_consume.cc
  /// What the queue's type makes of a consumer's arguments.
  [[nodiscard]] Outcome read_consumer_arguments(const amqp::FieldTable& arguments,
                                                const QueueHandle& queue, ConsumerSpec& spec) const;
  /// Errors: not_implemented; one of them is a stream's.
  [[nodiscard]] static Outcome refuse_for_streams(std::string_view what,
                                                  std::span<const UnackedDelivery> deliveries);
  /// Errors: not_allowed; the channel has had all its consumers, or one with this tag.
  [[nodiscard]] Outcome check_new_consumer(const std::string& tag) const;
  [[nodiscard]] Outcome settle(std::uint64_t tag, bool is_multiple, Settlement settlement);
  void settle(std::span<const UnackedDelivery> deliveries, Settlement settlement);
  void hold(const QueueHandle& queue);
  void send_get_ok(const QueueHandle& queue, const Queue::Got& got, bool no_ack);

  [[nodiscard]] static ConsumerInfo info_of(const ChannelConsumer& consumer);
  void note_news();
  void on_commit_progress(std::uint32_t count, bool is_accepted);

  Connection& connection_;  // Not owned: owns us.
  const std::uint16_t number_;
  Use use_;
  const ChannelId id_;

  bool is_closing_ = false;
  bool is_wound_up_ = false;
  bool is_holding_ = false;
  Mode mode_ = Mode::plain;

  /// The exchange that the last publish was allowed to, and when that was.
  struct Permitted {
    bool is_known = false;
    std::string exchange;
    std::uint64_t topology_version = 0;
    std::uint64_t auth_version = 0;
  };
  Permitted permitted_;
  PublishAssembler assembler_;
  std::optional<amqp::AmqpError> refusal_;  // Of the publish whose content is coming.
  RouteMemory route_;
  Routed extra_routed_;  // Where a message with CC or BCC goes.
  Confirms confirms_;
  bool has_news_ = false;  // The connection has been told to call end_turn().
  Transaction transaction_;
  std::uint32_t commit_waits_for_ =
      0;  // Queues that have not answered for a transaction's messages.
  bool is_commit_refused_ = false;

  Deliveries deliveries_;
  DeliveryAges delivery_ages_;
  Timeouts own_timeouts_;               // Of its consumers, also of those that have gone.
  std::vector<UnackedDelivery> taken_;  // Scratch of settle().
  std::vector<MessageSeq> settled_;     // Scratch of settle().
  StringMap<std::unique_ptr<ChannelConsumer>> consumers_;  // By consumer tag.
  struct ReplyConsumer {
    std::string tag;
    std::string address;
    bool has_dropped = false;  // That has been logged.
  };
  std::unique_ptr<ReplyConsumer> reply_consumer_;  // Null: there is none.
  std::uint32_t prefetch_count_ = 0;               // For consumers to come.
  std::uint32_t global_prefetch_count_ = 0;        // Shared by all; 0 = no limit.
  std::uint32_t global_unacked_ = 0;               // Deliveries to consumers that count against it.
  bool has_starved_ = false;

  // Every queue that gave us something to acknowledge: to be released when the channel goes.
  boost::unordered_flat_map<QueueId, QueueHandlePtr, std::hash<QueueId>> held_queues_;
  std::string last_declared_queue_;
};

}  // namespace leveret
