// SPDX-License-Identifier: Apache-2.0
//
// ContentHeader: the payload of a header frame, which announces a body.
//
//   | class id, 2 | weight, 2, zero | body size, 8 | property flags, 2 | property list |
//
// Spec: AMQP 0-9-1 §4.2.6.1.
// Thread: a value; `properties` is a view into the payload.

#pragma once

#include "amqp/wire_reader.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace leveret::amqp {

struct ContentHeader {
  static constexpr std::size_t fixed_bytes = 12;

  std::uint16_t class_id = 0;
  std::uint64_t body_size = 0;
  std::span<const std::byte> properties;  ///< Flags and list, not looked at.

  /// Nothing when the payload is no content header: shorter than the fixed part (which FrameDecoder
  /// does not let through), or with a weight, which RabbitMQ refuses as "non content header frame".
  [[nodiscard]] static std::optional<ContentHeader> decode(std::span<const std::byte> payload) {
    WireReader reader(payload);
    ContentHeader header;
    header.class_id = reader.u16();
    const std::uint16_t weight = reader.u16();
    header.body_size = reader.u64();
    if (reader.failed() || weight != 0) return std::nullopt;
    header.properties = reader.bytes(reader.remaining());
    return header;
  }
};

}  // namespace leveret::amqp
