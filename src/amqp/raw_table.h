// SPDX-License-Identifier: Apache-2.0
//
// RawTable: a field table as it lies on the wire, without the length before it. It can be looked
// into, value by value, with no allocation: what the headers exchange does for every message.
// FieldTable is the owning form, for those who keep or make tables.
//
//   table.for_each([&](std::string_view key, FieldValueView value) { ... });
//   if (auto ttl = table.find("x-message-ttl")) ... ttl->as_integer() ...
//
// A view of bytes that strangers sent: it may be malformed. Walking stops where sense ends and says
// so; is_well_formed() looks at everything first.
//
// Thread: views of bytes that somebody else keeps alive and unchanged.

#pragma once

#include "amqp/field_type.h"
#include "amqp/limits.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace leveret::amqp {

class RawTable;
class RawArray;

/// FieldValueView: one value inside a table or an array. Each `as_` gives nothing when the value is
/// of another type.
class FieldValueView {
 public:
  FieldValueView() = default;

  [[nodiscard]] FieldType type() const { return type_; }
  /// The value's bytes, without type and length.
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  [[nodiscard]] std::optional<bool> as_bool() const {
    if (type_ != FieldType::boolean) return std::nullopt;
    return number<std::uint8_t>() != 0;
  }
  /// Any of the seven integer types, which RabbitMQ takes for one another; all fit.
  [[nodiscard]] std::optional<std::int64_t> as_integer() const;
  /// Float or double.
  [[nodiscard]] std::optional<double> as_double() const;
  [[nodiscard]] std::optional<Decimal> as_decimal() const;
  [[nodiscard]] std::optional<Timestamp> as_timestamp() const;
  [[nodiscard]] std::optional<std::string_view> as_string() const {
    if (type_ != FieldType::long_string) return std::nullopt;
    return chars();
  }
  /// A byte array (`x`).
  [[nodiscard]] std::optional<std::string_view> as_byte_array() const {
    if (type_ != FieldType::byte_array) return std::nullopt;
    return chars();
  }
  [[nodiscard]] std::optional<RawTable> as_table() const;
  [[nodiscard]] std::optional<RawArray> as_array() const;

 private:
  friend class FieldCursor;
  FieldValueView(FieldType type, std::span<const std::byte> bytes) : type_(type), bytes_(bytes) {}

  template <class Number>
  [[nodiscard]] Number number(std::size_t at = 0) const {
    Number value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
    return value;
  }
  [[nodiscard]] std::string_view chars() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

  FieldType type_ = FieldType::void_value;
  std::span<const std::byte> bytes_;
};

/// FieldCursor: goes over the keys and values of a table, or the values of an array. Both methods
/// give nothing at the end and when what follows makes no sense; is_at_end() tells which.
class FieldCursor {
 public:
  explicit FieldCursor(std::span<const std::byte> bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool is_at_end() const { return at_ == end_; }
  std::optional<std::string_view> next_key() {
    if (at_ == end_) return std::nullopt;
    const auto key_bytes = std::to_integer<std::size_t>(*at_);
    if (static_cast<std::size_t>(end_ - at_) < 1 + key_bytes) return std::nullopt;
    const char* key = reinterpret_cast<const char*>(at_ + 1);
    at_ += 1 + key_bytes;
    return std::string_view(key, key_bytes);
  }
  /// A float or double that is not finite makes no sense either: RabbitMQ cannot read one.
  std::optional<FieldValueView> next_value();

 private:
  const std::byte* at_;
  const std::byte* end_;
};

/// RawArray: as RawTable, for values without keys.
class RawArray {
 public:
  RawArray() = default;
  explicit RawArray(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

  /// Calls visit(value) for each value, in order, until it returns false (if it returns anything).
  /// Returns: false when the walk met something malformed, where it stops.
  template <class Visit>
  bool for_each(Visit&& visit) const {
    FieldCursor cursor(bytes_);
    while (!cursor.is_at_end()) {
      const std::optional<FieldValueView> value = cursor.next_value();
      if (!value) return false;
      if constexpr (std::is_void_v<decltype(visit(*value))>) {
        visit(*value);
      } else {
        if (!visit(*value)) return true;
      }
    }
    return true;
  }
  /// Every value can be read, also inside, and nothing lies deeper than `depth_max`.
  [[nodiscard]] bool is_well_formed(int depth_max = table_depth_max) const;

 private:
  std::span<const std::byte> bytes_;
};

class RawTable {
 public:
  RawTable() = default;
  explicit RawTable(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  /// In bytes.
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

  /// Calls visit(key, value) for each entry, in order, until it returns false (if it returns
  /// anything). Returns: false when the walk met something malformed, where it stops.
  template <class Visit>
  bool for_each(Visit&& visit) const {
    FieldCursor cursor(bytes_);
    while (!cursor.is_at_end()) {
      const std::optional<std::string_view> key = cursor.next_key();
      if (!key) return false;
      const std::optional<FieldValueView> value = cursor.next_value();
      if (!value) return false;
      if constexpr (std::is_void_v<decltype(visit(*key, *value))>) {
        visit(*key, *value);
      } else {
        if (!visit(*key, *value)) return true;
      }
    }
    return true;
  }
  /// The first value with this key. Nothing too when something malformed lies before it.
  [[nodiscard]] std::optional<FieldValueView> find(std::string_view key) const;

  /// Every entry can be read, also inside, and nothing lies deeper than `depth_max`.
  [[nodiscard]] bool is_well_formed(int depth_max = table_depth_max) const;

  /// The same bytes. Tables that mean the same in other bytes or another order are not equal.
  friend bool operator==(RawTable a, RawTable b) { return std::ranges::equal(a.bytes_, b.bytes_); }

 private:
  std::span<const std::byte> bytes_;
};

inline std::optional<RawTable> FieldValueView::as_table() const {
  if (type_ != FieldType::table) return std::nullopt;
  return RawTable(bytes_);
}
inline std::optional<RawArray> FieldValueView::as_array() const {
  if (type_ != FieldType::array) return std::nullopt;
  return RawArray(bytes_);
}

}  // namespace leveret::amqp
