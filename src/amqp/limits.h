// SPDX-License-Identifier: Apache-2.0
//
// The limits of the wire, by name.
//
// Thread: constants.

#pragma once

#include <cstddef>
#include <cstdint>

namespace leveret::amqp {

/// A short string's length is one octet.
inline constexpr std::size_t short_string_bytes_max = 255;

/// The least frame_max that may be negotiated, and the one in force until tune-ok. AMQP 0-9-1
/// §4.2.3. RabbitMQ 4.1 raised it to 8192 and broke clients that propose 4096; we stay.
inline constexpr std::uint32_t frame_bytes_min = 4096;

/// How deep tables and arrays may lie in one another; a table with only plain values has depth 1.
/// RabbitMQ has no limit but the frame's, which allows 26,000; we walk on the stack and so need
/// one. x-death, the deepest that brokers make themselves, has depth 3.
inline constexpr int table_depth_max = 128;

}  // namespace leveret::amqp
