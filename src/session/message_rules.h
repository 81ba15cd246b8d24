// SPDX-License-Identifier: Apache-2.0
//
// What RabbitMQ looks at in a message's properties when it is published, and the extra routing keys
// that its headers may carry. RabbitMQ: validated-user-id, sender-selected (CC and BCC),
// ttl#per-message-ttl-in-publishers.
//
// Thread: any.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/raw_table.h"
#include "message/message.h"

#include <string_view>
#include <vector>

namespace leveret {

/// Errors: precondition_failed (somebody else's user_id; an expiration that is no number of
/// milliseconds; a delivery mode other than 1 and 2; CC or BCC that is no array).
[[nodiscard]] amqp::AmqpResult<void> check_properties(const Message& message, std::string_view user,
                                                      bool may_impersonate);

/// The headers have CC or BCC.
[[nodiscard]] bool has_extra_keys(amqp::RawTable headers);
/// The routing key and every string in CC and BCC. Views into what was given.
[[nodiscard]] std::vector<std::string_view> all_keys(std::string_view routing_key,
                                                     amqp::RawTable headers);
/// The message as it is delivered: without BCC. The same message when there is none.
[[nodiscard]] MessagePtr without_bcc(const MessagePtr& message, amqp::RawTable headers);

}  // namespace leveret
