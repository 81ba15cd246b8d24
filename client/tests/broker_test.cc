// SPDX-License-Identifier: Apache-2.0
//
// libleveret against a real broker, whichever: LEVERET_TEST_URL says where it is.
#include "leveret/blocking_connection.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto patience = 20s;

URLParameters parameters() {
  const char* url = std::getenv("LEVERET_TEST_URL");
  return URLParameters(url != nullptr ? url : "amqp://guest:guest@localhost:5672/%2F");
}

struct Broker : public ::testing::Test {
  /// Runs callbacks until `is_so`; returns whether it came to be.
  template <class Predicate>
  bool eventually(Predicate is_so) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    bool is_so_now = is_so();
    while (!is_so_now && std::chrono::steady_clock::now() < deadline) {
      connection.process_data_events(100ms);
      is_so_now = is_so();
    }
    return is_so_now;
  }

  BlockingConnection connection{parameters()};
  BlockingChannel channel = connection.channel();
  std::string queue = channel.queue_declare({.exclusive = true}).queue;
};

TEST_F(Broker, says_what_it_is) {
  EXPECT_TRUE(connection.is_open());
  EXPECT_TRUE(connection.server_properties().contains("product"));
  EXPECT_TRUE(connection.basic_nack_supported());
  EXPECT_TRUE(connection.publisher_confirms_supported());
  EXPECT_TRUE(connection.consumer_cancel_notify_supported());
  EXPECT_TRUE(connection.exchange_exchange_bindings_supported());
}

TEST_F(Broker, gives_back_what_was_published_with_all_its_properties) {
  BasicProperties properties{.content_type = "text/plain",
                             .headers = FieldTable{{"a", 1}, {"b", FieldTable{{"c", true}}}},
                             .delivery_mode = DeliveryMode::persistent,
                             .priority = 3,
                             .correlation_id = "corr",
                             .reply_to = "here",
                             .message_id = "id",
                             .timestamp = 1'700'000'000,
                             .type = "t",
                             .app_id = "app"};
  const std::string body = std::string(1'000'000, 'x') + "end";
  channel.basic_publish({.routing_key = queue, .body = body, .properties = properties});
  channel.basic_publish({.routing_key = queue});

  std::optional<GotMessage> got;
  ASSERT_TRUE(eventually([&] { return (got = channel.basic_get(queue)).has_value(); }));
  EXPECT_EQ(got->body, body);
  EXPECT_EQ(got->properties, properties);
  EXPECT_EQ(got->method.routing_key, queue);
  EXPECT_EQ(got->method.exchange, "");
  EXPECT_FALSE(got->method.redelivered);
  channel.basic_ack(got->method.delivery_tag);
  ASSERT_TRUE(eventually([&] { return (got = channel.basic_get(queue, true)).has_value(); }));
  EXPECT_EQ(got->body, "");
  EXPECT_EQ(got->properties, BasicProperties{});
  EXPECT_FALSE(channel.basic_get(queue));
}

TEST_F(Broker, calls_consumers_back_in_order) {
  constexpr int count = 1000;
  std::vector<std::string> bodies;
  channel.basic_qos({.prefetch_count = 10});
  const std::string tag = channel.basic_consume(
      {.queue = queue,
       .on_message_callback = [&](BlockingChannel& on, const BasicDeliver& method,
                                  const BasicProperties&, std::string_view body) {
         bodies.emplace_back(body);
         on.basic_ack(method.delivery_tag);
         if (bodies.size() == count) on.stop_consuming();
       }});
  EXPECT_THAT(channel.consumer_tags(), ElementsAre(tag));
  std::vector<std::string> sent;
  for (int i = 0; i < count; ++i) {
    sent.push_back(std::to_string(i));
    channel.basic_publish({.routing_key = queue, .body = sent.back()});
  }
  channel.start_consuming();
  EXPECT_EQ(bodies, sent);
  EXPECT_THAT(channel.consumer_tags(), IsEmpty());
  EXPECT_EQ(channel.queue_declare({.queue = queue, .passive = true}).message_count, 0u);
}

