// SPDX-License-Identifier: Apache-2.0
//
// The layout is drawn in amqp/raw_table.cc (tables) and amqp/basic_properties.h (properties).

#include "client/src/tables.h"

#include "amqp/field_type.h"
#include "amqp/limits.h"
#include "amqp/wire_reader.h"
#include "base/assert.h"
#include "client/src/quoted.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace leveret::client {
namespace {

using amqp::FieldType;

// The types in the order of FieldValue::Variant.
constexpr std::array types{
    FieldType::void_value,  FieldType::boolean, FieldType::int8,      FieldType::uint8,
    FieldType::int16,       FieldType::uint16,  FieldType::int32,     FieldType::uint32,
    FieldType::int64,       FieldType::float32, FieldType::float64,   FieldType::decimal,
    FieldType::long_string, FieldType::array,   FieldType::timestamp, FieldType::table,
    FieldType::byte_array,
};
static_assert(types.size() == std::variant_size_v<FieldValue::Variant>);

constexpr std::uint16_t all_flags = 0xFFFC;

/// Calls visit(flag, name, property) for each property, in the order of the list.
template <class Properties, class Visit>
void for_each_property(Properties& properties, Visit&& visit) {
  auto next = [&visit, flag = 1U << 15](std::string_view name, auto& property) mutable {
    visit(static_cast<std::uint16_t>(flag), name, property);
    flag >>= 1;
  };
  next("content_type", properties.content_type);
  next("content_encoding", properties.content_encoding);
  next("headers", properties.headers);
  next("delivery_mode", properties.delivery_mode);
  next("priority", properties.priority);
  next("correlation_id", properties.correlation_id);
  next("reply_to", properties.reply_to);
  next("expiration", properties.expiration);
  next("message_id", properties.message_id);
  next("timestamp", properties.timestamp);
  next("type", properties.type);
  next("user_id", properties.user_id);
  next("app_id", properties.app_id);
  next("cluster_id", properties.cluster_id);
}

/// ByteCounter: takes what a WireWriter takes, and counts the bytes.
class ByteCounter {
 public:
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  void u8(std::uint8_t) { bytes_ += 1; }
  void u16(std::uint16_t) { bytes_ += 2; }
  void u32(std::uint32_t) { bytes_ += 4; }
  void u64(std::uint64_t) { bytes_ += 8; }
  void f32(float) { bytes_ += 4; }
  void f64(double) { bytes_ += 8; }
  void short_string(std::string_view value) { bytes_ += 1 + value.size(); }
  void long_string(std::string_view value) { bytes_ += 4 + value.size(); }

 private:
  std::size_t bytes_ = 0;
};

template <class Content>
std::size_t count_bytes(const Content& content);

/// Encoder: the one walk over what is to be sent, for a WireWriter and for a ByteCounter.
template <class Sink>
class Encoder {
 public:
  explicit Encoder(Sink& sink) : sink_(sink) {}

  void put(const BasicProperties& properties) {
    std::uint16_t flags = 0;
    for_each_property(properties, [&](std::uint16_t flag, std::string_view, const auto& property) {
      if (property) flags |= flag;
    });
    sink_.u16(flags);
    if (flags == 0) return;
    for_each_property(properties, [&](std::uint16_t, std::string_view, const auto& property) {
      if (property) put_property(*property);
    });
  }
  void put(const FieldTable& table) {
    for (const auto& [name, value] : table) {
      sink_.short_string(name);
      put(value);
    }
  }
  void put(const FieldArray& array) {
    for (const FieldValue& value : array) put(value);
  }
  void put(const FieldValue& value) {
    sink_.u8(static_cast<std::uint8_t>(types[value.variant().index()]));
    std::visit([&](const auto& held) { put_held(held); }, value.variant());
  }

 private:
  void put_property(const std::string& text) { sink_.short_string(text); }
  void put_property(const FieldTable& headers) { put_sized(headers); }
  void put_property(DeliveryMode mode) { sink_.u8(static_cast<std::uint8_t>(mode)); }
  void put_property(std::uint8_t number) { sink_.u8(number); }
  void put_property(std::uint64_t number) { sink_.u64(number); }

