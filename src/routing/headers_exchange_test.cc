// SPDX-License-Identifier: Apache-2.0
//
// The headers exchange: which bindings match and what RabbitMQ refuses. Every row of the tables was
// asked of RabbitMQ 3.10.8; the floats, of Erlang/OTP 25.

#include "routing/headers_exchange.h"

#include "amqp/testing/hex.h"
#include "routing/testing/routing_fixture.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::ByteArray;
using amqp::Decimal;
using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;
using amqp::Timestamp;
using amqp::Void;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int32_t one = 1;
constexpr std::int32_t two = 2;

class HeadersExchange : public testing::RoutingTest {
 protected:
  HeadersExchange() {
    table_.add_exchange("h", ExchangeType::headers, "");
    table_.add_queue("q", QueueId(1));
  }
  bool matches(const FieldTable& arguments, const FieldTable& headers) {
    bind_queue("h", "q", "", arguments);
    const bool is_reached = !route("h", "", headers).empty();
    unbind_queue("h", "q", "", arguments);
    EXPECT_EQ(table_.binding_count(), 0u);
    return is_reached;
  }
};

struct Rule {
  FieldTable arguments;
  FieldTable headers;
  bool matches;
};

std::vector<Rule> rules() {
  return {
      // all, also when it is not said
      {{{"a", one}, {"b", two}}, {{"b", two}, {"a", one}, {"c", one}}, true},
      {{{"a", one}, {"b", two}}, {{"b", two}}, false},
      {{{"a", one}, {"b", two}}, {{"a", one}, {"b", one}}, false},
      {{{"x-match", "all"}, {"a", one}}, {{"a", one}}, true},
      {{{"x-match", "all"}, {"a", one}}, {}, false},
      // any
      {{{"x-match", "any"}, {"a", one}, {"b", two}}, {{"b", two}}, true},
      {{{"x-match", "any"}, {"a", one}, {"b", two}}, {{"a", two}, {"b", two}}, true},
      {{{"x-match", "any"}, {"a", one}, {"b", two}}, {{"b", one}}, false},
      // No criteria.
      {{}, {}, true},
      {{}, {{"a", one}}, true},
      {{{"x-match", "any"}}, {}, false},
      {{{"x-match", "any"}}, {{"a", one}}, false},
      {{{"x-match", "all-with-x"}}, {}, true},
      {{{"x-match", "all-with-x"}}, {{"a", one}}, true},
      // Keys with x-.
      {{{"x-match", "all"}, {"x-a", one}}, {{"x-a", two}}, true},
      {{{"x-a", one}, {"b", two}}, {{"b", two}}, true},
      {{{"x-", one}, {"b", two}}, {{"b", two}}, true},
      {{{"x", one}, {"b", two}}, {{"b", two}}, false},
      {{{"x-match", "any"}, {"x-a", one}}, {{"x-a", one}}, false},
      {{{"x-match", "all-with-x"}, {"x-a", one}}, {{"x-a", one}}, true},
      {{{"x-match", "all-with-x"}, {"x-a", one}}, {{"x-a", two}}, false},
      {{{"x-match", "all-with-x"}, {"x-a", one}}, {}, false},
      {{{"x-match", "any-with-x"}, {"x-a", one}}, {{"x-a", one}}, true},
      {{{"x-match", "any-with-x"}, {"x-a", one}, {"b", two}}, {{"b", two}}, true},
      {{{"x-match", "any-with-x"}}, {{"x-match", "any-with-x"}}, false},
      // A void criterion asks for presence.
      {{{"a", Void{}}}, {{"a", one}}, true},
      {{{"a", Void{}}}, {{"a", Void{}}}, true},
      {{{"a", Void{}}}, {{"b", one}}, false},
      {{{"a", one}}, {{"a", Void{}}}, false},
  };
}

