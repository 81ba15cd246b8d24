// SPDX-License-Identifier: Apache-2.0
//
// tx: what a channel publishes and acknowledges happens at the commit or not at all.
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using ::testing::SizeIs;

TEST(Transaction, reaches_no_queue_before_its_commit_and_every_queue_at_it) {
  for_each_world([](TestBroker& broker, World world) {
    Guest near(broker, world.worker(0));
    Guest far(broker, world.worker(1));
    Guest client(broker, world.worker(0));
    near.declare("near");
    far.declare("far");
    client.call<amqp::TxSelectOk>(1, amqp::TxSelect{});
    for (int i = 0; i < 10; ++i) {
      client.publish(1, {.routing_key = "near"}, "body");
      client.publish(1, {.routing_key = "far"}, "body");
    }
    client.publish(1, {.routing_key = "nowhere", .mandatory = true}, "returned");
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 0u);
    EXPECT_THAT(client.take_returns(), SizeIs(0));
    EXPECT_EQ(client.connection().info().channels.at(0).uncommitted_messages, 21u);
    // The answer comes when the queues have said that they have it.
    client.send(1, amqp::TxCommit{});
    while (client.has_no_answer(1)) ASSERT_TRUE(broker.step());
    client.take<amqp::TxCommitOk>(1);
    EXPECT_EQ(broker.totals().ready, 20u);
    EXPECT_THAT(client.take_returns(), SizeIs(1));
  });
}

TEST(Transaction, rolled_back_publishes_nothing_and_acknowledges_nothing) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    owner.declare("q");
    owner.publish(1, {.routing_key = "q"}, "body");
    broker.settle();
    client.call<amqp::TxSelectOk>(1, amqp::TxSelect{});
    client.consume("q", "c");
    broker.settle();
    ASSERT_THAT(client.take_deliveries(), SizeIs(1));
    client.ack(1, 1);
    client.publish(1, {.routing_key = "q"}, "other");
    client.call<amqp::TxRollbackOk>(1, amqp::TxRollback{});
    EXPECT_EQ(broker.totals().unacked, 1u);
    EXPECT_EQ(broker.totals().ready, 0u);
    client.ack(1, 1);  // Its tag stands again.
    client.call<amqp::TxCommitOk>(1, amqp::TxCommit{});
    broker.settle();
    EXPECT_EQ(broker.totals().unacked, 0u);
  });
}

TEST(Transaction, that_was_not_committed_gives_back_what_it_acknowledged) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    owner.declare("q");
    owner.publish(1, {.routing_key = "q"}, "body");
    {
      Guest client(broker, world.worker(1));
      client.call<amqp::TxSelectOk>(1, amqp::TxSelect{});
      client.consume("q", "c");
      broker.settle();
      client.ack(1, 1);
      broker.settle();
    }
    EXPECT_EQ(broker.totals().ready, 1u);
    EXPECT_EQ(broker.totals().unacked, 0u);
  });
}

TEST(Transaction, remembers_queues_that_were_deleted_before_its_commit) {
  for_each_world([](TestBroker& broker, World world) {
    if (world.seed > 2) return;  // 300 queues take their time, and order has little to say here.
    Guest owner(broker, world.worker(0));
    Guest client(broker, world.worker(1));
    client.call<amqp::TxSelectOk>(1, amqp::TxSelect{});
    constexpr int queues = 300;
    for (int i = 0; i < queues; ++i) {
      const std::string queue = fmt::format("q{}", i);
      owner.declare(queue);
      owner.publish(1, {.routing_key = queue}, "body");
      broker.settle();
      client.send(1, amqp::BasicGet{.queue = queue});
      broker.settle();
      ASSERT_TRUE(client.take_got().has_value());
      client.ack(1, static_cast<std::uint64_t>(i) + 1);
      if (i % 2 == 0) owner.call<amqp::QueueDeleteOk>(1, amqp::QueueDelete{.queue = queue});
    }
    client.call<amqp::TxCommitOk>(1, amqp::TxCommit{});
    broker.settle();
    EXPECT_EQ(broker.totals().unacked, 0u);
    EXPECT_EQ(broker.totals().ready, 0u);
  });
}

TEST(Transaction, cut_while_it_commits_is_not_waited_for) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    owner.declare("q");
    for (int steps = 0; steps < 12; ++steps) {
      Guest client(broker, world.worker(1));
      client.call<amqp::TxSelectOk>(1, amqp::TxSelect{});
      client.publish(1, {.routing_key = "q"}, "body");
      client.send(1, amqp::TxCommit{});
      broker.run_steps(steps);
      client.cut();
      broker.settle();
      ASSERT_EQ(client.times_finished(), 1) << "cut after " << steps << " steps";
    }
  });
}

}  // namespace
}  // namespace leveret::testing
