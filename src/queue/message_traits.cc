// SPDX-License-Identifier: Apache-2.0
#include "queue/message_traits.h"

#include <charconv>

namespace leveret {

MessageTraits read_traits(std::span<const std::byte> properties) {
  MessageTraits traits;
  traits.priority = amqp::peek_priority(properties).value_or(0);
  if (const auto expiration = amqp::peek_expiration(properties)) {
    std::from_chars(expiration->data(), expiration->data() + expiration->size(), traits.ttl_ms);
  }
  return traits;
}

}  // namespace leveret
