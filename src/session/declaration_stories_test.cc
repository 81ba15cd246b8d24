// SPDX-License-Identifier: Apache-2.0
//
// Exchanges, queues and bindings as clients on several workers see them come and go: what belongs
// to a connection goes with it, what is deleted while somebody uses it, races between those who
// declare and those who delete.
#include "amqp/field_table.h"
#include "session/testing/client.h"
#include "session/testing/worlds.h"
#include "vhost/queue_arguments.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ExclusiveQueue, goes_with_its_connection_and_is_locked_for_others) {
  for_each_world([](TestBroker& broker, World world) {
    Guest other(broker, world.worker(0));
    {
      Guest owner(broker, world.worker(1));
      owner.declare("mine", {.exclusive = true});
      other.send(1, amqp::QueueDeclare{.queue = "mine", .passive = true});
      broker.settle();
      EXPECT_THAT(other.take_close(1), StartsWith("405 RESOURCE_LOCKED"));
    }
    EXPECT_FALSE(broker.has_queue("mine"));
    EXPECT_EQ(broker.queue_count(), 0u);
  });
}

TEST(ExclusiveQueue, declared_while_its_connection_ends_does_not_stay) {
  for_each_world([](TestBroker& broker, World world) {
    // Whoever comes next waits until the queue of the first is deleted, and is cut while it waits.
    for (int steps = 0; steps < 12; ++steps) {
      Guest first(broker, world.worker(1));
      Guest next(broker, world.worker(2));
      first.declare("mine", {.exclusive = true});
      first.cut();
      next.send(1, amqp::QueueDeclare{.queue = "mine", .exclusive = true});
      broker.run_steps(steps);
      next.cut();
      broker.settle();
      ASSERT_FALSE(broker.has_queue("mine")) << "cut after " << steps << " steps";
      ASSERT_EQ(broker.queue_count(), 0u);
      ASSERT_EQ(next.times_finished(), 1);
    }
  });
}

TEST(ExclusiveQueue, is_free_for_the_next_when_its_connection_has_gone) {
  for_each_world([](TestBroker& broker, World world) {
    auto first = std::make_unique<Guest>(broker, world.worker(1));
    Guest next(broker, world.worker(2));
    first->declare("mine", {.exclusive = true});
    first->send(0, amqp::ConnectionClose{.reply_code = 200});
    broker.settle();
    first->take<amqp::ConnectionCloseOk>(0);
    EXPECT_EQ(next.declare("mine", {.exclusive = true}), "mine");
  });
}

TEST(AutoDeleteQueue, goes_with_its_last_consumer_and_not_before) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest a(broker, world.worker(1));
    Guest b(broker, world.worker(2));
    owner.declare("q", {.auto_delete = true});
    EXPECT_TRUE(broker.has_queue("q"));
    a.consume("q", "a");
    b.consume("q", "b");
    a.call<amqp::BasicCancelOk>(1, amqp::BasicCancel{.consumer_tag = "a"});
    broker.settle();
    EXPECT_TRUE(broker.has_queue("q"));
    b.cut();
    broker.settle();
    EXPECT_FALSE(broker.has_queue("q"));
    EXPECT_EQ(broker.queue_count(), 0u);
  });
}

TEST(AutoDeleteQueue, stays_or_goes_but_never_half_when_a_consumer_comes_as_the_last_leaves) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest leaver(broker, world.worker(1));
    Guest comer(broker, world.worker(2));
    owner.declare("q", {.auto_delete = true});
    leaver.consume("q", "a");
    leaver.send(1, amqp::BasicCancel{.consumer_tag = "a"});
    broker.run_steps(static_cast<int>(world.seed));
    comer.send(1, amqp::BasicConsume{.queue = "q", .consumer_tag = "b"});
    broker.settle();
    if (broker.has_queue("q")) {
      comer.take<amqp::BasicConsumeOk>(1);
      EXPECT_TRUE(comer.has_no_answer(1));
      EXPECT_EQ(broker.totals().consumers, 1u);
    } else {
      // Refused, or subscribed and told of the end.
      EXPECT_FALSE(comer.has_no_answer(1));
      EXPECT_EQ(broker.totals().consumers, 0u);
    }
  });
}

