// SPDX-License-Identifier: Apache-2.0
//
// Deliveries that nobody acknowledges: how long a consumer, a queue or the node lets them be so,
// and what happens then. Time is the test's.
#include "amqp/field_table.h"
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldTable;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using AdminOutcome = std::expected<void, AdminRefusal>;

SessionOptions node_says(int seconds, TimeoutAction action = TimeoutAction::close_channel) {
  return {.consumer_timeout = std::chrono::seconds(seconds), .consumer_timeout_action = action};
}

void let_pass(TestBroker& broker, int seconds) {
  for (int i = 0; i < seconds; ++i) {
    broker.clock().advance(std::chrono::seconds(1));
    broker.settle();
  }
}

void declare(TestClient& client, std::string_view queue, const FieldTable& arguments) {
  const std::vector<std::byte> raw = arguments.to_raw();
  client.declare(queue, {.arguments = amqp::RawTable(raw)});
}

void consume(TestClient& client, std::string_view queue, const FieldTable& arguments = {}) {
  const std::vector<std::byte> raw = arguments.to_raw();
  client.call<amqp::BasicConsumeOk>(
      1, amqp::BasicConsume{.queue = queue, .consumer_tag = "c", .arguments = amqp::RawTable(raw)});
}

void set_policy(TestBroker& broker, const FieldTable& definition) {
  const auto done = broker.ask<AdminOutcome>(0, [&](auto answer) {
    broker.registry().set_policy({.vhost = "/",
                                  .name = "p",
                                  .pattern = ".*",
                                  .apply_to = "queues",
                                  .definition = encoded_table(definition)},
                                 definition, std::move(answer));
  });
  ASSERT_TRUE(done) << done.error().text;
}

std::string timed_out(int ms) {
  return "406 PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value "
         "used: " +
         std::to_string(ms) +
         " ms. This timeout value can be configured, see consumers doc guide to learn more (0.0)";
}

struct Case {
  std::string_view name;
  int node_s = 0;
  std::optional<int> queue_ms;
  std::optional<int> policy_ms;
  std::optional<int> consumer_ms;
  int expected_ms = 0;  ///< 0: never.
};

constexpr Case cases[] = {
    {"the node's", 16, {}, {}, {}, 16000},
    {"the queue's before the node's", 16, 8000, {}, {}, 8000},
    {"a longer one of the queue's before the node's", 8, 16000, {}, {}, 16000},
    {"the policy's before the node's", 16, {}, 8000, {}, 8000},
    {"the shorter of queue and policy", 80, 16000, 8000, {}, 8000},
    {"the shorter of queue and policy, the other way round", 80, 8000, 16000, {}, 8000},
    {"the consumer's before all others", 80, 8000, 8000, 16000, 16000},
    {"a queue's where the node has none", 0, 8000, {}, {}, 8000},
    {"a consumer's where the node has none", 0, {}, {}, 8000, 8000},
    {"for ever, says the queue", 8, 0, {}, {}, 0},
    {"for ever, says the consumer", 8, 8000, {}, 0, 0},
    {"for ever is longer than what a policy says", 80, 0, 8000, {}, 8000},
};

TEST(ConsumerTimeout, is_what_the_nearest_says) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    for (const unsigned workers : {1U, 2U}) {
      TestBroker broker({.workers = workers, .seed = 1});
      Guest owner(broker, 0);
      FieldTable of_queue;
      if (one.queue_ms) of_queue.append("x-consumer-timeout", *one.queue_ms);
      declare(owner, "q", of_queue);
      if (one.policy_ms) set_policy(broker, {{"consumer-timeout", *one.policy_ms}});
      Guest client(broker, workers - 1, {.session = node_says(one.node_s)});
      FieldTable of_consumer;
      if (one.consumer_ms) of_consumer.append("x-consumer-timeout", *one.consumer_ms);
      consume(client, "q", of_consumer);
      owner.publish(1, {.routing_key = "q"}, "m");
      broker.settle();
      const int seconds = one.expected_ms / 1000;
      let_pass(broker, seconds == 0 ? 200 : seconds - 1);
      EXPECT_TRUE(client.has_no_answer(1));
      if (seconds == 0) continue;
      let_pass(broker, seconds / 4 + 2);
      EXPECT_EQ(client.take_close(1), timed_out(one.expected_ms));
      EXPECT_EQ(broker.totals().ready, 1U);
    }
  }
}