TEST_F(Broker, what_a_cancelled_consumer_had_not_seen_goes_back_or_is_returned) {
  for (const bool auto_ack : {false, true}) {
    const std::string tag = channel.basic_consume(
        {.queue = queue, .on_message_callback = [](auto&&...) { FAIL(); }, .auto_ack = auto_ack});
    channel.basic_publish({.routing_key = queue, .body = "one"});
    channel.basic_publish({.routing_key = queue, .body = "two"});
    // The deliveries come before this answer.
    (void)channel.queue_declare({.queue = queue, .passive = true});
    const std::vector<Delivery> waiting = channel.basic_cancel(tag);
    if (!auto_ack) {
      EXPECT_THAT(waiting, IsEmpty());
      ASSERT_TRUE(eventually([&] {
        return channel.queue_declare({.queue = queue, .passive = true}).message_count == 2;
      }));
      EXPECT_EQ(channel.queue_purge(queue).message_count, 2u);
    } else {
      EXPECT_LE(waiting.size(), 2u);
      EXPECT_EQ(channel.queue_purge(queue).message_count + waiting.size(), 2u);
    }
    EXPECT_THAT(channel.basic_cancel(tag), IsEmpty());
  }
}

TEST_F(Broker, says_which_queue_is_not_there_and_closes_the_channel) {
  try {
    channel.queue_declare({.queue = "no such queue", .passive = true});
    FAIL();
  } catch (const ChannelClosedByBroker& closed) {
    EXPECT_EQ(closed.reply_code(), 404);
    EXPECT_THAT(closed.reply_text(), HasSubstr("no queue 'no such queue'"));
  }
  EXPECT_FALSE(channel.is_open());
  EXPECT_THROW(channel.queue_declare({}), ChannelWrongStateError);
  EXPECT_THROW(channel.close(), ChannelWrongStateError);
  EXPECT_TRUE(connection.is_open());
  EXPECT_TRUE(connection.channel().is_open());
}

TEST_F(Broker, confirms_returns_and_nacks) {
  channel.confirm_delivery();
  channel.basic_publish({.routing_key = queue, .body = "kept"});
  EXPECT_EQ(channel.queue_declare({.queue = queue, .passive = true}).message_count, 1u);
  try {
    channel.basic_publish({.routing_key = "nowhere", .body = "lost", .mandatory = true});
    FAIL();
  } catch (const UnroutableError& error) {
    ASSERT_EQ(error.messages().size(), 1u);
    EXPECT_EQ(error.messages()[0].body, "lost");
    EXPECT_EQ(error.messages()[0].method.reply_code, 312);
  }
  channel.basic_publish({.routing_key = "nowhere", .body = "lost, and nobody minds"});

  const std::string full =
      channel
          .queue_declare({.exclusive = true,
                          .arguments = {{"x-max-length", 1}, {"x-overflow", "reject-publish"}}})
          .queue;
  channel.basic_publish({.routing_key = full});
  EXPECT_THROW(channel.basic_publish({.routing_key = full}), NackError);
  EXPECT_TRUE(channel.is_open());
}

TEST_F(Broker, returns_without_confirms_reach_their_callback) {
  std::vector<std::string> returned;
  channel.add_on_return_callback([&](BlockingChannel&, const BasicReturn& method,
                                     const BasicProperties&, std::string_view body) {
    returned.push_back(method.routing_key + ":" + std::string(body));
  });
  channel.basic_publish({.routing_key = "nowhere", .body = "x", .mandatory = true});
  EXPECT_TRUE(eventually([&] { return !returned.empty(); }));
  EXPECT_THAT(returned, ElementsAre("nowhere:x"));
}

TEST_F(Broker, tells_of_a_consumer_whose_queue_is_gone) {
  std::string cancelled;
  channel.add_on_cancel_callback(
      [&](BlockingChannel&, const std::string& tag) { cancelled = tag; });
  const std::string tag = channel.basic_consume({.queue = queue, .on_message_callback = {}});
  connection.channel().queue_delete({.queue = queue});
  channel.start_consuming();  // Until there is no consumer left.
  EXPECT_EQ(cancelled, tag);
}

