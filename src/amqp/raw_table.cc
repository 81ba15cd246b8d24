// SPDX-License-Identifier: Apache-2.0
//
// The walk over tables as they lie on the wire:
//
//   | key length, 1 | key | type, 1 | value |        one entry of a table
//                         | type, 1 | value |        one of an array
//
// where a value has a fixed size, or a length of 4 bytes before it.

#include "amqp/raw_table.h"

#include <cmath>

namespace leveret::amqp {

std::optional<FieldValueView> FieldCursor::next_value() {
  if (at_ == end_) return std::nullopt;
  const std::optional<FieldType> type = field_type(std::to_integer<std::uint8_t>(*at_));
  if (!type) return std::nullopt;
  const std::byte* value = at_ + 1;
  const auto left = static_cast<std::size_t>(end_ - value);
  std::size_t value_bytes = field_bytes_fixed(*type);
  if (value_bytes > left) return std::nullopt;
  if (has_varying_size(*type)) {
    const std::size_t length = FieldValueView(*type, {value, 4}).number<std::uint32_t>();
    if (length > left - 4) return std::nullopt;
    value += 4;
    value_bytes = length;
  }
  const FieldValueView view(*type, {value, value_bytes});
  if (*type == FieldType::float32 || *type == FieldType::float64) {
    if (!std::isfinite(*view.as_double())) return std::nullopt;
  }
  at_ = value + value_bytes;
  return view;
}

std::optional<std::int64_t> FieldValueView::as_integer() const {
  switch (type_) {
    case FieldType::int8:
      return static_cast<std::int8_t>(number<std::uint8_t>());
    case FieldType::uint8:
      return number<std::uint8_t>();
    case FieldType::int16:
      return static_cast<std::int16_t>(number<std::uint16_t>());
    case FieldType::uint16:
      return number<std::uint16_t>();
    case FieldType::int32:
      return static_cast<std::int32_t>(number<std::uint32_t>());
    case FieldType::uint32:
      return number<std::uint32_t>();
    case FieldType::int64:
      return static_cast<std::int64_t>(number<std::uint64_t>());
    default:
      return std::nullopt;
  }
}

std::optional<double> FieldValueView::as_double() const {
  if (type_ == FieldType::float32) return std::bit_cast<float>(number<std::uint32_t>());
  if (type_ == FieldType::float64) return std::bit_cast<double>(number<std::uint64_t>());
  return std::nullopt;
}

std::optional<Decimal> FieldValueView::as_decimal() const {
  if (type_ != FieldType::decimal) return std::nullopt;
  return Decimal{number<std::uint8_t>(), number<std::uint32_t>(1)};
}

std::optional<Timestamp> FieldValueView::as_timestamp() const {
  if (type_ != FieldType::timestamp) return std::nullopt;
  return Timestamp{number<std::uint64_t>()};
}

namespace {

bool is_well_formed_inside(FieldValueView value, int depth_max) {
  if (const auto table = value.as_table()) return table->is_well_formed(depth_max);
  if (const auto array = value.as_array()) return array->is_well_formed(depth_max);
  return true;
}

}  // namespace

bool RawTable::is_well_formed(int depth_max) const {
  if (depth_max == 0) return false;
  bool is_well_formed = true;
  const bool was_walked = for_each([&](std::string_view, FieldValueView value) {
    return is_well_formed = is_well_formed_inside(value, depth_max - 1);
  });
  return was_walked && is_well_formed;
}

bool RawArray::is_well_formed(int depth_max) const {
  if (depth_max == 0) return false;
  bool is_well_formed = true;
  const bool was_walked = for_each([&](FieldValueView value) {
    return is_well_formed = is_well_formed_inside(value, depth_max - 1);
  });
  return was_walked && is_well_formed;
}

std::optional<FieldValueView> RawTable::find(std::string_view key) const {
  std::optional<FieldValueView> found;
  for_each([&](std::string_view each, FieldValueView value) {
    if (each == key) found = value;
    return !found;
  });
  return found;
}

}  // namespace leveret::amqp
