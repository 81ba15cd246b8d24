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

}  // namespace
}  // namespace leveret::amqp
