// SPDX-License-Identifier: Apache-2.0
//
// The text of a close.

#include "amqp/amqp_error.h"

#include "amqp/limits.h"

namespace leveret::amqp {

std::string AmqpError::reply_text() const {
  std::string whole(reply_name(code));
  if (!text.empty()) whole.append(" - ").append(text);
  if (whole.size() > short_string_bytes_max) {
    whole.resize(short_string_bytes_max - 3);
    whole += "...";
  }
  return whole;
}

}  // namespace leveret::amqp
