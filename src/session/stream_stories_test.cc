// SPDX-License-Identifier: Apache-2.0
//
// Streams, as clients see them.
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldTable;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

void declare_stream(TestClient& client, std::string_view name, FieldTable arguments = {}) {
  arguments.set("x-queue-type", "stream");
  const std::vector<std::byte> encoded = arguments.to_raw();
  client.declare(name, {.durable = true, .arguments = amqp::RawTable(encoded)});
}

void read_stream(TestClient& client, std::string_view name, std::string_view tag,
                 const FieldTable& arguments, std::uint16_t prefetch = 100) {
  client.call<amqp::BasicQosOk>(1, amqp::BasicQos{.prefetch_count = prefetch});
  const std::vector<std::byte> encoded = arguments.to_raw();
  client.call<amqp::BasicConsumeOk>(
      1,
      amqp::BasicConsume{.queue = name, .consumer_tag = tag, .arguments = amqp::RawTable(encoded)});
}

std::int64_t offset_of(const Content& content) {
  const auto headers = amqp::peek_headers(std::as_bytes(std::span(content.properties)));
  return headers->find("x-stream-offset")->as_integer().value();
}

/// "tag:offset:body" of each that came.
std::vector<std::string> came(TestClient& client) {
  std::vector<std::string> all;
  for (const Content& one : client.take_deliveries()) {
    EXPECT_FALSE(one.is_redelivered);
    all.push_back(fmt::format("{}:{}:{}", one.consumer_tag, offset_of(one), one.body));
  }
  return all;
}

TEST(Stream, is_read_by_many_and_keeps_what_they_have_read) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(0));
    Guest one(broker, world.worker(1));
    Guest other(broker, world.worker(2));
    declare_stream(publisher, "s");
    for (const char* body : {"a", "b", "c"}) publisher.publish(1, {.routing_key = "s"}, body);
    broker.settle();
    read_stream(one, "s", "one", {{"x-stream-offset", "first"}});
    read_stream(other, "s", "other", {{"x-stream-offset", 1}});
    broker.settle();
    EXPECT_THAT(came(one), ElementsAre("one:0:a", "one:1:b", "one:2:c"));
    EXPECT_THAT(came(other), ElementsAre("other:1:b", "other:2:c"));
    one.ack(1, 3, /*is_multiple=*/true);
    publisher.publish(1, {.routing_key = "s"}, "d");
    broker.settle();
    EXPECT_THAT(came(one), ElementsAre("one:3:d"));
    EXPECT_THAT(came(other), ElementsAre("other:3:d"));
    read_stream(publisher, "s", "late", {{"x-stream-offset", "first"}});
    broker.settle();
    EXPECT_THAT(came(publisher), ElementsAre("late:0:a", "late:1:b", "late:2:c", "late:3:d"));
    EXPECT_EQ(broker.totals().ready, 4u);
  });
}

TEST(Stream, is_read_from_what_comes_when_nothing_is_said) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(0));
    Guest reader(broker, world.worker(1));
    declare_stream(publisher, "s");
    publisher.publish(1, {.routing_key = "s"}, "before");
    broker.settle();
    read_stream(reader, "s", "c", {});
    read_stream(reader, "s", "last", {{"x-stream-offset", "last"}});
    publisher.publish(1, {.routing_key = "s"}, "after");
    broker.settle();
    EXPECT_THAT(came(reader),
                ::testing::UnorderedElementsAre("c:1:after", "last:0:before", "last:1:after"));
  });
}

TEST(Stream, gives_a_reader_no_more_than_its_prefetch_and_each_its_own) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(0));
    Guest reader(broker, world.worker(1));
    declare_stream(publisher, "s");
    for (const char* body : {"a", "b", "c", "d"}) publisher.publish(1, {.routing_key = "s"}, body);
    broker.settle();
    read_stream(reader, "s", "x", {{"x-stream-offset", "first"}}, 2);
    broker.settle();
    EXPECT_THAT(came(reader), ElementsAre("x:0:a", "x:1:b"));
    read_stream(reader, "s", "y", {{"x-stream-offset", "first"}}, 1);
    broker.settle();
    EXPECT_THAT(came(reader), ElementsAre("y:0:a"));
    // Both have the first message; each acknowledges its own.
    reader.ack(1, 3);
    broker.settle();
    EXPECT_THAT(came(reader), ElementsAre("y:1:b"));
    reader.ack(1, 2);
    broker.settle();
    EXPECT_THAT(came(reader), ElementsAre("x:2:c"));
  });
}

