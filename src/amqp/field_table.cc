// SPDX-License-Identifier: Apache-2.0
//
// Owning tables and their values: out of the wire's bytes, back into them, and as text.

#include "amqp/field_table.h"

#include "base/assert.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

namespace leveret::amqp {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

// The types in the order of FieldValue::Variant.
constexpr std::array types{
    FieldType::void_value,  FieldType::boolean, FieldType::int8,      FieldType::uint8,
    FieldType::int16,       FieldType::uint16,  FieldType::int32,     FieldType::uint32,
    FieldType::int64,       FieldType::float32, FieldType::float64,   FieldType::decimal,
    FieldType::long_string, FieldType::array,   FieldType::timestamp, FieldType::table,
    FieldType::byte_array,
};
static_assert(types.size() == std::variant_size_v<FieldValue::Variant>);

// The three below take bytes that is_well_formed() has been over, so that nothing can fail and
// depth is bounded.

FieldTable table_of(RawTable raw);
FieldArray array_of(RawArray raw);

FieldValue value_of(FieldValueView view) {
  switch (view.type()) {
    case FieldType::void_value:
      return Void{};
    case FieldType::boolean:
      return *view.as_bool();
    case FieldType::int8:
      return static_cast<std::int8_t>(*view.as_integer());
    case FieldType::uint8:
      return static_cast<std::uint8_t>(*view.as_integer());
    case FieldType::int16:
      return static_cast<std::int16_t>(*view.as_integer());
    case FieldType::uint16:
      return static_cast<std::uint16_t>(*view.as_integer());
    case FieldType::int32:
      return static_cast<std::int32_t>(*view.as_integer());
    case FieldType::uint32:
      return static_cast<std::uint32_t>(*view.as_integer());
    case FieldType::int64:
      return *view.as_integer();
    case FieldType::float32:
      return static_cast<float>(*view.as_double());
    case FieldType::float64:
      return *view.as_double();
    case FieldType::decimal:
      return *view.as_decimal();
    case FieldType::long_string:
      return *view.as_string();
    case FieldType::array:
      return array_of(*view.as_array());
    case FieldType::timestamp:
      return *view.as_timestamp();
    case FieldType::table:
      return table_of(*view.as_table());
    case FieldType::byte_array:
      return ByteArray{std::string(*view.as_byte_array())};
  }
  LEVERET_ASSERT(false, "field type {}", static_cast<int>(view.type()));
}

FieldTable table_of(RawTable raw) {
  FieldTable table;
  raw.for_each([&](std::string_view key, FieldValueView value) {
    table.append(std::string(key), value_of(value));
  });
  return table;
}

FieldArray array_of(RawArray raw) {
  FieldArray array;
  raw.for_each([&](FieldValueView value) { array.values.push_back(value_of(value)); });
  return array;
}

std::unexpected<AmqpError> refuse_malformed(std::string_view what, std::size_t bytes) {
  return refuse(ReplyCode::syntax_error,
                fmt::format("{} of {} bytes is malformed or nested deeper than {}", what, bytes,
                            table_depth_max));
}

std::size_t encoded_size_of(const FieldArray& array) {
  std::size_t bytes = 0;
  for (const FieldValue& value : array.values) bytes += value.encoded_size();
  return bytes;
}

void append_quoted(std::string& text, std::string_view value) {
  text += '"';
  for (const char each : value) {
    const auto octet = static_cast<unsigned char>(each);
    if (each == '"' || each == '\\') {
      text += '\\';
      text += each;
    } else if (octet < 0x20 || octet == 0x7F) {
      text += fmt::format("\\u{:04x}", octet);
    } else {
      text += each;
    }
  }
  text += '"';
}

}  // namespace

FieldArray::FieldArray() = default;
FieldArray::FieldArray(std::initializer_list<FieldValue> initial) : values(initial) {}
FieldArray::FieldArray(const FieldArray&) = default;
FieldArray::FieldArray(FieldArray&&) noexcept = default;
FieldArray& FieldArray::operator=(const FieldArray&) = default;
FieldArray& FieldArray::operator=(FieldArray&&) noexcept = default;
FieldArray::~FieldArray() = default;

bool operator==(const FieldArray& a, const FieldArray& b) { return a.values == b.values; }
bool operator==(const FieldTable& a, const FieldTable& b) { return a.entries_ == b.entries_; }
bool operator==(const FieldValue& a, const FieldValue& b) { return a.value_ == b.value_; }

FieldTable::FieldTable() = default;
FieldTable::FieldTable(std::initializer_list<FieldTableEntry> entries) : entries_(entries) {}
FieldTable::FieldTable(const FieldTable&) = default;
FieldTable::FieldTable(FieldTable&&) noexcept = default;
FieldTable& FieldTable::operator=(const FieldTable&) = default;
FieldTable& FieldTable::operator=(FieldTable&&) noexcept = default;
FieldTable::~FieldTable() = default;

AmqpResult<FieldTable> FieldTable::decode(RawTable raw) {
  if (!raw.is_well_formed()) return refuse_malformed("table", raw.size());
  return table_of(raw);
}

const FieldValue* FieldTable::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &FieldTableEntry::name);
  return found == entries_.end() ? nullptr : &found->value;
}

FieldTable& FieldTable::set(std::string_view name, FieldValue value) {
  const auto found = std::ranges::find(entries_, name, &FieldTableEntry::name);
  if (found == entries_.end()) {
    append(std::string(name), std::move(value));
  } else {
    found->value = std::move(value);
  }
  return *this;
}

void FieldTable::append(std::string name, FieldValue value) {
  entries_.push_back({std::move(name), std::move(value)});
}

