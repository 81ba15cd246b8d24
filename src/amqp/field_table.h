// SPDX-License-Identifier: Apache-2.0
//
// FieldTable: a field table that owns what it holds, for those who make or keep one: declare
// arguments, server properties, x-death. Order and repeated keys are kept as they came.
//
//   FieldTable capabilities{{"basic.nack", true}};
//   table.set("x-max-length", std::int32_t{10}).set("capabilities", std::move(capabilities));
//
// A value's type on the wire is that of the C++ value: std::int32_t is `I`, bool is `t`, strings
// are `S`; a ByteArray is `x`.
//
// Requires: keys of at most 255 bytes; floats and doubles that are finite (RabbitMQ cannot read
// others); nesting within table_depth_max if it is to be decoded again.
// Thread: values.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/field_type.h"
#include "amqp/raw_table.h"
#include "amqp/wire_writer.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace leveret::amqp {

class FieldValue;
struct FieldTableEntry;

// A table holds values and a value may hold a table, so some type is always incomplete: what needs
// it whole, down to the destructors, is defined after all of them or in the source.

/// The type `V`: there, and nothing.
using Void = std::monostate;

/// The type `x`.
struct ByteArray {
  std::string bytes;
  friend bool operator==(const ByteArray&, const ByteArray&) = default;
};

struct FieldArray {
  FieldArray();
  FieldArray(std::initializer_list<FieldValue> initial);
  FieldArray(const FieldArray& other);
  FieldArray(FieldArray&& other) noexcept;
  FieldArray& operator=(const FieldArray& other);
  FieldArray& operator=(FieldArray&& other) noexcept;
  ~FieldArray();

  std::vector<FieldValue> values;
  friend bool operator==(const FieldArray&, const FieldArray&);
};

class FieldTable {
 public:
  using const_iterator = std::vector<FieldTableEntry>::const_iterator;

  FieldTable();
  FieldTable(std::initializer_list<FieldTableEntry> entries);
  FieldTable(const FieldTable& other);
  FieldTable(FieldTable&& other) noexcept;
  FieldTable& operator=(const FieldTable& other);
  FieldTable& operator=(FieldTable&& other) noexcept;
  ~FieldTable();

  /// Copies out of the wire's bytes.
  /// Errors: 502 (malformed, or deeper than table_depth_max). RabbitMQ 3.10 drops the connection
  /// without a word where a table of a method is malformed, and has no limit of depth.
  [[nodiscard]] static AmqpResult<FieldTable> decode(RawTable raw);

  [[nodiscard]] bool empty() const;
  [[nodiscard]] std::size_t size() const;
  /// Entries of the same name stay in their order. RabbitMQ does so whenever it sets one.
  void sort_by_name();

  [[nodiscard]] const_iterator begin() const;
  [[nodiscard]] const_iterator end() const;
  /// The first value with this key, or null. Valid until the table changes.
  [[nodiscard]] const FieldValue* find(std::string_view name) const;

  /// Replaces the first value with this key where it stands, or adds one at the end.
  FieldTable& set(std::string_view name, FieldValue value);
  /// Adds at the end, whatever is there.
  void append(std::string name, FieldValue value);
  /// Takes all values with this key out. Returns whether there was one.
  bool erase(std::string_view name);

  /// Bytes of the table without the length before it, as a RawTable has it.
  [[nodiscard]] std::size_t encoded_size() const;
  void encode(WireWriter& writer) const;
  /// The table as wire bytes; RawTable(bytes) is a view of them.
  [[nodiscard]] std::vector<std::byte> to_raw() const;

  /// {"key": value, ...} for logs and people, JSON-like. Text that peers chose is escaped.
  [[nodiscard]] std::string to_text() const;

  /// The same entries in the same order, of the same types.
  friend bool operator==(const FieldTable&, const FieldTable&);

 private:
  std::vector<FieldTableEntry> entries_;
};

/// FieldValue: one value, of any type that a table can hold.
class FieldValue {
 public:
  using Variant = std::variant<Void, bool, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                               std::int32_t, std::uint32_t, std::int64_t, float, double, Decimal,
                               std::string, FieldArray, Timestamp, FieldTable, ByteArray>;

  FieldValue() = default;
  FieldValue(const char* text) : value_(std::string(text)) {}
  FieldValue(std::string_view text) : value_(std::string(text)) {}
  /// Of exactly one of the variant's types: an `int` literal is an std::int32_t, but a size_t has
  /// no type on the wire and must be made one.
  template <class T>
  requires(requires(T value) { std::get_if<T>(static_cast<Variant*>(nullptr)); })
      FieldValue(T value)
      : value_(std::in_place_type<T>, std::move(value)) {}

  /// Errors: as FieldTable::decode().
  [[nodiscard]] static AmqpResult<FieldValue> decode(FieldValueView view);

  [[nodiscard]] FieldType type() const;
  [[nodiscard]] const Variant& variant() const { return value_; }
  /// The value if it is of exactly this C++ type, or null.
  template <class T>
  [[nodiscard]] const T* get_if() const {
    return std::get_if<T>(&value_);
  }

  [[nodiscard]] std::optional<bool> as_bool() const {
    const bool* value = get_if<bool>();
    return value ? std::optional(*value) : std::nullopt;
  }
  /// Any of the seven integer types, which RabbitMQ takes for one another; all fit.
  [[nodiscard]] std::optional<std::int64_t> as_integer() const;
  /// Float or double.
  [[nodiscard]] std::optional<double> as_double() const;
  /// A long string, or null. Likewise the others.
  [[nodiscard]] const std::string* as_string() const { return get_if<std::string>(); }
  [[nodiscard]] const FieldTable* as_table() const { return get_if<FieldTable>(); }
  [[nodiscard]] const FieldArray* as_array() const { return get_if<FieldArray>(); }

  /// Bytes with the type octet before the value.
  [[nodiscard]] std::size_t encoded_size() const;
  void encode(WireWriter& writer) const;
  /// As FieldTable::to_text().
  [[nodiscard]] std::string to_text() const;

  friend bool operator==(const FieldValue&, const FieldValue&);

 private:
  Variant value_;
};

struct FieldTableEntry {
  std::string name;
  FieldValue value;
  friend bool operator==(const FieldTableEntry&, const FieldTableEntry&) = default;
};

inline bool FieldTable::empty() const { return entries_.empty(); }
inline std::size_t FieldTable::size() const { return entries_.size(); }
inline FieldTable::const_iterator FieldTable::begin() const { return entries_.begin(); }
inline FieldTable::const_iterator FieldTable::end() const { return entries_.end(); }

}  // namespace leveret::amqp