TEST(Stream, has_what_was_not_acknowledged_still) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(0));
    declare_stream(publisher, "s");
    for (const char* body : {"a", "b"}) publisher.publish(1, {.routing_key = "s"}, body);
    broker.settle();
    for (int i = 0; i < 2; ++i) {
      Guest reader(broker, world.worker(1));
      read_stream(reader, "s", "c", {{"x-stream-offset", "first"}}, 1);
      broker.settle();
      EXPECT_THAT(came(reader), ElementsAre("c:0:a"));
    }
    Guest reader(broker, world.worker(1));
    read_stream(reader, "s", "c", {{"x-stream-offset", "first"}}, 1);
    reader.call<amqp::BasicCancelOk>(1, amqp::BasicCancel{.consumer_tag = "c"});
    came(reader);
    reader.ack(1, 1);
    broker.settle();
    EXPECT_THAT(came(reader), IsEmpty());
    EXPECT_EQ(broker.totals().ready, 2u);
  });
}

TEST(Stream, refuses_what_makes_no_sense_for_it) {
  for_each_world([](TestBroker& broker, World world) {
    const auto refusal = [&](auto&& ask) {
      Guest client(broker, world.worker(1));
      declare_stream(client, "s");
      ask(client);
      broker.settle();
      return client.take_close(0);
    };
    const std::string by_stream = " not supported by stream queues queue 's' in vhost '/'";
    EXPECT_EQ(refusal([](TestClient& client) { client.send(1, amqp::BasicGet{.queue = "s"}); }),
              "540 NOT_IMPLEMENTED - basic.get" + by_stream + " (60.70)");
    EXPECT_EQ(refusal([](TestClient& client) { client.send(1, amqp::QueuePurge{.queue = "s"}); }),
              "540 NOT_IMPLEMENTED - queue.purge" + by_stream + " (50.30)");
    const auto with_delivery = [&](auto&& ask) {
      return refusal([&](TestClient& client) {
        read_stream(client, "s", "c", {{"x-stream-offset", "first"}});
        client.publish(1, {.routing_key = "s"}, "a");
        broker.settle();
        ask(client);
      });
    };
    EXPECT_EQ(with_delivery([](TestClient& client) {
                client.send(1, amqp::BasicNack{.delivery_tag = 1, .requeue = true});
              }),
              "540 NOT_IMPLEMENTED - basic.nack and basic.reject" + by_stream + " (60.120)");
    EXPECT_EQ(with_delivery(
                  [](TestClient& client) { client.send(1, amqp::BasicReject{.delivery_tag = 1}); }),
              "540 NOT_IMPLEMENTED - basic.nack and basic.reject" + by_stream + " (60.90)");
    EXPECT_EQ(with_delivery(
                  [](TestClient& client) { client.send(1, amqp::BasicRecover{.requeue = true}); }),
              "540 NOT_IMPLEMENTED - basic.recover" + by_stream + " (60.110)");
  });
}

TEST(Stream, is_deleted_with_conditions_and_tells_its_readers) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest reader(broker, world.worker(1));
    declare_stream(owner, "s");
    owner.publish(1, {.routing_key = "s"}, "a");
    read_stream(reader, "s", "c", {});
    owner.send(1, amqp::QueueDelete{.queue = "s", .if_empty = true});
    broker.settle();
    EXPECT_EQ(owner.take_close(1),
              "406 PRECONDITION_FAILED - queue 's' in vhost '/' not empty (50.40)");
    owner.send(1, amqp::ChannelCloseOk{});
    owner.open_channel();
    owner.send(1, amqp::QueueDelete{.queue = "s", .if_unused = true});
    broker.settle();
    EXPECT_EQ(owner.take_close(1),
              "406 PRECONDITION_FAILED - queue 's' in vhost '/' in use (50.40)");
    owner.send(1, amqp::ChannelCloseOk{});
    owner.open_channel();
    EXPECT_EQ(owner.call<amqp::QueueDeleteOk>(1, amqp::QueueDelete{.queue = "s"}).message_count,
              1u);
    broker.settle();
    EXPECT_EQ(reader.take<amqp::BasicCancel>(1).consumer_tag, "c");
  });
}

