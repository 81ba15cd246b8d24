// SPDX-License-Identifier: Apache-2.0
//
// Messages from publish to acknowledgement, over one worker and several, in many orders of events:
// nothing is lost, nothing comes twice, each publisher's messages keep their order.
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<std::string> bodies(const std::vector<Content>& contents) {
  std::vector<std::string> texts;
  texts.reserve(contents.size());
  for (const Content& content : contents) texts.push_back(content.body);
  return texts;
}

std::vector<std::string> numbered(const std::string& prefix, int count) {
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) texts.push_back(fmt::format("{}{}", prefix, i));
  return texts;
}

/// The bodies that begin with `prefix`, in the order in which they came.
std::vector<std::string> of_publisher(const std::vector<std::string>& texts,
                                      const std::string& prefix) {
  std::vector<std::string> own;
  std::ranges::copy_if(texts, std::back_inserter(own),
                       [&](const std::string& text) { return text.starts_with(prefix); });
  return own;
}

/// How many publishes the confirmations say are safe. Each is said once.
std::set<std::uint64_t> confirmed(const std::vector<Confirmation>& confirmations) {
  std::set<std::uint64_t> safe;
  for (const Confirmation& confirmation : confirmations) {
    EXPECT_TRUE(confirmation.is_ack);
    for (std::uint64_t sequence = confirmation.is_multiple ? 1 : confirmation.sequence;
         sequence <= confirmation.sequence; ++sequence) {
      const bool is_new = safe.insert(sequence).second;
      EXPECT_TRUE(is_new || confirmation.is_multiple) << "confirmed twice: " << sequence;
    }
  }
  return safe;
}

TEST(Delivery, keeps_each_publishers_order_and_loses_and_doubles_nothing) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr int count = 60;
    Guest consumer(broker, world.worker(0));
    Guest owner(broker, world.worker(1));
    Guest publisher_a(broker, world.worker(2));
    Guest publisher_b(broker, world.worker(3));
    owner.declare("q");
    consumer.consume("q", "c");
    for (int i = 0; i < count; ++i) {
      publisher_a.publish(1, {.routing_key = "q"}, fmt::format("a{}", i));
      publisher_b.publish(1, {.routing_key = "q"}, fmt::format("b{}", i));
      if (i % 7 == 0) broker.run_steps(5);
    }
    broker.settle();
    const std::vector<Content> deliveries = consumer.take_deliveries();
    EXPECT_THAT(deliveries, SizeIs(2 * count));
    EXPECT_EQ(of_publisher(bodies(deliveries), "a"), numbered("a", count));
    EXPECT_EQ(of_publisher(bodies(deliveries), "b"), numbered("b", count));
    std::uint64_t tag = 0;
    for (const Content& delivery : deliveries) {
      EXPECT_EQ(delivery.delivery_tag, ++tag);
      EXPECT_FALSE(delivery.is_redelivered);
    }
    EXPECT_EQ(broker.totals().unacked, 2u * count);
    consumer.ack(1, tag, /*is_multiple=*/true);
    broker.settle();
    EXPECT_EQ(broker.totals().unacked, 0u);
    EXPECT_EQ(broker.totals().ready, 0u);
  });
}

TEST(Delivery, shares_messages_among_consumers_and_gives_each_to_one) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr int count = 50;
    Guest owner(broker, world.worker(0));
    owner.declare("q");
    std::vector<std::unique_ptr<Guest>> consumers;
    for (unsigned i = 0; i < 3; ++i) {
      consumers.push_back(std::make_unique<Guest>(broker, world.worker(i)));
      consumers.back()->consume("q", "c", /*no_ack=*/true);
    }
    for (const std::string& body : numbered("m", count)) {
      owner.publish(1, {.routing_key = "q"}, body);
    }
    broker.settle();
    std::vector<std::string> came;
    for (const auto& consumer : consumers) {
      const std::vector<std::string> own = bodies(consumer->take_deliveries());
      EXPECT_FALSE(own.empty());
      std::ranges::copy(own, std::back_inserter(came));
    }
    EXPECT_THAT(came, ::testing::UnorderedElementsAreArray(numbered("m", count)));
    EXPECT_EQ(broker.totals().ready + broker.totals().unacked, 0u);
  });
}