TEST(AutoDeleteExchange, goes_with_its_last_binding) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    client.call<amqp::ExchangeDeclareOk>(
        1, amqp::ExchangeDeclare{.exchange = "x", .type = "direct", .auto_delete = true});
    client.declare("a");
    client.declare("b");
    for (const char* queue : {"a", "b"}) {
      client.call<amqp::QueueBindOk>(
          1, amqp::QueueBind{.queue = queue, .exchange = "x", .routing_key = "k"});
    }
    client.call<amqp::QueueUnbindOk>(
        1, amqp::QueueUnbind{.queue = "a", .exchange = "x", .routing_key = "k"});
    EXPECT_TRUE(broker.has_exchange("x"));
    client.call<amqp::QueueDeleteOk>(1, amqp::QueueDelete{.queue = "b"});
    EXPECT_FALSE(broker.has_exchange("x"));
  });
}

TEST(AutoDeleteExchange, takes_those_with_it_that_are_bound_to_it_alone) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    for (const char* name : {"outer", "inner"}) {
      client.call<amqp::ExchangeDeclareOk>(
          1, amqp::ExchangeDeclare{.exchange = name, .type = "fanout", .auto_delete = true});
    }
    client.declare("q");
    client.call<amqp::ExchangeBindOk>(
        1, amqp::ExchangeBind{.destination = "inner", .source = "outer"});
    client.call<amqp::QueueBindOk>(1, amqp::QueueBind{.queue = "q", .exchange = "inner"});
    client.call<amqp::QueueDeleteOk>(1, amqp::QueueDelete{.queue = "q"});
    EXPECT_FALSE(broker.has_exchange("inner"));
    EXPECT_FALSE(broker.has_exchange("outer"));
  });
}

TEST(Consumer, is_told_when_its_queue_is_deleted) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest consumer(broker, world.worker(1));
    owner.declare("q");
    consumer.consume("q", "c");
    owner.call<amqp::QueueDeleteOk>(1, amqp::QueueDelete{.queue = "q"});
    const auto cancel = consumer.take<amqp::BasicCancel>(1);
    EXPECT_EQ(cancel.consumer_tag, "c");
    EXPECT_TRUE(cancel.no_wait);
    owner.declare("other");
    consumer.consume("other", "c");  // The tag is free again.
  });
}

TEST(Consumer, that_cannot_be_told_is_not) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest consumer(broker, world.worker(1), {.can_be_told_of_cancel = false});
    owner.declare("q");
    consumer.consume("q", "c");
    owner.call<amqp::QueueDeleteOk>(1, amqp::QueueDelete{.queue = "q"});
    EXPECT_TRUE(consumer.has_no_answer(1));
    EXPECT_TRUE(consumer.connection().info().channels.at(0).consumers.empty());
  });
}

TEST(Queue, survives_those_who_declare_and_delete_it_at_once) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr int rounds = 30;
    std::vector<std::unique_ptr<Guest>> clients;
    clients.reserve(4);
    for (unsigned i = 0; i < 4; ++i) {
      clients.push_back(std::make_unique<Guest>(broker, world.worker(i)));
    }
    for (int round = 0; round < rounds; ++round) {
      for (unsigned i = 0; i < 4; ++i) {
        if ((round + i) % 2 == 0) {
          clients[i]->send(1, amqp::QueueDeclare{.queue = "q"});
        } else {
          clients[i]->send(1, amqp::QueueDelete{.queue = "q"});
        }
      }
      broker.run_steps(static_cast<int>(world.seed));
    }
    broker.settle();
    for (unsigned i = 0; i < 4; ++i) {
      for (int round = 0; round < rounds; ++round) {
        if ((round + i) % 2 == 0) {
          clients[i]->take<amqp::QueueDeclareOk>(1);
        } else {
          clients[i]->take<amqp::QueueDeleteOk>(1);
        }
      }
    }
    EXPECT_EQ(broker.queue_count(), broker.has_queue("q") ? 1u : 0u);
  });
}

