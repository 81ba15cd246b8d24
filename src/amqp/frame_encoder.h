// SPDX-License-Identifier: Apache-2.0
//
// Frames into memory that the caller has reserved: each write_ has a _size that says how much.
//
// Requires: room in the writer; payloads that fit the negotiated frame_max, which the caller knows.
// Thread: any; the memory is the caller's.

#pragma once

#include "amqp/content_header.h"
#include "amqp/frame.h"
#include "amqp/method_key.h"
#include "amqp/methods.gen.h"
#include "amqp/wire_writer.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace leveret::amqp {

inline void write_frame_header(WireWriter& writer, FrameType type, std::uint16_t channel,
                               std::size_t payload_bytes) {
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u16(channel);
  writer.u32(static_cast<std::uint32_t>(payload_bytes));
}

inline void write_frame_end(WireWriter& writer) {
  writer.u8(std::to_integer<std::uint8_t>(frame_end));
}

template <class Method>
[[nodiscard]] std::size_t method_frame_size(const Method& method) {
  return frame_overhead_bytes + sizeof(MethodKey) + method.encoded_size();
}

template <class Method>
void write_method_frame(WireWriter& writer, std::uint16_t channel, const Method& method) {
  write_frame_header(writer, FrameType::method, channel, sizeof(MethodKey) + method.encoded_size());
  writer.u32(Method::key);
  method.encode(writer);
  write_frame_end(writer);
}

[[nodiscard]] inline std::size_t content_header_frame_size(
    std::span<const std::byte> encoded_properties) {
  return frame_overhead_bytes + ContentHeader::fixed_bytes + encoded_properties.size();
}

/// `encoded_properties` are flags and list, as Message::properties() has them.
inline void write_content_header_frame(WireWriter& writer, std::uint16_t channel,
                                       std::uint16_t class_id, std::uint64_t body_size,
                                       std::span<const std::byte> encoded_properties) {
  write_frame_header(writer, FrameType::header, channel,
                     ContentHeader::fixed_bytes + encoded_properties.size());
  writer.u16(class_id);
  writer.u16(0);  // Weight: reserved.
  writer.u64(body_size);
  writer.bytes(encoded_properties);
  write_frame_end(writer);
}

[[nodiscard]] inline std::size_t body_frame_size(std::span<const std::byte> body) {
  return frame_overhead_bytes + body.size();
}

inline void write_body_frame(WireWriter& writer, std::uint16_t channel,
                             std::span<const std::byte> body) {
  write_frame_header(writer, FrameType::body, channel, body.size());
  writer.bytes(body);
  write_frame_end(writer);
}

/// The frame alone in memory of its own: for tests and for what is rare.
template <class Method>
[[nodiscard]] std::vector<std::byte> encode_method_frame(std::uint16_t channel,
                                                         const Method& method) {
  std::vector<std::byte> bytes(method_frame_size(method));
  WireWriter writer(bytes);
  write_method_frame(writer, channel, method);
  return bytes;
}

}  // namespace leveret::amqp
