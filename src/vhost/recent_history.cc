// SPDX-License-Identifier: Apache-2.0
#include "vhost/recent_history.h"

#include "amqp/basic_properties.h"
#include "routing/header_value_text.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace leveret {
namespace {

constexpr std::string_view length_argument = "x-recent-history-length";

/// The plugin takes signed integers alone.
std::optional<std::int64_t> length_of(const amqp::FieldValueView& value) {
  using enum amqp::FieldType;
  const amqp::FieldType type = value.type();
  if (type != int8 && type != int16 && type != int32 && type != int64) return std::nullopt;
  return value.as_integer();
}

}  // namespace

RecentHistory::RecentHistory(amqp::RawTable arguments) {
  const auto value = arguments.find(length_argument);
  const auto length = value ? length_of(*value) : std::nullopt;
  if (length && *length > 0) length_max_ = static_cast<std::uint64_t>(*length);
}

void RecentHistory::add(MessagePtr message) {
  bytes_ += message->block_bytes();
  messages_.push_back(std::move(message));
  while (messages_.size() > length_max_ || (bytes_ > bytes_max && messages_.size() > 1)) {
    bytes_ -= messages_.front()->block_bytes();
    messages_.pop_front();
  }
}

amqp::AmqpResult<void> validate_history_arguments(amqp::RawTable arguments) {
  const auto value = arguments.find(length_argument);
  if (!value) return {};
  const auto length = length_of(*value);
  if (length && *length > 0) return {};
  std::string text = "Invalid argument ";
  append_header_value(text, *value);
  text += ", 'x-recent-history-length' must be a positive integer";
  return amqp::refuse(amqp::ReplyCode::precondition_failed, std::move(text));
}

bool is_kept_out_of_histories(const Message& message) {
  const amqp::RawTable headers =
      amqp::peek_headers(message.properties()).value_or(amqp::RawTable());
  const auto said = headers.find("x-recent-history-no-store");
  return said && said->as_bool().value_or(false);
}

}  // namespace leveret
