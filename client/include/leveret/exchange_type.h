// SPDX-License-Identifier: Apache-2.0
//
// ExchangeType: the four that AMQP 0-9-1 names. Others come with a broker's plugins and are given
// to exchange_declare() as text.
//
// Thread: values.
// Spec: AMQP 0-9-1 §3.1.3.

#pragma once

#include <cstdint>
#include <string_view>

namespace leveret {

enum class ExchangeType : std::uint8_t { direct, fanout, headers, topic };

/// As on the wire.
[[nodiscard]] constexpr std::string_view to_string(ExchangeType type) {
  switch (type) {
    case ExchangeType::direct:
      return "direct";
    case ExchangeType::fanout:
      return "fanout";
    case ExchangeType::headers:
      return "headers";
    case ExchangeType::topic:
      return "topic";
  }
  return "";
}

}  // namespace leveret
