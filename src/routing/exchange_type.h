// SPDX-License-Identifier: Apache-2.0
//
// ExchangeType: how an exchange chooses among its bindings.
//
// Thread: values.

#pragma once

#include "amqp/raw_table.h"

#include <optional>
#include <span>
#include <string_view>

namespace leveret {

enum class ExchangeType {
  direct,
  fanout,
  topic,
  headers,
  consistent_hash,
  modulus_hash,
  random,
  local_random,
  delayed_message,  ///< Another type behind it routes: see delayed_exchange.h.
  message_deduplication,
  recent_history,
};

/// Nothing when there is no such type.
[[nodiscard]] std::optional<ExchangeType> parse_exchange_type(std::string_view name);
/// All of them.
[[nodiscard]] std::span<const ExchangeType> exchange_types();
[[nodiscard]] std::string_view exchange_type_name(ExchangeType type);
/// Messages that came before are not to go through it: by its type, or by its arguments.
[[nodiscard]] bool is_deduplicating(ExchangeType type, amqp::RawTable arguments);

}  // namespace leveret
