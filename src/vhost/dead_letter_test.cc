// SPDX-License-Identifier: Apache-2.0
//
// The headers of dead letters. The bytes are what RabbitMQ 3.10.8 sent when it was asked, with the
// time taken out.
#include "vhost/dead_letter.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;
using ::testing::ElementsAre;

constexpr std::uint64_t time_of_death = 0x6b08c712;

MessagePtr a_message(std::string_view key, amqp::BasicProperties properties,
                     const FieldTable* headers = nullptr) {
  std::vector<std::byte> table;
  if (headers != nullptr) {
    table = headers->to_raw();
    properties.headers = amqp::RawTable(table);
  }
  return make_message("", key, properties.to_raw(), std::as_bytes(std::span("x", 1)));
}

DeadLetter die(const MessagePtr& message, std::string_view queue, Death death,
               const std::string* routing_key = nullptr) {
  return make_dead_letter(*message, {.queue = queue,
                                     .death = death,
                                     .seconds = time_of_death,
                                     .exchange = "dlx",
                                     .routing_key = routing_key});
}

std::string header_bytes(const DeadLetter& letter) {
  const auto raw = amqp::peek_headers(letter.message->properties())->bytes();
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}
FieldTable headers_of(const DeadLetter& letter) {
  return *FieldTable::decode(*amqp::peek_headers(letter.message->properties()));
}
FieldArray deaths_of(const DeadLetter& letter) {
  return *headers_of(letter).find("x-death")->as_array();
}

template <std::size_t N>
std::string bytes(const char (&literal)[N]) {
  return {literal, N - 1};
}

TEST(DeadLetter, has_its_first_death_in_its_headers) {
  const DeadLetter letter = die(a_message("q1", {}), "q1", Death::expired);
  EXPECT_EQ(header_bytes(letter),
            bytes("\x07x-deathA\x00\x00\x00iF\x00\x00\x00"
                  "d\x05"
                  "countl\x00\x00\x00\x00\x00\x00\x00\x01\x06reasonS\x00\x00\x00\x07"
                  "expired\x05queueS\x00\x00\x00\x02q1\x04timeT\x00\x00\x00\x00k\x08\xc7\x12\x08"
                  "exchangeS\x00\x00\x00\x00\x0crouting-keysA\x00\x00\x00\x07S\x00\x00\x00\x02q1"
                  "\x16x-first-death-exchangeS\x00\x00\x00\x00\x13x-first-death-queueS\x00\x00\x00"
                  "\x02q1\x14x-first-death-reasonS\x00\x00\x00\x07"
                  "expired"));
  EXPECT_EQ(letter.message->exchange(), "dlx");
  EXPECT_EQ(letter.message->routing_key(), "q1");
  EXPECT_THAT(letter.routing_keys, ElementsAre("q1"));
}

TEST(DeadLetter, loses_its_expiration_and_keeps_what_else_it_had) {
  FieldTable headers;
  headers.set("b", std::int32_t{1}).set("a", "z").set("CC", FieldArray{"k2"});
  amqp::BasicProperties properties;
  properties.expiration = "10";
  properties.delivery_mode = 2;
  properties.priority = 3;
  const DeadLetter letter = die(a_message("q2", properties, &headers), "q2", Death::expired);
  EXPECT_EQ(
      header_bytes(letter),
      bytes("\x02"
            "CCA\x00\x00\x00\x07S\x00\x00\x00\x02k2\x01"
            "aS\x00\x00\x00\x01z\x01"
            "bI\x00\x00\x00\x01\x07x-deathA\x00\x00\x00\x8b"
            "F\x00\x00\x00\x86\x05"
            "countl\x00\x00\x00\x00\x00\x00\x00\x01\x06reasonS\x00\x00\x00\x07"
            "expired\x05queueS\x00\x00\x00\x02q2\x04timeT\x00\x00\x00\x00k\x08\xc7\x12\x08"
            "exchangeS\x00\x00\x00\x00\x0crouting-keysA\x00\x00\x00\x0eS\x00\x00\x00\x02q2S\x00\x00"
            "\x00\x02k2\x13original-expirationS\x00\x00\x00\x02"
            "10\x16x-first-death-exchangeS\x00\x00\x00\x00\x13x-first-death-queueS\x00\x00\x00\x02"
            "q2\x14x-first-death-reasonS\x00\x00\x00\x07"
            "expired"));
  EXPECT_THAT(letter.routing_keys, ElementsAre("q2", "k2"));
  const auto kept = *amqp::BasicProperties::decode(letter.message->properties());
  EXPECT_FALSE(kept.expiration.has_value());
  EXPECT_EQ(kept.delivery_mode, 2);
  EXPECT_EQ(kept.priority, 3);
  EXPECT_EQ(letter.message->ttl_ms(), Message::no_ttl);
}

