// SPDX-License-Identifier: Apache-2.0
//
// Frame: the unit in which a connection's bytes are cut.
//
//   | type, 1 | channel, 2 | payload size, 4 | payload | 0xCE |
//
// Spec: AMQP 0-9-1 §2.3.5 and §4.2. Heartbeat is type 8: §4.2.7 says 4 in one place, the constants
// in the XML say 8, and every known peer sends 8. We refuse 4, as RabbitMQ does.
// Thread: values and constants.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace leveret::amqp {

enum class FrameType : std::uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };

struct Frame {
  FrameType type = FrameType::heartbeat;
  std::uint16_t channel = 0;
  std::span<const std::byte> payload;
};

inline constexpr std::size_t frame_header_bytes = 7;
inline constexpr std::byte frame_end{0xCE};
/// What a frame is longer than its payload.
inline constexpr std::size_t frame_overhead_bytes = frame_header_bytes + 1;

/// What a client sends first, and what a server answers to any other.
inline constexpr std::array<std::byte, 8> protocol_header{
    std::byte{'A'}, std::byte{'M'}, std::byte{'Q'}, std::byte{'P'},
    std::byte{0},   std::byte{0},   std::byte{9},   std::byte{1}};

inline constexpr std::array<std::byte, 8> heartbeat_frame{std::byte{8}, std::byte{0}, std::byte{0},
                                                          std::byte{0}, std::byte{0}, std::byte{0},
                                                          std::byte{0}, frame_end};

}  // namespace leveret::amqp