TEST_F(Broker, exchanges_are_declared_bound_and_deleted) {
  const std::string one = "libleveret-one-" + queue;
  const std::string two = "libleveret-two-" + queue;
  channel.exchange_declare({.exchange = one, .exchange_type = "topic", .auto_delete = true});
  channel.exchange_declare({.exchange = two, .exchange_type = "fanout"});
  channel.exchange_bind({.destination = two, .source = one, .routing_key = "a.#"});
  channel.queue_bind({.queue = queue, .exchange = two});
  channel.confirm_delivery();
  channel.basic_publish({.exchange = one, .routing_key = "a.b", .body = "x", .mandatory = true});
  EXPECT_EQ(channel.basic_get(queue, true)->body, "x");
  channel.queue_unbind({.queue = queue, .exchange = two});
  EXPECT_THROW(channel.basic_publish({.exchange = one, .routing_key = "a.b", .mandatory = true}),
               UnroutableError);
  channel.exchange_unbind({.destination = two, .source = one, .routing_key = "a.#"});
  channel.exchange_delete({.exchange = two});
}

TEST_F(Broker, transactions_commit_and_roll_back) {
  channel.tx_select();
  channel.basic_publish({.routing_key = queue, .body = "undone"});
  channel.tx_rollback();
  channel.basic_publish({.routing_key = queue, .body = "done"});
  channel.tx_commit();
  EXPECT_EQ(channel.basic_get(queue, true)->body, "done");
  EXPECT_FALSE(channel.basic_get(queue, true));
}

TEST_F(Broker, rejected_and_nacked_messages_come_again) {
  channel.confirm_delivery();
  channel.basic_publish({.routing_key = queue, .body = "x"});
  channel.basic_reject(channel.basic_get(queue)->method.delivery_tag);
  std::optional<GotMessage> got;
  ASSERT_TRUE(eventually([&] { return (got = channel.basic_get(queue)).has_value(); }));
  EXPECT_TRUE(got->method.redelivered);
  channel.basic_nack(got->method.delivery_tag, false, true);
  ASSERT_TRUE(eventually([&] { return (got = channel.basic_get(queue)).has_value(); }));
  channel.basic_recover();
  ASSERT_TRUE(eventually([&] { return (got = channel.basic_get(queue)).has_value(); }));
  channel.basic_nack(0, true, false);
  EXPECT_EQ(channel.queue_declare({.queue = queue, .passive = true}).message_count, 0u);
}

TEST_F(Broker, a_name_that_is_too_long_is_refused_before_it_is_sent) {
  EXPECT_THROW(channel.queue_declare({.queue = std::string(256, 'q')}), ShortStringTooLong);
  EXPECT_THROW(channel.basic_publish({.properties = {.message_id = std::string(256, 'm')}}),
               ShortStringTooLong);
  EXPECT_TRUE(channel.is_open());
}

TEST_F(Broker, callbacks_may_use_the_channel_but_not_wait_for_others) {
  bool is_called = false;
  connection.call_later(0ms, [&] {
    EXPECT_THROW(connection.process_data_events(), ReentrancyError);
    EXPECT_THROW(channel.start_consuming(), ReentrancyError);
    EXPECT_EQ(channel.queue_declare({.queue = queue, .passive = true}).queue, queue);
    is_called = true;
  });
  EXPECT_TRUE(eventually([&] { return is_called; }));
}

TEST_F(Broker, timers_run_in_their_order_unless_removed) {
  std::vector<int> order;
  connection.call_later(20ms, [&] { order.push_back(2); });
  connection.call_later(10ms, [&] { order.push_back(1); });
  connection.remove_timeout(connection.call_later(5ms, [&] { order.push_back(0); }));
  connection.add_callback_threadsafe([&] { order.push_back(-1); });
  EXPECT_TRUE(eventually([&] { return order.size() == 3; }));
  EXPECT_THAT(order, ElementsAre(-1, 1, 2));
}