  void put_held(Void) {}
  void put_held(bool value) { sink_.u8(value ? 1 : 0); }
  void put_held(std::int8_t value) { sink_.u8(static_cast<std::uint8_t>(value)); }
  void put_held(std::uint8_t value) { sink_.u8(value); }
  void put_held(std::int16_t value) { sink_.u16(static_cast<std::uint16_t>(value)); }
  void put_held(std::uint16_t value) { sink_.u16(value); }
  void put_held(std::int32_t value) { sink_.u32(static_cast<std::uint32_t>(value)); }
  void put_held(std::uint32_t value) { sink_.u32(value); }
  void put_held(std::int64_t value) { sink_.u64(static_cast<std::uint64_t>(value)); }
  void put_held(float value) { sink_.f32(value); }
  void put_held(double value) { sink_.f64(value); }
  void put_held(Decimal value) {
    sink_.u8(value.scale);
    sink_.u32(value.number);
  }
  void put_held(const std::string& value) { sink_.long_string(value); }
  void put_held(const FieldArray& array) { put_sized(array); }
  void put_held(Timestamp value) { sink_.u64(value.seconds); }
  void put_held(const FieldTable& table) { put_sized(table); }
  void put_held(const ByteArray& value) { sink_.long_string(value.bytes); }

  template <class Content>
  void put_sized(const Content& content) {
    // A counter need not know how long it is, and so goes over everything only once.
    constexpr bool is_counting = std::is_same_v<Sink, ByteCounter>;
    sink_.u32(is_counting ? 0 : static_cast<std::uint32_t>(count_bytes(content)));
    put(content);
  }

  Sink& sink_;
};

template <class Content>
std::size_t count_bytes(const Content& content) {
  ByteCounter counter;
  Encoder(counter).put(content);
  return counter.bytes();
}

// The three below take bytes that is_well_formed() has been over, so that nothing can fail and
// depth is bounded.

FieldTable table_of(amqp::RawTable raw);
FieldArray array_of(amqp::RawArray raw);

FieldValue value_of(amqp::FieldValueView view) {
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
      return Decimal{view.as_decimal()->scale, view.as_decimal()->number};
    case FieldType::long_string:
      return *view.as_string();
    case FieldType::array:
      return array_of(*view.as_array());
    case FieldType::timestamp:
      return Timestamp{view.as_timestamp()->seconds};
    case FieldType::table:
      return table_of(*view.as_table());
    case FieldType::byte_array:
      return ByteArray{std::string(*view.as_byte_array())};
  }
  LEVERET_ASSERT(false, "field type {}", static_cast<int>(view.type()));
}

FieldTable table_of(amqp::RawTable raw) {
  FieldTable table;
  raw.for_each([&](std::string_view key, amqp::FieldValueView value) {
    table.append(key, value_of(value));
  });
  return table;
}

FieldArray array_of(amqp::RawArray raw) {
  FieldArray array;
  raw.for_each([&](amqp::FieldValueView value) { array.values.push_back(value_of(value)); });
  return array;
}

// Each returns whether what was read makes sense inside. That it was there, the reader tells.

bool read(amqp::WireReader& reader, std::optional<std::string>& text) {
  text.emplace(reader.short_string());
  return true;
}
bool read(amqp::WireReader& reader, std::optional<FieldTable>& headers) {
  headers = decode_table(reader.raw_table());
  return headers.has_value();
}
bool read(amqp::WireReader& reader, std::optional<DeliveryMode>& mode) {
  mode = static_cast<DeliveryMode>(reader.u8());
  return true;
}
bool read(amqp::WireReader& reader, std::optional<std::uint8_t>& number) {
  number = reader.u8();
  return true;
}
bool read(amqp::WireReader& reader, std::optional<std::uint64_t>& number) {
  number = reader.u64();
  return true;
}

/// As much of a key as a message for people can bear; no character is cut.
std::string shown(std::string_view key) {
  constexpr std::size_t bytes_max = 32;
  if (key.size() <= bytes_max) return quoted(key);
  std::size_t cut = bytes_max;
  while (cut > 0 && (static_cast<unsigned char>(key[cut]) & 0xC0) == 0x80) --cut;
  return quoted(key.substr(0, cut)) + "...";
}

