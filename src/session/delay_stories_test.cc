// SPDX-License-Identifier: Apache-2.0
//
// What clients see of exchanges that hold messages back, over one worker and several.
#include "amqp/field_table.h"
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

void declare_exchange(TestClient& client, std::string_view name, std::string_view type,
                      const FieldTable& arguments, bool is_durable = false) {
  const std::vector<std::byte> raw = arguments.to_raw();
  client.call<amqp::ExchangeDeclareOk>(
      1,
      amqp::ExchangeDeclare{
          .exchange = name, .type = type, .durable = is_durable, .arguments = amqp::RawTable(raw)});
}
void declare_delayed(TestClient& client, std::string_view name, std::string_view type = "direct") {
  declare_exchange(client, name, "x-delayed-message", {{"x-delayed-type", type}});
}
void bind_queue(TestClient& client, std::string_view queue, std::string_view exchange,
                std::string_view key) {
  client.call<amqp::QueueBindOk>(
      1, amqp::QueueBind{.queue = queue, .exchange = exchange, .routing_key = key});
}
std::vector<std::byte> delayed_by(FieldValue delay, amqp::BasicProperties properties = {}) {
  FieldTable headers;
  headers.append("x-delay", std::move(delay));
  const std::vector<std::byte> raw = headers.to_raw();
  properties.headers = amqp::RawTable(raw);
  return properties.to_raw();
}
void publish(TestClient& client, std::string_view exchange, std::string_view key,
             std::int32_t delay_ms, std::string_view body) {
  const std::vector<std::byte> properties = delayed_by(delay_ms);
  client.publish(1, {.exchange = exchange, .routing_key = key, .properties = properties}, body);
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
FieldTable headers_of(const Content& content) {
  const auto bytes = std::as_bytes(std::span(content.properties.data(), content.properties.size()));
  return *FieldTable::decode(*amqp::peek_headers(bytes));
}
std::uint64_t held_back(TestBroker& broker) {
  std::uint64_t count = 0;
  for (unsigned worker = 0; worker < broker.worker_count(); ++worker) {
    for (const QueueSnapshot& queue : broker.shard(worker).held_back_snapshots()) {
      count += queue.counts.ready + queue.counts.dying;
    }
  }
  return count;
}

TEST(Delay, holds_a_message_back_for_so_long) {
  for_each_world([](TestBroker& broker, World world) {
    Guest consumer(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare_delayed(consumer, "x");
    consumer.declare("q");
    bind_queue(consumer, "q", "x", "k");
    consumer.consume("q", "c", /*no_ack=*/true);
    publish(publisher, "x", "k", 1000, "later");
    publish(publisher, "x", "k", 0, "at once");
    publish(publisher, "x", "k", -5, "at once, too");
    broker.settle();
    EXPECT_THAT(bodies(consumer.take_deliveries()), ElementsAre("at once", "at once, too"));
    EXPECT_EQ(held_back(broker), 1u);
    EXPECT_EQ(broker.totals().ready, 0u);

    let_pass(broker, 999ms);
    EXPECT_THAT(consumer.take_deliveries(), IsEmpty());
    let_pass(broker, 1ms);
    const std::vector<Content> late = consumer.take_deliveries();
    ASSERT_THAT(bodies(late), ElementsAre("later"));
    EXPECT_EQ(late[0].exchange, "x");
    EXPECT_EQ(late[0].routing_key, "k");
    EXPECT_FALSE(late[0].is_redelivered);
    EXPECT_EQ(*headers_of(late[0]).find("x-delay"), FieldValue(std::int32_t{-1000}));
    EXPECT_EQ(held_back(broker), 0u);
  });
}

TEST(Delay, lets_go_what_is_due_first_and_of_those_what_came_first) {
  for_each_world([](TestBroker& broker, World world) {
    Guest consumer(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare_delayed(consumer, "x", "fanout");
    consumer.declare("q");
    bind_queue(consumer, "q", "x", "");
    consumer.consume("q", "c", /*no_ack=*/true);
    for (const auto& [delay_ms, body] : std::vector<std::pair<std::int32_t, std::string>>{
             {500, "a"}, {100, "b"}, {300, "c"}, {200, "d"}, {100, "e"}, {400, "f"}}) {
      publish(publisher, "x", "", delay_ms, body);
    }
    broker.settle();
    for (int i = 0; i < 5; ++i) let_pass(broker, 100ms);
    EXPECT_THAT(bodies(consumer.take_deliveries()), ElementsAre("b", "e", "d", "c", "f", "a"));
  });
}

TEST(Delay, is_confirmed_and_not_returned) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare_delayed(owner, "x");
    publisher.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    const std::vector<std::byte> later = delayed_by(std::int32_t{1000});
    publisher.publish(
        1, {.exchange = "x", .routing_key = "nobody", .mandatory = true, .properties = later}, "a");
    publisher.publish(1, {.exchange = "x", .routing_key = "nobody", .mandatory = true}, "b");
    broker.settle();
    EXPECT_THAT(bodies(publisher.take_returns()), ElementsAre("b"));
    std::uint64_t confirmed = 0;
    for (const Confirmation& one : publisher.take_confirmations()) {
      EXPECT_TRUE(one.is_ack);
      confirmed = std::max(confirmed, one.sequence);
    }
    EXPECT_EQ(confirmed, 2u);
    let_pass(broker, 1000ms);  // Nobody is there for it.
    EXPECT_THAT(publisher.take_returns(), IsEmpty());
    EXPECT_EQ(held_back(broker), 0u);
  });
}