TEST(Delivery, brings_large_and_small_bodies_whole) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest consumer(broker, world.worker(1), {.frame_max = 4096});
    owner.declare("q");
    consumer.consume("q", "c", true);
    std::vector<std::string> sent;
    for (const std::size_t bytes : {0, 1, 4087, 4088, 4089, 4096, 4097, 8176, 70'000, 300'000}) {
      std::string body(bytes, 'x');
      for (std::size_t i = 0; i < bytes; ++i) body[i] = static_cast<char>('a' + i % 23);
      owner.publish(1, {.routing_key = "q"}, body);
      sent.push_back(std::move(body));
    }
    broker.settle();
    EXPECT_EQ(bodies(consumer.take_deliveries()), sent);
  });
}

TEST(Delivery, comes_back_marked_and_in_order_when_its_channel_closes) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr int count = 20;
    Guest owner(broker, world.worker(0));
    Guest first(broker, world.worker(1));
    owner.declare("q");
    for (const std::string& body : numbered("m", count)) {
      owner.publish(1, {.routing_key = "q"}, body);
    }
    broker.settle();
    first.consume("q", "c");
    broker.settle();
    EXPECT_THAT(first.take_deliveries(), SizeIs(count));
    first.ack(1, 3);
    first.ack(1, 7);
    first.call<amqp::ChannelCloseOk>(1, amqp::ChannelClose{.reply_code = 200});
    broker.settle();
    EXPECT_EQ(broker.totals().unacked, 0u);
    EXPECT_EQ(broker.totals().consumers, 0u);

    Guest second(broker, world.worker(2));
    second.consume("q", "c", true);
    broker.settle();
    std::vector<std::string> expected = numbered("m", count);
    std::erase(expected, "m2");
    std::erase(expected, "m6");
    const std::vector<Content> again = second.take_deliveries();
    EXPECT_EQ(bodies(again), expected);
    EXPECT_TRUE(std::ranges::all_of(again, &Content::is_redelivered));
  });
}

TEST(Delivery, survives_consumers_that_are_cut_at_any_moment) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr int count = 60;
    Guest owner(broker, world.worker(0));
    owner.declare("q");
    for (const std::string& body : numbered("m", count)) {
      owner.publish(1, {.routing_key = "q"}, body);
    }
    std::multiset<std::string> acked;
    for (unsigned round = 0; round < 6; ++round) {
      Guest consumer(broker, world.worker(round + 1));
      consumer.send(1, amqp::BasicConsume{.queue = "q", .consumer_tag = "c"});
      broker.run_steps(static_cast<int>(world.seed * 3 + round));
      for (const Content& delivery : consumer.take_deliveries()) {
        if (delivery.delivery_tag % 3 != 0) continue;
        consumer.ack(1, delivery.delivery_tag);
        acked.insert(delivery.body);
      }
      if (round % 2 == 0) {
        broker.settle();  // The acks are heard.
      } else {
        acked.clear();
        consumer.cut();
        broker.settle();
        break;
      }
    }
    EXPECT_EQ(broker.totals().unacked, 0u);
    EXPECT_EQ(broker.totals().consumers, 0u);
    Guest last(broker, world.worker(1));
    last.consume("q", "c", true);
    broker.settle();
    const std::vector<std::string> rest = bodies(last.take_deliveries());
    EXPECT_TRUE(std::ranges::is_sorted(
        rest, {}, [](const std::string& body) { return std::stoi(body.substr(1)); }));
    EXPECT_EQ(std::set<std::string>(rest.begin(), rest.end()).size(), rest.size());
  });
}

TEST(Delivery, stops_at_a_consumers_prefetch) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest consumer(broker, world.worker(1));
    owner.declare("q");
    consumer.call<amqp::BasicQosOk>(1, amqp::BasicQos{.prefetch_count = 5});
    consumer.consume("q", "limited");
    for (const std::string& body : numbered("m", 12)) {
      owner.publish(1, {.routing_key = "q"}, body);
    }
    broker.settle();
    EXPECT_THAT(bodies(consumer.take_deliveries()), ElementsAre("m0", "m1", "m2", "m3", "m4"));
    consumer.ack(1, 2, true);
    broker.settle();
    EXPECT_THAT(bodies(consumer.take_deliveries()), ElementsAre("m5", "m6"));
  });
}

