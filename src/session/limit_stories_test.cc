// SPDX-License-Identifier: Apache-2.0
//
// How many connections, channels and queues there may be of a vhost and of a user, whatever workers
// they are on. Texts are those of RabbitMQ 3.10.8.
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <memory>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using ::testing::HasSubstr;
using AdminOutcome = std::expected<void, AdminRefusal>;

void limit_vhost(TestBroker& broker, const LimitsRecord& limits) {
  const auto set = broker.ask<AdminOutcome>(0, [&](auto answer) {
    broker.registry().change_vhost_limits(
        "/", [&](LimitsRecord& all) { all = limits; }, std::move(answer));
  });
  ASSERT_TRUE(set.has_value()) << set.error().text;
}

void limit_user(TestBroker& broker, const LimitsRecord& limits) {
  const auto set = broker.ask<AdminOutcome>(0, [&](auto answer) {
    broker.registry().change_users(
        [&](Users& users) -> std::expected<std::vector<Change>, AdminRefusal> {
          return *users.set_limits("guest", limits);
        },
        std::move(answer));
  });
  ASSERT_TRUE(set.has_value()) << set.error().text;
}

/// Why the client may not come; empty: it has.
std::string refusal(TestClient& client) {
  try {
    client.handshake();
  } catch (const std::runtime_error& refused) {
    return refused.what();
  }
  return "";
}

TEST(ConnectionLimit, of_a_vhost_holds_over_all_workers) {
  for_each_world([](TestBroker& broker, World world) {
    limit_vhost(broker, {{"max-connections", 2}});
    auto first = std::make_unique<Guest>(broker, world.worker(0));
    Guest second(broker, world.worker(1));
    TestClient third(broker, world.worker(2));
    EXPECT_THAT(refusal(third),
                HasSubstr("530 NOT_ALLOWED - access to vhost '/' refused for user 'guest': "
                          "connection limit (2) is reached"));
    first->send(0, amqp::ConnectionClose{.reply_code = 200});
    broker.settle();
    first->take<amqp::ConnectionCloseOk>(0);
    TestClient fourth(broker, world.worker(3));
    EXPECT_EQ(refusal(fourth), "") << "who has heard close-ok is not counted any more";
    limit_vhost(broker, {});
    TestClient fifth(broker, world.worker(2));
    EXPECT_EQ(refusal(fifth), "");
  });
}

TEST(ConnectionLimit, of_a_user_counts_those_who_are_there_when_it_is_set) {
  for_each_world([](TestBroker& broker, World world) {
    Guest first(broker, world.worker(0));
    Guest second(broker, world.worker(1));
    limit_user(broker, {{"max-connections", 1}});
    EXPECT_EQ(second.declare("q"), "q") << "a limit ends nobody";
    TestClient third(broker, world.worker(2));
    EXPECT_THAT(refusal(third), HasSubstr("530 NOT_ALLOWED - connection refused for user 'guest': "
                                          "user connection limit (1) is reached"));
    first.cut();
    second.cut();
    broker.settle();
    TestClient fourth(broker, world.worker(1));
    EXPECT_EQ(refusal(fourth), "");
  });
}

TEST(ConnectionLimit, that_was_refused_is_not_counted) {
  TestBroker broker;
  limit_vhost(broker, {{"max-connections", 1}});
  limit_user(broker, {{"max-connections", 0}});
  for (int i = 0; i < 3; ++i) {
    TestClient refused(broker, 0);
    EXPECT_THAT(refusal(refused), HasSubstr("user connection limit (0)"));
  }
  limit_user(broker, {{"max-connections", -1}});
  TestClient welcome(broker, 0);
  EXPECT_EQ(refusal(welcome), "");
}

TEST(ChannelLimit, of_a_user_is_for_all_his_connections) {
  for_each_world([](TestBroker& broker, World world) {
    limit_user(broker, {{"max-channels", 3}});
    Guest first(broker, world.worker(0));
    Guest second(broker, world.worker(1));
    first.open_channel(2);
    second.send(2, amqp::ChannelOpen{});
    broker.settle();
    EXPECT_THAT(second.take_close(0),
                HasSubstr("530 NOT_ALLOWED - number of channels opened for user 'guest' has "
                          "reached the maximum allowed user limit of (3)"));
    broker.settle();
    Guest third(broker, world.worker(2));  // In the place of the second's one channel.
    first.call<amqp::ChannelCloseOk>(2, amqp::ChannelClose{.reply_code = 200});
    third.open_channel(2);
  });
}

TEST(QueueLimit, of_a_vhost_is_for_queues_of_every_kind_but_not_for_those_that_are_there) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    owner.declare("a", {.durable = true});
    limit_vhost(broker, {{"max-queues", 2}});
    owner.declare("b", {.exclusive = true});
    for (const bool is_exclusive : {false, true}) {
      owner.send(1, amqp::QueueDeclare{.queue = "c", .exclusive = is_exclusive});
      broker.settle();
      EXPECT_THAT(owner.take_close(1),
                  HasSubstr("406 PRECONDITION_FAILED - cannot declare queue 'c': queue limit in "
                            "vhost '/' (2) is reached"));
      owner.send(1, amqp::ChannelCloseOk{});
      owner.open_channel();
    }
    EXPECT_EQ(owner.declare("a", {.durable = true}), "a");
    owner.call<amqp::QueueDeleteOk>(1, amqp::QueueDelete{.queue = "a"});
    EXPECT_EQ(owner.declare("c"), "c");
  });
}

TEST(ConsumerLimit, is_of_a_channel_and_passes_over_who_waits_for_replies) {
  TestBroker broker({.workers = 1, .seed = 1});
  for (const char* queue : {"q", "amq.rabbitmq.reply-to", "nobody"}) {
    Guest client(broker, 0, {.session = {.channel_consumers_max = 2}});
    client.declare("q");
    client.consume("q", "a");
    client.consume("q", "b");
    client.call<amqp::BasicCancelOk>(1, amqp::BasicCancel{.consumer_tag = "a"});
    client.consume("amq.rabbitmq.reply-to", "r", /*no_ack=*/true);
    client.consume("q", "c");
    client.open_channel(2);
    client.call<amqp::BasicConsumeOk>(2, amqp::BasicConsume{.queue = "q", .consumer_tag = "a"});
    client.send(1, amqp::BasicConsume{.queue = queue, .consumer_tag = "d", .no_ack = true});
    broker.settle();
    EXPECT_THAT(client.take_close(0),
                HasSubstr("530 NOT_ALLOWED - reached maximum (2) of consumers per channel"))
        << queue;
  }
}

}  // namespace
}  // namespace leveret::testing
