// SPDX-License-Identifier: Apache-2.0
//
// x-recent-history: who is bound later hears the last messages.
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <cstddef>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldTable;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

void declare_history(TestClient& client, std::string_view exchange,
                     const FieldTable& arguments = {}) {
  const std::vector<std::byte> encoded = arguments.to_raw();
  client.call<amqp::ExchangeDeclareOk>(
      1,
      amqp::ExchangeDeclare{
          .exchange = exchange, .type = "x-recent-history", .arguments = amqp::RawTable(encoded)});
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

TEST(RecentHistory, is_told_to_who_is_bound_and_then_what_comes) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(0));
    Guest listener(broker, world.worker(1));
    declare_history(publisher, "x", {{"x-recent-history-length", 2}});
    for (const char* body : {"a", "b", "c"}) publisher.publish(1, {.exchange = "x"}, body);
    const std::vector<std::byte> no_store =
        FieldTable{{"x-recent-history-no-store", true}}.to_raw();
    const std::vector<std::byte> properties =
        amqp::BasicProperties{.headers = amqp::RawTable(no_store)}.to_raw();
    publisher.publish(1, {.exchange = "x", .properties = properties}, "not kept");
    broker.settle();
    listener.declare("q");
    listener.consume("q", "c", /*no_ack=*/true);
    bind(listener, "q", "x", "one");
    publisher.publish(1, {.exchange = "x", .properties = properties}, "d");
    broker.settle();
    EXPECT_THAT(bodies(listener), ElementsAre("b", "c", "d"));
    bind(listener, "q", "x", "one");  // It is bound like that.
    EXPECT_THAT(bodies(listener), IsEmpty());
    bind(listener, "q", "x", "two");
    broker.settle();
    EXPECT_THAT(bodies(listener), ElementsAre("b", "c"));
  });
}

TEST(RecentHistory, misses_nothing_and_repeats_nothing_while_a_queue_is_bound) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest near(broker, world.worker(1));
    Guest far(broker, world.worker(2));
    declare_history(owner, "x", {{"x-recent-history-length", 1000}});
    owner.declare("q");
    for (int i = 0; i < 10; ++i) {
      near.publish(1, {.exchange = "x"}, "near");
      far.publish(1, {.exchange = "x"}, "far");
    }
    broker.run_steps(3);
    owner.send(1, amqp::QueueBind{.queue = "q", .exchange = "x"});
    for (int i = 0; i < 10; ++i) {
      near.publish(1, {.exchange = "x"}, "near");
      far.publish(1, {.exchange = "x"}, "far");
      broker.run_steps(2);
    }
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 40u);
  });
}

TEST(RecentHistory, goes_on_by_a_new_binding_to_an_exchange) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    declare_history(owner, "x");
    declare_history(owner, "later");
    owner.call<amqp::ExchangeDeclareOk>(
        1, amqp::ExchangeDeclare{.exchange = "direct", .type = "direct"});
    owner.declare("q");
    bind(owner, "q", "direct", "k");
    owner.publish(1, {.exchange = "x", .routing_key = "k"}, "a");
    owner.publish(1, {.exchange = "x", .routing_key = "other"}, "b");
    owner.publish(1, {.exchange = "x", .routing_key = "k"}, "c");
    broker.settle();
    for (const char* destination : {"direct", "later"}) {
      owner.call<amqp::ExchangeBindOk>(
          1, amqp::ExchangeBind{.destination = destination, .source = "x"});
    }
    owner.consume("q", "c", /*no_ack=*/true);
    broker.settle();
    EXPECT_THAT(bodies(owner), ElementsAre("a", "c"));
    bind(owner, "q", "later");
    broker.settle();
    EXPECT_THAT(bodies(owner), ElementsAre("a", "b", "c"));
  });
}

TEST(RecentHistory, may_be_bound_to_itself) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    declare_history(owner, "x", {{"x-recent-history-length", 300}});
    for (int i = 0; i < 300; ++i) owner.publish(1, {.exchange = "x"}, std::to_string(i));
    broker.settle();
    owner.call<amqp::ExchangeBindOk>(1, amqp::ExchangeBind{.destination = "x", .source = "x"});
    owner.declare("q");
    owner.consume("q", "c", /*no_ack=*/true);
    bind(owner, "q", "x");
    broker.settle();
    // It has forgotten each to remember it again.
    const std::vector<std::string> told = bodies(owner);
    ASSERT_EQ(told.size(), 300u);
    EXPECT_EQ(told.front(), "0");
    EXPECT_EQ(told.back(), "299");
  });
}

TEST(RecentHistory, begins_anew_when_it_is_declared_anew) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    owner.declare("q");
    declare_history(owner, "x");
    owner.publish(1, {.exchange = "x"}, "a");
    broker.settle();
    owner.call<amqp::ExchangeDeleteOk>(1, amqp::ExchangeDelete{.exchange = "x"});
    declare_history(owner, "x");
    bind(owner, "q", "x");
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 0u);
  });
}

}  // namespace
}  // namespace leveret::testing
