// SPDX-License-Identifier: Apache-2.0
//
// PublishAssembler: a publish, its content header and its bodies become one Message.
//
// Thread: the channel's worker.
// Spec: AMQP 0-9-1 §4.2.6: content frames on one channel are strictly sequential.

#pragma once

#include "amqp/amqp_error.h"
#include "message/message.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace leveret {

class PublishAssembler {
 public:
  enum class Stage { idle, header, body };

  [[nodiscard]] bool is_busy() const { return stage_ != Stage::idle; }
  /// What is being assembled is not kept. Requires: is_busy().
  [[nodiscard]] bool is_dropping() const { return is_dropped_; }

  /// A basic.publish came. `is_dropped`: its content is awaited and not kept. Requires: not busy.
  void begin(std::string_view exchange, std::string_view routing_key, bool is_mandatory,
             bool is_dropped);
  /// The content header came. Errors: unexpected_frame (there is no publish for it, or it is not
  /// one for class 60), internal_error (its properties are not what their flags say; RabbitMQ says
  /// so too), precondition_failed (a message longer than `message_bytes_max`: its body is awaited
  /// and not kept).
  [[nodiscard]] amqp::AmqpResult<void> on_header(std::span<const std::byte> payload,
                                                 std::uint64_t message_bytes_max);
  /// A body came. Errors: unexpected_frame (none is expected, or it is longer than what is
  /// missing).
  [[nodiscard]] amqp::AmqpResult<void> on_body(std::span<const std::byte> payload);

  [[nodiscard]] bool is_complete() const { return stage_ == Stage::body && missing_bytes_ == 0; }
  /// The message, or null when it was dropped; the assembler is idle again. Requires:
  /// is_complete().
  [[nodiscard]] MessagePtr finish();
  [[nodiscard]] bool is_mandatory() const { return is_mandatory_; }
  /// The refusal for a frame that is no content where content is expected.
  [[nodiscard]] std::unexpected<amqp::AmqpError> refuse_interruption() const;

 private:
  Stage stage_ = Stage::idle;
  bool is_mandatory_ = false;
  bool is_dropped_ = false;
  std::uint64_t missing_bytes_ = 0;  // Of the body.
  // Where route_ lies; made by the first publish: most channels never see one.
  std::unique_ptr<std::array<std::byte, EncodedRoute::bytes_max>> route_room_;
  EncodedRoute route_;
  MessageBuilder builder_;
};

}  // namespace leveret