TEST(Delay, waits_for_the_commit_of_a_transaction) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare_delayed(owner, "x");
    publisher.call<amqp::TxSelectOk>(1, amqp::TxSelect{});
    publish(publisher, "x", "k", 1000, "a");
    broker.settle();
    EXPECT_EQ(held_back(broker), 0u);
    publisher.call<amqp::TxCommitOk>(1, amqp::TxCommit{});
    EXPECT_EQ(held_back(broker), 1u);
  });
}

TEST(Delay, is_routed_by_the_bindings_that_there_are_then) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare_delayed(owner, "x", "topic");
    for (const std::string_view queue : {"before", "after"}) owner.declare(queue);
    bind_queue(owner, "before", "x", "a.*");
    publish(publisher, "x", "a.b", 1000, "m");
    broker.settle();
    owner.call<amqp::QueueUnbindOk>(
        1, amqp::QueueUnbind{.queue = "before", .exchange = "x", .routing_key = "a.*"});
    bind_queue(owner, "after", "x", "#.b");
    let_pass(broker, 1000ms);
    owner.consume("before", "before", true);
    owner.consume("after", "after", true);
    const std::vector<Content> got = owner.take_deliveries();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].consumer_tag, "after");
  });
}

TEST(Delay, of_a_message_that_comes_from_another_exchange) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare_exchange(owner, "first", "fanout", {});
    declare_delayed(owner, "x", "fanout");
    owner.call<amqp::ExchangeBindOk>(1, amqp::ExchangeBind{.destination = "x", .source = "first"});
    for (const std::string_view queue : {"direct", "behind"}) owner.declare(queue);
    bind_queue(owner, "direct", "first", "");
    bind_queue(owner, "behind", "x", "");
    owner.consume("direct", "direct", true);
    owner.consume("behind", "behind", true);
    publish(publisher, "first", "k", 1000, "m");
    broker.settle();
    ASSERT_THAT(bodies(owner.take_deliveries()), ElementsAre("m"));
    let_pass(broker, 1000ms);
    const std::vector<Content> late = owner.take_deliveries();
    ASSERT_EQ(late.size(), 1u);
    EXPECT_EQ(late[0].consumer_tag, "behind");
    EXPECT_EQ(late[0].exchange, "first");
  });
}

TEST(Delay, keeps_carbon_copies_and_lets_expiration_begin_afterwards) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare_delayed(owner, "x");
    for (const std::string_view queue : {"a", "b"}) {
      owner.declare(queue);
      bind_queue(owner, queue, "x", queue);
    }
    FieldTable headers;
    headers.append("CC", FieldArray{"b"});
    headers.append("x-delay", std::int32_t{1000});
    const std::vector<std::byte> raw = headers.to_raw();
    amqp::BasicProperties properties;
    properties.headers = amqp::RawTable(raw);
    properties.expiration = "500";
    const std::vector<std::byte> encoded = properties.to_raw();
    publisher.publish(1, {.exchange = "x", .routing_key = "a", .properties = encoded}, "m");
    broker.settle();
    let_pass(broker, 1000ms);
    EXPECT_EQ(broker.totals().ready, 2u);
    let_pass(broker, 500ms);
    EXPECT_EQ(broker.totals().ready, 0u);
  });
}

