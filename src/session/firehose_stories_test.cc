// SPDX-License-Identifier: Apache-2.0
//
// The firehose: what is published and delivered in a traced vhost is shown to amq.rabbitmq.trace.
// What it says is compared with RabbitMQ's in tests/differential.
#include "amqp/field_table.h"
#include "amqp/limits.h"
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using AdminOutcome = std::expected<void, AdminRefusal>;

AdminOutcome set_tracing(TestBroker& broker, const std::string& vhost, bool is_traced) {
  return broker.ask<AdminOutcome>(
      0, [&](auto answer) { broker.registry().set_tracing(vhost, is_traced, std::move(answer)); });
}

FieldTable headers_of(const Content& content) {
  const auto bytes = std::as_bytes(std::span(content.properties.data(), content.properties.size()));
  const auto headers = amqp::peek_headers(bytes);
  return headers ? *FieldTable::decode(*headers) : FieldTable();
}

void bind_to_trace(TestClient& client, std::string_view queue, std::string_view key = "#") {
  client.declare(queue);
  client.call<amqp::QueueBindOk>(
      1, amqp::QueueBind{.queue = queue, .exchange = "amq.rabbitmq.trace", .routing_key = key});
}

std::vector<std::string> keys_of(const std::vector<Content>& said) {
  std::vector<std::string> keys(said.size());
  std::ranges::transform(said, keys.begin(), &Content::routing_key);
  return keys;
}

TEST(Firehose, shows_what_is_published_and_delivered_while_it_is_on) {
  for_each_world([](TestBroker& broker, World world) {
    Guest listener(broker, world.worker(2));
    Guest publisher(broker, world.worker(1));
    Guest consumer(broker, world.worker(0));
    bind_to_trace(listener, "fire");
    consumer.declare("q");
    consumer.consume("q", "c", /*no_ack=*/true);
    listener.consume("fire", "c", /*no_ack=*/true);
    publisher.publish(1, {.routing_key = "q"}, "before");
    broker.settle();
    ASSERT_TRUE(set_tracing(broker, "/", true));
    broker.settle();
    publisher.publish(1, {.routing_key = "q"}, "while");
    broker.settle();
    const std::vector<Content> said = listener.take_deliveries();
    EXPECT_THAT(keys_of(said), UnorderedElementsAre("publish.", "deliver.q"));
    for (const Content& content : said) {
      EXPECT_EQ(content.body, "while");
      EXPECT_EQ(content.exchange, "amq.rabbitmq.trace");
    }
    ASSERT_TRUE(set_tracing(broker, "/", false));
    broker.settle();
    publisher.publish(1, {.routing_key = "q"}, "after");
    broker.settle();
    EXPECT_THAT(listener.take_deliveries(), IsEmpty());
    EXPECT_EQ(consumer.take_deliveries().size(), 3U);
  });
}

TEST(Firehose, says_who_did_what_where) {
  TestBroker broker({.workers = 1, .seed = 1});
  Guest client(broker, 0);
  client.declare("q");
  bind_to_trace(client, "published", "publish.#");
  bind_to_trace(client, "delivered", "deliver.#");
  ASSERT_TRUE(set_tracing(broker, "/", true));
  const amqp::BasicProperties properties{
      .priority = 3, .message_id = "m", .timestamp = std::uint64_t{1} << 40};
  const std::vector<std::byte> raw = properties.to_raw();
  client.publish(1, {.routing_key = "q", .properties = raw}, "body");
  client.send(1, amqp::BasicGet{.queue = "q"});
  broker.settle();
  ASSERT_TRUE(client.take_got());
  client.send(1, amqp::BasicGet{.queue = "published", .no_ack = true});
  broker.settle();
  const FieldTable published = headers_of(client.take_got().value());
  client.send(1, amqp::BasicGet{.queue = "delivered", .no_ack = true});
  broker.settle();
  const FieldTable delivered = headers_of(client.take_got().value());

  const std::string connection = *published.find("connection")->as_string();
  const FieldTable message{
      {"timestamp", std::int64_t{1} << 40}, {"message_id", "m"}, {"priority", std::int32_t{3}}};
  const FieldArray keys{FieldValue("q")};
  EXPECT_EQ(published, (FieldTable{{"exchange_name", ""},
                                   {"routing_keys", keys},
                                   {"properties", message},
                                   {"node", "leveret@test"},
                                   {"vhost", "/"},
                                   {"connection", connection.c_str()},
                                   {"channel", std::int32_t{1}},
                                   {"user", "guest"},
                                   {"routed_queues", keys}}));
  EXPECT_EQ(delivered, (FieldTable{{"exchange_name", ""},
                                   {"routing_keys", keys},
                                   {"properties", message},
                                   {"node", "leveret@test"},
                                   {"redelivered", std::int32_t{0}},
                                   {"vhost", "/"},
                                   {"connection", connection.c_str()},
                                   {"channel", std::int32_t{1}},
                                   {"user", "guest"}}));
}

