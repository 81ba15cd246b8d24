// SPDX-License-Identifier: Apache-2.0
//
// Deduplication as clients see it: a duplicate is confirmed and not there.
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldTable;
using ::testing::ElementsAre;
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

void declare_exchange(TestClient& client, std::string_view exchange, std::string_view type,
                      const FieldTable& arguments = {}) {
  const std::vector<std::byte> encoded = arguments.to_raw();
  client.call<amqp::ExchangeDeclareOk>(
      1, amqp::ExchangeDeclare{
             .exchange = exchange, .type = type, .arguments = amqp::RawTable(encoded)});
}

void bind(TestClient& client, std::string_view queue, std::string_view exchange,
          std::string_view key = "") {
  client.call<amqp::QueueBindOk>(
      1, amqp::QueueBind{.queue = queue, .exchange = exchange, .routing_key = key});
}

std::vector<std::string> bodies(TestClient& client) {
  std::vector<std::string> all;
  for (const Content& delivery : client.take_deliveries()) all.push_back(delivery.body);
  return all;
}

TEST(DeduplicatingExchange, lets_each_message_through_once_whoever_publishes_it) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest one(broker, world.worker(1));
    Guest other(broker, world.worker(2));
    declare_exchange(owner, "x", "x-message-deduplication", {{"x-cache-size", 100}});
    for (const char* queue : {"a", "b"}) {
      owner.declare(queue);
      bind(owner, queue, "x");
    }
    for (Guest* client : {&one, &other}) {
      client->call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
      for (int i = 0; i < 20; ++i) {
        publish_id(*client, {.exchange = "x"}, std::to_string(i).c_str());
        client->publish(1, {.exchange = "x"}, "without an id");
      }
    }
    broker.settle();
    EXPECT_EQ(confirmed(one), 40u);
    EXPECT_EQ(confirmed(other), 40u);
    EXPECT_EQ(broker.totals().ready, 2 * (20u + 40u));
  });
}

TEST(DeduplicatingExchange, keeps_the_order_of_a_channel) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    declare_exchange(owner, "x", "topic", {{"x-message-deduplication", true}});
    owner.declare("q");
    bind(owner, "q", "x", "#");
    owner.consume("q", "c", /*no_ack=*/true);
    std::vector<std::string> expected;
    for (int i = 0; i < 50; ++i) {
      const std::string body = std::to_string(i);
      if (i % 3 == 0) {
        client.publish(1, {.exchange = "x", .routing_key = "k"}, body);
      } else {
        publish_id(client, {.exchange = "x", .routing_key = "k"}, body.c_str(), body);
        publish_id(client, {.exchange = "x", .routing_key = "k"}, body.c_str(), "again");
      }
      expected.push_back(body);
    }
    broker.settle();
    EXPECT_EQ(bodies(owner), expected);
  });
}

TEST(DeduplicatingExchange, gives_back_what_is_mandatory_and_reaches_nobody) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    declare_exchange(owner, "x", "direct", {{"x-message-deduplication", true}});
    owner.declare("q");
    bind(owner, "q", "x", "k");
    client.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    publish_id(client, {.exchange = "x", .routing_key = "nowhere", .mandatory = true}, "a");
    publish_id(client, {.exchange = "x", .routing_key = "k", .mandatory = true}, "a");
    broker.settle();
    EXPECT_THAT(client.take_returns(), SizeIs(1));
    EXPECT_EQ(confirmed(client), 2u);
    EXPECT_EQ(broker.totals().ready, 1u);  // What reached nobody has not come.
    publish_id(client, {.exchange = "x", .routing_key = "k", .mandatory = true}, "a");
    broker.settle();
    EXPECT_THAT(client.take_returns(), SizeIs(1));
    EXPECT_EQ(confirmed(client), 3u);
    EXPECT_EQ(broker.totals().ready, 1u);
  });
}

