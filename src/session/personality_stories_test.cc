// SPDX-License-Identifier: Apache-2.0
//
// What clients can tell of the RabbitMQ that a broker is (compat).
#include "session/testing/client.h"
#include "vhost/personality.h"

#include <cstddef>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldTable;
using ::testing::HasSubstr;

TestBroker::Options being(std::string_view name) { return {.personality = find_personality(name)}; }

FieldTable headers_of(const Content& content) {
  return *FieldTable::decode(*amqp::peek_headers(std::as_bytes(std::span(content.properties))));
}

TEST(Personality, is_found_by_its_name) {
  EXPECT_EQ(personalities().front().name, "any");
  for (const Personality& one : personalities()) {
    EXPECT_EQ(find_personality(one.name), &one);
    EXPECT_THAT(std::string(personality_names), HasSubstr(std::string(one.name)));
  }
  EXPECT_EQ(find_personality("3.9"), nullptr);
  EXPECT_EQ(find_personality(""), nullptr);
}

TEST(Personality, says_what_an_unknown_exchange_type_closes) {
  for (const char* name : {"any", "3.10", "3.13", "4.x"}) {
    SCOPED_TRACE(name);
    TestBroker broker(being(name));
    Guest client(broker, 0);
    client.send(1, amqp::ExchangeDeclare{.exchange = "x", .type = "nosuch"});
    broker.settle();
    if (find_personality(name)->is_unknown_type_soft) {
      EXPECT_EQ(client.take_close(1),
                "406 PRECONDITION_FAILED - unknown exchange type 'nosuch' (40.10)");
    } else {
      EXPECT_EQ(client.take_close(0),
                "503 COMMAND_INVALID - unknown exchange type 'nosuch' (40.10)");
    }
  }
}

TEST(Personality, says_whether_a_dead_letter_tells_of_the_last_death) {
  const auto headers = [](std::string_view name) {
    TestBroker broker(being(name));
    Guest client(broker, 0);
    const std::vector<std::byte> arguments =
        FieldTable{{"x-dead-letter-exchange", ""}, {"x-dead-letter-routing-key", "dead"}}.to_raw();
    client.declare("dead");
    client.declare("q", {.arguments = amqp::RawTable(arguments)});
    client.publish(1, {.routing_key = "q"}, "a");
    client.send(1, amqp::BasicGet{.queue = "q"});
    broker.settle();
    client.send(1, amqp::BasicReject{.delivery_tag = 1});
    client.send(1, amqp::BasicGet{.queue = "dead", .no_ack = true});
    broker.settle();
    return headers_of(client.take_got().value());
  };
  EXPECT_EQ(headers("any").find("x-last-death-reason"), nullptr);
  const FieldTable told = headers("3.13");
  EXPECT_EQ(*told.find("x-last-death-reason")->as_string(), "rejected");
  EXPECT_EQ(*told.find("x-last-death-queue")->as_string(), "q");
  EXPECT_EQ(*told.find("x-last-death-exchange")->as_string(), "");
}

}  // namespace
}  // namespace leveret::testing
