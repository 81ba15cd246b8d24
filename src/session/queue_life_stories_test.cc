// SPDX-License-Identifier: Apache-2.0
//
// What clients see of messages that grow old, of queues that are full or forgotten, and of dead
// letters, over one worker and several.
#include "amqp/field_table.h"
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldTable;
using ::testing::ElementsAre;
using namespace std::chrono_literals;

void declare(TestClient& client, std::string_view queue, const FieldTable& arguments) {
  const std::vector<std::byte> raw = arguments.to_raw();
  client.declare(queue, {.arguments = amqp::RawTable(raw)});
}
std::uint32_t ready(TestClient& client, std::string_view queue) {
  return client.call<amqp::QueueDeclareOk>(1, amqp::QueueDeclare{.queue = queue, .passive = true})
      .message_count;
}
void let_pass(TestBroker& broker, Duration by) {
  broker.clock().advance(by);
  broker.settle();
}
std::vector<std::string> bodies(const std::vector<Content>& contents) {
  std::vector<std::string> texts;
  texts.reserve(contents.size());
  for (const Content& content : contents) texts.push_back(content.body);
  return texts;
}
/// "expired q 1" of the first death of each.
std::vector<std::string> deaths(const std::vector<Content>& contents) {
  std::vector<std::string> texts;
  for (const Content& content : contents) {
    const auto bytes =
        std::as_bytes(std::span(content.properties.data(), content.properties.size()));
    const FieldTable headers = *FieldTable::decode(*amqp::peek_headers(bytes));
    const amqp::FieldArray& all = *headers.find("x-death")->as_array();
    const FieldTable& death = *all.values[0].as_table();
    texts.push_back(fmt::format("{} {} {}", *death.find("reason")->as_string(),
                                *death.find("queue")->as_string(),
                                *death.find("count")->as_integer()));
  }
  return texts;
}
std::vector<std::byte> with_expiration(std::string_view text) {
  amqp::BasicProperties properties;
  properties.expiration = text;
  return properties.to_raw();
}

TEST(Expiry, takes_messages_that_are_too_old) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare(owner, "q", {{"x-message-ttl", std::int32_t{1000}}});
    owner.declare("plain");
    const std::vector<std::byte> soon = with_expiration("500");
    publisher.publish(1, {.routing_key = "q"}, "a");
    publisher.publish(1, {.routing_key = "plain", .properties = soon}, "b");
    publisher.publish(1, {.routing_key = "plain"}, "c");
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 3u);

    let_pass(broker, 500ms);
    EXPECT_EQ(ready(publisher, "plain"), 1u);
    EXPECT_EQ(ready(publisher, "q"), 1u);
    let_pass(broker, 500ms);
    EXPECT_EQ(broker.totals().ready, 1u);
  });
}

TEST(Expiry, of_0_leaves_a_message_to_a_consumer_that_waits) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest consumer(broker, world.worker(0));
    Guest publisher(broker, world.worker(2));
    declare(owner, "q", {{"x-message-ttl", std::int32_t{0}}});
    publisher.publish(1, {.routing_key = "q"}, "nobody is there");
    broker.settle();
    EXPECT_EQ(ready(owner, "q"), 0u);
    consumer.consume("q", "c", /*no_ack=*/true);
    publisher.publish(1, {.routing_key = "q"}, "for the consumer");
    broker.settle();
    EXPECT_THAT(bodies(consumer.take_deliveries()), ElementsAre("for the consumer"));
  });
}

