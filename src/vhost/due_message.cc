// SPDX-License-Identifier: Apache-2.0
#include "vhost/due_message.h"

#include "amqp/basic_properties.h"
#include "amqp/delay_header.h"
#include "amqp/field_table.h"
#include "queue/message_traits.h"
#include "vhost/dead_letter.h"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace leveret {
namespace {

/// Of 32 bits, as the plugin's is, where they hold it.
amqp::FieldValue negative(std::uint64_t delay_ms) {
  const std::int64_t value = -static_cast<std::int64_t>(delay_ms);
  if (value < std::numeric_limits<std::int32_t>::min()) return value;
  return static_cast<std::int32_t>(value);
}

}  // namespace

DueMessage make_due(const Message& message) {
  // It was looked at when it was published.
  amqp::BasicProperties properties = *amqp::BasicProperties::decode(message.properties());
  amqp::FieldTable headers =
      amqp::FieldTable::decode(*properties.headers).value_or(amqp::FieldTable());
  headers.set("x-delay", negative(amqp::peek_delay_ms(*properties.headers)));
  headers.sort_by_name();
  const std::vector<std::byte> encoded_headers = headers.to_raw();
  properties.headers = amqp::RawTable(encoded_headers);
  const std::vector<std::byte> encoded = properties.to_raw();
  return {make_message(message.exchange(), message.routing_key(), encoded, message.body(),
                       message.is_persistent(), traits_of(encoded)),
          routing_keys_of(message, headers)};
}

}  // namespace leveret