TEST_F(Broker, another_thread_may_stop_a_consumer_that_waits) {
  channel.basic_consume({.queue = queue, .on_message_callback = [](auto&&...) {}});
  std::thread other([&] { channel.stop_consuming(); });
  channel.start_consuming();
  other.join();
}

TEST_F(Broker, eight_threads_may_publish_on_one_channel) {
  constexpr int threads = 8;
  constexpr int each = 500;
  std::vector<std::thread> publishers;
  publishers.reserve(threads);
  for (int i = 0; i < threads; ++i) {
    publishers.emplace_back([&, i] {
      for (int j = 0; j < each; ++j) {
        channel.basic_publish({.routing_key = queue, .body = std::to_string(i * each + j)});
      }
    });
  }
  std::set<std::string> bodies;
  channel.basic_consume({.queue = queue,
                         .on_message_callback =
                             [&](auto&, const auto&, const auto&, std::string_view body) {
                               EXPECT_TRUE(bodies.emplace(body).second);
                             },
                         .auto_ack = true});
  EXPECT_TRUE(eventually([&] { return bodies.size() == threads * each; }));
  for (std::thread& publisher : publishers) publisher.join();
}

TEST_F(Broker, confirms_of_several_threads_are_not_mixed_up) {
  channel.confirm_delivery();
  std::vector<std::thread> publishers;
  publishers.reserve(4);
  std::atomic<int> unroutable = 0;
  for (int i = 0; i < 4; ++i) {
    publishers.emplace_back([&, i] {
      for (int j = 0; j < 50; ++j) {
        const std::string key = i % 2 == 0 ? queue : "nowhere";
        try {
          channel.basic_publish({.routing_key = key, .mandatory = true});
          EXPECT_EQ(key, queue);
        } catch (const UnroutableError& error) {
          EXPECT_EQ(error.messages().size(), 1u);
          EXPECT_EQ(key, "nowhere");
          ++unroutable;
        }
      }
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  EXPECT_EQ(unroutable, 100);
}

TEST_F(Broker, a_closed_connection_says_so_everywhere) {
  connection.close();
  EXPECT_FALSE(connection.is_open());
  EXPECT_FALSE(channel.is_open());
  EXPECT_THROW(connection.close(), ConnectionWrongStateError);
  EXPECT_THROW(connection.channel(), AMQPConnectionError);
  EXPECT_THROW(channel.queue_declare({}), AMQPConnectionError);
  EXPECT_THROW(channel.basic_publish({}), AMQPConnectionError);
  EXPECT_THROW(connection.process_data_events(), ConnectionClosedByClient);
}

TEST(Opening, tells_a_wrong_password_from_a_wrong_virtual_host) {
  ConnectionParameters wrong = parameters();
  wrong.credentials = PlainCredentials{"guest", "not it"};
  EXPECT_THROW(BlockingConnection{wrong}, ProbableAuthenticationError);
  wrong = parameters();
  wrong.virtual_host = "no such host";
  EXPECT_THROW(BlockingConnection{wrong}, ProbableAccessDeniedError);
}

TEST(Opening, tries_the_next_when_nobody_answers) {
  ConnectionParameters nobody = parameters();
  nobody.port = 1;
  EXPECT_THROW(BlockingConnection{nobody}, AMQPConnectionError);
  BlockingConnection connection(std::vector<ConnectionParameters>{nobody, parameters()});
  EXPECT_TRUE(connection.is_open());
}

TEST(Opening, channels_may_outlive_their_connection) {
  std::optional<BlockingChannel> channel;
  {
    BlockingConnection connection(parameters());
    channel = connection.channel();
  }
  EXPECT_FALSE(channel->is_open());
  EXPECT_THROW(channel->queue_declare({}), AMQPConnectionError);
}

}  // namespace
}  // namespace leveret
