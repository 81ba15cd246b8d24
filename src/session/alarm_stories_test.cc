// SPDX-License-Identifier: Apache-2.0
//
// What clients live through while an alarm is on: who publishes is told and held, everything else
// goes on, and when it is over nothing is lost and nothing has changed its order.
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view memory = "low on memory";
constexpr std::size_t message_overhead_max = 512;

std::vector<std::string> bodies(const std::vector<Content>& contents) {
  std::vector<std::string> texts;
  texts.reserve(contents.size());
  for (const Content& content : contents) texts.push_back(content.body);
  return texts;
}

std::vector<std::string> numbered(int count) {
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) texts.push_back(std::to_string(i));
  return texts;
}

/// All that is in a queue, in its order.
std::vector<std::string> drain(TestBroker& broker, std::string_view queue) {
  Guest reader(broker, 0);
  reader.consume(queue, "drain", /*no_ack=*/true);
  broker.settle();
  return bodies(reader.take_deliveries());
}

std::string blocked_reason(Guest& client) {
  return std::string(client.take<amqp::ConnectionBlocked>(0).reason);
}

std::uint64_t held_bytes(const TestBroker& broker) {
  std::uint64_t bytes = 0;
  for (unsigned worker = 0; worker < broker.worker_count(); ++worker) {
    bytes += broker.shard(worker).held_publish_bytes();
  }
  return bytes;
}

std::uint64_t dropped(const TestBroker& broker) {
  std::uint64_t count = 0;
  for (unsigned worker = 0; worker < broker.worker_count(); ++worker) {
    count += broker.shard(worker).dropped_publishes();
  }
  return count;
}

TEST(Alarm, tells_who_has_published_before_it_and_nobody_else) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(0));
    Guest consumer(broker, world.worker(1));
    publisher.declare("q");
    consumer.consume("q", "c");
    publisher.publish(1, {.routing_key = "q"}, "x");
    broker.settle();
    EXPECT_EQ(publisher.connection().info().state, "running");

    broker.raise_alarm("memory", memory);
    broker.settle();
    EXPECT_EQ(blocked_reason(publisher), memory);
    EXPECT_TRUE(consumer.has_no_answer(0));
    EXPECT_EQ(publisher.connection().info().state, "blocked");
    EXPECT_EQ(consumer.connection().info().state, "blocking");

    broker.clear_alarm("memory");
    broker.settle();
    publisher.take<amqp::ConnectionUnblocked>(0);
    EXPECT_TRUE(consumer.has_no_answer(0));
    EXPECT_EQ(publisher.connection().info().state, "running");
    EXPECT_EQ(consumer.connection().info().state, "running");
  });
}

TEST(Alarm, tells_who_publishes_during_it_and_holds_the_message_until_it_is_over) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(0));
    publisher.declare("q");
    broker.raise_alarm("disk", "low on disk");
    broker.settle();
    EXPECT_TRUE(publisher.has_no_answer(0));

    publisher.publish(1, {.routing_key = "q"}, "x");
    broker.settle();
    EXPECT_EQ(blocked_reason(publisher), "low on disk");
    EXPECT_EQ(broker.totals().ready, 0u);
    EXPECT_GT(held_bytes(broker), 0u);

    broker.clear_alarm("disk");
    broker.settle();
    publisher.take<amqp::ConnectionUnblocked>(0);
    EXPECT_EQ(broker.totals().ready, 1u);
    EXPECT_EQ(held_bytes(broker), 0u);
  });
}