TEST(Expiry, takes_messages_behind_one_that_lives_longer_if_the_queue_says_so) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    for (const auto& [queue, anywhere] : {std::pair("head", false), std::pair("any", true)}) {
      declare(owner, std::string("dead.") + queue, {});
      declare(owner, queue,
              {{"x-expire-anywhere", anywhere},
               {"x-dead-letter-exchange", ""},
               {"x-dead-letter-routing-key", std::string("dead.") + queue}});
      for (const auto& [expiration, body] :
           {std::pair("5000", "long"), std::pair("500", "short"), std::pair("1000", "middle")}) {
        const std::vector<std::byte> properties = with_expiration(expiration);
        publisher.publish(1, {.routing_key = queue, .properties = properties}, body);
      }
    }
    broker.settle();
    let_pass(broker, 500ms);
    EXPECT_EQ(ready(owner, "head"), 3u);
    EXPECT_EQ(ready(owner, "any"), 2u);
    EXPECT_EQ(ready(owner, "dead.any"), 1u);
    let_pass(broker, 500ms);
    EXPECT_EQ(ready(owner, "any"), 1u);
    owner.consume("dead.any", "c", /*no_ack=*/true);
    const std::vector<Content> dead = owner.take_deliveries();
    EXPECT_THAT(bodies(dead), ElementsAre("short", "middle"));
    EXPECT_THAT(deaths(dead), ElementsAre("expired any 1", "expired any 1"));
    // What was delivered expires when it comes back.
    owner.send(1, amqp::BasicGet{.queue = "any"});
    broker.settle();
    ASSERT_TRUE(owner.take_got());
    let_pass(broker, 4000ms);
    EXPECT_EQ(broker.totals().unacked, 1u);
    owner.call<amqp::BasicRecoverOk>(1, amqp::BasicRecover{.requeue = true});
    EXPECT_THAT(bodies(owner.take_deliveries()), ElementsAre("long"));
  });
}

/// Its declaration is not on disk yet, so what is asked of it waits.
TEST(Consumer, that_goes_before_its_queue_is_ready_is_not_looked_at) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    auto consumer = std::make_unique<Guest>(broker, world.worker(1));
    owner.declare("first", {.durable = true});  // Numbers for queues are on disk now.
    const std::vector<std::byte> raw =
        FieldTable{{"x-max-length", std::int32_t{1}}, {"x-overflow", "reject-publish"}}.to_raw();
    owner.send(1,
               amqp::QueueDeclare{.queue = "q", .durable = true, .arguments = amqp::RawTable(raw)});
    broker.run_steps(40);
    consumer->send(1, amqp::BasicConsume{.queue = "q", .consumer_tag = "c"});
    broker.run_steps(40);
    for (int i = 0; i < 2; ++i) publisher.publish(1, {.routing_key = "q"}, "m");
    broker.run_steps(40);
    consumer->cut();
    broker.settle();
    consumer.reset();
    for (int i = 0; i < 2; ++i) publisher.publish(1, {.routing_key = "q"}, "m");
    broker.settle();
    EXPECT_LE(broker.totals().ready, 1u);
    EXPECT_EQ(broker.totals().consumers, 0u);
  });
}

TEST(Expiry, anywhere_goes_with_priorities) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    declare(owner, "q", {{"x-expire-anywhere", true}, {"x-max-priority", std::int32_t{3}}});
    for (const std::uint8_t priority : {0, 3, 1, 9}) {
      amqp::BasicProperties properties;
      properties.priority = priority;
      properties.expiration = priority == 1 ? "500" : "5000";
      const std::vector<std::byte> encoded = properties.to_raw();
      owner.publish(1, {.routing_key = "q", .properties = encoded}, std::to_string(priority));
    }
    broker.settle();
    let_pass(broker, 500ms);
    owner.consume("q", "c", /*no_ack=*/true);
    EXPECT_THAT(bodies(owner.take_deliveries()), ElementsAre("3", "9", "0"));
  });
}

TEST(Expiry, of_a_queue_comes_when_nobody_has_used_it_for_so_long) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest other(broker, world.worker(2));
    declare(owner, "q", {{"x-expires", std::int32_t{1000}}});
    let_pass(broker, 999ms);
    EXPECT_EQ(ready(other, "q"), 0u);  // That uses it.
    let_pass(broker, 999ms);
    EXPECT_TRUE(broker.has_queue("q"));
    other.consume("q", "c");
    let_pass(broker, 5000ms);
    EXPECT_TRUE(broker.has_queue("q"));
    other.call<amqp::BasicCancelOk>(1, amqp::BasicCancel{.consumer_tag = "c"});
    let_pass(broker, 999ms);
    EXPECT_TRUE(broker.has_queue("q"));
    let_pass(broker, 1ms);
    EXPECT_FALSE(broker.has_queue("q"));
  });
}

