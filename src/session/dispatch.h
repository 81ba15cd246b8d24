// SPDX-License-Identifier: Apache-2.0
//
// Dispatch: every method of the protocol, named once, and where it goes.
//
// Thread: the connection's worker.

#pragma once

#include "amqp/amqp_error.h"

#include <cstdint>
#include <span>

namespace leveret {

class Connection;
class Channel;

struct Dispatch {
  /// A method on channel 0.
  [[nodiscard]] static amqp::AmqpResult<void> on_connection(Connection& connection,
                                                            std::span<const std::byte> payload);
  /// A method on a channel that is open.
  [[nodiscard]] static amqp::AmqpResult<void> on_channel(Connection& connection, Channel& channel,
                                                         std::span<const std::byte> payload);
};

}  // namespace leveret