TEST(DeduplicatingExchange, does_not_hold_what_a_queue_refused) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    declare_exchange(owner, "x", "fanout", {{"x-message-deduplication", true}});
    declare(owner, "q", {{"x-max-length", 1}, {"x-overflow", "reject-publish"}});
    bind(owner, "q", "x");
    client.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    publish_id(client, {.exchange = "x"}, "a", "a");
    publish_id(client, {.exchange = "x"}, "b", "b");
    broker.settle();
    std::vector<std::uint64_t> refused;
    for (const Confirmation& confirmation : client.take_confirmations()) {
      if (!confirmation.is_ack) refused.push_back(confirmation.sequence);
    }
    EXPECT_THAT(refused, ElementsAre(2u));
    owner.consume("q", "c", /*no_ack=*/true);
    publish_id(client, {.exchange = "x"}, "b", "b");
    broker.settle();
    EXPECT_EQ(bodies(owner), (std::vector<std::string>{"a", "b"}));
  });
}

TEST(DeduplicatingExchange, is_one_wherever_the_message_comes_from) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    // Two gates in a circle, behind two plain ways to the first.
    declare_exchange(owner, "front", "direct");
    declare_exchange(owner, "spare", "direct", {{"alternate-exchange", "gate"}});
    declare_exchange(owner, "gate", "fanout", {{"x-message-deduplication", true}});
    declare_exchange(owner, "next", "fanout", {{"x-message-deduplication", true}});
    owner.declare("q");
    for (const auto& [from, to] :
         {std::pair("front", "gate"), std::pair("gate", "next"), std::pair("next", "gate")}) {
      owner.call<amqp::ExchangeBindOk>(
          1, amqp::ExchangeBind{.destination = to, .source = from, .routing_key = "k"});
    }
    bind(owner, "q", "next");
    client.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    publish_id(client, {.exchange = "front", .routing_key = "k"}, "a");
    broker.settle();
    publish_id(client, {.exchange = "spare", .routing_key = "k"}, "a");
    client.publish(1, {.exchange = "gate", .mandatory = true}, "without an id");
    broker.settle();
    EXPECT_EQ(confirmed(client), 3u);
    EXPECT_THAT(client.take_returns(), IsEmpty());
    EXPECT_EQ(broker.totals().ready, 2u);
    // Behind the last gate is nobody: it comes back once.
    owner.call<amqp::QueueUnbindOk>(1, amqp::QueueUnbind{.queue = "q", .exchange = "next"});
    client.publish(1, {.exchange = "gate", .mandatory = true}, "without an id");
    broker.settle();
    EXPECT_THAT(client.take_returns(), SizeIs(1));
    EXPECT_EQ(confirmed(client), 4u);
  });
}

TEST(DeduplicatingExchange, in_a_circle_lets_nobody_wait_for_ever) {
  for_each_world([](TestBroker& broker, World world) {
    Guest one(broker, world.worker(0));
    Guest other(broker, world.worker(1));
    constexpr int gates = 4;
    const auto gate = [](int i) { return "gate " + std::to_string(i % gates); };
    for (int i = 0; i < gates; ++i) {
      declare_exchange(one, gate(i), "fanout", {{"x-message-deduplication", true}});
    }
    for (int i = 0; i < gates; ++i) {
      one.call<amqp::ExchangeBindOk>(
          1, amqp::ExchangeBind{.destination = gate(i + 1), .source = gate(i)});
    }
    one.declare("q");
    bind(one, "q", gate(0).c_str());
    constexpr std::uint64_t messages = 20;
    for (TestClient* client : {&static_cast<TestClient&>(one), &static_cast<TestClient&>(other)}) {
      client->call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    }
    for (std::uint64_t i = 0; i < messages; ++i) {
      const std::string id = std::to_string(i);
      publish_id(one, {.exchange = gate(static_cast<int>(i))}, id.c_str());
      publish_id(other, {.exchange = gate(static_cast<int>(i) + 2)}, id.c_str());
    }
    broker.settle();
    for (TestClient* client : {&static_cast<TestClient&>(one), &static_cast<TestClient&>(other)}) {
      std::set<std::uint64_t> answered;
      for (const Confirmation& answer : client->take_confirmations()) {
        const std::uint64_t first = answer.is_multiple ? 1 : answer.sequence;
        for (std::uint64_t i = first; i <= answer.sequence; ++i) answered.insert(i);
      }
      EXPECT_THAT(answered, SizeIs(messages));
    }
    for (unsigned worker = 0; worker < broker.worker_count(); ++worker) {
      EXPECT_EQ(broker.shard(worker).gates().on_the_way(), 0u);
    }
  });
}

