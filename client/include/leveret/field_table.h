// SPDX-License-Identifier: Apache-2.0
//
// FieldTable: names and values, as arguments of a declare or a bind and headers of a message carry
// them. Order and repeated keys are kept as they came.
//
//   FieldTable arguments{{"x-max-length", 10}, {"x-queue-type", "quorum"}};
//   arguments.set("x-message-ttl", 60'000);
//   if (const FieldValue* retries = headers.find("retries")) ... retries->as_integer() ...
//
// A value's type in C++ decides its type on the wire, which is RabbitMQ's dialect of AMQP 0-9-1:
//
//   C++                                      wire   RabbitMQ's name   pika 1.2 writes it for
//   Void                                     V      void              None
//   bool                                     t      bool              bool
//   std::int8_t, std::uint8_t                b, B   byte, unsigned-
//   std::int16_t, std::uint16_t              s, u   short, unsigned-
//   std::int32_t (int, and so a literal 10)  I      signedint         int, when it fits
//   std::uint32_t                            i      unsignedint
//   std::int64_t, long, long long            l      long              int, when `I` is too small
//   float, double                            f, d   float, double
//   Decimal                                  D      decimal           decimal.Decimal
//   const char*, std::string, string_view    S      longstr           str
//   ByteArray                                x      binary            bytes
//   Timestamp                                T      timestamp         datetime
//   FieldArray                               A      array             list
//   FieldTable                               F      table             dict
//
// Unlike pika, an int64_t is an `l` even when `I` would do. No type on the wire holds every
// unsigned long, and so every size_t: that does not compile, and the caller says what it becomes.
// RabbitMQ takes any integer type where it asks for a number. pika 1.2 as a reader takes `l` for
// unsigned, `b` for `B` and the reverse, and cuts `f` and `d` to whole numbers.
//
// What does not fit on the wire is refused by the call that would send it: keys of more than 255
// bytes, floats and doubles that are not finite, nesting deeper than 128.
//
// Thread: values, like std::vector's.
// Spec: AMQP 0-9-1 §4.2.5.5; RabbitMQ: "AMQP 0-9-1 errata", section 3.

#pragma once

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

namespace leveret {

class FieldValue;
struct FieldTableEntry;

// A table holds values and a value may hold a table, so some type is always incomplete: what needs
// it whole is defined after all of them, or in the library. It is also why they are assigned by
// value: `table = *table.find("inner")->as_table()` must not destroy its own source.

/// There, and nothing.
using Void = std::monostate;

/// Bytes that are not text.
struct ByteArray {
  std::string bytes;
  friend bool operator==(const ByteArray&, const ByteArray&) = default;
};

/// `number` times 10 to the power of minus `scale`. RabbitMQ reads an unsigned number; pika 1.2,
/// which can write a negative one, a signed.
struct Decimal {
  std::uint8_t scale = 0;
  std::uint32_t number = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

/// Seconds since 1970, UTC.
struct Timestamp {
  std::uint64_t seconds = 0;
  friend bool operator==(const Timestamp&, const Timestamp&) = default;
};

/// Values in a row, of any types. Of braces around one array, GCC 12 makes a copy and Clang an
/// array of one array; FieldArray(array) and FieldArray{FieldValue(array)} say which.
struct FieldArray {
  FieldArray();
  FieldArray(std::initializer_list<FieldValue> initial);
  FieldArray(const FieldArray& other);
  FieldArray(FieldArray&& other) noexcept;
  FieldArray& operator=(FieldArray other) noexcept;
  ~FieldArray();

  [[nodiscard]] bool empty() const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::vector<FieldValue>::const_iterator begin() const;
  [[nodiscard]] std::vector<FieldValue>::const_iterator end() const;

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
  FieldTable& operator=(FieldTable other) noexcept;
  ~FieldTable();

  [[nodiscard]] bool empty() const;
  [[nodiscard]] std::size_t size() const;
  /// Over FieldTableEntry: `for (const auto& [name, value] : table)`.
  [[nodiscard]] const_iterator begin() const;
  [[nodiscard]] const_iterator end() const;

  /// The first value with this key, or null. Valid until the table changes.
  [[nodiscard]] const FieldValue* find(std::string_view name) const;
  /// As find(). Throws: std::out_of_range, with the key in its text.
  [[nodiscard]] const FieldValue& at(std::string_view name) const;
  [[nodiscard]] bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// Replaces the first value with this key where it stands, or adds one at the end.
  FieldTable& set(std::string_view name, FieldValue value);
  /// Adds at the end, whatever is there.
  FieldTable& append(std::string_view name, FieldValue value);
  /// Takes all values with this key out. Returns whether there was one.
  bool erase(std::string_view name);

