// SPDX-License-Identifier: Apache-2.0
//
// The header x-delay: for how long a message wants to be held back on its way.
//
// Thread: any. RabbitMQ: rabbitmq-delayed-message-exchange.

#pragma once

#include "amqp/raw_table.h"

#include <cstdint>

namespace leveret::amqp {

/// Ten years, which are RabbitMQ's longest for any other timer. The plugin's longest delay is 2^32
/// - 1 ms, seven weeks.
inline constexpr std::uint64_t delay_ms_max = 315'360'000'000;

/// x-delay in milliseconds, from 1 to delay_ms_max. 0: none is asked for, it is not positive,
/// longer than the longest, or no number. As in the plugin a text of digits is a number, and of a
/// float the part before the point.
[[nodiscard]] std::uint64_t peek_delay_ms(RawTable headers);

}  // namespace leveret::amqp