TEST(DeduplicatingExchange, commits_a_transaction_and_gives_back_at_its_end) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    declare_exchange(owner, "x", "direct", {{"x-message-deduplication", true}});
    owner.declare("q");
    bind(owner, "q", "x", "k");
    client.call<amqp::TxSelectOk>(1, amqp::TxSelect{});
    publish_id(client, {.exchange = "x", .routing_key = "k"}, "a");
    client.call<amqp::TxRollbackOk>(1, amqp::TxRollback{});
    for (const char* id : {"a", "a", "b"}) {
      publish_id(client, {.exchange = "x", .routing_key = "k", .mandatory = true}, id);
    }
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 0u);
    client.send(1, amqp::TxCommit{});
    while (client.has_no_answer(1)) ASSERT_TRUE(broker.step());
    client.take<amqp::TxCommitOk>(1);
    EXPECT_EQ(broker.totals().ready, 2u);
    EXPECT_THAT(client.take_returns(), SizeIs(1));  // The duplicate.
  });
}

TEST(DeduplicatingExchange, lets_dead_letters_through) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    declare_exchange(owner, "x", "fanout", {{"x-message-deduplication", true}});
    declare(owner, "q", {{"x-dead-letter-exchange", "x"}});
    bind(owner, "q", "x");
    publish_id(client, {.exchange = "x"}, "a", "a");
    client.consume("q", "c");
    broker.settle();
    ASSERT_EQ(bodies(client), std::vector<std::string>{"a"});
    client.send(1, amqp::BasicReject{.delivery_tag = 1, .requeue = false});
    broker.settle();
    EXPECT_EQ(bodies(client), std::vector<std::string>{"a"});
    publish_id(client, {.exchange = "x"}, "a", "again");
    broker.settle();
    EXPECT_THAT(client.take_deliveries(), IsEmpty());
  });
}

TEST(DeduplicatingExchange, has_all_keys_of_a_message) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    declare_exchange(owner, "x", "direct", {{"x-message-deduplication", true}});
    for (const char* queue : {"a", "b", "c"}) {
      owner.declare(queue);
      bind(owner, queue, "x", queue);
    }
    const std::vector<std::byte> properties = with_headers({{"x-deduplication-header", 1},
                                                            {"CC", amqp::FieldArray{"b"}},
                                                            {"BCC", amqp::FieldArray{"c"}}});
    for (int i = 0; i < 2; ++i) {
      client.publish(1, {.exchange = "x", .routing_key = "a", .properties = properties}, "m");
    }
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 3u);
  });
}

TEST(DeduplicatingExchange, begins_anew_when_it_is_declared_anew) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    owner.declare("q");
    for (int i = 0; i < 2; ++i) {
      declare_exchange(owner, "x", "x-message-deduplication", {{"x-cache-size", 10}});
      bind(owner, "q", "x");
      publish_id(owner, {.exchange = "x"}, "a");
      publish_id(owner, {.exchange = "x"}, "a");
      broker.settle();
      owner.call<amqp::ExchangeDeleteOk>(1, amqp::ExchangeDelete{.exchange = "x"});
    }
    EXPECT_EQ(broker.totals().ready, 2u);
  });
}

TEST(DeduplicatingExchange, is_another_with_another_cache) {
  TestBroker broker;
  Guest client(broker, 0);
  declare_exchange(client, "x", "x-message-deduplication", {{"x-cache-size", 10}});
  const std::vector<std::byte> other = FieldTable{{"x-cache-size", 20}}.to_raw();
  client.send(1, amqp::ExchangeDeclare{.exchange = "x",
                                       .type = "x-message-deduplication",
                                       .arguments = amqp::RawTable(other)});
  broker.settle();
  EXPECT_EQ(client.take_close(1),
            "406 PRECONDITION_FAILED - inequivalent arg 'x-cache-size' for exchange 'x' in vhost "
            "'/': received '20' but current is '10' (40.10)");
}

}  // namespace
}  // namespace leveret::testing
