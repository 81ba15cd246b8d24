// SPDX-License-Identifier: Apache-2.0
//
// ExchangeType: how an exchange chooses among its bindings.
//
// Thread: values.

#pragma once

#include <optional>
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
};

/// Nothing when there is no such type.
[[nodiscard]] std::optional<ExchangeType> parse_exchange_type(std::string_view name);
[[nodiscard]] std::string_view exchange_type_name(ExchangeType type);

}  // namespace leveret