TEST(Limit, keeps_the_newest_messages) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare(owner, "q", {{"x-max-length", std::int32_t{2}}});
    for (const char* body : {"a", "b", "c"}) publisher.publish(1, {.routing_key = "q"}, body);
    broker.settle();
    owner.consume("q", "c", /*no_ack=*/true);
    broker.settle();
    EXPECT_THAT(bodies(owner.take_deliveries()), ElementsAre("b", "c"));
  });
}

TEST(Limit, refuses_publishes_to_a_full_queue) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare(owner, "q", {{"x-max-length", std::int32_t{1}}, {"x-overflow", "reject-publish"}});
    publisher.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    for (const char* body : {"a", "b"}) {
      publisher.publish(1, {.routing_key = "q"}, body);
      broker.settle();
    }
    const auto confirmations = publisher.take_confirmations();
    ASSERT_EQ(confirmations.size(), 2u);
    EXPECT_TRUE(confirmations[0].is_ack);
    EXPECT_FALSE(confirmations[1].is_ack);
    EXPECT_EQ(ready(owner, "q"), 1u);
  });
}

TEST(DeadLetters, of_every_reason_reach_the_queues_of_their_exchange) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest reader(broker, world.worker(0));
    Guest publisher(broker, world.worker(2));
    owner.call<amqp::ExchangeDeclareOk>(1,
                                        amqp::ExchangeDeclare{.exchange = "dlx", .type = "fanout"});
    declare(owner, "q",
            {{"x-dead-letter-exchange", "dlx"},
             {"x-message-ttl", std::int32_t{1000}},
             {"x-max-length", std::int32_t{2}}});
    for (const char* queue : {"dead", "copy"}) {
      reader.declare(queue);
      reader.call<amqp::QueueBindOk>(1, amqp::QueueBind{.queue = queue, .exchange = "dlx"});
    }
    reader.consume("dead", "c", /*no_ack=*/true);
    for (const char* body : {"a", "b", "c"}) publisher.publish(1, {.routing_key = "q"}, body);
    broker.settle();
    publisher.call<amqp::BasicQosOk>(1, amqp::BasicQos{.prefetch_count = 1});
    publisher.consume("q", "p");
    broker.settle();
    const auto taken = publisher.take_deliveries();
    ASSERT_THAT(bodies(taken), ElementsAre("b"));
    publisher.call<amqp::BasicCancelOk>(1, amqp::BasicCancel{.consumer_tag = "p"});
    publisher.send(1, amqp::BasicReject{.delivery_tag = taken[0].delivery_tag, .requeue = false});
    broker.settle();
    let_pass(broker, 1000ms);

    const auto letters = reader.take_deliveries();
    EXPECT_THAT(bodies(letters), ElementsAre("a", "b", "c"));
    EXPECT_THAT(deaths(letters), ElementsAre("maxlen q 1", "rejected q 1", "expired q 1"));
    for (const Content& letter : letters) {
      EXPECT_EQ(letter.exchange, "dlx");
      EXPECT_EQ(letter.routing_key, "q");
      EXPECT_FALSE(letter.is_redelivered);
    }
    EXPECT_EQ(ready(reader, "copy"), 3u);
    EXPECT_EQ(ready(owner, "q"), 0u);
    EXPECT_EQ(broker.totals().unacked, 0u);
    EXPECT_EQ(broker.totals().dying, 0u);
  });
}

TEST(DeadLetters, that_go_nowhere_are_gone) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    declare(owner, "q", {{"x-dead-letter-exchange", "nothing"}, {"x-max-length", std::int32_t{0}}});
    declare(owner, "r",
            {{"x-dead-letter-exchange", ""},
             {"x-dead-letter-routing-key", "nobody"},
             {"x-max-length", std::int32_t{0}}});
    owner.publish(1, {.routing_key = "q"}, "a");
    owner.publish(1, {.routing_key = "r"}, "b");
    broker.settle();
    EXPECT_EQ(broker.totals().ready + broker.totals().dying, 0u);
  });
}

