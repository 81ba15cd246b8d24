// SPDX-License-Identifier: Apache-2.0
//
// Frames and tables are written out here once more on purpose: what a test sends, and can break on
// purpose, must not change because the broker's frame encoder does.

#include "bytes.h"

#include <bit>
#include <stdexcept>

namespace leveret::wire {
namespace {

std::string big_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    text += static_cast<char>(value >> shift & 0xFF);
  }
  return text;
}

}  // namespace

std::string u8(unsigned value) { return big_endian(value, 1); }
std::string u16(unsigned value) { return big_endian(value, 2); }
std::string u32(std::uint32_t value) { return big_endian(value, 4); }
std::string u64(std::uint64_t value) { return big_endian(value, 8); }

std::string short_string(std::string_view text) {
  if (text.size() > 255) throw std::length_error("a short string of more than 255 bytes");
  return u8(static_cast<unsigned>(text.size())).append(text);
}

std::string long_string(std::string_view text) {
  return u32(static_cast<std::uint32_t>(text.size())).append(text);
}

std::string frame(char type, std::uint16_t channel, std::string_view payload, char end) {
  return type + u16(channel) + long_string(payload) + end;
}

std::string raw_method(std::uint16_t channel, std::uint16_t class_id, std::uint16_t method_id,
                       std::string_view arguments) {
  return frame(method_frame, channel, (u16(class_id) + u16(method_id)).append(arguments));
}

std::string header(std::uint64_t body_size, const Properties& properties, std::uint16_t channel,
                   std::uint16_t class_id, std::uint16_t weight) {
  return frame(
      header_frame, channel,
      u16(class_id) + u16(weight) + u64(body_size) + u16(properties.flags) + properties.list);
}

std::string body(std::string_view bytes, std::uint16_t channel) {
  return frame(body_frame, channel, bytes);
}

std::string content(std::string_view bytes, const Properties& properties, std::uint16_t channel) {
  std::string frames = header(bytes.size(), properties, channel);
  if (!bytes.empty()) frames += body(bytes, channel);
  return frames;
}

std::string publish(const amqp::BasicPublish& to, const Properties& properties,
                    std::uint16_t channel) {
  return method(to, channel) + content("x", properties, channel);
}

Properties with_headers(amqp::RawTable headers) {
  const std::span<const std::byte> bytes = headers.bytes();
  return {.flags = 1 << 13,
          .list = long_string({reinterpret_cast<const char*>(bytes.data()), bytes.size()})};
}
Properties with_delivery_mode(unsigned mode) { return {.flags = 1 << 12, .list = u8(mode)}; }
Properties with_reply_to(std::string_view queue) {
  return {.flags = 1 << 9, .list = short_string(queue)};
}
Properties with_expiration(std::string_view milliseconds) {
  return {.flags = 1 << 8, .list = short_string(milliseconds)};
}
Properties with_user_id(std::string_view user) {
  return {.flags = 1 << 4, .list = short_string(user)};
}

Fields& Fields::raw(std::string_view key, std::string_view typed_value) {
  bytes_ += short_string(key).append(typed_value);
  return *this;
}
Fields& Fields::int32(std::string_view key, std::int32_t value) {
  return raw(key, 'I' + u32(static_cast<std::uint32_t>(value)));
}
Fields& Fields::int64(std::string_view key, std::int64_t value) {
  return raw(key, 'l' + u64(static_cast<std::uint64_t>(value)));
}
Fields& Fields::float64(std::string_view key, double value) {
  return raw(key, 'd' + u64(std::bit_cast<std::uint64_t>(value)));
}
Fields& Fields::boolean(std::string_view key, bool value) { return raw(key, 't' + u8(value)); }
Fields& Fields::string(std::string_view key, std::string_view value) {
  return raw(key, 'S' + long_string(value));
}
Fields& Fields::table(std::string_view key, const Fields& value) {
  return raw(key, 'F' + long_string(value.bytes()));
}

}  // namespace leveret::wire