TEST(Firehose, does_not_speak_of_itself) {
  for_each_world([](TestBroker& broker, World world) {
    Guest listener(broker, world.worker(0));
    Guest publisher(broker, world.worker(1));
    bind_to_trace(listener, "fire");
    ASSERT_TRUE(set_tracing(broker, "/", true));
    broker.settle();
    listener.consume("fire", "c");
    publisher.publish(1, {.routing_key = "nobody"}, "m");
    broker.settle();
    EXPECT_THAT(keys_of(listener.take_deliveries()), ElementsAre("publish."));
  });
}

// The queue that delivers is the one that takes in what is said of it, and it is full.
TEST(Firehose, may_speak_to_the_queue_that_it_speaks_of) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(0));
    const std::vector<std::byte> arguments =
        FieldTable{{"x-max-length", 2}, {"x-overflow", "reject-publish"}}.to_raw();
    client.declare("q", {.arguments = amqp::RawTable(arguments)});
    client.call<amqp::QueueBindOk>(
        1, amqp::QueueBind{
               .queue = "q", .exchange = "amq.rabbitmq.trace", .routing_key = "deliver.q"});
    client.publish(1, {.routing_key = "q"}, "a");
    client.publish(1, {.routing_key = "q"}, "b");
    broker.settle();
    ASSERT_TRUE(set_tracing(broker, "/", true));
    broker.settle();
    client.consume("q", "c", /*no_ack=*/true);
    broker.settle();
    std::vector<std::string> came;
    for (const Content& content : client.take_deliveries()) {
      came.push_back(content.routing_key + " " + content.body);
    }
    EXPECT_THAT(came, ElementsAre("q a", "q b", "deliver.q a", "deliver.q b"));
  });
}

TEST(Firehose, is_of_one_vhost) {
  TestBroker broker({.workers = 2, .seed = 1});
  const auto made = broker.ask<AdminOutcome>(
      0, [&](auto answer) { broker.registry().add_vhost({.name = "other"}, std::move(answer)); });
  ASSERT_TRUE(made);
  ASSERT_TRUE(set_tracing(broker, "other", true));
  broker.settle();
  Guest client(broker, 1);
  bind_to_trace(client, "fire");
  client.consume("fire", "c", /*no_ack=*/true);
  client.publish(1, {.routing_key = "nobody"}, "m");
  broker.settle();
  EXPECT_THAT(client.take_deliveries(), IsEmpty());
  const auto gone = broker.ask<AdminOutcome>(
      0, [&](auto answer) { broker.registry().delete_vhost("other", std::move(answer)); });
  ASSERT_TRUE(gone);
  broker.settle();
  EXPECT_FALSE(broker.shard(0).has_traced_vhost());
  EXPECT_FALSE(broker.shard(1).has_traced_vhost());
  const AdminOutcome refused = set_tracing(broker, "other", true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, AdminError::no_such_vhost);
}

FieldTable nested(int depth) {
  FieldTable table;
  for (int level = 1; level < depth; ++level) {
    FieldTable outer;
    outer.append("t", std::move(table));
    table = std::move(outer);
  }
  return table;
}

// A quorum queue reads the headers of what it delivers, to add its own.
TEST(Firehose, leaves_out_headers_that_would_be_too_deep_for_a_message) {
  TestBroker broker({.workers = 1, .seed = 1});
  Guest client(broker, 0);
  const std::vector<std::byte> quorum = FieldTable{{"x-queue-type", "quorum"}}.to_raw();
  client.declare("fire", {.durable = true, .arguments = amqp::RawTable(quorum)});
  client.call<amqp::QueueBindOk>(
      1, amqp::QueueBind{.queue = "fire", .exchange = "amq.rabbitmq.trace", .routing_key = "#"});
  client.consume("fire", "c");
  ASSERT_TRUE(set_tracing(broker, "/", true));
  for (const int depth : {amqp::table_depth_max - 2, amqp::table_depth_max}) {
    const std::vector<std::byte> headers = nested(depth).to_raw();
    const amqp::BasicProperties properties{.headers = amqp::RawTable(headers), .message_id = "m"};
    const std::vector<std::byte> raw = properties.to_raw();
    client.publish(1, {.routing_key = "nobody", .properties = raw}, "m");
    broker.settle();
    const std::vector<Content> said = client.take_deliveries();
    ASSERT_EQ(said.size(), 1U) << depth;
    const FieldTable told = headers_of(said[0]);
    const FieldTable& shown = *told.find("properties")->as_table();
    EXPECT_EQ(*shown.find("message_id")->as_string(), "m");
    EXPECT_EQ(shown.find("headers") != nullptr, depth < amqp::table_depth_max) << depth;
    EXPECT_NE(told.find("x-delivery-count"), nullptr);
  }
}

TEST(Firehose, cuts_a_key_that_would_be_too_long) {
  TestBroker broker({.workers = 1, .seed = 1});
  Guest client(broker, 0);
  const std::string name(255, 'x');
  client.call<amqp::ExchangeDeclareOk>(1,
                                       amqp::ExchangeDeclare{.exchange = name, .type = "fanout"});
  bind_to_trace(client, "fire");
  client.consume("fire", "c", /*no_ack=*/true);
  ASSERT_TRUE(set_tracing(broker, "/", true));
  client.publish(1, {.exchange = name}, "m");
  broker.settle();
  EXPECT_THAT(keys_of(client.take_deliveries()), ElementsAre("publish." + name.substr(8)));
}

}  // namespace
}  // namespace leveret::testing
