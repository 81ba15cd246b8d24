// SPDX-License-Identifier: Apache-2.0
//
// Headers that a queue puts into its messages. Each is in place of one that the message has, and
// headers are then in the order of their names, as RabbitMQ sends them.
//
// Thread: any. Complexity: as long as the message, which is copied. Requires: the message's
// properties are well formed.

#pragma once

#include "message/message.h"

#include <cstdint>

namespace leveret {

/// x-delivery-count: how often a message came back before this delivery. RabbitMQ's quorum queues
/// tell it with every message that they deliver; here also a classic queue that was declared with
/// x-delivery-limit. RabbitMQ: quorum-queues#poison-message-handling.
[[nodiscard]] MessagePtr with_delivery_count(const Message& message, std::uint64_t count);

/// x-stream-offset: the place of a message in its stream. The copy expires never and has no
/// priority, whatever its properties say: a stream looks at neither. RabbitMQ: streams#consuming.
[[nodiscard]] MessagePtr with_stream_offset(const Message& message, std::uint64_t offset);

}  // namespace leveret
