// SPDX-License-Identifier: Apache-2.0
#include "client/src/python_literal.h"

#include "amqp/limits.h"

#include <cstdint>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::client {
namespace {

using std::string_view_literals::operator""sv;
using testing::HasSubstr;

FieldValue parsed(std::string_view text) {
  const auto found = parse_python_literal(text);
  EXPECT_TRUE(found) << text << ": " << (found ? "" : found.error());
  return found.value_or(FieldValue());
}

std::string complaint(std::string_view text) {
  const auto found = parse_python_literal(text);
  EXPECT_FALSE(found) << text;
  return found ? "" : found.error();
}

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(PythonLiteral, reads_the_words) {
  EXPECT_EQ(parsed("None"), FieldValue());
  EXPECT_EQ(parsed("True"), FieldValue(true));
  EXPECT_EQ(parsed("False"), FieldValue(false));
  for (const char* text : {"", " ", "true", "none", "NULL", "Noney", "None1", "True False"}) {
    EXPECT_FALSE(parse_python_literal(text)) << text;
  }
}

TEST(PythonLiteral, reads_whole_numbers_as_the_type_that_pika_sends) {
  EXPECT_EQ(parsed("0"), FieldValue(std::int32_t{0}));
  EXPECT_EQ(parsed("00"), FieldValue(std::int32_t{0}));
  EXPECT_EQ(parsed("+2"), FieldValue(std::int32_t{2}));
  EXPECT_EQ(parsed("-2147483648"), FieldValue(std::int32_t{INT32_MIN}));
  EXPECT_EQ(parsed("2147483647"), FieldValue(std::int32_t{INT32_MAX}));
  EXPECT_EQ(parsed("2147483648"), FieldValue(std::int64_t{2147483648}));
  EXPECT_EQ(parsed("-9223372036854775808"), FieldValue(std::int64_t{INT64_MIN}));
  EXPECT_EQ(parsed("9223372036854775807"), FieldValue(std::int64_t{INT64_MAX}));
}

TEST(PythonLiteral, reads_other_numbers_as_doubles) {
  EXPECT_EQ(parsed("1.5"), FieldValue(1.5));
  EXPECT_EQ(parsed("-.5"), FieldValue(-0.5));
  EXPECT_EQ(parsed("1."), FieldValue(1.0));
  EXPECT_EQ(parsed("1e5"), FieldValue(1e5));
  EXPECT_EQ(parsed("007.25E-2"), FieldValue(0.0725));
}

TEST(PythonLiteral, refuses_numbers_that_python_refuses_or_that_are_not_known) {
  for (const char* text : {"007",
                           "-",
                           "+",
                           ".",
                           "1.5e",
                           "1e",
                           "1e+",
                           "--1",
                           "+-1",
                           "-+1",
                           "1.2.3",
                           "1..2",
                           "0x10",
                           "1_0",
                           "5j",
                           "1a",
                           "9223372036854775808",
                           "1e999",
                           "inf",
                           "nan",
                           "-inf"}) {
    EXPECT_FALSE(parse_python_literal(text)) << text;
  }
}

TEST(PythonLiteral, reads_texts_with_their_escapes) {
  EXPECT_EQ(parsed("''"), FieldValue(""));
  EXPECT_EQ(parsed(R"("it's")"), FieldValue("it's"));
  EXPECT_EQ(parsed(R"('say "a"')"), FieldValue("say \"a\""));
  EXPECT_EQ(parsed(R"('\\ \' \" \a\b\f\n\r\t\v')"), FieldValue("\\ ' \" \a\b\f\n\r\t\v"));
  EXPECT_EQ(parsed(R"('\x41\u00e9\u20ac\U0001F407')"),
            FieldValue("A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\x87"));
  EXPECT_EQ(parsed(R"('\101\7\08\1234')"), FieldValue("A\a\0008S4"sv));
  EXPECT_EQ(parsed("'a\\\nb'"), FieldValue("ab"));
  EXPECT_EQ(parsed(R"('C:\Q\path')"), FieldValue("C:\\Q\\path"));
  EXPECT_EQ(parsed("'\xC3\xA9'"), FieldValue("\xC3\xA9"));
}

TEST(PythonLiteral, refuses_texts_that_do_not_end_or_name_no_character) {
  for (const char* text :
       {"'", "'a", "'a\"", "'a\nb'", "'\\'", "'\\", R"('\x4')", R"('\x4g')", R"('\ud800')",
        R"('\U00110000')", R"('\u12')", R"('\N{BULLET}')", "'a' 'b'", "b'a'", "r'a'"}) {
    EXPECT_FALSE(parse_python_literal(text)) << text;
  }
}

TEST(PythonLiteral, reads_lists_and_dicts) {
  EXPECT_EQ(parsed("[]"), FieldValue(FieldArray()));
  EXPECT_EQ(parsed("{}"), FieldValue(FieldTable()));
  EXPECT_EQ(parsed(" [ 1 , 'a' , ] "), FieldValue(FieldArray({1, "a"})));
  EXPECT_EQ(parsed("\n{'a'\n:\t1, \"b\": {'c': [True, None, 'x', 1.5]},}\n"),
            FieldValue(FieldTable{
                {"a", 1},
                {"b", FieldTable{{"c", FieldArray{true, FieldValue(), "x", 1.5}}}},
            }));
}

TEST(PythonLiteral, lets_the_last_of_equal_keys_win_where_the_first_stood) {
  EXPECT_EQ(parsed("{'a':1,'b':2,'a':3}"), FieldValue(FieldTable{{"a", 3}, {"b", 2}}));
}

TEST(PythonLiteral, says_where_and_what_it_expected) {
  EXPECT_EQ(complaint("{'a':1 'b':2}"), "at character 8: ',' or '}' is expected");
  EXPECT_EQ(complaint("{'a':1"), "at character 7: ',' or '}' is expected");
  EXPECT_EQ(complaint("{'a' 1}"), "at character 6: ':' is expected");
  EXPECT_EQ(complaint("{1: 2}"), "at character 2: a key in quotes or '}' is expected");
  EXPECT_EQ(complaint("{,}"), "at character 2: a key in quotes or '}' is expected");
  EXPECT_EQ(complaint("[1 2]"), "at character 4: ',' or ']' is expected");
  EXPECT_EQ(complaint("{'a':1}x"), "at character 8: the end is expected");
  EXPECT_EQ(complaint("'secret"), "at character 8: a closing quote is expected");
  EXPECT_THAT(complaint("[,]"), HasSubstr("at character 2: a value is expected"));
  EXPECT_THAT(complaint("{'a': secret}"), HasSubstr("at character 7: a value is expected"));
  EXPECT_THAT(complaint("(1,)"), HasSubstr("at character 1: a value is expected"));
}

TEST(PythonLiteral, nests_as_deep_as_a_table_may) {
  parsed(nested(amqp::table_depth_max));
  EXPECT_THAT(complaint(nested(amqp::table_depth_max + 1)), HasSubstr("nested deeper than 128"));
  EXPECT_THAT(complaint(std::string(1'000'000, '[')), HasSubstr("nested deeper than 128"));
}

}  // namespace
}  // namespace leveret::client