TEST(Alarm, is_over_for_clients_when_the_last_one_is) {
  TestBroker broker({.workers = 2});
  Guest early(broker, 0);
  Guest late(broker, 1);
  early.declare("q");
  broker.raise_alarm("memory", memory);
  broker.settle();
  early.publish(1, {.routing_key = "q"}, "x");
  broker.settle();
  EXPECT_EQ(blocked_reason(early), memory);

  broker.raise_alarm("disk", "low on disk");
  broker.settle();
  late.publish(1, {.routing_key = "q"}, "x");
  broker.settle();
  EXPECT_TRUE(early.has_no_answer(0)) << "told twice";
  EXPECT_EQ(blocked_reason(late), "low on disk & memory");

  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_TRUE(early.has_no_answer(0));
  EXPECT_EQ(broker.totals().ready, 0u);

  broker.clear_alarm("disk");
  broker.settle();
  early.take<amqp::ConnectionUnblocked>(0);
  late.take<amqp::ConnectionUnblocked>(0);
  EXPECT_EQ(broker.totals().ready, 2u);
}

TEST(Alarm, holds_but_does_not_tell_a_client_without_the_capability) {
  TestBroker broker;
  Guest publisher(broker, 0, {.can_be_told_of_blocked = false});
  publisher.declare("q");
  broker.raise_alarm("memory", memory);
  broker.settle();
  publisher.publish(1, {.routing_key = "q"}, "x");
  broker.settle();
  EXPECT_EQ(publisher.connection().info().state, "blocked");
  EXPECT_EQ(broker.totals().ready, 0u);
  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_TRUE(publisher.has_no_answer(0));
  EXPECT_EQ(broker.totals().ready, 1u);
}

TEST(Alarm, awaits_a_connection_that_is_opened_during_it) {
  TestBroker broker({.workers = 2});
  broker.raise_alarm("memory", memory);
  broker.settle();
  Guest publisher(broker, 1);
  publisher.declare("q");
  EXPECT_EQ(publisher.connection().info().state, "blocking");
  publisher.publish(1, {.routing_key = "q"}, "x");
  broker.settle();
  EXPECT_EQ(blocked_reason(publisher), memory);
  EXPECT_EQ(broker.totals().ready, 0u);
}

TEST(Alarm, holds_a_publish_that_began_before_it) {
  TestBroker broker;
  Guest publisher(broker, 0);
  publisher.declare("q");
  publisher.send(1, amqp::BasicPublish{.routing_key = "q"});
  broker.settle();
  broker.raise_alarm("memory", memory);
  broker.settle();
  EXPECT_EQ(blocked_reason(publisher), memory);  // It was about to publish.
  std::vector<std::byte> header(amqp::content_header_frame_size(amqp::no_properties));
  amqp::WireWriter writer(header);
  amqp::write_content_header_frame(writer, 1, amqp::basic_class_id, 0, amqp::no_properties);
  publisher.send_bytes(header);
  broker.settle();
  EXPECT_EQ(broker.totals().ready, 0u);
  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_EQ(broker.totals().ready, 1u);
}

TEST(Alarm, lets_a_blocked_client_consume_and_settle) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(0));
    Guest owner(broker, world.worker(1));
    owner.declare("in");
    owner.declare("out");
    for (const std::string& body : numbered(6)) owner.publish(1, {.routing_key = "in"}, body);
    broker.settle();
    broker.raise_alarm("memory", memory);
    broker.settle();
    client.publish(1, {.routing_key = "out"}, "held");
    broker.settle();

    client.open_channel(2);
    client.call<amqp::BasicQosOk>(2, amqp::BasicQos{.prefetch_count = 2});
    client.call<amqp::BasicConsumeOk>(2, amqp::BasicConsume{.queue = "in", .consumer_tag = "c"});
    client.publish(2, {.routing_key = "out"}, "held too");  // Now channel 2 holds one as well.
    broker.settle();
    EXPECT_THAT(bodies(client.take_deliveries()), ElementsAre("0", "1"));
    client.ack(2, 2, /*is_multiple=*/true);
    broker.settle();
    EXPECT_THAT(bodies(client.take_deliveries()), ElementsAre("2", "3"));
    client.send(2, amqp::BasicNack{.delivery_tag = 3, .requeue = false});
    client.send(2, amqp::BasicReject{.delivery_tag = 4, .requeue = false});
    broker.settle();
    EXPECT_THAT(bodies(client.take_deliveries()), ElementsAre("4", "5"));
    client.ack(2, 6, /*is_multiple=*/true);
    client.call<amqp::BasicCancelOk>(2, amqp::BasicCancel{.consumer_tag = "c"});
    EXPECT_FALSE(client.has_unread_input());
    EXPECT_EQ(broker.totals().unacked, 0u);
    EXPECT_EQ(broker.totals().ready, 0u);

    broker.clear_alarm("memory");
    broker.settle();
    EXPECT_EQ(drain(broker, "out"), (std::vector<std::string>{"held", "held too"}));
  });
}

