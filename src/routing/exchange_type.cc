// SPDX-License-Identifier: Apache-2.0
#include "routing/exchange_type.h"

#include "base/assert.h"

namespace leveret {

std::optional<ExchangeType> parse_exchange_type(std::string_view name) {
  for (const ExchangeType type :
       {ExchangeType::direct, ExchangeType::fanout, ExchangeType::topic, ExchangeType::headers}) {
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
  }
  LEVERET_ASSERT(false, "exchange type {}", static_cast<int>(type));
}

}  // namespace leveret
