// SPDX-License-Identifier: Apache-2.0
#include "queue/delivery_headers.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace leveret {
namespace {

MessagePtr with_header(const Message& message, std::string_view name, std::uint64_t value,
                       MessageTraits traits) {
  // It was looked at when it was published.
  amqp::BasicProperties properties = *amqp::BasicProperties::decode(message.properties());
  amqp::FieldTable headers;
  if (properties.headers) {
    headers = amqp::FieldTable::decode(*properties.headers).value_or(amqp::FieldTable());
  }
  headers.set(std::string(name), static_cast<std::int64_t>(value));
  headers.sort_by_name();
  const std::vector<std::byte> encoded_headers = headers.to_raw();
  properties.headers = amqp::RawTable(encoded_headers);
  return make_message(message.exchange(), message.routing_key(), properties.to_raw(),
                      message.body(), message.is_persistent(), traits);
}

}  // namespace

MessagePtr with_delivery_count(const Message& message, std::uint64_t count) {
  return with_header(message, "x-delivery-count", count,
                     {.ttl_ms = message.ttl_ms(), .priority = message.priority()});
}

MessagePtr with_stream_offset(const Message& message, std::uint64_t offset) {
  return with_header(message, "x-stream-offset", offset, {});
}

}  // namespace leveret