bool FieldTable::erase(std::string_view name) {
  return std::erase_if(entries_, [&](const auto& entry) { return entry.name == name; }) != 0;
}

std::size_t FieldTable::encoded_size() const {
  std::size_t bytes = 0;
  for (const FieldTableEntry& entry : entries_) {
    bytes += 1 + entry.name.size() + entry.value.encoded_size();
  }
  return bytes;
}

void FieldTable::sort_by_name() {
  std::multimap<std::string, FieldValue> by_name;  // Equals stay in their order.
  for (FieldTableEntry& entry : entries_) {
    by_name.emplace(std::move(entry.name), std::move(entry.value));
  }
  entries_.clear();
  entries_.reserve(by_name.size());
  for (auto& [name, value] : by_name) entries_.push_back({name, std::move(value)});
}

void FieldTable::encode(WireWriter& writer) const {
  for (const FieldTableEntry& entry : entries_) {
    writer.short_string(entry.name);
    entry.value.encode(writer);
  }
}

std::vector<std::byte> FieldTable::to_raw() const {
  std::vector<std::byte> bytes(encoded_size());
  WireWriter writer(bytes);
  encode(writer);
  return bytes;
}

std::string FieldTable::to_text() const {
  std::string text = "{";
  for (const FieldTableEntry& entry : entries_) {
    if (text.size() > 1) text += ", ";
    append_quoted(text, entry.name);
    text += ": ";
    text += entry.value.to_text();
  }
  return text += '}';
}

AmqpResult<FieldValue> FieldValue::decode(FieldValueView view) {
  const auto table = view.as_table();
  if (table && !table->is_well_formed()) return refuse_malformed("table", table->size());
  const auto array = view.as_array();
  if (array && !array->is_well_formed()) return refuse_malformed("array", array->size());
  return value_of(view);
}

FieldType FieldValue::type() const { return types[value_.index()]; }

std::optional<std::int64_t> FieldValue::as_integer() const {
  return std::visit(
      [](const auto& value) -> std::optional<std::int64_t> {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) return value;
        return std::nullopt;
      },
      value_);
}

std::optional<double> FieldValue::as_double() const {
  if (const float* value = get_if<float>()) return *value;
  if (const double* value = get_if<double>()) return *value;
  return std::nullopt;
}

std::size_t FieldValue::encoded_size() const {
  const std::size_t fixed = 1 + field_bytes_fixed(type());
  return std::visit(Overloaded{
                        [&](const std::string& value) { return fixed + value.size(); },
                        [&](const ByteArray& value) { return fixed + value.bytes.size(); },
                        [&](const FieldArray& value) { return fixed + encoded_size_of(value); },
                        [&](const FieldTable& value) { return fixed + value.encoded_size(); },
                        [&](const auto&) { return fixed; },
                    },
                    value_);
}

void FieldValue::encode(WireWriter& writer) const {
  writer.u8(static_cast<std::uint8_t>(type()));
  std::visit(Overloaded{
                 [](Void) {},
                 [&](bool value) { writer.u8(value ? 1 : 0); },
                 [&](std::int8_t value) { writer.u8(static_cast<std::uint8_t>(value)); },
                 [&](std::uint8_t value) { writer.u8(value); },
                 [&](std::int16_t value) { writer.u16(static_cast<std::uint16_t>(value)); },
                 [&](std::uint16_t value) { writer.u16(value); },
                 [&](std::int32_t value) { writer.u32(static_cast<std::uint32_t>(value)); },
                 [&](std::uint32_t value) { writer.u32(value); },
                 [&](std::int64_t value) { writer.u64(static_cast<std::uint64_t>(value)); },
                 [&](float value) { writer.f32(value); },
                 [&](double value) { writer.f64(value); },
                 [&](Decimal value) {
                   writer.u8(value.scale);
                   writer.u32(value.number);
                 },
                 [&](const std::string& value) { writer.long_string(value); },
                 [&](const FieldArray& value) {
                   writer.u32(static_cast<std::uint32_t>(encoded_size_of(value)));
                   for (const FieldValue& each : value.values) each.encode(writer);
                 },
                 [&](Timestamp value) { writer.u64(value.seconds); },
                 [&](const FieldTable& value) {
                   writer.u32(static_cast<std::uint32_t>(value.encoded_size()));
                   value.encode(writer);
                 },
                 [&](const ByteArray& value) { writer.long_string(value.bytes); },
             },
             value_);
}

std::string FieldValue::to_text() const {
  return std::visit(Overloaded{
                        [](Void) -> std::string { return "null"; },
                        [](bool value) -> std::string { return value ? "true" : "false"; },
                        [](Decimal value) {
                          return value.scale == 0
                                     ? fmt::format("{}", value.number)
                                     : fmt::format("{}e-{}", value.number, value.scale);
                        },
                        [](Timestamp value) { return fmt::format("timestamp({})", value.seconds); },
                        [](const std::string& value) {
                          std::string text;
                          append_quoted(text, value);
                          return text;
                        },
                        [](const ByteArray& value) {
                          return fmt::format("binary({} bytes)", value.bytes.size());
                        },
                        [](const FieldTable& value) { return value.to_text(); },
                        [](const FieldArray& value) {
                          std::string text = "[";
                          for (const FieldValue& each : value.values) {
                            if (text.size() > 1) text += ", ";
                            text += each.to_text();
                          }
                          return text += ']';
                        },
                        [](std::int8_t value) { return fmt::format("{}", int{value}); },
                        [](std::uint8_t value) { return fmt::format("{}", int{value}); },
                        [](auto value) { return fmt::format("{}", value); },
                    },
                    value_);
}

}  // namespace leveret::amqp
