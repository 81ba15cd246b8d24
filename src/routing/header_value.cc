// SPDX-License-Identifier: Apache-2.0
#include "routing/header_value.h"

#include "amqp/limits.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

namespace leveret {
namespace {

using amqp::FieldCursor;
using amqp::FieldType;
using amqp::FieldValueView;

/// What Erlang takes for a number of the same kind. 128 bits hold every integer type and timestamp.
__extension__ using Integer = __int128;

std::optional<Integer> as_whole_number(FieldValueView value) {
  if (const auto integer = value.as_integer()) return *integer;
  if (const auto timestamp = value.as_timestamp()) return timestamp->seconds;
  return std::nullopt;
}

std::optional<std::string_view> as_octets(FieldValueView value) {
  if (const auto text = value.as_string()) return text;
  return value.as_byte_array();
}

bool is_composite(FieldValueView value) {
  return value.type() == FieldType::table || value.type() == FieldType::array;
}

bool is_same_number(Integer whole, double real) {
  // Beyond this no integer of the wire reaches, and the conversion would be undefined.
  if (std::abs(real) >= 0x1p65 || std::trunc(real) != real) return false;
  return static_cast<Integer>(real) == whole;
}

bool is_same(FieldValueView a, FieldValueView b, int depth_max);

/// Keys, types and values side by side, to the end of both. `depth_max` bounds the recursion: the
/// wire's decoder has refused what is deeper, so that nothing is found different here for it.
bool is_same_composite(FieldValueView a, FieldValueView b, int depth_max) {
  if (a.bytes().empty() && b.bytes().empty()) return true;
  if (a.type() != b.type() || depth_max == 0) return false;
  FieldCursor left(a.bytes());
  FieldCursor right(b.bytes());
  while (!left.is_at_end() && !right.is_at_end()) {
    if (a.type() == FieldType::table) {
      const auto left_key = left.next_key();
      if (!left_key || left_key != right.next_key()) return false;
    }
    const auto left_value = left.next_value();
    const auto right_value = right.next_value();
    if (!left_value || !right_value || left_value->type() != right_value->type()) return false;
    if (!is_same(*left_value, *right_value, depth_max - 1)) return false;
  }
  return left.is_at_end() && right.is_at_end();
}

bool is_same(FieldValueView a, FieldValueView b, int depth_max) {
  if (const auto whole = as_whole_number(a)) {
    if (const auto other = as_whole_number(b)) return whole == other;
    const auto real = b.as_double();
    return real && is_same_number(*whole, *real);
  }
  if (const auto real = a.as_double()) {
    if (const auto other = b.as_double()) return real == other;
    const auto whole = as_whole_number(b);
    return whole && is_same_number(*whole, *real);
  }
  if (const auto octets = as_octets(a)) return octets == as_octets(b);
  if (is_composite(a)) return is_composite(b) && is_same_composite(a, b, depth_max);

  if (a.type() != b.type()) return false;
  if (const auto truth = a.as_bool()) return truth == b.as_bool();
  return std::ranges::equal(a.bytes(), b.bytes());  // Decimals and void.
}

}  // namespace

bool is_same_header_value(FieldValueView a, FieldValueView b) {
  return is_same(a, b, amqp::table_depth_max);
}

}  // namespace leveret
