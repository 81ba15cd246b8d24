// SPDX-License-Identifier: Apache-2.0
//
// Basic properties: all at once, or one by walking over those before it.

#include "amqp/basic_properties.h"

#include "amqp/wire_reader.h"

#include <fmt/format.h>

namespace leveret::amqp {
namespace {

using Text = std::string_view;

// The flags, in the order of the list.
enum Flag : std::uint16_t {
  content_type = 1 << 15,
  content_encoding = 1 << 14,
  headers = 1 << 13,
  delivery_mode = 1 << 12,
  priority = 1 << 11,
  correlation_id = 1 << 10,
  reply_to = 1 << 9,
  expiration = 1 << 8,
  message_id = 1 << 7,
  timestamp = 1 << 6,
  type = 1 << 5,
  user_id = 1 << 4,
  app_id = 1 << 3,
  cluster_id = 1 << 2,
};
constexpr std::uint16_t all_flags = 0xFFFC;
constexpr std::size_t flags_bytes = 2;

/// Calls visit(flag, property) for each property of `properties`, in the order of the list.
template <class Properties, class Visit>
void for_each_property(Properties& properties, Visit&& visit) {
  visit(Flag::content_type, properties.content_type);
  visit(Flag::content_encoding, properties.content_encoding);
  visit(Flag::headers, properties.headers);
  visit(Flag::delivery_mode, properties.delivery_mode);
  visit(Flag::priority, properties.priority);
  visit(Flag::correlation_id, properties.correlation_id);
  visit(Flag::reply_to, properties.reply_to);
  visit(Flag::expiration, properties.expiration);
  visit(Flag::message_id, properties.message_id);
  visit(Flag::timestamp, properties.timestamp);
  visit(Flag::type, properties.type);
  visit(Flag::user_id, properties.user_id);
  visit(Flag::app_id, properties.app_id);
  visit(Flag::cluster_id, properties.cluster_id);
}

void read(WireReader& reader, std::optional<Text>& value) { value = reader.short_string(); }
void read(WireReader& reader, std::optional<RawTable>& value) { value = reader.raw_table(); }
void read(WireReader& reader, std::optional<std::uint8_t>& value) { value = reader.u8(); }
void read(WireReader& reader, std::optional<std::uint64_t>& value) { value = reader.u64(); }

void write(WireWriter& writer, Text value) { writer.short_string(value); }
void write(WireWriter& writer, RawTable value) { writer.raw_table(value); }
void write(WireWriter& writer, std::uint8_t value) { writer.u8(value); }
void write(WireWriter& writer, std::uint64_t value) { writer.u64(value); }

std::size_t size_of(Text value) { return 1 + value.size(); }
std::size_t size_of(RawTable value) { return 4 + value.size(); }
std::size_t size_of(std::uint8_t) { return 1; }
std::size_t size_of(std::uint64_t) { return 8; }

/// Reads over the properties that stand before `wanted`.
/// Returns: whether `wanted` is there and the reader stands before it.
bool walk_to(WireReader& reader, Flag wanted) {
  const std::uint16_t flags = reader.u16();
  if (!(flags & wanted)) return false;
  for (unsigned flag = Flag::content_type; flag != wanted; flag >>= 1) {
    if (!(flags & flag)) continue;
    switch (flag) {
      case Flag::headers:
        reader.raw_table();
        break;
      case Flag::delivery_mode:
      case Flag::priority:
        reader.u8();
        break;
      case Flag::timestamp:
        reader.u64();
        break;
      default:
        reader.short_string();
    }
  }
  return !reader.failed();
}

template <class Value>
std::optional<Value> peek(std::span<const std::byte> encoded, Flag wanted) {
  WireReader reader(encoded);
  if (!walk_to(reader, wanted)) return std::nullopt;
  std::optional<Value> value;
  read(reader, value);
  return reader.failed() ? std::nullopt : value;
}

std::optional<BasicProperties> decode_if_well_formed(std::span<const std::byte> encoded) {
  WireReader reader(encoded);
  const std::uint16_t flags = reader.u16();
  BasicProperties properties;
  for_each_property(properties, [&](Flag flag, auto& value) {
    if (flags & flag) read(reader, value);
  });
  if (!reader.is_finished()) return std::nullopt;
  if (properties.headers && !properties.headers->is_well_formed()) return std::nullopt;
  return properties;
}

}  // namespace

AmqpResult<BasicProperties> BasicProperties::decode(std::span<const std::byte> encoded) {
  const std::optional<BasicProperties> properties = decode_if_well_formed(encoded);
  if (properties) return *properties;
  return refuse(ReplyCode::internal_error,
                fmt::format("basic properties of {} bytes are malformed", encoded.size()));
}

std::size_t BasicProperties::encoded_size() const {
  std::size_t bytes = flags_bytes;
  for_each_property(*this, [&](Flag, const auto& value) {
    if (value) bytes += size_of(*value);
  });
  return bytes;
}

void BasicProperties::encode(WireWriter& writer) const {
  std::uint16_t flags = 0;
  for_each_property(*this, [&](Flag flag, const auto& value) {
    if (value) flags |= flag;
  });
  writer.u16(flags);
  for_each_property(*this, [&](Flag, const auto& value) {
    if (value) write(writer, *value);
  });
}

std::vector<std::byte> BasicProperties::to_raw() const {
  std::vector<std::byte> bytes(encoded_size());
  WireWriter writer(bytes);
  encode(writer);
  return bytes;
}

bool is_well_formed_properties(std::span<const std::byte> encoded) {
  const std::uint16_t flags = WireReader(encoded).u16() & all_flags;
  if (encoded.size() == flags_bytes) return flags == 0;
  if (encoded.size() == flags_bytes + 1 && flags == Flag::delivery_mode) return true;
  return decode_if_well_formed(encoded).has_value();
}

static_assert((Flag::priority | Flag::expiration) == 0x0900);

std::uint8_t find_delivery_mode(std::span<const std::byte> encoded) {
  return peek<std::uint8_t>(encoded, Flag::delivery_mode).value_or(0);
}

std::optional<std::uint8_t> peek_priority(std::span<const std::byte> encoded) {
  return peek<std::uint8_t>(encoded, Flag::priority);
}

std::optional<std::string_view> peek_reply_to(std::span<const std::byte> encoded) {
  return peek<Text>(encoded, Flag::reply_to);
}

std::optional<std::string_view> peek_expiration(std::span<const std::byte> encoded) {
  return peek<Text>(encoded, Flag::expiration);
}

std::optional<std::string_view> peek_user_id(std::span<const std::byte> encoded) {
  return peek<Text>(encoded, Flag::user_id);
}

std::optional<RawTable> peek_headers(std::span<const std::byte> encoded) {
  return peek<RawTable>(encoded, Flag::headers);
}

}  // namespace leveret::amqp