TEST(Queue, is_declared_anew_by_whoever_asked_while_it_was_deleted) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(1));
    Guest other(broker, world.worker(2));
    owner.declare("q", {.auto_delete = true});
    owner.publish(1, {.routing_key = "q"}, "old");
    broker.settle();
    owner.send(1, amqp::QueueDelete{.queue = "q"});
    broker.run_steps(static_cast<int>(world.seed % 6));
    other.send(1, amqp::QueueDeclare{.queue = "q", .auto_delete = true});
    broker.settle();
    owner.take<amqp::QueueDeleteOk>(1);
    other.take<amqp::QueueDeclareOk>(1);
    EXPECT_EQ(broker.queue_count(), broker.has_queue("q") ? 1u : 0u);
    EXPECT_EQ(broker.totals().ready, 0u);
  });
}

TEST(Queue, deleted_twice_at_once_is_deleted_once) {
  for_each_world([](TestBroker& broker, World world) {
    Guest a(broker, world.worker(1));
    Guest b(broker, world.worker(2));
    a.declare("q");
    a.publish(1, {.routing_key = "q"}, "body");
    broker.settle();
    a.send(1, amqp::QueueDelete{.queue = "q"});
    b.send(1, amqp::QueueDelete{.queue = "q"});
    broker.settle();
    const std::uint32_t dropped =
        a.take<amqp::QueueDeleteOk>(1).message_count + b.take<amqp::QueueDeleteOk>(1).message_count;
    EXPECT_EQ(dropped, 1u);
  });
}

TEST(Queue, is_not_deleted_while_a_condition_forbids_it) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest other(broker, world.worker(1));
    owner.declare("q");
    owner.consume("q", "c");
    other.send(1, amqp::QueueDelete{.queue = "q", .if_unused = true});
    broker.settle();
    EXPECT_EQ(other.take_close(1),
              "406 PRECONDITION_FAILED - queue 'q' in vhost '/' in use (50.40)");
    owner.call<amqp::BasicCancelOk>(1, amqp::BasicCancel{.consumer_tag = "c"});
    owner.publish(1, {.routing_key = "q"}, "body");
    owner.send(1, amqp::QueueDelete{.queue = "q", .if_empty = true});
    broker.settle();
    EXPECT_EQ(owner.take_close(1),
              "406 PRECONDITION_FAILED - queue 'q' in vhost '/' not empty (50.40)");
    EXPECT_TRUE(broker.has_queue("q"));
  });
}

TEST(Queue, with_a_name_of_the_brokers_making_is_meant_by_no_name) {
  TestBroker broker({.workers = 2});
  Guest client(broker, 1);
  const std::string name = client.declare("");
  EXPECT_THAT(name, StartsWith("amq.gen-"));
  client.call<amqp::QueueBindOk>(1, amqp::QueueBind{.exchange = "amq.direct"});
  client.publish(1, {.exchange = "amq.direct", .routing_key = name}, "body");
  client.send(1, amqp::BasicGet{});
  broker.settle();
  EXPECT_TRUE(client.take_got().has_value());
}

TEST(Channel, is_closed_by_a_refusal_and_opens_again) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    client.open_channel(2);
    client.send(1, amqp::QueuePurge{.queue = "nowhere"});
    client.publish(1, {.exchange = "amq.fanout"}, "dropped, for the channel is closing");
    broker.settle();
    EXPECT_EQ(client.take_close(1), "404 NOT_FOUND - no queue 'nowhere' in vhost '/' (50.30)");
    client.send(1, amqp::ChannelCloseOk{});
    client.open_channel(1);
    client.call<amqp::ChannelFlowOk>(2, amqp::ChannelFlow{.active = true});
    EXPECT_EQ(client.connection().info().channels.size(), 2u);
  });
}

