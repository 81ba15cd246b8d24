// SPDX-License-Identifier: Apache-2.0
//
// Content on its way out: basic.deliver, basic.get-ok and basic.return, each with its header and
// body frames. This is the hottest writing there is: sizes are computed once, memory is reserved
// once, and runs of the message's block are copied. Bodies past `copied_body_bytes_max` are not
// copied but referred to.
//
// Thread: the connection's worker.
// Spec: AMQP 0-9-1 §4.2.6.

#pragma once

#include "message/message.h"
#include "session/output.h"

#include <cstdint>
#include <string_view>

namespace leveret {

inline constexpr std::uint64_t copied_body_bytes_max = 4096;

struct DeliverFields {
  std::string_view consumer_tag;
  std::uint64_t delivery_tag = 0;
  bool is_redelivered = false;
};
void write_deliver(Output& output, std::uint16_t channel, const DeliverFields& fields,
                   const MessagePtr& message, std::uint32_t frame_max);

struct GetOkFields {
  std::uint64_t delivery_tag = 0;
  bool is_redelivered = false;
  std::uint32_t message_count = 0;
};
void write_get_ok(Output& output, std::uint16_t channel, const GetOkFields& fields,
                  const MessagePtr& message, std::uint32_t frame_max);

/// 312 NO_ROUTE.
void write_return(Output& output, std::uint16_t channel, const MessagePtr& message,
                  std::uint32_t frame_max);

}  // namespace leveret
