// SPDX-License-Identifier: Apache-2.0
//
// Direct reply-to over one worker and several: requests carry an address, replies find it, and
// nobody else does.
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::string_view reply_to = "amq.rabbitmq.reply-to";

std::vector<std::byte> asking_for_reply() {
  amqp::BasicProperties properties;
  properties.reply_to = reply_to;
  properties.correlation_id = "1";
  return properties.to_raw();
}
std::string address_in(const Content& request) {
  const auto bytes = std::as_bytes(std::span(request.properties.data(), request.properties.size()));
  return std::string(*amqp::BasicProperties::decode(bytes)->reply_to);
}
std::vector<std::string> bodies(const std::vector<Content>& contents) {
  std::vector<std::string> texts;
  texts.reserve(contents.size());
  for (const Content& content : contents) texts.push_back(content.body);
  return texts;
}
/// A request of `client`, as the server got it; the client waits for replies.
Content ask(TestBroker& broker, TestClient& client, TestClient& server) {
  server.declare("rpc");
  server.consume("rpc", "s", /*no_ack=*/true);
  client.consume(reply_to, "replies", /*no_ack=*/true);
  const std::vector<std::byte> properties = asking_for_reply();
  client.publish(1, {.routing_key = "rpc", .properties = properties}, "question");
  broker.settle();
  const auto requests = server.take_deliveries();
  EXPECT_THAT(requests, SizeIs(1));
  return requests.at(0);
}

TEST(DirectReply, reaches_who_asked_and_nobody_else) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    Guest other(broker, world.worker(1));
    Guest server(broker, world.worker(2));
    other.consume(reply_to, "replies", /*no_ack=*/true);
    const std::string address = address_in(ask(broker, client, server));
    EXPECT_THAT(address, StartsWith("amq.rabbitmq.reply-to."));

    server.publish(1, {.routing_key = address}, "answer 1");
    server.publish(1, {.routing_key = address}, "answer 2");
    broker.settle();

    const auto answers = client.take_deliveries();
    ASSERT_THAT(bodies(answers), ElementsAre("answer 1", "answer 2"));
    EXPECT_EQ(answers[0].consumer_tag, "replies");
    EXPECT_EQ(answers[0].exchange, "");
    EXPECT_EQ(answers[0].routing_key, address);
    EXPECT_FALSE(answers[0].is_redelivered);
    EXPECT_LT(answers[0].delivery_tag, answers[1].delivery_tag);
    EXPECT_THAT(other.take_deliveries(), IsEmpty());
  });
}

TEST(DirectReply, is_unroutable_for_who_asks_and_confirmed_all_the_same) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    Guest server(broker, world.worker(2));
    const std::string address = address_in(ask(broker, client, server));
    server.call<amqp::ConfirmSelectOk>(1, amqp::ConfirmSelect{});
    server.publish(1, {.routing_key = address, .mandatory = true}, "answer");
    broker.settle();
    EXPECT_THAT(bodies(client.take_deliveries()), ElementsAre("answer"));
    EXPECT_THAT(bodies(server.take_returns()), ElementsAre("answer"));
    EXPECT_THAT(server.take_confirmations(), SizeIs(1));
  });
}

TEST(DirectReply, goes_nowhere_when_nobody_has_the_address) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    Guest server(broker, world.worker(2));
    const std::string address = address_in(ask(broker, client, server));
    const auto answer =
        server.call<amqp::QueueDeclareOk>(1, amqp::QueueDeclare{.queue = address, .passive = true});
    EXPECT_EQ(answer.message_count, 0u);
    EXPECT_EQ(answer.consumer_count, 1u);
    for (const std::string& wrong : {address + "x", std::string("amq.rabbitmq.reply-to."),
                                     std::string("amq.rabbitmq.reply-to.."),
                                     std::string("amq.rabbitmq.reply-to.ffffffffffffffff.x"),
                                     std::string("amq.rabbitmq.reply-to.garbage")}) {
      server.publish(1, {.routing_key = wrong}, "answer");
    }
    client.call<amqp::BasicCancelOk>(1, amqp::BasicCancel{.consumer_tag = "replies"});
    server.publish(1, {.routing_key = address}, "too late");
    broker.settle();
    EXPECT_THAT(client.take_deliveries(), IsEmpty());
    server.send(1, amqp::QueueDeclare{.queue = address, .passive = true});
    broker.settle();
    EXPECT_EQ(server.take_close(1),
              "404 NOT_FOUND - no queue '" + address + "' in vhost '/' (50.10)");
  });
}

TEST(DirectReply, survives_clients_that_go_while_answers_come) {
  for_each_world([](TestBroker& broker, World world) {
    Guest server(broker, world.worker(2));
    {
      Guest client(broker, world.worker(1));
      const std::string address = address_in(ask(broker, client, server));
      for (int i = 0; i < 20; ++i) server.publish(1, {.routing_key = address}, "answer");
      broker.run_steps(static_cast<int>(world.seed % 10));
      client.cut();
    }
    broker.settle();
    EXPECT_TRUE(server.is_transport_open());
  });
}

TEST(DirectReply, a_new_consumer_has_a_new_address) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    Guest server(broker, world.worker(2));
    const std::string address = address_in(ask(broker, client, server));
    client.call<amqp::BasicCancelOk>(1, amqp::BasicCancel{.consumer_tag = "replies"});
    client.consume(reply_to, "again", /*no_ack=*/true);
    server.publish(1, {.routing_key = address}, "for the old one");
    broker.settle();
    EXPECT_THAT(client.take_deliveries(), IsEmpty());
  });
}

}  // namespace
}  // namespace leveret::testing