TEST(Delivery, never_passes_a_global_prefetch_and_keeps_the_order) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr int count = 40;
    constexpr std::size_t limit = 3;
    Guest owner(broker, world.worker(0));
    Guest consumer(broker, world.worker(1));
    owner.declare("q");
    consumer.call<amqp::BasicQosOk>(1, amqp::BasicQos{.prefetch_count = limit, .global = true});
    consumer.consume("q", "c1");
    for (const std::string& body : numbered("m", count)) {
      owner.publish(1, {.routing_key = "q"}, body);
    }
    std::vector<std::string> came;
    std::size_t unacked = 0;
    std::uint64_t last_tag = 0;
    // Acknowledged while others are on their way, which is when the order is in danger.
    for (int step = 0; step < 20'000 && came.size() < count; ++step) {
      broker.run_steps(1);
      for (const Content& delivery : consumer.take_deliveries()) {
        came.push_back(delivery.body);
        last_tag = delivery.delivery_tag;
        ++unacked;
        EXPECT_LE(unacked, limit);
      }
      if (unacked > 0 && step % 5 == 0) {
        consumer.ack(1, last_tag, true);
        unacked = 0;
      }
    }
    EXPECT_EQ(came, numbered("m", count));
  });
}

TEST(Delivery, shares_a_global_prefetch_among_queues_on_several_workers) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr int count = 15;
    constexpr std::size_t limit = 4;
    Guest consumer(broker, world.worker(0));
    std::vector<std::unique_ptr<Guest>> owners;
    consumer.call<amqp::BasicQosOk>(1, amqp::BasicQos{.prefetch_count = limit, .global = true});
    for (unsigned i = 0; i < 3; ++i) {
      const std::string queue = fmt::format("q{}", i);
      owners.push_back(std::make_unique<Guest>(broker, world.worker(i)));
      owners.back()->declare(queue);
      consumer.consume(queue, queue);
      for (int n = 0; n < count; ++n) {
        owners.back()->publish(1, {.routing_key = queue}, fmt::format("{}-{}", queue, n));
      }
    }
    std::multiset<std::string> came;
    for (int round = 0; round < 200 && came.size() < 3 * count; ++round) {
      broker.settle();
      const std::vector<Content> deliveries = consumer.take_deliveries();
      EXPECT_LE(deliveries.size(), limit);
      EXPECT_FALSE(deliveries.empty());
      for (const Content& delivery : deliveries) came.insert(delivery.body);
      if (!deliveries.empty()) consumer.ack(1, deliveries.back().delivery_tag, true);
    }
    EXPECT_EQ(came.size(), 3u * count);
    EXPECT_EQ(std::set<std::string>(came.begin(), came.end()).size(), 3u * count);
    broker.settle();
    EXPECT_EQ(broker.totals().unacked, 0u);
  });
}

TEST(Delivery, waits_for_a_reader_that_does_not_read) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr int count = 3000;
    Guest owner(broker, world.worker(0));
    Guest consumer(broker, world.worker(1));
    owner.declare("q");
    consumer.consume("q", "c", true);
    consumer.set_reading(false);
    const std::string body(2000, 'x');
    for (int i = 0; i < count; ++i) owner.publish(1, {.routing_key = "q"}, body);
    broker.settle();
    // About what a connection may have unwritten, and what may be on the way from another worker.
    EXPECT_LE(consumer.connection().output().pending_bytes(),
              1024 * 1024 + remote_window_bytes + 64 * 1024);
    EXPECT_GT(broker.totals().ready, 0u);
    consumer.set_reading(true);
    broker.settle();
    EXPECT_THAT(consumer.take_deliveries(), SizeIs(count));
    EXPECT_EQ(broker.totals().ready, 0u);
  });
}

