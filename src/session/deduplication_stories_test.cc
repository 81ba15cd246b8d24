// SPDX-License-Identifier: Apache-2.0
//
// Deduplication as clients see it: a duplicate is confirmed and not there.
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldTable;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::byte> with_headers(const FieldTable& headers) {
  const std::vector<std::byte> encoded = headers.to_raw();
  return amqp::BasicProperties{.headers = amqp::RawTable(encoded)}.to_raw();
}

void publish_id(TestClient& client, Publication to, const char* id, std::string_view body = "b") {
  const std::vector<std::byte> properties = with_headers({{"x-deduplication-header", id}});
  to.properties = properties;
  client.publish(1, to, body);
}

void declare(TestClient& client, std::string_view queue, const FieldTable& arguments) {
  const std::vector<std::byte> encoded = arguments.to_raw();
  client.declare(queue, {.arguments = amqp::RawTable(encoded)});
}

/// Confirmed publishes, a `multiple` counted for all that it covers. Fails the test by a nack.
std::uint64_t confirmed(TestClient& client) {
  std::uint64_t upto = 0;
  for (const Confirmation& confirmation : client.take_confirmations()) {
    EXPECT_TRUE(confirmation.is_ack);
    upto = std::max(upto, confirmation.sequence);
  }
  return upto;
}

TEST(DeduplicatingQueue, confirms_a_duplicate_and_does_not_have_it) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    declare(owner, "q", {{"x-message-deduplication", true}});
    client.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    for (const char* id : {"a", "b", "a", "b", "c"}) {
      publish_id(client, {.routing_key = "q", .mandatory = true}, id, id);
    }
    broker.settle();
    EXPECT_EQ(confirmed(client), 5u);
    EXPECT_THAT(client.take_returns(), IsEmpty());  // It was routed, and the queue has the first.
    EXPECT_EQ(broker.totals().ready, 3u);
    // What is acknowledged may come again.
    owner.consume("q", "c");
    broker.settle();
    ASSERT_THAT(owner.take_deliveries(), SizeIs(3));
    owner.ack(1, 1);
    broker.settle();
    for (const char* id : {"a", "b"}) publish_id(client, {.routing_key = "q"}, id, id);
    broker.settle();
    EXPECT_EQ(confirmed(client), 7u);
    const std::vector<Content> again = owner.take_deliveries();
    ASSERT_THAT(again, SizeIs(1));
    EXPECT_EQ(again.front().body, "a");
  });
}

TEST(DeduplicatingQueue, counts_a_duplicate_as_committed) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    declare(owner, "q", {{"x-message-deduplication", true}, {"x-cache-size", 10}});
    client.call<amqp::TxSelectOk>(1, amqp::TxSelect{});
    for (const char* id : {"a", "a", "b"}) publish_id(client, {.routing_key = "q"}, id);
    client.call<amqp::TxCommitOk>(1, amqp::TxCommit{});
    EXPECT_EQ(broker.totals().ready, 2u);
  });
}

TEST(DeduplicatingQueue, takes_back_what_went_round_by_a_dead_letter_exchange) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    declare(owner, "work",
            {{"x-message-deduplication", true},
             {"x-cache-size", 10},
             {"x-dead-letter-exchange", ""},
             {"x-dead-letter-routing-key", world.seed % 2 == 0 ? "work" : "retry"}});
    declare(owner, "retry",
            {{"x-message-ttl", 0},
             {"x-dead-letter-exchange", ""},
             {"x-dead-letter-routing-key", "work"}});
    publish_id(owner, {.routing_key = "work"}, "a");
    owner.consume("work", "c");
    broker.settle();
    ASSERT_THAT(owner.take_deliveries(), SizeIs(1));
    owner.send(1, amqp::BasicReject{.delivery_tag = 1, .requeue = false});
    broker.settle();
    ASSERT_THAT(owner.take_deliveries(), SizeIs(1));
    owner.ack(1, 2);
    broker.settle();
    publish_id(owner, {.routing_key = "work"}, "a");
    broker.settle();
    EXPECT_THAT(owner.take_deliveries(), IsEmpty());
  });
}

TEST(DeduplicatingQueue, is_another_with_another_cache) {
  TestBroker broker;
  Guest client(broker, 0);
  declare(client, "q", {{"x-message-deduplication", true}, {"x-cache-size", 10}});
  declare(client, "q", {{"x-message-deduplication", true}, {"x-cache-size", 10}});
  const std::vector<std::byte> other =
      FieldTable{{"x-message-deduplication", true}, {"x-cache-size", 20}}.to_raw();
  client.send(1, amqp::QueueDeclare{.queue = "q", .arguments = amqp::RawTable(other)});
  broker.settle();
  EXPECT_EQ(client.take_close(1),
            "406 PRECONDITION_FAILED - inequivalent arg 'x-cache-size' for queue 'q' in vhost '/': "
            "received '20' but current is '10' (50.10)");
}

}  // namespace
}  // namespace leveret::testing
