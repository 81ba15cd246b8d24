// SPDX-License-Identifier: Apache-2.0
//
// RecentHistory: the last messages that went through an exchange of type x-recent-history, for who
// is bound to it later. There is one for each such exchange, whichever worker its messages come
// from; it does not survive the broker.
//
// Thread: the control worker. RabbitMQ: rabbitmq_recent_history_exchange.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/raw_table.h"
#include "base/deque.h"
#include "message/message.h"

#include <cstdint>

namespace leveret {

class RecentHistory {
 public:
  static constexpr std::uint64_t length_default = 20;
  /// Of the messages' blocks: beyond this the oldest go, and the last stays.
  static constexpr std::uint64_t bytes_max = 64 * 1024 * 1024;

  /// By the exchange's arguments: x-recent-history-length.
  explicit RecentHistory(amqp::RawTable arguments);

  void add(MessagePtr message);
  /// The oldest first.
  [[nodiscard]] const Deque<MessagePtr>& messages() const { return messages_; }

 private:
  std::uint64_t length_max_ = length_default;
  std::uint64_t bytes_ = 0;
  Deque<MessagePtr> messages_;
};

/// Whether an exchange may have these arguments. Errors: precondition_failed, with the plugin's
/// text.
[[nodiscard]] amqp::AmqpResult<void> validate_history_arguments(amqp::RawTable arguments);

/// The message is not to be kept: x-recent-history-no-store.
[[nodiscard]] bool is_kept_out_of_histories(const Message& message);

}  // namespace leveret
