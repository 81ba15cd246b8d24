// SPDX-License-Identifier: Apache-2.0
//
// FieldType: what a value in a field table can be, named by the octet that stands before it.
//
// RabbitMQ's dialect, which is what clients speak: `s` is a signed 16-bit number and not a short
// string, `l` is signed, a decimal's number is unsigned. `L`, which some clients write, is read as
// `l`; `U` is refused, as RabbitMQ refuses it.
//
// Spec: AMQP 0-9-1 §4.2.5.5; RabbitMQ: "AMQP 0-9-1 errata", section 3.
// Thread: values.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace leveret::amqp {

enum class FieldType : std::uint8_t {
  boolean = 't',
  int8 = 'b',
  uint8 = 'B',
  int16 = 's',
  uint16 = 'u',
  int32 = 'I',
  uint32 = 'i',
  int64 = 'l',
  float32 = 'f',
  float64 = 'd',
  decimal = 'D',
  long_string = 'S',
  array = 'A',
  timestamp = 'T',
  table = 'F',
  void_value = 'V',
  byte_array = 'x',
};

/// A number times 10 to the power of minus `scale`.
struct Decimal {
  std::uint8_t scale = 0;
  std::uint32_t number = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

/// Seconds since 1970, by custom.
struct Timestamp {
  std::uint64_t seconds = 0;
  friend bool operator==(const Timestamp&, const Timestamp&) = default;
};

[[nodiscard]] constexpr std::optional<FieldType> field_type(std::uint8_t octet) {
  switch (octet) {
    case 't':
    case 'b':
    case 'B':
    case 's':
    case 'u':
    case 'I':
    case 'i':
    case 'l':
    case 'f':
    case 'd':
    case 'D':
    case 'S':
    case 'A':
    case 'T':
    case 'F':
    case 'V':
    case 'x':
      return static_cast<FieldType>(octet);
    case 'L':
      return FieldType::int64;
    default:
      return std::nullopt;
  }
}

/// RabbitMQ's name for the type, as its reply texts and its HTTP API say it.
[[nodiscard]] constexpr std::string_view field_type_name(FieldType type) {
  switch (type) {
    case FieldType::boolean:
      return "bool";
    case FieldType::int8:
      return "byte";
    case FieldType::uint8:
      return "unsignedbyte";
    case FieldType::int16:
      return "short";
    case FieldType::uint16:
      return "unsignedshort";
    case FieldType::int32:
      return "signedint";
    case FieldType::uint32:
      return "unsignedint";
    case FieldType::int64:
      return "long";
    case FieldType::float32:
      return "float";
    case FieldType::float64:
      return "double";
    case FieldType::decimal:
      return "decimal";
    case FieldType::long_string:
      return "longstr";
    case FieldType::array:
      return "array";
    case FieldType::timestamp:
      return "timestamp";
    case FieldType::table:
      return "table";
    case FieldType::void_value:
      return "void";
    case FieldType::byte_array:
      return "binary";
  }
  return {};
}

/// Bytes of a value of this type; for those of varying size, of the length that stands before it.
[[nodiscard]] constexpr std::size_t field_bytes_fixed(FieldType type) {
  switch (type) {
    case FieldType::void_value:
      return 0;
    case FieldType::boolean:
    case FieldType::int8:
    case FieldType::uint8:
      return 1;
    case FieldType::int16:
    case FieldType::uint16:
      return 2;
    case FieldType::int32:
    case FieldType::uint32:
    case FieldType::float32:
    case FieldType::long_string:
    case FieldType::array:
    case FieldType::table:
    case FieldType::byte_array:
      return 4;
    case FieldType::decimal:
      return 5;
    case FieldType::int64:
    case FieldType::float64:
    case FieldType::timestamp:
      return 8;
  }
  return 0;
}

[[nodiscard]] constexpr bool has_varying_size(FieldType type) {
  return type == FieldType::long_string || type == FieldType::array || type == FieldType::table ||
         type == FieldType::byte_array;
}

}  // namespace leveret::amqp
