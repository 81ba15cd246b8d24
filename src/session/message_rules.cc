// SPDX-License-Identifier: Apache-2.0
#include "session/message_rules.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"
#include "queue/message_traits.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace leveret {
namespace {

using amqp::AmqpResult;
using amqp::ReplyCode;

constexpr std::string_view cc = "CC";
constexpr std::string_view bcc = "BCC";

/// What is wrong with an expiration, as an Erlang term (rabbit_basic:parse_expiration).
std::optional<std::string> complaint_about_expiration(std::string_view text) {
  constexpr std::int64_t timer_ms_max = 315'360'000'000;  // Ten years: ?MAX_EXPIRY_TIMER.
  std::int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument) return "no_integer";
  if (rest != text.data() + text.size()) {
    return fmt::format(
        "{{leftover_string,\"{}\"}}",
        std::string_view(rest, static_cast<std::size_t>(text.data() + text.size() - rest)));
  }
  if (error == std::errc::result_out_of_range || value > timer_ms_max) {
    return fmt::format("{{value_too_large,{}}}", text);
  }
  if (value < 0) return fmt::format("{{value_negative,{}}}", value);
  return std::nullopt;
}

std::unexpected<amqp::AmqpError> invalid_message(std::string what) {
  return amqp::refuse(ReplyCode::precondition_failed, "invalid message: " + std::move(what));
}

}  // namespace

AmqpResult<void> check_properties(const Message& message, std::string_view user,
                                  bool may_impersonate) {
  const auto properties = message.properties();
  const auto user_id = amqp::peek_user_id(properties);
  if (user_id && *user_id != user && !may_impersonate) {
    return amqp::refuse(ReplyCode::precondition_failed,
                        fmt::format("user_id property set to '{}' but authenticated user was '{}'",
                                    *user_id, user));
  }
  if (const auto expiration = amqp::peek_expiration(properties)) {
    if (const auto complaint = complaint_about_expiration(*expiration)) {
      return amqp::refuse(ReplyCode::precondition_failed,
                          fmt::format("invalid expiration '{}': {}", *expiration, *complaint));
    }
  }
  const std::uint8_t mode = amqp::peek_delivery_mode(properties);
  if (mode > amqp::delivery_mode_persistent) {
    return invalid_message(fmt::format("{{delivery_mode_unknown,{}}}", mode));
  }
  const amqp::RawTable headers = amqp::peek_headers(properties).value_or(amqp::RawTable());
  if (headers.empty()) return {};
  for (const std::string_view name : {cc, bcc}) {
    const auto value = headers.find(name);
    if (!value || value->as_array()) continue;
    return invalid_message(fmt::format("{{unacceptable_type_in_header,\"{}\",{}}}", name,
                                       amqp::field_type_name(value->type())));
  }
  return {};
}

bool has_extra_keys(amqp::RawTable headers) {
  return !headers.empty() && (headers.find(cc) || headers.find(bcc));
}

std::vector<std::string_view> all_keys(std::string_view routing_key, amqp::RawTable headers) {
  std::vector<std::string_view> keys{routing_key};
  for (const std::string_view name : {cc, bcc}) {
    const auto value = headers.find(name);
    const auto array = value ? value->as_array() : std::nullopt;
    if (!array) continue;
    array->for_each([&](const amqp::FieldValueView& key) {
      if (const auto text = key.as_string()) keys.push_back(*text);
    });
  }
  return keys;
}

MessagePtr without_bcc(const MessagePtr& message, amqp::RawTable headers) {
  if (!headers.find(bcc)) return message;
  // Both were looked at when the message came; neither can fail now.
  amqp::BasicProperties properties = *amqp::BasicProperties::decode(message->properties());
  amqp::FieldTable table = *amqp::FieldTable::decode(headers);
  table.erase(bcc);
  const std::vector<std::byte> encoded_table = table.to_raw();
  properties.headers = amqp::RawTable(encoded_table);
  const std::vector<std::byte> encoded = properties.to_raw();
  return make_message(message->exchange(), message->routing_key(), encoded, message->body(),
                      message->is_persistent(), traits_of(encoded));
}

}  // namespace leveret