TEST(Alarm, makes_a_method_wait_that_would_overtake_what_its_channel_published) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    client.declare("q");
    client.open_channel(2);
    broker.raise_alarm("memory", memory);
    broker.settle();
    client.publish(1, {.routing_key = "q"}, "x");
    // Channel 2 holds nothing, so it is as ever.
    EXPECT_EQ(client.call<amqp::QueueDeclareOk>(2, amqp::QueueDeclare{.queue = "q"}).message_count,
              0u);
    client.send(1, amqp::QueueDeclare{.queue = "q", .passive = true});
    client.send(2, amqp::QueueDeclare{.queue = "q", .passive = true});
    broker.settle();
    EXPECT_TRUE(client.has_no_answer(1));
    EXPECT_TRUE(client.has_no_answer(2)) << "no more is read behind a method that waits";
    EXPECT_TRUE(client.has_unread_input());

    broker.clear_alarm("memory");
    broker.settle();
    EXPECT_EQ(client.take<amqp::QueueDeclareOk>(1).message_count, 1u);
    EXPECT_EQ(client.take<amqp::QueueDeclareOk>(2).message_count, 1u);
  });
}

TEST(Alarm, keeps_the_order_of_publishes_before_during_and_after_it) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr int count = 60;
    Guest publisher(broker, world.worker(1));
    Guest owner(broker, world.worker(0));
    owner.declare("q");
    publisher.open_channel(2);
    publisher.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    int at = 0;
    for (const std::string& body : numbered(count)) {
      if (at == 20) broker.raise_alarm("memory", memory);
      if (at == 45) broker.clear_alarm("memory");
      publisher.publish(1, {.routing_key = "q"}, body);
      if (++at % 5 == 0) broker.run_steps(at);
    }
    broker.settle();
    EXPECT_EQ(drain(broker, "q"), numbered(count));
    std::uint64_t safe = 0;
    for (const Confirmation& confirmation : publisher.take_confirmations()) {
      EXPECT_TRUE(confirmation.is_ack);
      safe = std::max(safe, confirmation.sequence);
    }
    EXPECT_EQ(safe, static_cast<std::uint64_t>(count));
    EXPECT_EQ(held_bytes(broker), 0u);
  });
}

TEST(Alarm, confirms_nothing_that_it_holds) {
  TestBroker broker;
  Guest publisher(broker, 0);
  publisher.declare("q");
  publisher.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
  broker.raise_alarm("memory", memory);
  broker.settle();
  publisher.publish(1, {.routing_key = "q"}, "x");
  broker.settle();
  EXPECT_THAT(publisher.take_confirmations(), IsEmpty());
  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_THAT(publisher.take_confirmations(), SizeIs(1));
}

TEST(Alarm, stops_reading_from_who_publishes_too_many_messages) {
  TestBroker broker;
  Guest publisher(broker, 0);
  publisher.declare("q");
  broker.raise_alarm("memory", memory);
  broker.settle();
  constexpr int count = static_cast<int>(HeldPublishes::entries_max) + 100;
  for (const std::string& body : numbered(count)) publisher.publish(1, {.routing_key = "q"}, body);
  broker.settle();
  EXPECT_TRUE(publisher.connection().is_paused());
  EXPECT_TRUE(publisher.has_unread_input());
  EXPECT_EQ(blocked_reason(publisher), memory);

  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_FALSE(publisher.has_unread_input());
  EXPECT_EQ(drain(broker, "q"), numbered(count));
}

