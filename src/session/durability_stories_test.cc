// SPDX-License-Identifier: Apache-2.0
//
// What was declared durable is there after a restart; what could not be written never was.
#include "metadata/testing/temporary_directory.h"
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using ::testing::StartsWith;

/// Lets clients do `act` with one long name after the other until one is refused; returns the name.
template <class Act>
std::string until_refused(TestBroker& broker, Act act) {
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = fmt::format("{}-{}", i, std::string(200, 'x'));
    Guest client(broker, broker.worker_count() - 1);
    const std::string close = act(client, name);
    if (close.empty()) continue;
    EXPECT_THAT(close, StartsWith("541 INTERNAL_ERROR - metadata could not be written: "));
    return name;
  }
  ADD_FAILURE() << "the file never became full";
  return {};
}

TEST(Restart, brings_back_what_was_durable_and_nothing_else) {
  const TemporaryDirectory directory;
  for (const unsigned workers : {1U, 3U}) {
    const auto file = directory / fmt::format("{}.db", workers);
    {
      TestBroker broker({.workers = workers, .metadata_file = file});
      Guest client(broker, workers - 1);
      client.call<amqp::ExchangeDeclareOk>(
          1, amqp::ExchangeDeclare{.exchange = "x", .type = "topic", .durable = true});
      client.call<amqp::ExchangeDeclareOk>(
          1, amqp::ExchangeDeclare{.exchange = "passing", .type = "topic"});
      client.declare("kept", {.durable = true});
      client.declare("passing");
      client.declare("mine", {.durable = true, .exclusive = true});
      client.declare("deleted", {.durable = true});
      client.call<amqp::QueueDeleteOk>(1, amqp::QueueDelete{.queue = "deleted"});
      for (const char* queue : {"kept", "passing"}) {
        client.call<amqp::QueueBindOk>(
            1, amqp::QueueBind{.queue = queue, .exchange = "x", .routing_key = "a.#"});
      }
      const auto changed = broker.ask<std::expected<void, AdminRefusal>>(0, [&](auto answer) {
        broker.registry().change_users(
            [](Users& users) -> std::expected<std::vector<Change>, AdminRefusal> {
              return users.change_password("guest", "other").value();
            },
            std::move(answer));
      });
      ASSERT_TRUE(changed.has_value());
    }
    TestBroker broker({.workers = workers, .metadata_file = file});
    Guest client(broker, 0, {.password = "other"});
    EXPECT_TRUE(broker.has_exchange("x"));
    EXPECT_FALSE(broker.has_exchange("passing"));
    EXPECT_TRUE(broker.has_queue("kept"));
    EXPECT_EQ(broker.queue_count(), 1u);
    client.publish(1, {.exchange = "x", .routing_key = "a.b"}, "body");
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 1u);
    // Declared again it is the same; with other flags it is another.
    client.declare("kept", {.durable = true});
    client.send(1, amqp::QueueDeclare{.queue = "kept"});
    broker.settle();
    EXPECT_EQ(client.take_close(1),
              "406 PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'kept' in vhost '/': "
              "received 'false' but current is 'true' (50.10)");
  }
}

TEST(Declaration, that_is_not_on_disk_yet_confirms_nothing) {
  for (const unsigned workers : {1U, 3U}) {
    SCOPED_TRACE(workers);
    TestBroker broker({.workers = workers});
    Guest declarer(broker, workers - 1);
    Guest publisher(broker, 0);
    publisher.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    declarer.declare("first", {.durable = true});  // Numbers for others are at hand now.
    std::promise<void> disk_is_free;
    broker.metadata().barrier(
        [waits = disk_is_free.get_future()](const Result<void>&) { waits.wait(); });

    declarer.send(1, amqp::QueueDeclare{.queue = "q", .durable = true});
    while (broker.step()) continue;
    ASSERT_TRUE(broker.has_queue("q"));
    publisher.publish(1, {.routing_key = "q"}, "body");
    publisher.send(1, amqp::BasicConsume{.queue = "q", .consumer_tag = "c"});
    while (broker.step()) continue;
    EXPECT_TRUE(declarer.has_no_answer(1));
    EXPECT_TRUE(publisher.take_confirmations().empty());

    disk_is_free.set_value();
    broker.settle();
    declarer.take<amqp::QueueDeclareOk>(1);
    EXPECT_EQ(publisher.take_confirmations().size(), 1u);
    publisher.take<amqp::BasicConsumeOk>(1);
    EXPECT_EQ(publisher.take_deliveries().size(), 1u);
  }
}