TEST(Vhost, that_is_deleted_takes_everything_in_it_and_closes_its_connections) {
  for_each_world([](TestBroker& broker, World world) {
    const auto is_done = [&](auto act) {
      return broker
          .ask<std::expected<void, AdminRefusal>>(
              0, [&](auto answer) { act(broker.registry(), AdminDone(std::move(answer))); })
          .has_value();
    };
    ASSERT_TRUE(is_done([](Registry& registry, AdminDone done) {
      registry.add_vhost({.name = "other"}, std::move(done));
    }));
    ASSERT_TRUE(is_done([](Registry& registry, AdminDone done) {
      registry.change_users(
          [](Users& users) -> std::expected<std::vector<Change>, AdminRefusal> {
            return users.set_permissions({"guest", "other", ".*", ".*", ".*"}).value();
          },
          std::move(done));
    }));
    Guest inside(broker, world.worker(1), {.vhost = "other"});
    Guest second(broker, world.worker(2), {.vhost = "other"});
    Guest outside(broker, world.worker(1));
    inside.declare("q");
    inside.declare("mine", {.exclusive = true});
    inside.declare("auto", {.auto_delete = true});
    second.consume("q", "c");
    second.consume("auto", "a");
    outside.declare("q");
    // Deletions that may be refused are on their way at the same time.
    inside.send(1, amqp::QueueDelete{.queue = "q", .if_unused = true});
    second.send(1, amqp::BasicCancel{.consumer_tag = "a"});
    broker.run_steps(static_cast<int>(world.seed));
    EXPECT_TRUE(is_done([](Registry& registry, AdminDone done) {
      registry.delete_vhost("other", std::move(done));
    }));
    EXPECT_EQ(inside.take_close(0), "320 CONNECTION_FORCED - vhost 'other' is deleted (0.0)");
    EXPECT_FALSE(broker.has_exchange("amq.direct", "other"));
    EXPECT_EQ(broker.queue_count(), 1u);
    EXPECT_TRUE(broker.has_queue("q"));
    outside.call<amqp::ChannelFlowOk>(1, amqp::ChannelFlow{.active = true});
    inside.send(0, amqp::ConnectionCloseOk{});
    broker.settle();
    EXPECT_EQ(inside.times_finished(), 1);
  });
}

TEST(User, who_is_deleted_loses_his_connections_and_nobody_else_does) {
  for_each_world([](TestBroker& broker, World world) {
    const auto is_changed = [&](auto change) {
      return broker
          .ask<std::expected<void, AdminRefusal>>(
              0,
              [&](auto answer) {
                broker.registry().change_users(
                    [&](Users& users) -> std::expected<std::vector<Change>, AdminRefusal> {
                      return change(users).value();
                    },
                    std::move(answer));
              })
          .has_value();
    };
    ASSERT_TRUE(is_changed([](Users& users) { return users.add_user("ann", "secret"); }));
    ASSERT_TRUE(is_changed([](Users& users) {
      return users.set_permissions({"ann", "/", ".*", ".*", ".*"});
    }));
    const TestClient::Options as_ann{.user = "ann", .password = "secret"};
    Guest first(broker, world.worker(1), as_ann);
    Guest second(broker, world.worker(2), as_ann);
    Guest other(broker, world.worker(1));
    first.declare("mine", {.exclusive = true});

    // As RabbitMQ 3.10.8 does: none of these closes anything.
    ASSERT_TRUE(is_changed([](Users& users) { return users.change_password("ann", "new"); }));
    ASSERT_TRUE(is_changed([](Users& users) { return users.clear_password("ann"); }));
    ASSERT_TRUE(is_changed([](Users& users) { return users.set_tags("ann", {"management"}); }));
    ASSERT_TRUE(is_changed([](Users& users) { return users.clear_permissions("ann", "/"); }));
    for (Guest* guest : {&first, &second}) {
      guest->call<amqp::ChannelFlowOk>(1, amqp::ChannelFlow{.active = true});
    }

    ASSERT_TRUE(is_changed([](Users& users) { return users.delete_user("ann"); }));
    EXPECT_EQ(first.take_close(0), "320 CONNECTION_FORCED - user 'ann' is deleted (0.0)");
    EXPECT_EQ(second.take_close(0), "320 CONNECTION_FORCED - user 'ann' is deleted (0.0)");
    EXPECT_EQ(broker.queue_count(), 0u);
    other.call<amqp::ChannelFlowOk>(1, amqp::ChannelFlow{.active = true});
    first.send(0, amqp::ConnectionCloseOk{});
    broker.settle();
    EXPECT_EQ(first.times_finished(), 1);
  });
}

