// SPDX-License-Identifier: Apache-2.0
//
// DelayedExchange: an exchange of any other type that holds back messages with the header x-delay.
// They go to a queue of its own that nobody else sees; when a message is due it is routed anew,
// without a delay, by the type behind.
//
// Declared with the type x-delayed-message and the argument x-delayed-type, which names the type
// behind; or with that type itself and the argument x-delayed-exchange, true.
//
// Thread: the table's. Owns: the exchange behind.
// RabbitMQ: rabbitmq-delayed-message-exchange; LavinMQ: delayed exchange.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/raw_table.h"
#include "message/ids.h"
#include "routing/exchange.h"

#include <memory>
#include <optional>
#include <string_view>

namespace leveret {

class DelayedExchange final : public Exchange {
 public:
  /// `held_back`: the queue to which messages with a delay go.
  DelayedExchange(std::unique_ptr<Exchange> behind, QueueId held_back);

  [[nodiscard]] const Exchange& behind() const { return *behind_; }

 private:
  void add(Binding& binding) override;
  void remove(Binding& binding) override;
  void match(const Publication& publication, Reached& reached) const override;

  const std::unique_ptr<Exchange> behind_;
  const QueueDestination held_back_;
};

/// Whether an exchange with this type and these arguments holds messages back.
[[nodiscard]] bool is_delayed_exchange(ExchangeType type, amqp::RawTable arguments);
/// How it routes, delayed or not: its own type, or that of x-delayed-type. Nothing: there is no
/// such type, or it cannot be behind.
[[nodiscard]] std::optional<ExchangeType> routing_type(ExchangeType type, amqp::RawTable arguments);

/// Whether an exchange of this type may have these arguments, as to delays. Errors:
/// precondition_failed, command_invalid, with the plugin's texts.
[[nodiscard]] amqp::AmqpResult<void> validate_delayed_exchange(ExchangeType type,
                                                               amqp::RawTable arguments);

}  // namespace leveret
