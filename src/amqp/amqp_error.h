// SPDX-License-Identifier: Apache-2.0
//
// AmqpError: a refusal; a peer asked wrongly. Its code says whether the channel or the connection
// closes, its text what the peer reads there.
//
// Thread: values.

#pragma once

#include "amqp/method_key.h"
#include "amqp/reply_code.h"

#include <expected>
#include <string>
#include <utility>

namespace leveret::amqp {

struct AmqpError {
  ReplyCode code = ReplyCode::internal_error;
  std::string text;      ///< The detail: "no queue 'q' in vhost '/'".
  MethodKey method = 0;  ///< What was asked, for the close method; 0 when no method is to blame.

  /// "NOT_FOUND - no queue 'q' in vhost '/'", of at most 255 bytes. A longer one is cut as RabbitMQ
  /// cuts it: to 252 bytes and "...".
  [[nodiscard]] std::string reply_text() const;

  friend bool operator==(const AmqpError&, const AmqpError&) = default;
};

template <class T>
using AmqpResult = std::expected<T, AmqpError>;

/// Makes the unexpected side of an AmqpResult.
[[nodiscard]] inline std::unexpected<AmqpError> refuse(ReplyCode code, std::string text,
                                                       MethodKey method = 0) {
  return std::unexpected(AmqpError{code, std::move(text), method});
}

}  // namespace leveret::amqp
