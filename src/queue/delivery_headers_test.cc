// SPDX-License-Identifier: Apache-2.0
#include "queue/delivery_headers.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"
#include "queue/message_store.h"
#include "queue/queue_rules.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::FieldTable;

FieldTable headers_of(const Message& message) {
  return *FieldTable::decode(*amqp::peek_headers(message.properties()));
}

MessagePtr message_with(const FieldTable& headers) {
  const std::vector<std::byte> raw = headers.to_raw();
  const amqp::BasicProperties properties{.headers = amqp::RawTable(raw), .message_id = "m"};
  return make_message("x", "k", properties.to_raw(), std::as_bytes(std::span("body", 4)),
                      /*is_persistent=*/true, {.ttl_ms = 7, .priority = 3});
}

TEST(DeliveryCount, is_a_header_among_the_others_and_nothing_else_changes) {
  const MessagePtr before = message_with({{"z", true}, {"a", "text"}});
  const MessagePtr after = with_delivery_count(*before, 3);
  EXPECT_EQ(headers_of(*after),
            (FieldTable{{"a", "text"}, {"x-delivery-count", std::int64_t{3}}, {"z", true}}));
  EXPECT_EQ(amqp::BasicProperties::decode(after->properties())->message_id, "m");
  EXPECT_EQ(after->exchange(), "x");
  EXPECT_EQ(after->routing_key(), "k");
  EXPECT_EQ(after->body_bytes(), 4u);
  EXPECT_TRUE(after->is_persistent());
  EXPECT_EQ(after->ttl_ms(), 7u);
  EXPECT_EQ(after->priority(), 3);
}

TEST(DeliveryCount, takes_the_place_of_one_that_came_with_the_message) {
  const MessagePtr before = message_with({{"x-delivery-count", "mine"}});
  EXPECT_EQ(headers_of(*with_delivery_count(*before, 0)),
            (FieldTable{{"x-delivery-count", std::int64_t{0}}}));
}

TEST(DeliveryCount, makes_headers_where_there_are_none) {
  const MessagePtr bare = make_message("", "k", amqp::no_properties, {});
  EXPECT_EQ(headers_of(*with_delivery_count(*bare, 1)),
            (FieldTable{{"x-delivery-count", std::int64_t{1}}}));
}

TEST(DeliveryCount, is_compared_with_the_limit) {
  const QueueRules rules{.delivery_limit = 3};
  EXPECT_FALSE(rules.is_returned_too_often(3));
  EXPECT_TRUE(rules.is_returned_too_often(4));
  EXPECT_FALSE(QueueRules().is_returned_too_often(4));
}

TEST(DeliveryCount, beyond_what_is_counted_is_over_every_limit_but_none) {
  const QueueRules rules{.delivery_limit = 1'000'000};
  EXPECT_FALSE(rules.is_returned_too_often(StoredMessage::return_count_max - 1));
  EXPECT_TRUE(rules.is_returned_too_often(StoredMessage::return_count_max));
  EXPECT_FALSE(QueueRules().is_returned_too_often(StoredMessage::return_count_max));
}

}  // namespace
}  // namespace leveret
