// SPDX-License-Identifier: Apache-2.0
//
// What a message becomes when the time is over for which an exchange held it back: the same, but
// for its header x-delay, which is negative now. So it is not held back again, and who gets it can
// see that it was.
//
// Thread: any. RabbitMQ: rabbitmq-delayed-message-exchange.

#pragma once

#include "message/message.h"

#include <string>
#include <vector>

namespace leveret {

struct DueMessage {
  MessagePtr message;
  std::vector<std::string> routing_keys;  ///< With which it is routed; the first is the message's.
};
/// Headers are then in the order of their names. Requires: the message's properties are well formed
/// and say how long it was to be held back.
[[nodiscard]] DueMessage make_due(const Message& message);

}  // namespace leveret
