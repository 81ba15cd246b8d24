// SPDX-License-Identifier: Apache-2.0
//
// What RabbitMQ 3.10.8 printed of definitions of policies.
#include "amqp/erlang_text.h"

#include <gtest/gtest.h>

namespace leveret::amqp {
namespace {

TEST(ErlangTerm, is_what_JSON_becomes_there) {
  EXPECT_EQ(erlang_term(std::int64_t{10}), "10");
  EXPECT_EQ(erlang_term(1.5), "1.5");
  EXPECT_EQ(erlang_term("x"), "<<\"x\">>");
  EXPECT_EQ(erlang_term(""), "<<>>");
  EXPECT_EQ(erlang_term(true), "true");
  EXPECT_EQ(erlang_term(FieldValue()), "null");
  EXPECT_EQ(erlang_term(FieldArray{std::int64_t{1}, "a"}), "[1,<<\"a\">>]");
  EXPECT_EQ(erlang_term(FieldTable{{"x", true}}), "#{<<\"x\">> => true}");
}

TEST(ErlangAddress, is_a_tuple_of_numbers) {
  EXPECT_EQ(erlang_address("127.0.0.1"), "{127,0,0,1}");
  EXPECT_EQ(erlang_address("::1"), "{0,0,0,0,0,0,0,1}");
  EXPECT_EQ(erlang_address("2001:db8::ff"), "{8193,3512,0,0,0,0,0,255}");
  EXPECT_EQ(erlang_address("somewhere"), "somewhere");
}

TEST(ErlangBinary, may_be_as_long_as_it_is_on_one_line) {
  const std::string bytes(300, '\0');
  std::string text;
  append_erlang_binary(text, std::as_bytes(std::span(bytes)), ErlangLayout::one_line);
  EXPECT_EQ(text.size(), 4 + 300 * 2 - 1);
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace leveret::amqp
