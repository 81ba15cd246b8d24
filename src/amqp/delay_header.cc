// SPDX-License-Identifier: Apache-2.0
#include "amqp/delay_header.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace leveret::amqp {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> number_in(const FieldValueView& value) {
  if (const auto number = value.as_integer()) return number;
  if (const auto text = value.as_string()) return whole_number(*text);
  const auto fraction = value.as_double();
  if (!fraction || !(*fraction < static_cast<double>(INT64_MAX))) return std::nullopt;
  return *fraction < 1 ? 0 : static_cast<std::int64_t>(*fraction);
}

}  // namespace

std::uint64_t peek_delay_ms(RawTable headers) {
  const auto value = headers.find("x-delay");
  const std::int64_t delay_ms = value ? number_in(*value).value_or(0) : 0;
  if (delay_ms <= 0) return 0;
  const auto positive = static_cast<std::uint64_t>(delay_ms);
  return positive <= delay_ms_max ? positive : 0;
}

}  // namespace leveret::amqp
