// SPDX-License-Identifier: Apache-2.0
//
// BasicProperties: what a message says about itself. A message keeps its properties encoded; most
// are never decoded here, so beside the struct there are peeks that walk only as far as they must.
//
//   | flags, 2 | content_type | content_encoding | headers | delivery_mode | ... | cluster_id |
//
// A flag's bit, from the highest down, tells whether the property is there. The lowest two bits
// mean nothing: the spec has bit 0 announce a second word of flags, but RabbitMQ does not read one,
// and neither do we.
//
// Spec: AMQP 0-9-1 §4.2.6.1 and class basic.
// Thread: values and functions of bytes; what they give are views into the encoded properties.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/raw_table.h"
#include "amqp/wire_writer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace leveret::amqp {

struct BasicProperties {
  std::optional<std::string_view> content_type;
  std::optional<std::string_view> content_encoding;
  std::optional<RawTable> headers;
  std::optional<std::uint8_t> delivery_mode;
  std::optional<std::uint8_t> priority;
  std::optional<std::string_view> correlation_id;
  std::optional<std::string_view> reply_to;
  std::optional<std::string_view> expiration;
  std::optional<std::string_view> message_id;
  std::optional<std::uint64_t> timestamp;
  std::optional<std::string_view> type;
  std::optional<std::string_view> user_id;
  std::optional<std::string_view> app_id;
  std::optional<std::string_view> cluster_id;

  /// Errors: 541 (list and flags disagree, or headers are malformed). RabbitMQ 3.10 closes with 541
  /// and no text.
  [[nodiscard]] static AmqpResult<BasicProperties> decode(std::span<const std::byte> encoded);

  [[nodiscard]] std::size_t encoded_size() const;
  /// Requires: strings of at most 255 bytes.
  void encode(WireWriter& writer) const;
  /// Encoded, in memory of its own: for tests and for what is rare.
  [[nodiscard]] std::vector<std::byte> to_raw() const;

  friend bool operator==(const BasicProperties&, const BasicProperties&) = default;
};

/// delivery_mode's value for a message that survives a restart when its queue does.
inline constexpr std::uint8_t delivery_mode_persistent = 2;

/// Properties with nothing in them: what a publisher who sets none sends.
inline constexpr std::array<std::byte, 2> no_properties{};

/// Whether the list is what the flags say, to its last byte, and headers are well formed. What it
/// refuses the peeks below do not promise to understand; they never read past the end.
/// Complexity: two comparisons for no properties, or delivery_mode alone.
[[nodiscard]] bool is_well_formed_properties(std::span<const std::byte> encoded);

/// Priority or expiration is among them, by the flags: what queues look at. Requires: two bytes.
[[nodiscard]] inline bool has_priority_or_expiration(std::span<const std::byte> encoded) {
  constexpr std::byte priority_or_expiration{0x09};  // Bits 11 and 8 of the flags.
  return (encoded[0] & priority_or_expiration) != std::byte{};
}

[[nodiscard]] std::uint8_t find_delivery_mode(std::span<const std::byte> encoded);
/// 0 when absent.
[[nodiscard]] inline std::uint8_t peek_delivery_mode(std::span<const std::byte> encoded) {
  return encoded.size() <= no_properties.size() ? 0 : find_delivery_mode(encoded);
}
[[nodiscard]] std::optional<std::uint8_t> peek_priority(std::span<const std::byte> encoded);
[[nodiscard]] std::optional<std::string_view> peek_reply_to(std::span<const std::byte> encoded);
[[nodiscard]] std::optional<std::string_view> peek_expiration(std::span<const std::byte> encoded);
[[nodiscard]] std::optional<std::string_view> peek_user_id(std::span<const std::byte> encoded);
[[nodiscard]] std::optional<RawTable> peek_headers(std::span<const std::byte> encoded);

}  // namespace leveret::amqp