TEST(Publish, is_held_while_another_worker_cannot_follow_and_goes_on) {
  TestBroker broker({.workers = 2, .seed = 3});
  Guest owner(broker, 0);
  Guest publisher(broker, 1);
  owner.declare("q");
  const std::string body(1024 * 1024, 'x');
  constexpr int count = 40;
  for (int i = 0; i < count; ++i) publisher.publish(1, {.routing_key = "q"}, body);
  while (broker.turn(1)) continue;  // The queue's worker takes nothing in.
  EXPECT_TRUE(broker.shard(1).is_congested());
  EXPECT_TRUE(publisher.connection().is_paused());
  EXPECT_TRUE(publisher.has_unread_input());
  broker.settle();
  EXPECT_FALSE(publisher.connection().is_paused());
  EXPECT_FALSE(broker.shard(1).is_congested());
  EXPECT_FALSE(publisher.has_unread_input());
  EXPECT_EQ(broker.totals().ready, static_cast<std::uint64_t>(count));
}

TEST(Publish, is_confirmed_once_when_every_queue_of_a_fan_out_has_it) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr int count = 30;
    std::vector<std::unique_ptr<Guest>> owners;
    for (unsigned i = 0; i < 4; ++i) {
      owners.push_back(std::make_unique<Guest>(broker, world.worker(i)));
      const std::string queue = fmt::format("q{}", i);
      owners.back()->declare(queue);
      owners.back()->call<amqp::QueueBindOk>(
          1, amqp::QueueBind{.queue = queue, .exchange = "amq.fanout"});
    }
    Guest publisher(broker, world.worker(1));
    publisher.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    for (int i = 0; i < count; ++i) publisher.publish(1, {.exchange = "amq.fanout"}, "body");
    while (broker.step()) {
      const bool has_confirmed = !publisher.take_confirmations().empty();
      if (has_confirmed) break;
    }
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 4u * count);
    EXPECT_EQ(publisher.connection().info().channels.at(0).unconfirmed, 0u);

    for (int i = 0; i < count; ++i) publisher.publish(1, {.exchange = "amq.fanout"}, "body");
    broker.settle();
    std::uint64_t last = 0;
    for (const Confirmation& confirmation : publisher.take_confirmations()) {
      EXPECT_TRUE(confirmation.is_ack);
      last = std::max(last, confirmation.sequence);
    }
    EXPECT_EQ(last, 2u * count);
  });
}

TEST(Publish, to_a_queue_that_is_deleted_meanwhile_is_confirmed) {
  for_each_world([](TestBroker& broker, World world) {
    constexpr std::size_t count = 20;
    Guest owner(broker, world.worker(0));
    Guest publisher(broker, world.worker(1));
    owner.declare("q");
    publisher.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    owner.send(1, amqp::QueueDelete{.queue = "q"});
    for (std::size_t i = 0; i < count; ++i) publisher.publish(1, {.routing_key = "q"}, "body");
    broker.settle();
    owner.take<amqp::QueueDeleteOk>(1);
    EXPECT_EQ(confirmed(publisher.take_confirmations()).size(), count);
    EXPECT_EQ(broker.queue_count(), 0u);
  });
}

TEST(Publish, that_is_mandatory_and_reaches_nobody_comes_back_before_its_confirm) {
  TestBroker broker;
  Guest client(broker, 0);
  client.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
  client.publish(1, {.exchange = "amq.direct", .routing_key = "none", .mandatory = true}, "body");
  client.publish(1, {.exchange = "amq.direct", .routing_key = "none"}, "lost");
  broker.settle();
  const std::vector<Content> returns = client.take_returns();
  ASSERT_THAT(bodies(returns), ElementsAre("body"));
  EXPECT_EQ(returns[0].exchange, "amq.direct");
  EXPECT_EQ(returns[0].routing_key, "none");
  EXPECT_EQ(confirmed(client.take_confirmations()).size(), 2u);
}

