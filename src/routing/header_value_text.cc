// SPDX-License-Identifier: Apache-2.0
#include "routing/header_value_text.h"

#include "amqp/erlang_text.h"
#include "amqp/limits.h"

#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace leveret {
namespace {

using amqp::ErlangLayout;
using amqp::FieldCursor;
using amqp::FieldType;
using amqp::FieldValueView;

/// The shortest digits that read back as the same number, in the shorter of two forms: 0.001 and
/// 1.0e-5, 100.0 and 1.0e3. From 2^53 on, where neighbours are no longer integers, always the
/// second.
std::string erlang_float(double value) {
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";

  // d.ddde+xx, taken apart: the value is 0.digits times 10 to the power of `point`.
  std::array<char, 32> buffer;
  const auto printed = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                                     std::chars_format::scientific);
  const std::string_view scientific(buffer.data(), printed.ptr);
  const std::size_t e = scientific.find('e');
  std::string digits(scientific.substr(0, 1));
  if (e > 1) digits += scientific.substr(2, e - 2);
  int exponent = 0;
  const char* const exponent_begin = scientific.data() + e + (scientific[e + 1] == '+' ? 2 : 1);
  std::from_chars(exponent_begin, printed.ptr, exponent);
  const int point = exponent + 1;
  const int count = static_cast<int>(digits.size());

  const std::string sign = value < 0 ? "-" : "";
  const std::string exponent_text = fmt::format("{}", exponent);
  const int exponent_cost = static_cast<int>(exponent_text.size()) + 1 + (count == 1 ? 2 : 1);
  const bool is_large = std::abs(value) >= 0x1p53;
  if (!is_large && point <= 0 && (point == 0 || 2 - point <= exponent_cost)) {
    return fmt::format("{}0.{:0>{}}{}", sign, "", -point, digits);
  }
  if (!is_large && point > 0 && point < count) {
    return fmt::format("{}{}.{}", sign, digits.substr(0, point), digits.substr(point));
  }
  if (!is_large && point >= count && point - count + 2 <= exponent_cost) {
    return fmt::format("{}{}{:0>{}}.0", sign, digits, "", point - count);
  }
  return fmt::format("{}{}.{}e{}", sign, digits.substr(0, 1), count == 1 ? "0" : digits.substr(1),
                     exponent_text);
}

void append(std::string& text, FieldValueView value, int depth_max, ErlangLayout layout);

/// {<<"key">>,type,value}; of an array's element, which has no key, {type,value}. False: it is
/// malformed.
bool append_entry(std::string& text, FieldCursor& cursor, bool has_key, int depth_max,
                  ErlangLayout layout) {
  text += '{';
  if (has_key) {
    const auto key = cursor.next_key();
    if (!key) return false;
    amqp::append_erlang_binary(text, std::as_bytes(std::span(*key)), layout);
    text += ',';
  }
  const auto value = cursor.next_value();
  if (!value) return false;
  text += amqp::field_type_name(value->type());
  text += ',';
  append(text, *value, depth_max, layout);
  text += '}';
  return true;
}

void append_composite(std::string& text, FieldValueView composite, int depth_max,
                      ErlangLayout layout) {
  FieldCursor cursor(composite.bytes());
  text += '[';
  for (bool is_first = true; !cursor.is_at_end(); is_first = false) {
    const bool is_full =
        layout == ErlangLayout::reply_text && text.size() > amqp::short_string_bytes_max;
    if (depth_max == 0 || is_full) return;
    if (!is_first) text += ',';
    const bool has_key = composite.type() == FieldType::table;
    if (!append_entry(text, cursor, has_key, depth_max - 1, layout)) return;
  }
  text += ']';
}

void append(std::string& text, FieldValueView value, int depth_max, ErlangLayout layout) {
  switch (value.type()) {
    case FieldType::boolean:
      text += *value.as_bool() ? "true" : "false";
      return;
    case FieldType::void_value:
      text += "undefined";
      return;
    case FieldType::decimal: {
      const amqp::Decimal decimal = *value.as_decimal();
      text += fmt::format("{{{},{}}}", decimal.scale, decimal.number);
      return;
    }
    case FieldType::timestamp:
      text += fmt::format("{}", value.as_timestamp()->seconds);
      return;
    case FieldType::float32:
    case FieldType::float64:
      text += erlang_float(*value.as_double());
      return;
    case FieldType::long_string:
    case FieldType::byte_array:
      amqp::append_erlang_binary(text, value.bytes(), layout);
      return;
    case FieldType::array:
    case FieldType::table:
      append_composite(text, value, depth_max, layout);
      return;
    default:
      text += fmt::format("{}", *value.as_integer());
  }
}

}  // namespace

void append_header_value(std::string& text, FieldValueView value) {
  append(text, value, amqp::table_depth_max, ErlangLayout::reply_text);
}

std::vector<std::string> header_entry_texts(amqp::RawTable table) {
  std::vector<std::string> texts;
  FieldCursor cursor(table.bytes());
  while (!cursor.is_at_end()) {
    std::string text;
    constexpr int depth_max = amqp::table_depth_max - 1;
    if (!append_entry(text, cursor, /*has_key=*/true, depth_max, ErlangLayout::one_line)) break;
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace leveret