TEST(Declaration, that_is_not_on_disk_yet_holds_who_publishes_much) {
  TestBroker broker;
  Guest declarer(broker, 0);
  Guest publisher(broker, 0);
  publisher.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
  declarer.declare("first", {.durable = true});
  std::promise<void> disk_is_free;
  broker.metadata().barrier(
      [waits = disk_is_free.get_future()](const Result<void>&) { waits.wait(); });
  declarer.send(1, amqp::QueueDeclare{.queue = "q", .durable = true});
  while (broker.step()) continue;

  const std::string much(1024 * 1024, 'x');
  for (int i = 0; i < 15; ++i) publisher.publish(1, {.routing_key = "q"}, much);
  while (broker.step()) continue;
  EXPECT_FALSE(broker.shard(0).is_congested());
  publisher.publish(1, {.routing_key = "q"}, much);
  while (broker.step()) continue;
  EXPECT_TRUE(broker.shard(0).is_congested());
  publisher.publish(1, {.routing_key = "first"}, "is not read");
  while (broker.step()) continue;
  EXPECT_EQ(broker.totals().ready, 0u);

  disk_is_free.set_value();
  broker.settle();
  EXPECT_FALSE(broker.shard(0).is_congested());
  EXPECT_EQ(broker.totals().ready, 17u);
  EXPECT_EQ(publisher.take_confirmations().back().sequence, 17u);
}

TEST(Storage, that_is_full_takes_back_what_it_could_not_write) {
  for (const unsigned workers : {1U, 3U}) {
    SCOPED_TRACE(workers);
    const TemporaryDirectory directory;
    TestBroker broker({.workers = workers, .metadata_file = directory / "metadata.db"});
    {
      Guest client(broker, workers - 1);
      client.declare("before", {.durable = true});
    }
    ASSERT_TRUE(broker.metadata().set_file_bytes_max(1).has_value());
    // Until the pages that it has are full, a declaration is still taken.
    const std::string refused = until_refused(broker, [&](Guest& client, const std::string& name) {
      client.send(1, amqp::QueueDeclare{.queue = name, .durable = true});
      broker.settle();
      if (broker.has_queue(name)) return client.take<amqp::QueueDeclareOk>(1), std::string();
      return client.take_close(0);
    });
    EXPECT_TRUE(broker.has_queue("before"));
    EXPECT_FALSE(broker.has_queue(refused));

    // The disk has room again.
    ASSERT_TRUE(broker.metadata().set_file_bytes_max(std::uint64_t{1} << 30).has_value());
    Guest last(broker, workers - 1);
    EXPECT_EQ(last.declare(refused, {.durable = true}), refused);
    EXPECT_TRUE(broker.has_queue(refused));
  }
}

TEST(Storage, that_fails_for_a_binding_takes_it_back) {
  const TemporaryDirectory directory;
  TestBroker broker({.workers = 2, .metadata_file = directory / "metadata.db"});
  Guest owner(broker, 0);
  owner.declare("q", {.durable = true});
  ASSERT_TRUE(broker.metadata().set_file_bytes_max(1).has_value());
  const std::string key = until_refused(broker, [&](Guest& client, const std::string& name) {
    client.send(1, amqp::QueueBind{.queue = "q", .exchange = "amq.direct", .routing_key = name});
    broker.settle();
    if (client.has_no_answer(0)) return client.take<amqp::QueueBindOk>(1), std::string();
    return client.take_close(0);
  });
  owner.publish(1, {.exchange = "amq.direct", .routing_key = key, .mandatory = true}, "body");
  broker.settle();
  EXPECT_EQ(owner.take_returns().size(), 1u);
}

TEST(ConsumerTimeout, waits_for_the_answer_to_a_question_of_the_connection) {
  TestBroker broker;
  Guest client(broker, 0, {.session = {.consumer_timeout = std::chrono::seconds(8)}});
  client.declare("q", {.durable = true});
  client.publish(1, {.routing_key = "q"}, "unacknowledged");
  client.consume("q", "c");
  ASSERT_EQ(client.take_deliveries().size(), 1u);
  std::promise<void> disk_is_free;
  broker.metadata().barrier(
      [waits = disk_is_free.get_future()](const Result<void>&) { waits.wait(); });
  client.send(1, amqp::QueueDeclare{.queue = "late", .durable = true});
  for (int i = 0; i < 20; ++i) {
    broker.clock().advance(std::chrono::seconds(1));
    while (broker.step()) continue;
  }
  EXPECT_TRUE(client.has_no_answer(1));

  disk_is_free.set_value();
  broker.settle();
  EXPECT_EQ(client.take<amqp::QueueDeclareOk>(1).queue, "late");
  broker.clock().advance(std::chrono::seconds(1));
  broker.settle();
  EXPECT_THAT(client.take_close(1), ::testing::HasSubstr("timed out"));
}

}  // namespace
}  // namespace leveret::testing