// `depth` is how many levels are left for tables and arrays. `key` is the nearest one.

std::optional<std::string> complaint_about(const FieldTable& table, int depth);

std::optional<std::string> complaint_about(const FieldValue& value, std::string_view key,
                                           int depth) {
  if (const FieldTable* table = value.as_table()) return complaint_about(*table, depth);
  if (const FieldArray* array = value.as_array()) {
    if (depth == 0) return fmt::format("nested deeper than {}", amqp::table_depth_max);
    for (const FieldValue& each : *array) {
      if (auto complaint = complaint_about(each, key, depth - 1)) return complaint;
    }
  }
  const std::optional<double> number = value.as_double();
  if (number && !std::isfinite(*number)) {
    return fmt::format("{} is {}; the wire has finite numbers only", shown(key), *number);
  }
  return std::nullopt;
}

std::optional<std::string> complaint_about(const FieldTable& table, int depth) {
  if (depth == 0) return fmt::format("nested deeper than {}", amqp::table_depth_max);
  for (const auto& [name, value] : table) {
    if (name.size() > amqp::short_string_bytes_max) {
      return fmt::format("key {} has {} bytes; at most {} fit", shown(name), name.size(),
                         amqp::short_string_bytes_max);
    }
    if (auto complaint = complaint_about(value, name, depth - 1)) return complaint;
  }
  return std::nullopt;
}

std::optional<std::string> complaint_about_property(std::string_view name,
                                                    const std::string& text) {
  if (text.size() <= amqp::short_string_bytes_max) return std::nullopt;
  return fmt::format("{} has {} bytes; at most {} fit", name, text.size(),
                     amqp::short_string_bytes_max);
}

std::optional<std::string> complaint_about_property(std::string_view name,
                                                    const FieldTable& table) {
  std::optional<std::string> complaint = complaint_about(table, amqp::table_depth_max);
  if (complaint) complaint->insert(0, fmt::format("{}: ", name));
  return complaint;
}

template <class Number>
std::optional<std::string> complaint_about_property(std::string_view, Number) {
  return std::nullopt;
}

}  // namespace

std::optional<std::string> complaint_about(const FieldTable& table) {
  return complaint_about(table, amqp::table_depth_max);
}

std::optional<std::string> complaint_about(const BasicProperties& properties) {
  std::optional<std::string> complaint;
  for_each_property(properties, [&](std::uint16_t, std::string_view name, const auto& property) {
    if (property && !complaint) complaint = complaint_about_property(name, *property);
  });
  return complaint;
}

std::size_t encoded_size(const FieldTable& table) { return count_bytes(table); }
std::size_t encoded_size(const BasicProperties& properties) { return count_bytes(properties); }

void encode(const FieldTable& table, amqp::WireWriter& writer) { Encoder(writer).put(table); }
void encode(const BasicProperties& properties, amqp::WireWriter& writer) {
  Encoder(writer).put(properties);
}

std::vector<std::byte> to_raw(const FieldTable& table) {
  std::vector<std::byte> bytes(encoded_size(table));
  amqp::WireWriter writer(bytes);
  encode(table, writer);
  return bytes;
}

void append_raw(const BasicProperties& properties, std::vector<std::byte>& bytes) {
  const std::size_t begin = bytes.size();
  bytes.resize(begin + encoded_size(properties));
  amqp::WireWriter writer(bytes.data() + begin, bytes.data() + bytes.size());
  encode(properties, writer);
}

std::optional<FieldTable> decode_table(amqp::RawTable raw) {
  if (!raw.is_well_formed()) return std::nullopt;
  return table_of(raw);
}

std::optional<BasicProperties> decode_properties(std::span<const std::byte> encoded) {
  amqp::WireReader reader(encoded);
  const std::uint16_t flags = reader.u16() & all_flags;
  std::optional<BasicProperties> properties(std::in_place);
  bool has_sense = true;
  if (flags != 0) {
    for_each_property(*properties, [&](std::uint16_t flag, std::string_view, auto& property) {
      if (flags & flag) has_sense = has_sense && read(reader, property);
    });
  }
  if (!has_sense || !reader.is_finished()) properties.reset();
  return properties;
}

}  // namespace leveret::client