TEST(Stream, gives_a_reader_what_it_asks_for) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(0));
    Guest reader(broker, world.worker(1));
    declare_stream(publisher, "s");
    const auto publish = [&](const char* value, std::string_view body) {
      const std::vector<std::byte> headers =
          value ? FieldTable{{"x-stream-filter-value", value}}.to_raw() : std::vector<std::byte>();
      const amqp::BasicProperties properties{
          .headers = value ? std::optional(amqp::RawTable(headers)) : std::nullopt};
      publisher.publish(1, {.routing_key = "s", .properties = properties.to_raw()}, body);
    };
    publish("red", "1");
    publish("blue", "2");
    publish(nullptr, "3");
    publish("green", "4");
    broker.settle();
    read_stream(
        reader, "s", "c",
        {{"x-stream-offset", "first"}, {"x-stream-filter", amqp::FieldArray{"red", "green"}}});
    broker.settle();
    EXPECT_THAT(came(reader), ElementsAre("c:0:1", "c:3:4"));
    read_stream(reader, "s", "d",
                {{"x-stream-offset", "first"},
                 {"x-stream-filter", "blue"},
                 {"x-stream-match-unfiltered", true}});
    broker.settle();
    EXPECT_THAT(came(reader), ElementsAre("d:1:2", "d:2:3"));
  });
}

TEST(Stream, drops_its_oldest_when_there_is_too_much) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    declare_stream(client, "s",
                   {{"x-max-length-bytes", 200'000}, {"x-stream-max-segment-size-bytes", 500}});
    for (int i = 0; i < 100; ++i) {
      client.publish(1, {.routing_key = "s"}, fmt::format("{:05000}", i));
    }
    broker.settle();
    EXPECT_LT(broker.totals().ready, 50u);
    EXPECT_GT(broker.totals().ready, 5u);
    read_stream(client, "s", "c", {{"x-stream-offset", 0}});
    broker.settle();
    const auto deliveries = client.take_deliveries();
    ASSERT_FALSE(deliveries.empty());
    EXPECT_GT(offset_of(deliveries.front()), 50);
    EXPECT_EQ(offset_of(deliveries.back()), 99);
  });
}

TEST(Stream, closes_a_channel_that_acknowledges_nothing_whatever_the_action) {
  TestBroker broker;
  Guest client(broker, 0,
               {.session = {.consumer_timeout = std::chrono::seconds(60),
                            .consumer_timeout_action = TimeoutAction::requeue}});
  declare_stream(client, "s");
  client.publish(1, {.routing_key = "s"}, "a");
  read_stream(client, "s", "c", {{"x-stream-offset", "first"}});
  broker.settle();
  came(client);
  for (int second = 0; second < 80; ++second) {
    broker.clock().advance(std::chrono::seconds(1));
    broker.settle();
  }
  EXPECT_THAT(client.take_close(1), ::testing::StartsWith("406 PRECONDITION_FAILED - delivery"));
}

/// What was on its way to a consumer of another worker goes back, and comes in its order.
TEST(Stream, loses_nothing_on_its_way_to_a_channel_that_may_take_no_more) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(0));
    Guest reader(broker, world.worker(1));
    declare_stream(publisher, "s");
    read_stream(reader, "s", "c", {{"x-stream-offset", "first"}});
    reader.call<amqp::BasicQosOk>(1, amqp::BasicQos{.prefetch_count = 2, .global = true});
    for (int i = 0; i < 20; ++i) publisher.publish(1, {.routing_key = "s"}, "m");
    std::vector<std::int64_t> offsets;
    for (int round = 0; round < 20 && offsets.size() < 20; ++round) {
      broker.settle();
      std::uint64_t last = 0;
      for (const Content& one : reader.take_deliveries()) {
        offsets.push_back(offset_of(one));
        last = one.delivery_tag;
      }
      if (last != 0) reader.ack(1, last, /*is_multiple=*/true);
    }
    ASSERT_EQ(offsets.size(), 20u);
    for (std::int64_t i = 0; i < 20; ++i) EXPECT_EQ(offsets[static_cast<std::size_t>(i)], i);
  });
}

}  // namespace
}  // namespace leveret::testing
