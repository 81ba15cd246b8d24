// SPDX-License-Identifier: Apache-2.0
//
// The bytes a test sends: frames and methods, well-formed by the codec's own structs and hostile by
// hand. Everything is a std::string, so that a conversation is written with `+`.
//
// Thread: any.

#pragma once

#include "amqp/method_key.h"
#include "amqp/methods.gen.h"
#include "amqp/raw_table.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace leveret::wire {

inline constexpr char method_frame = 1;
inline constexpr char header_frame = 2;
inline constexpr char body_frame = 3;
inline constexpr char heartbeat_frame = 8;
inline constexpr char frame_end = '\xCE';

inline constexpr std::string_view protocol_header_0_9_1("AMQP\x00\x00\x09\x01", 8);

/// Big-endian numbers.
[[nodiscard]] std::string u8(unsigned value);
[[nodiscard]] std::string u16(unsigned value);
[[nodiscard]] std::string u32(std::uint32_t value);
[[nodiscard]] std::string u64(std::uint64_t value);

/// Text behind one byte of length, and behind four.
[[nodiscard]] std::string short_string(std::string_view text);
[[nodiscard]] std::string long_string(std::string_view text);

/// Any frame; `type` and `end` may be wrong on purpose.
[[nodiscard]] std::string frame(char type, std::uint16_t channel, std::string_view payload,
                                char end = frame_end);

/// A method frame of any ids and any argument bytes.
[[nodiscard]] std::string raw_method(std::uint16_t channel, std::uint16_t class_id,
                                     std::uint16_t method_id, std::string_view arguments = {});

/// A well-formed method frame; on channel 1 when nothing else is said.
template <class Method>
[[nodiscard]] std::string method(const Method& value, std::uint16_t channel = 1) {
  std::string arguments(value.encoded_size(), '\0');
  amqp::WireWriter writer(std::as_writable_bytes(std::span(arguments)));
  value.encode(writer);
  return raw_method(channel, amqp::class_id_of(Method::key), amqp::method_id_of(Method::key),
                    arguments);
}

/// The property flags and property bytes of a content header.
struct Properties {
  std::uint16_t flags = 0;
  std::string list;
};

[[nodiscard]] std::string header(std::uint64_t body_size, const Properties& properties = {},
                                 std::uint16_t channel = 1, std::uint16_t class_id = 60,
                                 std::uint16_t weight = 0);
[[nodiscard]] std::string body(std::string_view bytes, std::uint16_t channel = 1);

/// Header and, when there is one, one body frame.
[[nodiscard]] std::string content(std::string_view bytes, const Properties& properties = {},
                                  std::uint16_t channel = 1);

/// A message "x", whole: basic.publish, header and body.
[[nodiscard]] std::string publish(const amqp::BasicPublish& to, const Properties& properties = {},
                                  std::uint16_t channel = 1);

/// Properties of one field each; the flag is the field's bit (AMQP 0-9-1 §4.2.6.1).
[[nodiscard]] Properties with_headers(amqp::RawTable headers);
[[nodiscard]] Properties with_delivery_mode(unsigned mode);
[[nodiscard]] Properties with_reply_to(std::string_view queue);
[[nodiscard]] Properties with_expiration(std::string_view milliseconds);
[[nodiscard]] Properties with_user_id(std::string_view user);

/// Fields: a table under construction. Converts to the view that the method structs take; the view
/// lives as long as the Fields, so both stand in one expression:
///
///   method(QueueDeclare{.queue = "q", .arguments = Fields().int32("x-expires", -5)})
class Fields {
 public:
  Fields& int32(std::string_view key, std::int32_t value);
  Fields& int64(std::string_view key, std::int64_t value);
  Fields& float64(std::string_view key, double value);
  Fields& boolean(std::string_view key, bool value);
  Fields& string(std::string_view key, std::string_view value);
  Fields& table(std::string_view key, const Fields& value);
  /// The type and the value by hand, for types that are wrong.
  Fields& raw(std::string_view key, std::string_view typed_value);

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  // Implicit: a table literal in the place of a table.
  operator amqp::RawTable() const {  // NOLINT(google-explicit-constructor)
    return amqp::RawTable(std::as_bytes(std::span(bytes_)));
  }

 private:
  std::string bytes_;
};

}  // namespace leveret::wire