TEST_F(HeadersExchange, follows_x_match) {
  for (const Rule& rule : rules()) {
    EXPECT_EQ(matches(rule.arguments, rule.headers), rule.matches)
        << rule.arguments.to_text() << " on " << rule.headers.to_text();
  }
}

TEST_F(HeadersExchange, takes_the_first_of_headers_with_the_same_key) {
  FieldTable headers;
  headers.append("a", one);
  headers.append("a", two);
  EXPECT_TRUE(matches({{"a", one}}, headers));
  EXPECT_FALSE(matches({{"a", two}}, headers));
}

TEST_F(HeadersExchange, asks_for_two_headers_by_a_criterion_that_comes_twice) {
  FieldTable twice;
  twice.append("a", one);
  twice.append("a", one);
  EXPECT_FALSE(matches(twice, {{"a", one}}));
  EXPECT_TRUE(matches(twice, twice));
}

struct Values {
  FieldValue a;
  FieldValue b;
  bool is_same;
};

std::vector<Values> values() {
  const FieldTable ab{{"a", one}, {"b", two}};
  const FieldTable ba{{"b", two}, {"a", one}};
  return {
      {one, one, true},
      {one, two, false},
      // Numbers of any width.
      {one, std::int64_t{1}, true},
      {std::int8_t{-1}, std::int64_t{-1}, true},
      {std::uint8_t{255}, std::int16_t{255}, true},
      {std::uint32_t{4294967295U}, std::int32_t{-1}, false},
      {std::int64_t{1} << 40, std::int64_t{1} << 40, true},
      {one, std::int64_t{1} << 40, false},
      {std::int32_t{1577836800}, Timestamp{1577836800}, true},
      {std::int64_t{-1}, Timestamp{~std::uint64_t{0}}, false},
      // Whole numbers and others.
      {one, 1.0, true},
      {1.0F, 1.0, true},
      {one, 1.5, false},
      {0.0, -0.0, true},
      {std::int32_t{0}, -0.0, true},
      {std::int64_t{9007199254740993}, 9007199254740992.0, false},
      {std::int64_t{9007199254740992}, 9007199254740992.0, true},
      {Timestamp{~std::uint64_t{0}}, 18446744073709551616.0, false},
      {std::int64_t{INT64_MIN}, -9223372036854775808.0, true},
      {one, 1e300, false},
      {one, -1e300, false},
      // Bytes.
      {"x", ByteArray{"x"}, true},
      {"x", "y", false},
      {"", ByteArray{""}, true},
      {"1", one, false},
      // Those that are only like themselves.
      {true, true, true},
      {true, false, false},
      {true, one, false},
      {false, Void{}, false},
      {Decimal{1, 15}, Decimal{1, 15}, true},
      {Decimal{1, 10}, Decimal{2, 100}, false},
      {Decimal{0, 1}, one, false},
      {Decimal{0, 1}, 1.0, false},
      // Arrays and tables: types count inside, and the order.
      {FieldArray{one}, FieldArray{one}, true},
      {FieldArray{one}, FieldArray{std::int64_t{1}}, false},
      {FieldArray{one}, FieldArray{one, two}, false},
      {FieldArray{0.0}, FieldArray{-0.0}, true},
      {FieldArray{ab}, FieldArray{ab}, true},
      {FieldArray{ab}, FieldArray{ba}, false},
      {ab, ab, true},
      {ab, ba, false},
      {ab, FieldTable{{"a", one}}, false},
      {ab, FieldTable{{"a", one}, {"c", two}}, false},
      {FieldTable{{"a", one}}, FieldArray{one}, false},
      {FieldTable(), FieldArray(), true},
      {FieldTable(), FieldArray{one}, false},
      {FieldTable(), "", false},
      {FieldArray(), Void{}, false},
      {FieldArray{FieldTable()}, FieldArray{FieldArray()}, false},
  };
}

