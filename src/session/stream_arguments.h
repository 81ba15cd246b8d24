// SPDX-License-Identifier: Apache-2.0
//
// What basic.consume says to a stream: where to begin (x-stream-offset), and which messages
// (x-stream-filter, x-stream-match-unfiltered).
//
// Thread: any. RabbitMQ: streams#consuming, streams#filtering; texts as 3.10.8 makes them.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/field_table.h"
#include "queue/consumer_spec.h"

#include <cstdint>
#include <string_view>

namespace leveret {

/// Puts into `spec` what the arguments say. `now_ms`: wall time, since 1970.
/// Errors: precondition_failed (a value that makes no sense; x-priority; no prefetch),
/// not_implemented (no_ack). `resource` is "queue 'q' in vhost '/'".
[[nodiscard]] amqp::AmqpResult<void> read_stream_arguments(const amqp::FieldTable& arguments,
                                                           std::string_view resource,
                                                           std::uint64_t now_ms,
                                                           ConsumerSpec& spec);

}  // namespace leveret