TEST(Alarm, stops_reading_from_who_publishes_too_many_bytes) {
  TestBroker broker;
  Guest publisher(broker, 0);
  publisher.declare("q");
  broker.raise_alarm("memory", memory);
  broker.settle();
  const std::string part(HeldPublishes::bytes_max / 4, 'x');
  for (int i = 0; i < 8; ++i) publisher.publish(1, {.routing_key = "q"}, part);
  broker.settle();
  EXPECT_TRUE(publisher.connection().is_paused());
  EXPECT_LE(held_bytes(broker), HeldPublishes::bytes_max + message_overhead_max);

  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_EQ(broker.totals().ready, 8u);
}

TEST(Alarm, does_not_take_in_a_message_that_is_longer_than_what_may_be_held) {
  TestBroker broker;
  Guest publisher(broker, 0);
  publisher.declare("q");
  broker.raise_alarm("memory", memory);
  broker.settle();
  publisher.publish(1, {.routing_key = "q"}, std::string(HeldPublishes::bytes_max + 1, 'x'));
  broker.settle();
  EXPECT_EQ(blocked_reason(publisher), memory) << "told before anything is held back";
  EXPECT_TRUE(publisher.has_unread_input());
  EXPECT_EQ(held_bytes(broker), 0u);
  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_EQ(broker.totals().ready, 1u);
}

TEST(Alarm, bounds_what_all_connections_of_a_worker_hold) {
  TestBroker broker;
  Guest owner(broker, 0);
  owner.declare("q");
  broker.raise_alarm("memory", memory);
  broker.settle();
  constexpr std::uint64_t one = HeldPublishes::bytes_max - message_overhead_max;
  constexpr std::uint64_t count = HeldPublishes::worker_bytes_max / one + 3;
  std::vector<std::unique_ptr<Guest>> publishers;
  for (std::uint64_t i = 0; i < count; ++i) {
    publishers.push_back(std::make_unique<Guest>(broker, 0));
    publishers.back()->publish(1, {.routing_key = "q"}, std::string(one, 'x'));
    broker.settle();
  }
  EXPECT_LE(held_bytes(broker), HeldPublishes::worker_bytes_max + HeldPublishes::bytes_max);
  EXPECT_TRUE(publishers.back()->has_unread_input());
  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_EQ(broker.totals().ready, count);
}

TEST(Alarm, keeps_a_client_that_it_does_not_read_from) {
  TestBroker broker;
  Guest publisher(broker, 0, {.heartbeat_seconds = 10});
  publisher.declare("q");
  broker.raise_alarm("memory", memory);
  broker.settle();
  publisher.publish(1, {.routing_key = "q"}, std::string(HeldPublishes::bytes_max + 1, 'x'));
  broker.settle();
  for (int i = 0; i < 20; ++i) {
    broker.clock().advance(std::chrono::seconds(5));
    broker.settle();
  }
  EXPECT_TRUE(publisher.is_transport_open());
  EXPECT_GE(publisher.heartbeats(), 10u);
  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_EQ(broker.totals().ready, 1u);
  // Now silence counts again.
  for (int i = 0; i < 4; ++i) {
    broker.clock().advance(std::chrono::seconds(10));
    broker.settle();
  }
  EXPECT_FALSE(publisher.is_transport_open());
}

