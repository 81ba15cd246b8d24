// SPDX-License-Identifier: Apache-2.0
//
// Messages that come back again and again: quorum queues, and classic ones with x-delivery-limit,
// over one worker and several.
#include "amqp/field_table.h"
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldTable;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void declare(TestClient& client, std::string_view queue, const FieldTable& arguments) {
  const std::vector<std::byte> raw = arguments.to_raw();
  client.declare(queue, {.durable = true, .arguments = amqp::RawTable(raw)});
}
FieldTable headers_of(const Content& content) {
  const auto bytes = std::as_bytes(std::span(content.properties.data(), content.properties.size()));
  const auto headers = amqp::peek_headers(bytes);
  return headers ? *FieldTable::decode(*headers) : FieldTable();
}
/// -1: the message has none.
std::int64_t count_of(const Content& content) {
  const FieldTable headers = headers_of(content);
  const amqp::FieldValue* count = headers.find("x-delivery-count");
  return count ? *count->as_integer() : -1;
}
std::optional<Content> get(TestClient& client, TestBroker& broker, std::string_view queue) {
  client.send(1, amqp::BasicGet{.queue = queue});
  broker.settle();
  if (auto got = client.take_got()) return got;
  client.take<amqp::BasicGetEmpty>(1);
  return std::nullopt;
}
void give_back(TestClient& client, std::uint64_t tag) {
  client.send(1, amqp::BasicReject{.delivery_tag = tag, .requeue = true});
}

TEST(QuorumQueue, tells_with_each_delivery_how_often_the_message_came_back) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest other(broker, world.worker(0));
    declare(owner, "q", {{"x-queue-type", "quorum"}});
    other.publish(1, {.routing_key = "q"}, "a");
    broker.settle();
    std::vector<std::int64_t> counts;
    for (int i = 0; i < 3; ++i) {
      const auto got = get(other, broker, "q");
      counts.push_back(count_of(*got));
      give_back(other, got->delivery_tag);
    }
    other.consume("q", "c");
    counts.push_back(count_of(other.take_deliveries().at(0)));
    other.cut();  // All that it holds comes back.
    broker.settle();
    owner.consume("q", "c", /*no_ack=*/true);
    counts.push_back(count_of(owner.take_deliveries().at(0)));
    EXPECT_THAT(counts, ElementsAre(0, 1, 2, 3, 4));
  });
}

TEST(DeliveryLimit, has_a_message_die_that_came_back_more_often) {
  for (const char* type : {"classic", "quorum"}) {
    for_each_world([type](TestBroker& broker, World world) {
      Guest owner(broker, world.worker(1));
      Guest other(broker, world.worker(0));
      declare(owner, "q",
              {{"x-queue-type", type},
               {"x-delivery-limit", 2},
               {"x-dead-letter-exchange", ""},
               {"x-dead-letter-routing-key", "dead"}});
      other.declare("dead");
      owner.publish(1, {.routing_key = "q"}, "a");
      broker.settle();
      std::vector<std::int64_t> counts;
      while (const auto got = get(other, broker, "q")) {
        counts.push_back(count_of(*got));
        give_back(other, got->delivery_tag);
        broker.settle();
      }
      EXPECT_THAT(counts, ElementsAre(0, 1, 2));
      const auto dead = get(other, broker, "dead");
      ASSERT_TRUE(dead.has_value());
      const FieldTable headers = headers_of(*dead);
      EXPECT_EQ(*headers.find("x-first-death-reason")->as_string(), "delivery_limit");
      EXPECT_EQ(headers.find("x-delivery-count"), nullptr);
    });
  }
}

TEST(DeliveryLimit, without_a_dead_letter_exchange_drops_the_message_and_the_ledger_says_so) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest consumer(broker, world.worker(0));
    declare(owner, "q", {{"x-delivery-limit", 0}});
    owner.publish(1, {.routing_key = "q"}, "a");
    broker.settle();
    consumer.consume("q", "c");
    give_back(consumer, consumer.take_deliveries().at(0).delivery_tag);
    broker.settle();
    EXPECT_TRUE(consumer.take_deliveries().empty());
    EXPECT_EQ(broker.totals().ready + broker.totals().unacked, 0u);
    // The consumer has room for the next.
    owner.publish(1, {.routing_key = "q"}, "b");
    broker.settle();
    EXPECT_EQ(consumer.take_deliveries().size(), 1u);
  });
}

TEST(QuorumQueue, refuses_what_rabbitmqs_refuses) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    declare(client, "sac", {{"x-queue-type", "quorum"}, {"x-single-active-consumer", true}});
    client.send(1, amqp::BasicGet{.queue = "sac"});
    broker.settle();
    EXPECT_THAT(client.take_close(1),
                HasSubstr("405 RESOURCE_LOCKED - cannot obtain access to locked queue 'sac' in "
                          "vhost '/'. basic.get operations are not supported by quorum queues "
                          "with single active consumer"));
    Guest sharer(broker, world.worker(0));
    sharer.call<amqp::BasicQosOk>(1, amqp::BasicQos{.prefetch_count = 5, .global = true});
    sharer.send(1, amqp::BasicConsume{.queue = "sac"});
    broker.settle();
    EXPECT_THAT(
        sharer.take_close(0),
        HasSubstr("540 NOT_IMPLEMENTED - queue 'sac' in vhost '/' does not support global qos"));
    Guest deleter(broker, world.worker(2));
    deleter.send(1, amqp::QueueDelete{.queue = "sac", .if_empty = true});
    broker.settle();
    EXPECT_THAT(deleter.take_close(0),
                HasSubstr("540 NOT_IMPLEMENTED - cannot delete queue 'sac' in vhost '/'. "
                          "queue.delete operations with if-empty flag set are not supported by "
                          "quorum queues"));
    EXPECT_TRUE(broker.has_queue("sac"));
  });
}

}  // namespace
}  // namespace leveret::testing