TEST(ConsumerTimeout, may_come_by_a_policy_while_the_delivery_is_out) {
  TestBroker broker;
  Guest client(broker, 0, {.session = node_says(0)});
  client.declare("q");
  consume(client, "q");
  client.publish(1, {.routing_key = "q"}, "m");
  broker.settle();
  set_policy(broker, {{"consumer-timeout", 8000}});
  let_pass(broker, 500);
  EXPECT_EQ(client.take_close(1), timed_out(8000));
}

TEST(ConsumerTimeout, is_each_consumers_own_on_one_channel) {
  TestBroker broker;
  Guest client(broker, 0, {.session = node_says(80, TimeoutAction::requeue)});
  client.declare("slow");
  declare(client, "quick", {{"x-consumer-timeout", 8000}});
  client.consume("slow", "s");
  client.consume("quick", "q");
  client.publish(1, {.routing_key = "slow"}, "s");
  client.publish(1, {.routing_key = "quick"}, "q");
  broker.settle();
  ASSERT_EQ(client.take_deliveries().size(), 2U);
  let_pass(broker, 12);
  const std::vector<Content> again = client.take_deliveries();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].body, "q");
  EXPECT_TRUE(again[0].is_redelivered);
  client.ack(1, again[0].delivery_tag);
  let_pass(broker, 60);
  EXPECT_THAT(client.take_deliveries(), IsEmpty());
  let_pass(broker, 30);
  ASSERT_EQ(client.take_deliveries().size(), 1U) << "and the slow one by the node's";
  EXPECT_TRUE(client.has_no_answer(1));
}

TEST(ConsumerTimeout, may_return_the_one_delivery_and_leave_the_channel) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(0), {.session = node_says(8, TimeoutAction::requeue)});
    Guest other(broker, world.worker(1));
    other.declare("q");
    client.call<amqp::BasicQosOk>(1, amqp::BasicQos{.prefetch_count = 2});
    client.consume("q", "c");
    for (const char* body : {"a", "b"}) other.publish(1, {.routing_key = "q"}, body);
    broker.settle();
    const std::vector<Content> first = client.take_deliveries();
    ASSERT_EQ(first.size(), 2U);
    client.ack(1, first[1].delivery_tag);
    let_pass(broker, 11);
    const std::vector<Content> again = client.take_deliveries();
    ASSERT_EQ(again.size(), 1U) << "it came back, and the prefetch was free for it";
    EXPECT_EQ(again[0].body, "a");
    EXPECT_TRUE(again[0].is_redelivered);

    client.ack(1, first[0].delivery_tag);  // Too late, and no error.
    broker.settle();
    EXPECT_TRUE(client.has_no_answer(1));
    EXPECT_EQ(broker.totals().unacked, 1U) << "the second delivery is not settled by it";
    client.ack(1, again[0].delivery_tag);
    broker.settle();
    EXPECT_EQ(broker.totals().unacked, 0U);
    EXPECT_EQ(broker.totals().ready, 0U);
    client.ack(1, again[0].delivery_tag + 1);  // There never was one.
    broker.settle();
    EXPECT_THAT(client.take_close(1), HasSubstr("unknown delivery tag"));
  });
}

TEST(ConsumerTimeout, that_returns_deliveries_lets_multiple_acks_settle_the_rest) {
  TestBroker broker;
  Guest client(broker, 0, {.session = node_says(80)});
  declare(client, "quick",
          {{"x-consumer-timeout", 8000}, {"x-consumer-timeout-action", "requeue"}});
  client.declare("slow");
  client.publish(1, {.routing_key = "slow"}, "s");
  client.publish(1, {.routing_key = "quick"}, "q");
  client.send(1, amqp::BasicGet{.queue = "slow"});
  client.send(1, amqp::BasicGet{.queue = "quick"});
  broker.settle();
  let_pass(broker, 11);
  EXPECT_EQ(broker.totals().ready, 1U) << "a get's delivery has a timeout as well";
  client.ack(1, 2, /*is_multiple=*/true);
  broker.settle();
  EXPECT_TRUE(client.has_no_answer(1));
  EXPECT_EQ(broker.totals().unacked, 0U);
  EXPECT_EQ(broker.totals().ready, 1U);
}