TEST(Alarm, lets_a_client_close_who_has_nothing_held) {
  TestBroker broker;
  Guest publisher(broker, 0);
  publisher.declare("q");
  publisher.publish(1, {.routing_key = "q"}, "x");
  broker.settle();
  broker.raise_alarm("memory", memory);
  broker.settle();
  EXPECT_EQ(blocked_reason(publisher), memory);
  publisher.call<amqp::ChannelCloseOk>(1, amqp::ChannelClose{});
  publisher.call<amqp::ConnectionCloseOk>(0, amqp::ConnectionClose{});
}

TEST(Alarm, answers_a_close_when_what_was_published_before_it_is_in) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(1));
    publisher.declare("q");
    publisher.open_channel(2);
    broker.raise_alarm("memory", memory);
    broker.settle();
    publisher.publish(1, {.routing_key = "q"}, "one");
    publisher.publish(2, {.routing_key = "q"}, "two");
    publisher.send(1, amqp::ChannelClose{});
    publisher.send(0, amqp::ConnectionClose{});
    broker.settle();
    EXPECT_EQ(blocked_reason(publisher), memory);
    EXPECT_TRUE(publisher.has_no_answer(0));
    EXPECT_TRUE(publisher.has_no_answer(1));

    broker.clear_alarm("memory");
    broker.settle();
    publisher.take<amqp::ChannelCloseOk>(1);
    publisher.take<amqp::ConnectionUnblocked>(0);
    publisher.take<amqp::ConnectionCloseOk>(0);
    EXPECT_EQ(drain(broker, "q"), (std::vector<std::string>{"one", "two"}));
  });
}

TEST(Alarm, ends_a_blocked_connection_without_leaving_anything) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    owner.declare("q");
    {
      Guest publisher(broker, world.worker(1));
      broker.raise_alarm("memory", memory);
      broker.settle();
      for (const std::string& body : numbered(5)) {
        publisher.publish(1, {.routing_key = "q"}, body);
      }
      publisher.send(1, amqp::QueueDeclare{.queue = "later"});
      broker.settle();
      publisher.cut();
      broker.settle();
      EXPECT_EQ(publisher.times_finished(), 1);
    }
    EXPECT_EQ(held_bytes(broker), 0u);
    EXPECT_EQ(dropped(broker), 5u);
    broker.clear_alarm("memory");
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 0u);
    EXPECT_FALSE(broker.has_queue("later"));
  });
}

TEST(Alarm, does_not_keep_an_operator_from_closing_a_connection) {
  TestBroker broker;
  Guest publisher(broker, 0);
  publisher.declare("q");
  broker.raise_alarm("memory", memory);
  broker.settle();
  publisher.publish(1, {.routing_key = "q"}, "held");
  publisher.send(1, amqp::QueueDeclare{.queue = "later"});
  broker.settle();
  ASSERT_TRUE(publisher.connection().is_paused());

  broker.as(0,
            [&] { publisher.connection().force_close(amqp::ReplyCode::connection_forced, "x"); });
  broker.settle();
  EXPECT_EQ(blocked_reason(publisher), memory);
  EXPECT_EQ(publisher.take_close(0), "320 CONNECTION_FORCED - x (0.0)");
  EXPECT_EQ(dropped(broker), 1u);
  publisher.send(0, amqp::ConnectionCloseOk{});
  broker.settle();
  EXPECT_EQ(publisher.times_finished(), 1);
  EXPECT_FALSE(broker.has_queue("later"));
}

TEST(Alarm, refuses_in_its_place_what_came_behind_a_held_publish) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(1));
    publisher.declare("q");
    broker.raise_alarm("memory", memory);
    broker.settle();
    publisher.publish(1, {.routing_key = "q"}, "before");
    publisher.publish(1, {.exchange = "nowhere"}, "refused");
    publisher.publish(1, {.routing_key = "q"}, "after");
    publisher.ack(1, 99);
    broker.settle();
    EXPECT_TRUE(publisher.has_no_answer(1));

    broker.clear_alarm("memory");
    broker.settle();
    EXPECT_EQ(publisher.take_close(1),
              "404 NOT_FOUND - no exchange 'nowhere' in vhost '/' (60.40)");
    EXPECT_TRUE(publisher.has_no_answer(1)) << "closed twice";
    EXPECT_EQ(drain(broker, "q"), (std::vector<std::string>{"before"}));
  });
}