TEST(DeadLetters, do_not_go_round_by_themselves) {
  for_each_world([](TestBroker& broker, World world) {
    Guest first(broker, world.worker(0));
    Guest second(broker, world.worker(1));
    declare(first, "a",
            {{"x-dead-letter-exchange", ""},
             {"x-dead-letter-routing-key", "b"},
             {"x-message-ttl", std::int32_t{10}}});
    declare(second, "b",
            {{"x-dead-letter-exchange", ""},
             {"x-dead-letter-routing-key", "a"},
             {"x-message-ttl", std::int32_t{10}}});
    first.publish(1, {.routing_key = "a"}, "m");
    broker.settle();
    let_pass(broker, 10ms);
    EXPECT_EQ(ready(first, "b"), 1u);
    let_pass(broker, 10ms);
    EXPECT_EQ(broker.totals().ready, 0u);
    EXPECT_EQ(broker.totals().dying, 0u);
  });
}

TEST(DeadLetters, may_go_round_when_somebody_rejects_them) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest consumer(broker, world.worker(2));
    declare(owner, "q", {{"x-dead-letter-exchange", ""}});
    consumer.consume("q", "c");
    owner.publish(1, {.routing_key = "q"}, "m");
    broker.settle();
    for (int round = 1; round <= 3; ++round) {
      const auto came = consumer.take_deliveries();
      ASSERT_EQ(came.size(), 1u);
      if (round > 1) {
        EXPECT_THAT(deaths(came), ElementsAre(fmt::format("rejected q {}", round - 1)));
      }
      consumer.send(1, amqp::BasicReject{.delivery_tag = came[0].delivery_tag, .requeue = false});
      broker.settle();
    }
  });
}

TEST(DeadLetters, of_refused_publishes_are_sent_too_when_the_queue_says_so) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare(owner, "q",
            {{"x-max-length", std::int32_t{0}},
             {"x-overflow", "reject-publish-dlx"},
             {"x-dead-letter-exchange", ""},
             {"x-dead-letter-routing-key", "dead"}});
    owner.declare("dead");
    publisher.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    publisher.publish(1, {.routing_key = "q"}, "a");
    broker.settle();
    const auto confirmations = publisher.take_confirmations();
    ASSERT_EQ(confirmations.size(), 1u);
    EXPECT_FALSE(confirmations[0].is_ack);
    EXPECT_EQ(ready(owner, "dead"), 1u);
  });
}

TEST(DeadLetters, of_refused_publishes_go_along_as_many_queues_as_there_are) {
  constexpr int count = 500;
  TestBroker broker({.workers = 2});
  Guest owner(broker, 1);
  for (int i = 0; i < count; ++i) {
    declare(owner, fmt::format("q{}", i),
            {{"x-max-length", std::int32_t{0}},
             {"x-overflow", "reject-publish-dlx"},
             {"x-dead-letter-exchange", ""},
             {"x-dead-letter-routing-key", std::string_view(fmt::format("q{}", i + 1))}});
  }
  owner.declare(fmt::format("q{}", count));
  owner.publish(1, {.routing_key = "q0"}, "a");
  broker.settle();
  EXPECT_EQ(ready(owner, fmt::format("q{}", count)), 1u);
}

TEST(DeadLetters, are_gone_when_their_queue_is_full_and_refuses) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest other(broker, world.worker(0));
    declare(owner, "q",
            {{"x-max-length", std::int32_t{0}},
             {"x-dead-letter-exchange", ""},
             {"x-dead-letter-routing-key", "full"}});
    declare(other, "full", {{"x-max-length", std::int32_t{0}}, {"x-overflow", "reject-publish"}});
    owner.publish(1, {.routing_key = "q"}, "a");
    broker.settle();
    EXPECT_EQ(broker.totals().ready + broker.totals().dying, 0u);
  });
}

TEST(DeadLetters, outlive_the_queue_they_died_in) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest other(broker, world.worker(0));
    declare(owner, "q",
            {{"x-max-length", std::int32_t{0}},
             {"x-dead-letter-exchange", ""},
             {"x-dead-letter-routing-key", "dead"}});
    other.declare("dead");
    owner.publish(1, {.routing_key = "q"}, "a");
    owner.send(1, amqp::QueueDelete{.queue = "q", .no_wait = true});
    broker.settle();
    EXPECT_FALSE(broker.has_queue("q"));
    EXPECT_LE(ready(other, "dead"), 1u);
    EXPECT_EQ(broker.totals().dying, 0u);
  });
}