TEST(Get, takes_one_message_and_says_how_many_are_left) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest reader(broker, world.worker(1));
    owner.declare("q");
    reader.call<amqp::BasicGetEmpty>(1, amqp::BasicGet{.queue = "q"});
    for (const std::string& body : numbered("m", 3)) {
      owner.publish(1, {.routing_key = "q"}, body);
    }
    broker.settle();
    for (const std::uint32_t left : {2U, 1U, 0U}) {
      reader.send(1, amqp::BasicGet{.queue = "q"});
      broker.settle();
      const auto got = reader.take_got();
      ASSERT_TRUE(got.has_value());
      EXPECT_EQ(got->body, fmt::format("m{}", 2 - left));
      EXPECT_EQ(got->message_count, left);
      EXPECT_EQ(got->delivery_tag, 3 - left);
    }
    reader.send(1, amqp::BasicNack{.delivery_tag = 0, .multiple = true, .requeue = true});
    EXPECT_EQ(reader.call<amqp::QueuePurgeOk>(1, amqp::QueuePurge{.queue = "q"}).message_count, 3u);
  });
}

TEST(Recover, brings_everything_back_to_the_same_channel) {
  for_each_world([](TestBroker& broker, World world) {
    Guest owner(broker, world.worker(0));
    Guest consumer(broker, world.worker(1));
    owner.declare("q");
    consumer.consume("q", "c");
    for (const std::string& body : numbered("m", 4)) {
      owner.publish(1, {.routing_key = "q"}, body);
    }
    broker.settle();
    consumer.take_deliveries().clear();
    consumer.ack(1, 2);
    consumer.call<amqp::BasicRecoverOk>(1, amqp::BasicRecover{.requeue = true});
    broker.settle();
    const std::vector<Content> again = consumer.take_deliveries();
    EXPECT_THAT(bodies(again), ElementsAre("m0", "m2", "m3"));
    EXPECT_TRUE(std::ranges::all_of(again, &Content::is_redelivered));
    EXPECT_EQ(again.front().delivery_tag, 5u);
  });
}

TEST(ConsumerTimeout, closes_the_channel_whose_delivery_nobody_acknowledges) {
  for_each_world([](TestBroker& broker, World world) {
    const TestClient::Options hasty{.session = {.consumer_timeout = std::chrono::seconds(8)}};
    Guest consumer(broker, world.worker(0), hasty);
    Guest owner(broker, world.worker(1));
    owner.declare("q");
    consumer.open_channel(2);
    consumer.consume("q", "c");
    const auto let_pass = [&](int seconds) {
      for (int i = 0; i < seconds; ++i) {
        broker.clock().advance(std::chrono::seconds(1));
        broker.settle();
      }
    };
    // As long as each is acknowledged in time it may go on for any time.
    for (int i = 0; i < 5; ++i) {
      owner.publish(1, {.routing_key = "q"}, "a");
      broker.settle();
      let_pass(4);
      consumer.ack(1, consumer.take_deliveries().at(0).delivery_tag);
    }
    owner.publish(1, {.routing_key = "q"}, "b");
    owner.publish(1, {.routing_key = "q"}, "c");
    broker.settle();
    consumer.ack(1, consumer.take_deliveries().at(1).delivery_tag);
    let_pass(7);
    EXPECT_TRUE(consumer.has_no_answer(1));
    let_pass(3);
    EXPECT_EQ(consumer.take_close(1),
              "406 PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout "
              "value used: 8000 ms. This timeout value can be configured, see consumers doc guide "
              "to learn more (0.0)");
    EXPECT_EQ(broker.totals().ready, 1u) << "what it held is there for others";
    consumer.send(1, amqp::ChannelCloseOk{});
    consumer.open_channel(1);
    EXPECT_TRUE(consumer.has_no_answer(2)) << "the other channel has done nothing wrong";
  });
}

TEST(ConsumerTimeout, is_for_gets_too_and_can_be_switched_off) {
  for (const bool is_on : {true, false}) {
    TestBroker broker;
    Guest client(broker, 0, {.session = {.consumer_timeout = std::chrono::seconds(is_on ? 8 : 0)}});
    client.declare("q");
    client.publish(1, {.routing_key = "q"}, "a");
    client.send(1, amqp::BasicGet{.queue = "q"});
    broker.settle();
    ASSERT_TRUE(client.take_got().has_value());
    for (int i = 0; i < 100; ++i) {
      broker.clock().advance(std::chrono::seconds(1));
      broker.settle();
    }
    EXPECT_EQ(client.has_no_answer(1), !is_on);
  }
}

}  // namespace
}  // namespace leveret::testing