TEST(Delay, of_an_exchange_of_any_type_by_its_argument) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare_exchange(owner, "x", "direct", {{"x-delayed-exchange", true}});
    declare_exchange(owner, "y", "direct", {{"x-delayed-exchange", false}});
    owner.declare("q");
    bind_queue(owner, "q", "x", "k");
    bind_queue(owner, "q", "y", "k");
    publish(publisher, "x", "k", 1000, "later");
    publish(publisher, "y", "k", 1000, "at once");
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 1u);
    let_pass(broker, 1000ms);
    EXPECT_EQ(broker.totals().ready, 2u);
  });
}

TEST(Delay, ends_with_the_exchange) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare_delayed(owner, "x");
    owner.declare("q");
    bind_queue(owner, "q", "x", "k");
    publish(publisher, "x", "k", 1000, "m");
    broker.settle();
    owner.call<amqp::ExchangeDeleteOk>(1, amqp::ExchangeDelete{.exchange = "x"});
    EXPECT_EQ(held_back(broker), 0u);
    declare_delayed(owner, "x");  // Another of its name has nothing of it.
    bind_queue(owner, "q", "x", "k");
    let_pass(broker, 1000ms);
    EXPECT_EQ(broker.totals().ready, 0u);
  });
}

TEST(Delay, ends_with_the_vhost) {
  TestBroker broker({.workers = 2});
  using Administered = std::expected<void, AdminRefusal>;
  const auto made = broker.ask<Administered>(
      0, [&](auto answer) { broker.registry().add_vhost({.name = "v"}, std::move(answer)); });
  ASSERT_TRUE(made);
  const auto permitted = broker.ask<Administered>(0, [&](auto answer) {
    broker.registry().change_users(
        [](Users& users) {
          return *users.set_permissions({"guest", "v", ".*", ".*", ".*"});
        },
        std::move(answer));
  });
  ASSERT_TRUE(permitted);
  {
    TestClient owner(broker, 1, {.vhost = "v"});
    owner.handshake();
    owner.open_channel();
    declare_exchange(owner, "x", "x-delayed-message", {{"x-delayed-type", "direct"}}, true);
    publish(owner, "x", "k", 1000, "m");
    broker.settle();
    EXPECT_EQ(held_back(broker), 1u);
  }
  const auto deleted = broker.ask<Administered>(
      0, [&](auto answer) { broker.registry().delete_vhost("v", std::move(answer)); });
  ASSERT_TRUE(deleted);
  EXPECT_EQ(held_back(broker), 0u);
  let_pass(broker, 1000ms);
}

TEST(Delay, needs_a_type_behind_the_exchange) {
  TestBroker broker;
  Guest client(broker, 0);
  const auto text_of = [&](std::string_view type, const FieldTable& arguments) {
    const std::vector<std::byte> raw = arguments.to_raw();
    client.send(
        1, amqp::ExchangeDeclare{.exchange = "x", .type = type, .arguments = amqp::RawTable(raw)});
    broker.settle();
    std::string text = client.take_close(1);
    client.send(1, amqp::ChannelCloseOk{});
    client.open_channel();
    return text;
  };
  constexpr std::string_view needed =
      "406 PRECONDITION_FAILED - Invalid argument, 'x-delayed-type' must be an existing exchange "
      "type";
  EXPECT_THAT(text_of("x-delayed-message", {}), HasSubstr(needed));
  EXPECT_THAT(text_of("x-delayed-message", {{"x-delayed-type", std::int32_t{1}}}),
              HasSubstr(needed));
  EXPECT_THAT(text_of("x-delayed-message", {{"x-delayed-type", "x-delayed-message"}}),
              HasSubstr(needed));
  const std::vector<std::byte> unknown = FieldTable{{"x-delayed-type", "queue"}}.to_raw();
  client.send(
      1, amqp::ExchangeDeclare{
             .exchange = "x", .type = "x-delayed-message", .arguments = amqp::RawTable(unknown)});
  broker.settle();
  EXPECT_THAT(client.take_close(0),
              HasSubstr("503 COMMAND_INVALID - unknown exchange type 'queue'"));
}

