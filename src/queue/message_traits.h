// SPDX-License-Identifier: Apache-2.0
//
// What queues look at of a message's properties, read from them.
//
// Thread: any.

#pragma once

#include "amqp/basic_properties.h"
#include "message/message.h"

#include <cstddef>
#include <span>

namespace leveret {

/// An expiration is what it will be when it has been found to be a number of milliseconds.
[[nodiscard]] MessageTraits read_traits(std::span<const std::byte> properties);
[[nodiscard]] inline MessageTraits traits_of(std::span<const std::byte> properties) {
  return amqp::has_priority_or_expiration(properties) ? read_traits(properties) : MessageTraits();
}

}  // namespace leveret
