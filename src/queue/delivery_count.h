// SPDX-License-Identifier: Apache-2.0
//
// x-delivery-count: how often a message came back before this delivery. RabbitMQ's quorum queues
// tell it in a header of every message that they deliver; here also a classic queue that was
// declared with x-delivery-limit.
//
// Thread: any. Spec: RabbitMQ: quorum-queues#poison-message-handling.

#pragma once

#include "message/message.h"

#include <cstdint>

namespace leveret {

/// A copy with that header, in place of one that it has. Headers are then in the order of their
/// names, as RabbitMQ sends them. Requires: the message's properties are well formed.
/// Complexity: as long as the message.
[[nodiscard]] MessagePtr with_delivery_count(const Message& message, std::uint64_t count);

}  // namespace leveret