TEST(DeadLetter, goes_by_the_queues_routing_key_alone_if_there_is_one) {
  FieldTable headers;
  headers.set("CC", FieldArray{"k2"});
  const std::string key = "rk3";
  const DeadLetter letter = die(a_message("q3", {}, &headers), "q3", Death::rejected, &key);
  EXPECT_EQ(headers_of(letter).find("CC"), nullptr);
  EXPECT_EQ(letter.message->routing_key(), "rk3");
  EXPECT_THAT(letter.routing_keys, ElementsAre("rk3"));
  const FieldTable death = *deaths_of(letter).values[0].as_table();
  EXPECT_EQ(*death.find("routing-keys"), FieldValue(FieldArray{"q3", "k2"}));
}

TEST(DeadLetter, puts_another_death_before_the_others_in_the_order_of_names) {
  FieldTable old;
  old.set("queue", "o").set("reason", "rejected").set("count", std::int32_t{4});
  FieldTable headers;
  headers.set("x-death", FieldArray{old})
      .set("x-first-death-queue", "me")
      .set("z", std::int32_t{1});
  const DeadLetter letter = die(a_message("q8", {}, &headers), "q8", Death::rejected);
  EXPECT_EQ(header_bytes(letter),
            bytes("\x07x-deathA\x00\x00\x00\x9a"
                  "F\x00\x00\x00"
                  "e\x05"
                  "countl\x00\x00\x00\x00\x00\x00\x00\x01\x08"
                  "exchangeS\x00\x00\x00\x00\x05queueS\x00\x00\x00\x02q8\x06reasonS\x00\x00\x00\x08"
                  "rejected\x0crouting-keysA\x00\x00\x00\x07S\x00\x00\x00\x02q8\x04timeT\x00\x00"
                  "\x00\x00k\x08\xc7\x12"
                  "F\x00\x00\x00+\x05queueS\x00\x00\x00\x01o\x06reasonS\x00\x00\x00\x08rejected\x05"
                  "countI\x00\x00\x00\x04\x13x-first-death-queueS\x00\x00\x00\x02me\x01zI\x00\x00"
                  "\x00\x01"));
}

TEST(DeadLetter, counts_the_same_death_again_where_it_stands_first_then) {
  FieldTable old;
  old.set("queue", "q7").set("reason", "rejected").set("count", std::int32_t{4});
  FieldTable headers;
  headers.set("x-death", FieldArray{old});
  const DeadLetter letter = die(a_message("q7", {}, &headers), "q7", Death::rejected);
  EXPECT_EQ(header_bytes(letter),
            bytes("\x07x-deathA\x00\x00\x00"
                  "5F\x00\x00\x00"
                  "0\x05"
                  "countl\x00\x00\x00\x00\x00\x00\x00\x05\x05queueS\x00\x00\x00\x02q7\x06reasonS"
                  "\x00\x00\x00\x08rejected"));
}

TEST(DeadLetter, does_not_mind_an_x_death_that_is_something_else) {
  FieldTable headers;
  headers.set("x-death", "foo");
  const DeadLetter letter = die(a_message("q6", {}, &headers), "q6", Death::rejected);
  EXPECT_EQ(header_bytes(letter),
            bytes("\x07x-deathA\x00\x00\x00jF\x00\x00\x00"
                  "e\x05"
                  "countl\x00\x00\x00\x00\x00\x00\x00\x01\x06reasonS\x00\x00\x00\x08rejected\x05"
                  "queueS\x00\x00\x00\x02q6\x04timeT\x00\x00\x00\x00k\x08\xc7\x12\x08"
                  "exchangeS\x00\x00\x00\x00\x0crouting-keysA\x00\x00\x00\x07S\x00\x00\x00\x02q6"));
}

FieldTable death_in(std::string_view queue, std::string_view reason) {
  FieldTable table;
  table.set("queue", queue).set("reason", reason);
  return table;
}
bool is_cycle(const FieldArray& deaths, std::string_view queue) {
  FieldTable headers;
  headers.set("x-death", deaths);
  const std::vector<std::byte> raw = headers.to_raw();
  return is_in_cycle(amqp::RawTable(raw), queue);
}

TEST(DeadLetter, is_in_a_cycle_when_it_comes_back_and_nobody_rejected_it) {
  EXPECT_FALSE(is_in_cycle(amqp::RawTable(), "a"));
  EXPECT_TRUE(is_cycle({death_in("a", "expired")}, "a"));
  EXPECT_FALSE(is_cycle({death_in("a", "expired")}, "b"));
  EXPECT_FALSE(is_cycle({death_in("a", "rejected")}, "a"));
  EXPECT_TRUE(is_cycle({death_in("b", "maxlen"), death_in("a", "expired")}, "a"));
  EXPECT_FALSE(is_cycle({death_in("b", "rejected"), death_in("a", "expired")}, "a"));
  // What was before the last time does not count.
  EXPECT_TRUE(is_cycle({death_in("a", "expired"), death_in("b", "rejected")}, "a"));
}

}  // namespace
}  // namespace leveret
