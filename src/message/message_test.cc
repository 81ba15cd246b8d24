// SPDX-License-Identifier: Apache-2.0
#include "message/message.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Good until the next call.
EncodedRoute route(std::string_view exchange, std::string_view routing_key) {
  static std::array<std::byte, EncodedRoute::bytes_max> room;
  return EncodedRoute::encode(exchange, routing_key, room);
}

TEST(Message, keeps_every_part_as_it_came) {
  const MessagePtr message = make_message(
      "amq.topic", "a.b.c", bytes(std::string_view("\x10\x00\x02", 3)), bytes("body"), true);

  EXPECT_EQ(message->exchange(), "amq.topic");
  EXPECT_EQ(message->routing_key(), "a.b.c");
  EXPECT_EQ(text(message->encoded_route()),
            "\x09"
            "amq.topic"
            "\x05"
            "a.b.c");
  EXPECT_EQ(text(message->properties()), std::string("\x10\x00\x02", 3));
  EXPECT_EQ(text(message->body()), "body");
  EXPECT_TRUE(message->is_persistent());
}

TEST(Message, may_be_empty_in_every_part) {
  const MessagePtr message = make_message("", "", {}, {});

  EXPECT_EQ(message->exchange(), "");
  EXPECT_EQ(message->routing_key(), "");
  EXPECT_EQ(text(message->encoded_route()), std::string(2, '\0'));
  EXPECT_EQ(message->body_bytes(), 0u);
  EXPECT_FALSE(message->is_persistent());
}

TEST(Message, names_may_be_as_long_as_a_short_string) {
  const std::string name(255, 'n');
  const std::string key(255, 'k');
  const MessagePtr message = make_message(name, key, {}, bytes("x"));

  EXPECT_EQ(message->exchange(), name);
  EXPECT_EQ(message->routing_key(), key);
  EXPECT_EQ(text(message->body()), "x");
}

TEST(MessageBuilder, puts_a_long_body_together_from_pieces) {
  std::string whole;
  for (int i = 0; i < 300'000; ++i) whole += static_cast<char>('a' + i % 26);
  MessageBuilder builder;
  builder.begin(route("x", "k"), bytes("pp"), whole.size(), false);

  for (std::size_t at = 0; at < whole.size(); at += 4088) {
    builder.append(bytes(std::string_view(whole).substr(at, 4088)));
  }

  ASSERT_EQ(builder.missing_bytes(), 0u);
  const MessagePtr message = builder.finish();
  EXPECT_EQ(text(message->body()), whole);
  EXPECT_EQ(message->exchange(), "x");
  EXPECT_FALSE(builder.has_begun());
}

TEST(MessageBuilder, may_be_dropped_or_reset_half_way) {
  MessageBuilder builder;
  builder.begin(route("x", "k"), {}, 1'000'000, false);
  builder.append(bytes("abc"));
  builder.reset();
  EXPECT_FALSE(builder.has_begun());

  builder.begin(route("y", "k"), {}, 10, false);
  MessageBuilder moved = std::move(builder);
  EXPECT_TRUE(moved.has_begun());
}

TEST(Message, lives_as_long_as_its_last_holder) {
  MessagePtr first = make_message("x", "k", {}, bytes("shared"));
  std::vector<MessagePtr> holders(1000, first);
  first = nullptr;
  EXPECT_EQ(text(holders.back()->body()), "shared");
  holders.clear();  // The sanitizers would tell of a leak or a double free.
}

}  // namespace
}  // namespace leveret