TEST(Alarm, keeps_a_channel_open_whose_delivery_is_overdue_while_it_has_something_held) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(0),
                 {.session = {.consumer_timeout = std::chrono::seconds(8)}});
    client.declare("q");
    client.declare("other");
    client.publish(1, {.routing_key = "q"}, "unacknowledged");
    client.consume("q", "c");
    ASSERT_EQ(client.take_deliveries().size(), 1u);
    broker.raise_alarm("memory", memory);
    client.publish(1, {.routing_key = "other"}, "held");
    const auto let_pass = [&](int seconds) {
      for (int i = 0; i < seconds; ++i) {
        broker.clock().advance(std::chrono::seconds(1));
        broker.settle();
      }
    };
    let_pass(30);
    EXPECT_TRUE(client.has_no_answer(1));
    broker.clear_alarm("memory");
    let_pass(11);
    EXPECT_THAT(client.take_close(1), ::testing::HasSubstr("timed out"));
    EXPECT_EQ(broker.totals().ready, 2u) << "what was held has arrived, what it had is back";
  });
}

TEST(Alarm, refuses_at_once_where_nothing_is_held) {
  TestBroker broker;
  Guest publisher(broker, 0);
  broker.raise_alarm("memory", memory);
  broker.settle();
  publisher.publish(1, {.exchange = "nowhere"}, "refused");
  broker.settle();
  EXPECT_EQ(publisher.take_close(1), "404 NOT_FOUND - no exchange 'nowhere' in vhost '/' (60.40)");
}

TEST(Alarm, returns_what_is_unroutable_when_it_is_over) {
  TestBroker broker;
  Guest publisher(broker, 0);
  broker.raise_alarm("memory", memory);
  broker.settle();
  publisher.publish(1, {.routing_key = "nobody", .mandatory = true}, "m");
  publisher.publish(1, {.routing_key = "nobody"}, "not mandatory");
  broker.settle();
  EXPECT_THAT(publisher.take_returns(), IsEmpty());
  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_THAT(bodies(publisher.take_returns()), ElementsAre("m"));
}

TEST(Alarm, lets_a_transaction_commit_when_it_is_over) {
  for_each_world([](TestBroker& broker, World world) {
    Guest publisher(broker, world.worker(1));
    publisher.declare("q");
    publisher.call<amqp::TxSelectOk>(1, amqp::TxSelect{});
    broker.raise_alarm("memory", memory);
    broker.settle();
    publisher.publish(1, {.routing_key = "q"}, "x");
    publisher.send(1, amqp::TxCommit{});
    broker.settle();
    EXPECT_TRUE(publisher.has_no_answer(1));
    broker.clear_alarm("memory");
    broker.settle();
    publisher.take<amqp::TxCommitOk>(1);
    EXPECT_EQ(broker.totals().ready, 1u);
  });
}

TEST(Alarm, ends_the_connection_that_breaks_the_protocol) {
  TestBroker broker;
  Guest publisher(broker, 0);
  publisher.declare("q");
  broker.raise_alarm("memory", memory);
  broker.settle();
  publisher.publish(1, {.routing_key = "q"}, "held");
  publisher.send(1, amqp::BasicPublish{.routing_key = "q"});
  publisher.send(1, amqp::BasicAck{.delivery_tag = 1});  // Where content is expected.
  broker.settle();
  EXPECT_EQ(blocked_reason(publisher), memory);
  EXPECT_THAT(publisher.take_close(0), ::testing::StartsWith("505 UNEXPECTED_FRAME"));
  EXPECT_EQ(held_bytes(broker), 0u);
}

}  // namespace
}  // namespace leveret::testing