TEST(ConsumerTimeout, that_returns_a_delivery_counts_as_a_return) {
  TestBroker broker;
  Guest client(broker, 0, {.session = node_says(8)});
  client.declare("dead");
  const std::vector<std::byte> arguments = FieldTable{
      {"x-consumer-timeout-action", "requeue"},
      {"x-delivery-limit", 1},
      {"x-dead-letter-exchange", ""},
      {"x-dead-letter-routing-key", "dead"}}.to_raw();
  client.declare("q", {.arguments = amqp::RawTable(arguments)});
  client.consume("q", "c");
  client.publish(1, {.routing_key = "q"}, "m");
  let_pass(broker, 11);
  EXPECT_EQ(client.take_deliveries().size(), 2U);
  let_pass(broker, 11);
  EXPECT_THAT(client.take_deliveries(), IsEmpty());
  client.send(1, amqp::BasicGet{.queue = "dead", .no_ack = true});
  broker.settle();
  EXPECT_EQ(client.take_got().value().body, "m");
  EXPECT_TRUE(client.has_no_answer(1));
}

TEST(ConsumerTimeout, has_an_action_of_the_queue_before_the_nodes) {
  for (const bool is_by_policy : {false, true}) {
    TestBroker broker;
    Guest client(broker, 0, {.session = node_says(8, TimeoutAction::requeue)});
    const FieldTable own{{"x-consumer-timeout-action", "close_channel"}};
    declare(client, "q", is_by_policy ? FieldTable() : own);
    if (is_by_policy) set_policy(broker, {{"consumer-timeout-action", "close_channel"}});
    client.consume("q", "c");
    client.publish(1, {.routing_key = "q"}, "m");
    let_pass(broker, 11);
    EXPECT_EQ(client.take_close(1), timed_out(8000));
  }
}

TEST(ConsumerTimeout, of_what_a_transaction_has_acknowledged_has_been_met) {
  TestBroker broker;
  Guest client(broker, 0, {.session = node_says(8, TimeoutAction::requeue)});
  client.declare("q");
  client.consume("q", "c");
  client.call<amqp::TxSelectOk>(1, amqp::TxSelect{});
  client.publish(1, {.routing_key = "q"}, "m");
  client.call<amqp::TxCommitOk>(1, amqp::TxCommit{});
  broker.settle();
  const std::vector<Content> first = client.take_deliveries();
  ASSERT_EQ(first.size(), 1U);
  client.ack(1, first[0].delivery_tag);
  let_pass(broker, 20);
  EXPECT_THAT(client.take_deliveries(), IsEmpty());
  client.call<amqp::TxRollbackOk>(1, amqp::TxRollback{});
  let_pass(broker, 11);
  EXPECT_EQ(client.take_deliveries().size(), 1U) << "that was taken back";
  client.ack(1, first[0].delivery_tag);
  client.call<amqp::TxCommitOk>(1, amqp::TxCommit{});
}

TEST(ConsumerTimeout, that_makes_no_sense_is_refused) {
  struct Row {
    FieldTable arguments;
    std::string_view complaint;
  };
  const Row rows[] = {
      {{{"x-consumer-timeout", "8s"}}, "\"expected integer, got longstr\""},
      {{{"x-consumer-timeout", -1}}, "{value_negative,-1}"},
      {{{"x-consumer-timeout", std::int64_t{1} << 50}}, "{value_too_large,1125899906842624}"}};
  for (const Row& row : rows) {
    const std::string said = fmt::format(
        "406 PRECONDITION_FAILED - invalid arg 'x-consumer-timeout' for queue 'q' in vhost '/': {}",
        row.complaint);
    const std::vector<std::byte> raw = row.arguments.to_raw();
    TestBroker broker;
    Guest client(broker, 0);
    client.send(1, amqp::QueueDeclare{.queue = "q", .arguments = amqp::RawTable(raw)});
    broker.settle();
    EXPECT_EQ(client.take_close(1), said + " (50.10)");
    client.send(1, amqp::ChannelCloseOk{});
    client.open_channel(1);
    client.declare("q");
    client.send(1, amqp::BasicConsume{.queue = "q", .arguments = amqp::RawTable(raw)});
    broker.settle();
    EXPECT_EQ(client.take_close(1), said + " (60.20)");
  }
}

}  // namespace
}  // namespace leveret::testing