TEST(Delay, is_not_for_exchanges_that_look_at_each_message) {
  TestBroker broker;
  Guest client(broker, 0);
  for (const std::string_view type : {"x-recent-history", "x-message-deduplication"}) {
    for (const FieldTable& arguments :
         {FieldTable{{"x-delayed-exchange", true}, {"x-cache-size", std::int32_t{5}}},
          FieldTable{{"x-delayed-type", type}}}) {
      const bool is_behind = arguments.find("x-delayed-type") != nullptr;
      const std::vector<std::byte> raw = arguments.to_raw();
      client.send(1, amqp::ExchangeDeclare{.exchange = "x",
                                           .type = is_behind ? "x-delayed-message" : type,
                                           .arguments = amqp::RawTable(raw)});
      broker.settle();
      EXPECT_THAT(client.take_close(1), HasSubstr("406 PRECONDITION_FAILED - Invalid argument"));
      client.send(1, amqp::ChannelCloseOk{});
      client.open_channel();
    }
  }
}

TEST(Delay, of_a_dead_letter_whose_queue_has_the_name_of_the_exchange) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    declare_delayed(owner, "same", "fanout");
    const std::vector<std::byte> raw = FieldTable{
        {"x-dead-letter-exchange", "same"},
        {"x-message-ttl",
         std::int32_t{10}}}.to_raw();
    owner.declare("same", {.arguments = amqp::RawTable(raw)});
    owner.declare("end");
    bind_queue(owner, "end", "same", "");
    publish(owner, "", "same", 1000, "m");
    broker.settle();
    let_pass(broker, 10ms);
    EXPECT_EQ(held_back(broker), 1u);
    let_pass(broker, 1000ms);
    owner.consume("end", "c", true);
    EXPECT_THAT(bodies(owner.take_deliveries()), ElementsAre("m"));
  });
}

TEST(Delay, is_listed_and_cancelled) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest publisher(broker, world.worker(2));
    declare_delayed(owner, "x");
    owner.declare("q");
    bind_queue(owner, "q", "x", "k");
    for (const std::int32_t delay_ms : {3000, 1000, 2000}) {
      publish(publisher, "x", "k", delay_ms, std::to_string(delay_ms));
    }
    broker.settle();
    const QueueHandlePtr queue = broker.registry()
                                     .vhosts()
                                     .find("/")
                                     ->second.exchanges.find("x")
                                     ->second.exchange->held_back;
    const auto list = [&](MessageSeq after, std::size_t count) {
      return broker.ask<Shard::HeldBackList>(0, [&](auto answer) {
        broker.shard(0).list_held_back(*queue, after, count, std::move(answer));
      });
    };
    const auto remove = [&](MessageSeq seq) {
      return broker.ask<Removals::Outcome>(0, [&](auto answer) {
        broker.shard(0).remove_held_back(*queue, seq, std::move(answer));
      });
    };
    const Shard::HeldBackList first = list(MessageSeq(), 2);
    ASSERT_EQ(first.size(), 2u);
    const Shard::HeldBackList rest = list(first[1].seq, 2);
    ASSERT_EQ(rest.size(), 1u);
    EXPECT_LT(first[0].expires_ms, first[1].expires_ms);
    EXPECT_LT(first[1].expires_ms, rest[0].expires_ms);

    EXPECT_EQ(remove(first[1].seq), Removals::Outcome::removed);
    EXPECT_EQ(remove(first[1].seq), Removals::Outcome::not_there);
    let_pass(broker, 3000ms);
    owner.consume("q", "c", true);
    EXPECT_THAT(bodies(owner.take_deliveries()), ElementsAre("1000", "3000"));
    EXPECT_EQ(remove(rest[0].seq), Removals::Outcome::not_there);
  });
}

TEST(Delay, is_no_queue_that_clients_know) {
  TestBroker broker;
  Guest client(broker, 0);
  declare_delayed(client, "x");
  publish(client, "x", "k", 1000, "m");
  broker.settle();
  EXPECT_EQ(broker.queue_count(), 0u);
  client.publish(1, {.routing_key = "x", .mandatory = true}, "to a queue of this name");
  broker.settle();
  EXPECT_THAT(bodies(client.take_returns()), ElementsAre("to a queue of this name"));
}

}  // namespace
}  // namespace leveret::testing