  /// {"key": value, ...} for logs and people, JSON-like. Quotes and control characters in texts are
  /// escaped; of a ByteArray only the length is told.
  [[nodiscard]] std::string to_text() const;

  /// The same entries in the same order, of the same types.
  friend bool operator==(const FieldTable&, const FieldTable&);

 private:
  std::vector<FieldTableEntry> entries_;
};

namespace detail {

template <class T, class Variant>
inline constexpr bool is_alternative = false;
template <class T, class... Alternatives>
inline constexpr bool is_alternative<T, std::variant<Alternatives...>> =
    (std::same_as<T, Alternatives> || ...);

template <class T, class Variant>
concept AlternativeOf = is_alternative<T, Variant>;
template <class T>
concept LongInteger = std::same_as<T, long> || std::same_as<T, long long>;
template <class T>
concept UnsignedLongInteger = std::same_as<T, unsigned long> || std::same_as<T, unsigned long long>;

}  // namespace detail

/// FieldValue: one value, of any type that a table can hold.
class FieldValue {
 public:
  using Variant = std::variant<Void, bool, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                               std::int32_t, std::uint32_t, std::int64_t, float, double, Decimal,
                               std::string, FieldArray, Timestamp, FieldTable, ByteArray>;

  FieldValue() = default;
  /// Requires: not null.
  FieldValue(const char* text) : value_(std::string(text)) {}
  /// A template, lest `{"name", 1}` become the first character of "name".
  template <std::same_as<std::string_view> T>
  FieldValue(T text) : value_(std::string(text)) {}
  /// Of exactly one of the variant's types, so that nothing is converted unseen: a pointer is no
  /// bool, and a char no number.
  template <detail::AlternativeOf<Variant> T>
  FieldValue(T value) : value_(std::in_place_type<T>, std::move(value)) {}
  /// Whichever of long and long long is not std::int64_t's other name.
  template <detail::LongInteger T>
  requires(!detail::AlternativeOf<T, Variant>) FieldValue(T value)
      : value_(std::in_place_type<std::int64_t>, value) {}
  template <detail::UnsignedLongInteger T>
  FieldValue(T) = delete;  // No type on the wire holds them all.
  FieldValue(std::nullptr_t) = delete;

  FieldValue(const FieldValue& other) = default;
  FieldValue(FieldValue&& other) noexcept = default;
  FieldValue& operator=(FieldValue other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  ~FieldValue() = default;

  [[nodiscard]] const Variant& variant() const { return value_; }
  /// The value if it is of exactly this type of the variant, or null.
  template <class T>
  [[nodiscard]] const T* get_if() const {
    return std::get_if<T>(&value_);
  }

  [[nodiscard]] std::optional<bool> as_bool() const {
    const bool* value = get_if<bool>();
    return value ? std::optional(*value) : std::nullopt;
  }
  /// Any of the seven integer types; all fit.
  [[nodiscard]] std::optional<std::int64_t> as_integer() const;
  /// Float or double.
  [[nodiscard]] std::optional<double> as_double() const;
  /// A text, or null; a ByteArray is none. Likewise the others.
  [[nodiscard]] const std::string* as_string() const { return get_if<std::string>(); }
  [[nodiscard]] const FieldTable* as_table() const { return get_if<FieldTable>(); }
  [[nodiscard]] const FieldArray* as_array() const { return get_if<FieldArray>(); }

  /// As FieldTable::to_text().
  [[nodiscard]] std::string to_text() const;

  /// Of the same type, too: std::int32_t{5} is not std::int64_t{5}.
  friend bool operator==(const FieldValue&, const FieldValue&);

 private:
  Variant value_;
};

struct FieldTableEntry {
  std::string name;
  FieldValue value;
  friend bool operator==(const FieldTableEntry&, const FieldTableEntry&) = default;
};

inline bool FieldArray::empty() const { return values.empty(); }
inline std::size_t FieldArray::size() const { return values.size(); }
inline std::vector<FieldValue>::const_iterator FieldArray::begin() const { return values.begin(); }
inline std::vector<FieldValue>::const_iterator FieldArray::end() const { return values.end(); }

inline bool FieldTable::empty() const { return entries_.empty(); }
inline std::size_t FieldTable::size() const { return entries_.size(); }
inline FieldTable::const_iterator FieldTable::begin() const { return entries_.begin(); }
inline FieldTable::const_iterator FieldTable::end() const { return entries_.end(); }

}  // namespace leveret
