// SPDX-License-Identifier: Apache-2.0
#include "queue/delivery_count.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"

#include <cstddef>
#include <vector>

namespace leveret {

MessagePtr with_delivery_count(const Message& message, std::uint64_t count) {
  // It was looked at when it was published.
  amqp::BasicProperties properties = *amqp::BasicProperties::decode(message.properties());
  amqp::FieldTable headers;
  if (properties.headers) {
    headers = amqp::FieldTable::decode(*properties.headers).value_or(amqp::FieldTable());
  }
  headers.set("x-delivery-count", static_cast<std::int64_t>(count));
  headers.sort_by_name();
  const std::vector<std::byte> encoded_headers = headers.to_raw();
  properties.headers = amqp::RawTable(encoded_headers);
  return make_message(message.exchange(), message.routing_key(), properties.to_raw(),
                      message.body(), message.is_persistent(),
                      {.ttl_ms = message.ttl_ms(), .priority = message.priority()});
}

}  // namespace leveret
