// SPDX-License-Identifier: Apache-2.0
//
// What lies in an entry of a message, byte for byte: earlier programs wrote it, later ones read it.
#include "queue/message_log.h"

#include <span>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leveret {
namespace {

template <std::size_t N>
std::string bytes(const char (&literal)[N]) {
  return {literal, N - 1};
}
MessageLog::Decoded decode(std::string_view data) {
  return MessageLog::decode(std::as_bytes(std::span(data)));
}
std::string text(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

const std::string plain = bytes(
    "\x03\x00\x00\x00\x01\x03\x01\x01"
    "\x01x\x03key"
    "\x10\x00\x02"
    "body");
const std::string expiring = bytes(
    "\x02\x00\x00\x00\x00\x01\x00\x02"
    "\x15\xcd\x5b\x07\x01\x00\x00\x00"
    "\x00\x01q"
    "\x00\x00"
    "b");

TEST(MessageData, of_version_1_is_read) {
  const auto decoded = decode(plain);
  ASSERT_TRUE(decoded.message);
  EXPECT_EQ(decoded.expires_ms, 0u);
  EXPECT_EQ(decoded.message->exchange(), "x");
  EXPECT_EQ(decoded.message->routing_key(), "key");
  EXPECT_EQ(text(decoded.message->properties()), bytes("\x10\x00\x02"));
  EXPECT_EQ(text(decoded.message->body()), "body");
  EXPECT_TRUE(decoded.message->is_persistent());
}

TEST(MessageData, of_version_2_says_when_the_message_expires) {
  const auto decoded = decode(expiring);
  ASSERT_TRUE(decoded.message);
  EXPECT_EQ(decoded.expires_ms, 0x1'075b'cd15u);
  EXPECT_EQ(decoded.message->exchange(), "");
  EXPECT_EQ(decoded.message->routing_key(), "q");
  EXPECT_EQ(text(decoded.message->body()), "b");
  EXPECT_FALSE(decoded.message->is_persistent());
}

TEST(MessageData, that_is_cut_short_or_unknown_is_no_message) {
  for (const std::string& whole : {plain, expiring}) {
    const std::size_t body_bytes = whole == plain ? 4 : 1;
    for (std::size_t length = 0; length + body_bytes < whole.size(); ++length) {
      EXPECT_FALSE(decode(std::string_view(whole).substr(0, length)).message) << length;
    }
    std::string later = whole;
    later[7] = 3;
    EXPECT_FALSE(decode(later).message);
  }
}

}  // namespace
}  // namespace leveret