TEST_F(HeadersExchange, compares_values_as_rabbitmq_does) {
  for (const Values& each : values()) {
    if (each.a == FieldValue(Void{}) || each.b == FieldValue(Void{})) {
      // As a criterion void means something else.
      const bool a_is_void = each.a == FieldValue(Void{});
      EXPECT_EQ(matches({{"k", a_is_void ? each.b : each.a}}, {{"k", Void{}}}), each.is_same)
          << each.a.to_text() << " and " << each.b.to_text();
      continue;
    }
    EXPECT_EQ(matches({{"k", each.a}}, {{"k", each.b}}), each.is_same)
        << each.a.to_text() << " and " << each.b.to_text();
    EXPECT_EQ(matches({{"k", each.b}}, {{"k", each.a}}), each.is_same)
        << each.b.to_text() << " and " << each.a.to_text();
  }
}

TEST_F(HeadersExchange, takes_any_octet_but_zero_for_true) {
  const auto bind = [&](const char* arguments) {
    table_.bind_queue("h", "q", "", amqp::RawTable(amqp::testing::hex(arguments)));
  };
  bind("01 61 74 02");
  bind("01 61 74 01");  // The same.
  EXPECT_EQ(table_.binding_count(), 1u);
  EXPECT_THAT(route("h", "", {{"a", true}}), ElementsAre(1));
  EXPECT_THAT(route("h", "", {{"a", false}}), IsEmpty());

  bind("01 62 4c 00 00 00 00 00 00 00 01");  // `L`
  bind("01 62 6c 00 00 00 00 00 00 00 01");  // `l`
  EXPECT_EQ(table_.binding_count(), 2u);
}

TEST_F(HeadersExchange, tells_bindings_apart_by_arguments_in_any_order) {
  bind_queue("h", "q", "", {{"b", one}, {"a", two}});
  bind_queue("h", "q", "", {{"a", two}, {"b", one}});
  EXPECT_EQ(table_.binding_count(), 1u);
  bind_queue("h", "q", "", {{"a", two}, {"b", std::int64_t{1}}});
  EXPECT_EQ(table_.binding_count(), 2u);

  unbind_queue("h", "q", "", {{"a", two}, {"b", one}});
  unbind_queue("h", "q", "", {{"a", two}});  // Not there.
  EXPECT_EQ(table_.binding_count(), 1u);
  EXPECT_THAT(route("h", "", {{"a", two}, {"b", one}}), ElementsAre(1));
}

TEST_F(HeadersExchange, survives_headers_that_break_off) {
  bind_queue("h", "q", "", {{"a", one}});
  std::vector<QueueId> queues;
  const std::vector<std::byte> whole = FieldTable{{"a", one}, {"b", two}}.to_raw();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<long>(size));
    queues.clear();
    table_.route(*table_.find("h"), "", amqp::RawTable(part), queues);
    EXPECT_EQ(queues.empty(), size < whole.size() / 2) << size;
  }
}

TEST_F(HeadersExchange, says_whether_headers_can_matter) {
  EXPECT_FALSE(table_.looks_at_headers());
  bind_queue("h", "q", "", {{"a", one}});
  EXPECT_TRUE(table_.looks_at_headers());
  bind_queue("h", "q", "", {{"a", two}});
  unbind_queue("h", "q", "", {{"a", one}});
  EXPECT_TRUE(table_.looks_at_headers());
  table_.remove_queue("q");
  EXPECT_FALSE(table_.looks_at_headers());
}

struct Refusal {
  FieldValue x_match;
  std::string text;
};

std::string wrong_value(std::string_view printed) {
  return fmt::format("Invalid x-match field value {}; expected all, any, all-with-x, or any-with-x",
                     printed);
}
std::string wrong_type(std::string_view type, std::string_view printed) {
  return fmt::format("Invalid x-match field type {} (value {}); expected longstr", type, printed);
}

