// SPDX-License-Identifier: Apache-2.0
#include "session/publish_assembler.h"

#include "amqp/basic_properties.h"
#include "amqp/content_header.h"
#include "amqp/methods.gen.h"
#include "queue/message_traits.h"

#include <fmt/format.h>

namespace leveret {
namespace {

using amqp::AmqpResult;
using amqp::ReplyCode;

constexpr std::uint16_t basic_class = amqp::basic_class_id;

/// Errors in content name basic.publish, errors before it nothing; RabbitMQ:
/// rabbit_command_assembler.
std::unexpected<amqp::AmqpError> unexpected_frame(std::string text, bool is_in_content) {
  return std::unexpected(amqp::AmqpError{ReplyCode::unexpected_frame, std::move(text),
                                         is_in_content ? amqp::BasicPublish::key : 0});
}

}  // namespace

void PublishAssembler::begin(std::string_view exchange, std::string_view routing_key,
                             bool is_mandatory, bool is_dropped) {
  if (!route_room_) [[unlikely]]
    route_room_ = std::make_unique<std::array<std::byte, EncodedRoute::bytes_max>>();
  route_ = EncodedRoute::encode(exchange, routing_key, *route_room_);
  is_mandatory_ = is_mandatory;
  is_dropped_ = is_dropped;
  stage_ = Stage::header;
}

AmqpResult<void> PublishAssembler::on_header(std::span<const std::byte> payload,
                                             std::uint64_t message_bytes_max) {
  if (stage_ != Stage::header) return refuse_interruption();
  const std::optional<amqp::ContentHeader> header = amqp::ContentHeader::decode(payload);
  if (!header) return refuse_interruption();
  if (header->class_id != basic_class) {
    return unexpected_frame(
        fmt::format("expected content header for class {}, got one for class {} instead",
                    basic_class, header->class_id),
        true);
  }
  if (!amqp::is_well_formed_properties(header->properties)) {
    return std::unexpected(amqp::AmqpError{ReplyCode::internal_error, ""});
  }
  stage_ = Stage::body;
  missing_bytes_ = header->body_size;
  if (is_dropped_) return {};
  if (header->body_size > message_bytes_max) {
    is_dropped_ = true;
    return std::unexpected(
        amqp::AmqpError{ReplyCode::precondition_failed,
                        fmt::format("message size {} is larger than configured max size {}",
                                    header->body_size, message_bytes_max),
                        amqp::BasicPublish::key});
  }
  builder_.begin(route_, header->properties, header->body_size,
                 amqp::peek_delivery_mode(header->properties) == amqp::delivery_mode_persistent,
                 traits_of(header->properties));
  return {};
}

AmqpResult<void> PublishAssembler::on_body(std::span<const std::byte> payload) {
  if (stage_ != Stage::body || payload.size() > missing_bytes_) return refuse_interruption();
  missing_bytes_ -= payload.size();
  if (!is_dropped_) builder_.append(payload);
  return {};
}

MessagePtr PublishAssembler::finish() {
  stage_ = Stage::idle;
  return is_dropped_ ? MessagePtr() : builder_.finish();
}

std::unexpected<amqp::AmqpError> PublishAssembler::refuse_interruption() const {
  switch (stage_) {
    case Stage::idle:
      break;
    case Stage::header:
      return unexpected_frame(
          fmt::format("expected content header for class {}, got non content header frame instead",
                      basic_class),
          true);
    case Stage::body:
      return unexpected_frame("expected content body, got non content body frame instead", true);
  }
  return unexpected_frame("expected method frame, got non method frame instead", false);
}

}  // namespace leveret
