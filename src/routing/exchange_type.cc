// SPDX-License-Identifier: Apache-2.0
#include "routing/exchange_type.h"

#include "base/assert.h"

#include <array>

namespace leveret {

std::span<const ExchangeType> exchange_types() {
  static constexpr std::array all = {
      ExchangeType::direct,          ExchangeType::fanout,
      ExchangeType::topic,           ExchangeType::headers,
      ExchangeType::consistent_hash, ExchangeType::modulus_hash,
      ExchangeType::random,          ExchangeType::local_random,
      ExchangeType::delayed_message, ExchangeType::message_deduplication,
      ExchangeType::recent_history,
  };
  return all;
}

std::optional<ExchangeType> parse_exchange_type(std::string_view name) {
  for (const ExchangeType type : exchange_types()) {
    if (name == exchange_type_name(type)) return type;
  }
  return std::nullopt;
}

std::string_view exchange_type_name(ExchangeType type) {
  switch (type) {
    case ExchangeType::direct:
      return "direct";
    case ExchangeType::fanout:
      return "fanout";
    case ExchangeType::topic:
      return "topic";
    case ExchangeType::headers:
      return "headers";
    case ExchangeType::consistent_hash:
      return "x-consistent-hash";
    case ExchangeType::modulus_hash:
      return "x-modulus-hash";
    case ExchangeType::random:
      return "x-random";
    case ExchangeType::local_random:
      return "x-local-random";
    case ExchangeType::delayed_message:
      return "x-delayed-message";
    case ExchangeType::message_deduplication:
      return "x-message-deduplication";
    case ExchangeType::recent_history:
      return "x-recent-history";
  }
  LEVERET_ASSERT(false, "exchange type {}", static_cast<int>(type));
}

bool is_deduplicating(ExchangeType type, amqp::RawTable arguments) {
  if (type == ExchangeType::message_deduplication) return true;
  const auto wanted = arguments.find("x-message-deduplication");
  return wanted && wanted->as_bool().value_or(false);
}

}  // namespace leveret