// Texts and types are those of RabbitMQ 3.10.8.
TEST(DefaultQueueType, is_of_queues_that_are_kept_and_do_not_say) {
  for_each_world([](TestBroker& broker, World world) {
    using Done = std::expected<void, AdminRefusal>;
    const Done made = broker.ask<Done>(0, [&](auto answer) {
      broker.registry().add_vhost({.name = "v", .default_queue_type = "quorum"}, std::move(answer));
    });
    ASSERT_TRUE(made);
    const Done allowed = broker.ask<Done>(0, [&](auto answer) {
      broker.registry().change_users(
          [](Users& users) -> std::expected<std::vector<Change>, AdminRefusal> {
            return *users.set_permissions({"guest", "v", ".*", ".*", ".*"});
          },
          std::move(answer));
    });
    ASSERT_TRUE(allowed);
    broker.settle();
    Guest client(broker, world.worker(1), {.vhost = "v"});
    const auto type = [&](std::string_view name) {
      const QueueHandle* queue = broker.shard(0).find_vhost("v")->find_queue(name);
      return std::string(queue_type_name(type_of(queue->properties)));
    };
    client.declare("kept", {.durable = true});
    client.declare("passing");
    client.declare("exclusive", {.durable = true, .exclusive = true});
    client.declare("auto-delete", {.durable = true, .auto_delete = true});
    const std::vector<std::byte> classic = amqp::FieldTable{{"x-queue-type", "classic"}}.to_raw();
    const std::vector<std::byte> quorum = amqp::FieldTable{{"x-queue-type", "quorum"}}.to_raw();
    client.declare("classic", {.durable = true, .arguments = amqp::RawTable(classic)});
    EXPECT_EQ(type("kept"), "quorum");
    for (const char* name : {"passing", "exclusive", "auto-delete", "classic"}) {
      EXPECT_EQ(type(name), "classic") << name;
    }
    client.declare("kept", {.durable = true});
    client.declare("kept", {.durable = true, .arguments = amqp::RawTable(quorum)});

    const auto refused = [&](amqp::QueueDeclare method) {
      client.send(1, method);
      broker.settle();
      const std::string why = client.take_close(1);
      client.send(1, amqp::ChannelCloseOk{});
      client.open_channel();
      return why;
    };
    EXPECT_THAT(refused({.queue = "kept", .durable = true, .arguments = amqp::RawTable(classic)}),
                HasSubstr("406 PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue "
                          "'kept' in vhost 'v': received 'classic' but current is 'quorum'"));
    EXPECT_THAT(refused({.queue = "classic", .durable = true}),
                HasSubstr("inequivalent arg 'x-queue-type' for queue 'classic' in vhost 'v': "
                          "received 'quorum' but current is 'classic'"));
    EXPECT_THAT(refused({.queue = "", .durable = true}),
                HasSubstr("406 PRECONDITION_FAILED - Cannot declare a server-named queue for type "
                          "rabbit_quorum_queue"));
    const std::vector<std::byte> priority = amqp::FieldTable{{"x-max-priority", 3}}.to_raw();
    EXPECT_THAT(refused({.queue = "p", .durable = true, .arguments = amqp::RawTable(priority)}),
                HasSubstr("invalid arg 'x-max-priority' for queue 'p' in vhost 'v' of queue type "
                          "rabbit_quorum_queue"));
  });
}

}  // namespace
}  // namespace leveret::testing
