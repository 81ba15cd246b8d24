// SPDX-License-Identifier: Apache-2.0
//
// Reply codes and texts, as a close carries them.

#include "amqp/amqp_error.h"

#include "amqp/erlang_text.h"
#include "amqp/testing/hex.h"

#include <set>

#include <gtest/gtest.h>

namespace leveret::amqp {
namespace {

using testing::bytes_of;

TEST(AmqpError, says_the_codes_name_and_the_detail) {
  const AmqpError error{ReplyCode::not_found, "no queue 'q' in vhost '/'"};

  EXPECT_EQ(error.reply_text(), "NOT_FOUND - no queue 'q' in vhost '/'");
}

TEST(AmqpError, without_a_detail_says_the_codes_name_only) {
  EXPECT_EQ(AmqpError{ReplyCode::internal_error}.reply_text(), "INTERNAL_ERROR");
}

TEST(AmqpError, cuts_what_a_short_string_cannot_hold) {
  // "NOT_FOUND - " has 12 bytes.
  const std::string fits = AmqpError{ReplyCode::not_found, std::string(243, 'e')}.reply_text();
  const std::string cut = AmqpError{ReplyCode::not_found, std::string(244, 'e')}.reply_text();

  EXPECT_EQ(fits, "NOT_FOUND - " + std::string(243, 'e'));
  EXPECT_EQ(cut, "NOT_FOUND - " + std::string(240, 'e') + "...");
  EXPECT_EQ(cut.size(), 255U);
}

TEST(ReplyCode, soft_ones_close_the_channel_only) {
  const std::set<int> soft{311, 312, 313, 403, 404, 405, 406};
  int named = 0;
  for (int number = 0; number < 1000; ++number) {
    const auto code = static_cast<ReplyCode>(number);
    EXPECT_EQ(closes_connection(code), !soft.contains(number)) << number;
    if (!reply_name(code).empty()) ++named;
  }
  EXPECT_EQ(named, 19);
}

std::string printed(std::size_t column, std::span<const std::byte> bytes) {
  std::string text(column, '.');
  append_erlang_binary(text, bytes);
  return text.substr(column);
}

std::string printed_pair(std::size_t column, unsigned number) {
  std::string text(column, '.');
  append_erlang_pair(text, "invalid_frame_end_marker", number);
  return text.substr(column);
}

// What Erlang/OTP 25 prints with ~p after as many characters.
TEST(ErlangText, prints_a_binary_as_erlang_does) {
  using testing::hex;
  EXPECT_EQ(printed(0, {}), "<<>>");
  EXPECT_EQ(printed(0, bytes_of("a\"b\\c\td\x1b")), R"(<<"a\"b\\c\td\e">>)");
  EXPECT_EQ(printed(0, hex("a0 ff")), "<<\"\xa0\xff\">>");
  EXPECT_EQ(printed(0, hex("9f")), "<<159>>");
  EXPECT_EQ(printed(0, hex("09 7f")), "<<9,127>>");
  EXPECT_EQ(printed(26, hex("64 c9 66 cb cc cd ce cf d0 d1 d2 d3 d4 d5 d6 00")),
            "<<100,201,102,203,204,205,206,207,208,209,210,211,\n"
            "                            212,213,214,0>>");
}

TEST(ErlangText, breaks_lines_where_erlang_does) {
  std::vector<std::byte> bytes(22, std::byte{10});
  bytes.front() = std::byte{0};

  EXPECT_EQ(printed(14, std::span(bytes).first(21)),
            "<<0,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10>>");
  EXPECT_EQ(printed(14, bytes),
            "<<0,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,10,\n"
            "                10>>");
  EXPECT_EQ(printed_pair(50, 0), "{invalid_frame_end_marker,0}");
  EXPECT_EQ(printed_pair(51, 0), "{invalid_frame_end_marker,\n" + std::string(52, ' ') + "0}");
  EXPECT_EQ(printed_pair(48, 200), "{invalid_frame_end_marker,200}");
  EXPECT_EQ(printed_pair(49, 200), "{invalid_frame_end_marker,\n" + std::string(50, ' ') + "200}");
}

TEST(ErlangText, stops_when_no_reply_text_can_hold_more) {
  EXPECT_LT(printed(0, std::vector<std::byte>(100'000)).size(), 300U);
  const std::string long_text(100'000, 'x');
  EXPECT_LT(printed(0, bytes_of(long_text)).size(), 300U);
}

}  // namespace
}  // namespace leveret::amqp