std::vector<Refusal> refusals() {
  return {
      {"foo", wrong_value(R"(<<"foo">>)")},
      {"ALL", wrong_value(R"(<<"ALL">>)")},
      {"", wrong_value("<<>>")},
      {"f\"oo\\", wrong_value(R"(<<"f\"oo\\">>)")},
      {"a\nb", wrong_value(R"(<<"a\nb">>)")},
      {"f\u00e9", wrong_value("<<\"f\u00e9\">>")},
      {"f\u20ac", wrong_value("<<102,226,130,172>>")},
      {"\x7f", wrong_value("<<127>>")},
      {one, wrong_type("signedint", "1")},
      {std::int32_t{-5}, wrong_type("signedint", "-5")},
      {std::int8_t{-1}, wrong_type("byte", "-1")},
      {std::int64_t{1} << 40, wrong_type("long", "1099511627776")},
      {true, wrong_type("bool", "true")},
      {Void{}, wrong_type("void", "undefined")},
      {ByteArray{"any"}, wrong_type("binary", R"(<<"any">>)")},
      {Decimal{1, 15}, wrong_type("decimal", "{1,15}")},
      {Timestamp{1577836800}, wrong_type("timestamp", "1577836800")},
      {1.0F, wrong_type("float", "1.0")},
      {1.5, wrong_type("double", "1.5")},
      {1e22, wrong_type("double", "1.0e22")},
      {FieldArray{"a"}, wrong_type("array", R"([{longstr,<<"a">>}])")},
      {FieldTable{{"a", one}}, wrong_type("table", R"([{<<"a">>,signedint,1}])")},
      {FieldArray(), wrong_type("array", "[]")},
      {FieldTable(), wrong_type("table", "[]")},
  };
}

TEST(HeadersBinding, is_refused_with_rabbitmq_text) {
  for (const Refusal& refusal : refusals()) {
    const FieldTable arguments{{"a", one}, {"x-match", refusal.x_match}};
    const std::vector<std::byte> encoded = arguments.to_raw();
    const amqp::AmqpResult<void> result = validate_headers_binding(amqp::RawTable(encoded));
    ASSERT_FALSE(result) << refusal.text;
    EXPECT_EQ(result.error().code, amqp::ReplyCode::precondition_failed);
    EXPECT_EQ(result.error().text, refusal.text);
  }
}

TEST(HeadersBinding, prints_floats_as_erlang_does) {
  const std::vector<std::pair<double, const char*>> floats = {
      {1e-5, "1.0e-5"},
      {0.001, "0.001"},
      {0.0001, "0.0001"},
      {0.00012345, "1.2345e-4"},
      {0.1, "0.1"},
      {0.011, "0.011"},
      {-2.5e-7, "-2.5e-7"},
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {100000.0, "1.0e5"},
      {1000.0, "1.0e3"},
      {123456.0, "123456.0"},
      {-12.5, "-12.5"},
      {123456789012.5, "123456789012.5"},
      {1.5e10, "1.5e10"},
      {123456789.0e3, "1.23456789e11"},
      {9007199254740992.0, "9.007199254740992e15"},
      {1.7976931348623157e308, "1.7976931348623157e308"},
      {5.0e-324, "5.0e-324"},
  };
  for (const auto& [value, text] : floats) {
    const std::vector<std::byte> encoded = FieldTable{{"x-match", value}}.to_raw();
    const amqp::AmqpResult<void> result = validate_headers_binding(amqp::RawTable(encoded));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().text, wrong_type("double", text));
  }
}

TEST(HeadersBinding, is_accepted_with_any_of_the_four_words_or_none) {
  EXPECT_TRUE(validate_headers_binding(amqp::RawTable()));
  for (const char* word : {"all", "any", "all-with-x", "any-with-x"}) {
    const std::vector<std::byte> encoded = FieldTable{{"x-match", word}, {"a", one}}.to_raw();
    EXPECT_TRUE(validate_headers_binding(amqp::RawTable(encoded))) << word;
  }
}

}  // namespace
}  // namespace leveret