void set_policy(TestBroker& broker, std::string_view name, std::string_view pattern,
                const FieldTable& definition, bool is_operator = false) {
  const auto set = broker.ask<std::expected<void, AdminRefusal>>(0, [&](auto answer) {
    broker.registry().set_policy({.vhost = "/",
                                  .name = std::string(name),
                                  .pattern = std::string(pattern),
                                  .apply_to = "all",
                                  .priority = 0,
                                  .is_operator = is_operator},
                                 definition, std::move(answer));
  });
  ASSERT_TRUE(set.has_value()) << set.error().text;
}
void clear_policy(TestBroker& broker, const std::string& name, bool is_operator = false) {
  const auto cleared = broker.ask<std::expected<void, AdminRefusal>>(0, [&](auto answer) {
    broker.registry().clear_policy("/", name, is_operator, std::move(answer));
  });
  ASSERT_TRUE(cleared.has_value()) << cleared.error().text;
}

TEST(Policy, gives_limits_and_dead_letters_to_the_queues_it_matches_while_they_live) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    declare(owner, "q1", {});
    declare(owner, "q2", {{"x-max-length", std::int32_t{1}}});
    owner.declare("dead");
    set_policy(broker, "p", "^q",
               {{"max-length", std::int32_t{2}},
                {"dead-letter-exchange", ""},
                {"dead-letter-routing-key", "dead"}});
    for (const char* queue : {"q1", "q2"}) {
      for (const char* body : {"a", "b", "c"}) owner.publish(1, {.routing_key = queue}, body);
    }
    broker.settle();
    EXPECT_EQ(ready(owner, "q1"), 2u);
    EXPECT_EQ(ready(owner, "q2"), 1u);  // The lower of both.
    EXPECT_EQ(ready(owner, "dead"), 3u);
    clear_policy(broker, "p");
    for (const char* body : {"a", "b", "c"}) owner.publish(1, {.routing_key = "q1"}, body);
    broker.settle();
    EXPECT_EQ(ready(owner, "q1"), 5u);
    EXPECT_EQ(ready(owner, "dead"), 3u);
  });
}

TEST(Policy, of_an_operator_limits_what_the_others_say) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    declare(owner, "q", {});
    set_policy(broker, "p", "^q",
               {{"max-length", std::int32_t{5}}, {"overflow", "reject-publish"}});
    set_policy(broker, "p", "", {{"max-length", std::int32_t{2}}}, /*is_operator=*/true);
    for (const char* body : {"a", "b", "c"}) owner.publish(1, {.routing_key = "q"}, body);
    broker.settle();
    EXPECT_EQ(ready(owner, "q"), 2u);
    clear_policy(broker, "p", /*is_operator=*/true);
    for (const char* body : {"d", "e", "f", "g", "h"}) {
      owner.publish(1, {.routing_key = "q"}, body);
    }
    broker.settle();
    EXPECT_EQ(ready(owner, "q"), 5u);
  });
}

TEST(Policy, gives_an_alternate_exchange_to_exchanges_old_and_new) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest other(broker, world.worker(0));
    const auto declare_exchange = [&](const char* name, const FieldTable& arguments) {
      const std::vector<std::byte> raw = arguments.to_raw();
      owner.call<amqp::ExchangeDeclareOk>(
          1, amqp::ExchangeDeclare{
                 .exchange = name, .type = "direct", .arguments = amqp::RawTable(raw)});
    };
    declare_exchange("x.old", {});
    declare_exchange("x.own", {{"alternate-exchange", "amq.topic"}});
    declare(owner, "lost", {});
    owner.call<amqp::QueueBindOk>(1, amqp::QueueBind{.queue = "lost", .exchange = "amq.fanout"});
    set_policy(broker, "p", "^x", {{"alternate-exchange", "amq.fanout"}});
    declare_exchange("x.new", {});
    for (const char* exchange : {"x.old", "x.new", "x.own"}) {
      other.publish(1, {.exchange = exchange, .routing_key = "nowhere"}, exchange);
      broker.settle();
    }
    EXPECT_EQ(ready(owner, "lost"), 2u) << "an exchange's own argument goes before the policy";
    clear_policy(broker, "p");
    other.publish(1, {.exchange = "x.old", .routing_key = "nowhere"}, "a");
    broker.settle();
    EXPECT_EQ(ready(owner, "lost"), 2u);
  });
}

}  // namespace
}  // namespace leveret::testing
