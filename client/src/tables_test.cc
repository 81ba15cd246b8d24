// SPDX-License-Identifier: Apache-2.0
//
// The public tables and properties: as values, against bytes worked out by hand, and against what
// the broker's own types make of the same content.

#include "client/src/tables.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"
#include "amqp/testing/hex.h"
#include "amqp/testing/seed.h"

#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::client {
namespace {

using amqp::RawTable;
using amqp::testing::hex;
using amqp::testing::to_hex;

// What must not become a value of some type nobody meant.
template <class T>
constexpr bool makes_a_value = std::is_constructible_v<FieldValue, T>;
static_assert(makes_a_value<int> && makes_a_value<unsigned> && makes_a_value<long> &&
              makes_a_value<long long> && makes_a_value<char*> && makes_a_value<char (&)[3]> &&
              makes_a_value<std::string_view> && makes_a_value<const std::string&>);
static_assert(!makes_a_value<std::size_t> && !makes_a_value<unsigned long> &&
              !makes_a_value<unsigned long long> && !makes_a_value<std::nullptr_t> &&
              !makes_a_value<char> && !makes_a_value<char16_t> && !makes_a_value<long double> &&
              !makes_a_value<const void*> && !makes_a_value<int*> && !makes_a_value<DeliveryMode> &&
              !makes_a_value<std::vector<std::string>>);

struct Sample {
  const char* bytes;  // A table with one entry, `a`.
  FieldValue value;
  amqp::FieldValue brokers_value;
  const char* text;
};

std::vector<Sample> samples() {
  const std::string zero_and_ff("\x00\xff", 2);
  return {
      {"01 61 56", Void{}, amqp::Void{}, "null"},
      {"01 61 74 01", true, true, "true"},
      {"01 61 74 00", false, false, "false"},
      {"01 61 62 ff", std::int8_t{-1}, std::int8_t{-1}, "-1"},
      {"01 61 42 ff", std::uint8_t{255}, std::uint8_t{255}, "255"},
      {"01 61 73 ff fe", std::int16_t{-2}, std::int16_t{-2}, "-2"},
      {"01 61 75 ff fe", std::uint16_t{65534}, std::uint16_t{65534}, "65534"},
      {"01 61 49 ff ff ff fd", -3, -3, "-3"},
      {"01 61 69 ff ff ff fd", 4294967293U, 4294967293U, "4294967293"},
      {"01 61 6c ff ff ff ff ff ff ff fc", -4L, std::int64_t{-4}, "-4"},
      {"01 61 6c ff ff ff ff ff ff ff fc", -4LL, std::int64_t{-4}, "-4"},
      {"01 61 66 3f c0 00 00", 1.5F, 1.5F, "1.5"},
      {"01 61 64 bf d0 00 00 00 00 00 00", -0.25, -0.25, "-0.25"},
      {"01 61 44 02 00 00 01 2c", Decimal{2, 300}, amqp::Decimal{2, 300}, "300e-2"},
      {"01 61 44 00 ff ff ff ff", Decimal{0, 4294967295}, amqp::Decimal{0, 4294967295},
       "4294967295"},
      {"01 61 53 00 00 00 03 78 22 0a", "x\"\n", "x\"\n", R"("x\"\u000a")"},
      {"01 61 54 00 00 00 00 65 53 f1 00", Timestamp{1700000000}, amqp::Timestamp{1700000000},
       "timestamp(1700000000)"},
      {"01 61 78 00 00 00 02 00 ff", ByteArray{zero_and_ff}, amqp::ByteArray{zero_and_ff},
       "binary(2 bytes)"},
      {"01 61 41 00 00 00 08 74 01 49 00 00 00 07 56", FieldArray{true, 7, Void{}},
       amqp::FieldArray{true, 7, amqp::Void{}}, "[true, 7, null]"},
      {"01 61 46 00 00 00 07 01 62 53 00 00 00 00", FieldTable{{"b", ""}},
       amqp::FieldTable{{"b", ""}}, R"({"b": ""})"},
      {"01 61 41 00 00 00 00", FieldArray{}, amqp::FieldArray{}, "[]"},
      {"01 61 46 00 00 00 00", FieldTable{}, amqp::FieldTable{}, "{}"},
  };
}

TEST(Tables, read_and_write_every_type) {
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.bytes);
    const std::vector<std::byte> bytes = hex(sample.bytes);
    const FieldTable table{{"a", sample.value}};

    EXPECT_EQ(to_hex(to_raw(table)), sample.bytes);
    EXPECT_EQ(encoded_size(table), bytes.size());
    EXPECT_EQ(to_raw(table), (amqp::FieldTable{{"a", sample.brokers_value}}).to_raw());
    EXPECT_EQ(decode_table(RawTable(bytes)), table);
    EXPECT_EQ(sample.value.to_text(), sample.text);
    EXPECT_EQ(complaint_about(table), std::nullopt);
  }
}

TEST(Tables, are_refused_at_every_truncation) {
  for (const Sample& sample : samples()) {
    const std::vector<std::byte> bytes = hex(sample.bytes);
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode_table(RawTable(std::span(bytes).first(size))))
          << sample.bytes << ", first " << size;
    }
  }
}

TEST(Tables, are_refused_when_malformed) {
  const char* malformed[] = {
      "01 61 55 ff ff",                    // Unknown type U.
      "01 61 56 56",                       // A byte too many.
      "05 61",                             // A key that is not there.
      "01 61 64 7f f0 00 00 00 00 00 00",  // Infinite.
      "01 61 66 7f c0 00 00",              // Not a number.
      "01 61 53 ff ff ff ff 78",           // A length past the end.
      "01 61 41 00 00 00 01 74",           // Half a value in an array.
      "01 61 46 00 00 00 02 01 62",        // Half an entry in a table.
  };
  for (const char* bytes : malformed) {
    const std::vector<std::byte> raw = hex(bytes);
    EXPECT_FALSE(decode_table(RawTable(raw))) << bytes;
  }
}

TEST(Tables, are_empty_when_there_are_no_bytes) {
  EXPECT_EQ(decode_table(RawTable()), FieldTable());
  EXPECT_EQ(encoded_size(FieldTable()), 0U);
  EXPECT_TRUE(to_raw(FieldTable()).empty());
}

amqp::FieldTable random_table(std::mt19937_64& random, int depth);

amqp::FieldValue random_value(std::mt19937_64& random, int depth) {
  const std::string text(random() % 40, static_cast<char>(random()));
  switch (random() % (depth == 0 ? 15 : 17)) {
    case 0:
      return amqp::Void{};
    case 1:
      return random() % 2 == 0;
    case 2:
      return static_cast<std::int8_t>(random());
    case 3:
      return static_cast<std::uint8_t>(random());
    case 4:
      return static_cast<std::int16_t>(random());
    case 5:
      return static_cast<std::uint16_t>(random());
    case 6:
      return static_cast<std::int32_t>(random());
    case 7:
      return static_cast<std::uint32_t>(random());
    case 8:
      return static_cast<std::int64_t>(random());
    case 9:
      return static_cast<float>(random()) / 7;
    case 10:
      return static_cast<double>(random()) / 7;
    case 11:
      return amqp::Decimal{static_cast<std::uint8_t>(random()),
                           static_cast<std::uint32_t>(random())};
    case 12:
      return text;
    case 13:
      return amqp::Timestamp{random()};
    case 14:
      return amqp::ByteArray{text};
    case 15: {
      amqp::FieldArray array;
      for (auto left = random() % 4; left > 0; --left) {
        array.values.push_back(random_value(random, depth - 1));
      }
      return array;
    }
    default:
      return random_table(random, depth - 1);
  }
}

amqp::FieldTable random_table(std::mt19937_64& random, int depth) {
  amqp::FieldTable table;
  for (auto left = random() % 6; left > 0; --left) {
    table.append(std::string(random() % 256, static_cast<char>(random())),
                 random_value(random, depth));
  }
  return table;
}

TEST(Tables, come_back_as_they_went) {
  const amqp::testing::Seed seed;
  SCOPED_TRACE(seed.how_to_repeat());
  std::mt19937_64 random(seed.value);
  for (int i = 0; i < 1000; ++i) {
    const amqp::FieldTable brokers_table = random_table(random, 4);
    const std::vector<std::byte> bytes = brokers_table.to_raw();

    const std::optional<FieldTable> table = decode_table(RawTable(bytes));

    ASSERT_TRUE(table) << to_hex(bytes);
    ASSERT_EQ(to_raw(*table), bytes);
    ASSERT_EQ(encoded_size(*table), bytes.size());
    ASSERT_EQ(table->to_text(), brokers_table.to_text());
    ASSERT_EQ(complaint_about(*table), std::nullopt);
  }
}

/// Tables and arrays by turns, `depth` of them; the outermost and the innermost are tables.
FieldTable nested(int depth) {
  FieldTable table;
  for (int i = 1; i < depth; ++i) {
    FieldValue inner = std::move(table);
    if (i + 1 < depth) {
      inner = FieldArray{std::move(inner)};
      ++i;
    }
    table = FieldTable();
    table.set("", std::move(inner));
  }
  return table;
}

TEST(Tables, have_a_limit_of_depth_both_ways) {
  const FieldTable deepest = nested(amqp::table_depth_max);
  const FieldTable too_deep = nested(amqp::table_depth_max + 1);

  EXPECT_EQ(complaint_about(deepest), std::nullopt);
  EXPECT_EQ(decode_table(RawTable(to_raw(deepest))), deepest);
  EXPECT_EQ(complaint_about(too_deep), "nested deeper than 128");
  EXPECT_FALSE(decode_table(RawTable(to_raw(too_deep))));
}

TEST(Tables, are_complained_about_before_they_are_sent) {
  const auto complaint = [](FieldValue value) { return complaint_about({{"a", value}}).value(); };
  const double infinity = std::numeric_limits<double>::infinity();
  FieldValue arrays;
  for (int i = 0; i < amqp::table_depth_max; ++i) arrays = FieldArray{std::move(arrays)};

  EXPECT_EQ(complaint_about({{std::string(255, 'k'), true}}), std::nullopt);
  EXPECT_EQ(complaint_about({{"ok", 1}, {std::string(256, 'k'), true}}),
            "key \"" + std::string(32, 'k') + "\"... has 256 bytes; at most 255 fit");
  EXPECT_EQ(complaint_about({{"ok", FieldTable{{std::string(300, 'k'), true}}}}),
            "key \"" + std::string(32, 'k') + "\"... has 300 bytes; at most 255 fit");
  std::string accented = "k";
  for (int i = 0; i < 200; ++i) accented += "\u00e9";
  EXPECT_EQ(complaint_about({{accented, true}}),
            "key \"" + accented.substr(0, 31) + "\"... has 401 bytes; at most 255 fit");

  EXPECT_EQ(complaint(infinity), "\"a\" is inf; the wire has finite numbers only");
  EXPECT_EQ(complaint(-std::numeric_limits<float>::infinity()),
            "\"a\" is -inf; the wire has finite numbers only");
  EXPECT_EQ(complaint(FieldArray{1.0, infinity}), "\"a\" is inf; the wire has finite numbers only");
  EXPECT_EQ(complaint(FieldTable{{"b", std::numeric_limits<double>::quiet_NaN()}}),
            "\"b\" is nan; the wire has finite numbers only");
  EXPECT_EQ(complaint(arrays), "nested deeper than 128");
}

TEST(FieldTable, keeps_order_and_repeated_keys) {
  const std::vector<std::byte> bytes = hex("01 62 74 01 01 61 56 01 62 74 00");

  const std::optional<FieldTable> table = decode_table(RawTable(bytes));

  ASSERT_TRUE(table);
  EXPECT_EQ(table->size(), 3U);
  EXPECT_EQ(to_raw(*table), bytes);
  EXPECT_EQ(table->find("b")->as_bool(), true) << "the first one counts";
  EXPECT_NE(*table, (FieldTable{{"a", Void{}}, {"b", true}, {"b", false}}));
  std::string names;
  for (const auto& [name, value] : *table) names += name;
  EXPECT_EQ(names, "bab");
}

TEST(FieldTable, is_changed_by_name) {
  FieldTable table{{"a", 1}, {"b", "x"}, {"a", 2}};

  table.set("b", "y").set("c", true).append("c", std::string_view("z"));

  EXPECT_EQ(table.to_text(), R"({"a": 1, "b": "y", "a": 2, "c": true, "c": "z"})");
  EXPECT_TRUE(table.erase("a"));
  EXPECT_FALSE(table.erase("a"));
  EXPECT_EQ(table, (FieldTable{{"b", "y"}, {"c", true}, {"c", "z"}}));
  EXPECT_EQ(table.find("a"), nullptr);
  EXPECT_FALSE(table.contains("a"));
  EXPECT_TRUE(table.contains("b"));
}

TEST(FieldTable, says_which_key_it_has_not) {
  const FieldTable table{{"x-max-length", 10}};

  EXPECT_EQ(table.at("x-max-length").as_integer(), 10);
  try {
    (void)table.at("x-\"max");
    FAIL() << "did not throw";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), R"(the table has no "x-\"max")");
  }
}

TEST(FieldTable, can_be_replaced_by_what_is_inside_it) {
  const FieldTable innermost{{"c", "some text that is long enough to be on the heap"}};
  FieldTable table{{"b", innermost}};
  FieldValue value = FieldArray{FieldArray{innermost}, 5};

  table = *table.find("b")->as_table();
  EXPECT_EQ(table, innermost);
  value = value.as_array()->values[0];
  EXPECT_EQ(value, FieldValue(FieldArray{innermost}));
  value = value.as_array()->values[0];
  EXPECT_EQ(value, FieldValue(innermost));
  value = *value.as_table()->at("c").as_string();
  EXPECT_EQ(value.to_text(), R"("some text that is long enough to be on the heap")");
}

TEST(FieldArray, is_a_range_of_values) {
  const FieldArray array{1, "two", 3.0};
  std::string text;

  for (const FieldValue& value : array) text += value.to_text();

  EXPECT_EQ(text, "1\"two\"3");
  EXPECT_EQ(array.size(), 3U);
  EXPECT_TRUE(FieldArray().empty());
  EXPECT_EQ(FieldArray(array), array);
}

TEST(FieldValue, gives_any_integer_as_one) {
  const FieldValue integers[] = {
      std::int8_t{5}, std::uint8_t{5}, std::int16_t{5}, std::uint16_t{5}, 5, 5U, 5L, 5LL};
  for (const FieldValue& integer : integers) EXPECT_EQ(integer.as_integer(), 5);
  EXPECT_EQ(FieldValue(true).as_integer(), std::nullopt);
  EXPECT_EQ(FieldValue(5.0).as_integer(), std::nullopt);
  EXPECT_EQ(FieldValue("5").as_integer(), std::nullopt);
  EXPECT_EQ(FieldValue(5.5F).as_double(), 5.5);
  EXPECT_EQ(FieldValue(5).as_double(), std::nullopt);
  EXPECT_NE(FieldValue(5), FieldValue(5L));
  EXPECT_EQ(FieldValue(5L), FieldValue(5LL));
}

TEST(FieldValue, is_seen_as_its_own_type_only) {
  EXPECT_EQ(*FieldValue("text").as_string(), "text");
  EXPECT_EQ(FieldValue("text").as_bool(), std::nullopt);
  EXPECT_EQ(FieldValue(ByteArray{"b"}).as_string(), nullptr);
  EXPECT_EQ(FieldValue(FieldTable{{"a", 1}}).as_table()->size(), 1U);
  EXPECT_EQ(FieldValue(FieldTable()).as_array(), nullptr);
  EXPECT_EQ(FieldValue(Timestamp{7}).get_if<Timestamp>()->seconds, 7U);
  EXPECT_NE(FieldValue().get_if<Void>(), nullptr);
}

constexpr std::string_view all_properties =
    "ff fc 0a 74 65 78 74 2f 70 6c 61 69 6e 04 67 7a 69 70 00 00 00 04 01 61 74 01 02 05 01 63 01 "
    "72 05 36 30 30 30 30 01 6d 00 00 00 00 65 53 f1 00 01 74 05 67 75 65 73 74 03 61 70 70 02 63 "
    "6c";

BasicProperties everything() {
  return {.content_type = "text/plain",
          .content_encoding = "gzip",
          .headers = FieldTable{{"a", true}},
          .delivery_mode = DeliveryMode::persistent,
          .priority = 5,
          .correlation_id = "c",
          .reply_to = "r",
          .expiration = "60000",
          .message_id = "m",
          .timestamp = 1700000000,
          .type = "t",
          .user_id = "guest",
          .app_id = "app",
          .cluster_id = "cl"};
}

std::vector<std::byte> raw(const BasicProperties& properties) {
  std::vector<std::byte> bytes;
  append_raw(properties, bytes);
  EXPECT_EQ(encoded_size(properties), bytes.size());
  return bytes;
}

TEST(Properties, are_on_the_wire_as_clients_write_them) {
  const std::vector<std::byte> bytes = hex(all_properties);

  EXPECT_EQ(to_hex(raw(everything())), all_properties);
  EXPECT_EQ(decode_properties(bytes), everything());
  EXPECT_EQ(complaint_about(everything()), std::nullopt);
}

TEST(Properties, are_two_bytes_when_there_are_none) {
  EXPECT_EQ(to_hex(raw({})), "00 00");
  EXPECT_EQ(decode_properties(amqp::no_properties), BasicProperties());
}

TEST(Properties, keep_a_delivery_mode_without_a_name) {
  const std::vector<std::byte> bytes = hex("10 00 09");

  const std::optional<BasicProperties> properties = decode_properties(bytes);

  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->delivery_mode, static_cast<DeliveryMode>(9));
  EXPECT_EQ(raw(*properties), bytes);
}

TEST(Properties, are_written_behind_what_is_there) {
  std::vector<std::byte> bytes = hex("aa bb");

  append_raw({.delivery_mode = DeliveryMode::transient}, bytes);

  EXPECT_EQ(to_hex(bytes), "aa bb 10 00 01");
}

TEST(Properties, are_judged_as_the_broker_judges_them) {
  const char* encoded[] = {
      "00 00",
      "10 00 02",
      "00 01",  // Bits without a meaning.
      "10 03 02",
      "00 04 03 61 62 63",
      "20 00 00 00 00 00",
      "",
      "00",
      "00 00 7a 7a",  // Bytes left over.
      "10 00 02 09",
      "10 00",                      // Bytes missing.
      "80 00 05 61 62 63",          // A length past the end.
      "20 00 00 00 00 02 01 61",    // Malformed headers.
      "30 00 00 00 00 02 01 61 02"  // And more behind them.
  };
  for (const char* each : encoded) {
    const std::vector<std::byte> bytes = hex(each);
    EXPECT_EQ(decode_properties(bytes).has_value(), amqp::is_well_formed_properties(bytes)) << each;
  }
  const std::vector<std::byte> bytes = hex(all_properties);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_properties(std::span(bytes).first(size))) << size;
  }
}

/// Calls visit(ours, brokers) for each of the properties that are strings.
template <class Visit>
void for_each_string(BasicProperties& ours, amqp::BasicProperties& brokers, Visit&& visit) {
  visit(ours.content_type, brokers.content_type);
  visit(ours.content_encoding, brokers.content_encoding);
  visit(ours.correlation_id, brokers.correlation_id);
  visit(ours.reply_to, brokers.reply_to);
  visit(ours.expiration, brokers.expiration);
  visit(ours.message_id, brokers.message_id);
  visit(ours.type, brokers.type);
  visit(ours.user_id, brokers.user_id);
  visit(ours.app_id, brokers.app_id);
  visit(ours.cluster_id, brokers.cluster_id);
}

TEST(Properties, are_what_the_broker_reads_and_writes) {
  const amqp::testing::Seed seed;
  SCOPED_TRACE(seed.how_to_repeat());
  std::mt19937_64 random(seed.value);
  const auto is_present = [&] { return random() % 2 == 0; };
  for (int i = 0; i < 1000; ++i) {
    BasicProperties ours;
    amqp::BasicProperties brokers;
    for_each_string(ours, brokers, [&](auto& our_text, auto& brokers_text) {
      if (!is_present()) return;
      our_text = std::string(random() % 256, static_cast<char>(random()));
      brokers_text = *our_text;
    });
    std::vector<std::byte> headers;
    if (is_present()) {
      headers = random_table(random, 2).to_raw();
      brokers.headers = RawTable(headers);
      ours.headers = decode_table(RawTable(headers));
    }
    if (is_present()) {
      brokers.delivery_mode = static_cast<std::uint8_t>(random());
      ours.delivery_mode = static_cast<DeliveryMode>(*brokers.delivery_mode);
    }
    if (is_present()) ours.priority = brokers.priority = static_cast<std::uint8_t>(random());
    if (is_present()) ours.timestamp = brokers.timestamp = random();

    const std::vector<std::byte> bytes = raw(ours);

    ASSERT_EQ(to_hex(bytes), to_hex(brokers.to_raw()));
    ASSERT_EQ(decode_properties(bytes), ours) << to_hex(bytes);
    ASSERT_EQ(complaint_about(ours), std::nullopt);
  }
}

TEST(Properties, are_complained_about_by_name) {
  BasicProperties properties;
  amqp::BasicProperties brokers;
  std::string names;
  for_each_string(properties, brokers, [&](auto& text, auto&) {
    text = std::string(255, 'x');
    EXPECT_EQ(complaint_about(properties), std::nullopt);
    text->append(1, 'x');
    names += complaint_about(properties).value() + "\n";
    text.reset();
  });

  std::string expected;
  for (const char* name : {"content_type", "content_encoding", "correlation_id", "reply_to",
                           "expiration", "message_id", "type", "user_id", "app_id", "cluster_id"}) {
    expected += std::string(name) + " has 256 bytes; at most 255 fit\n";
  }
  EXPECT_EQ(names, expected);
  EXPECT_EQ(
      complaint_about(BasicProperties{.headers = FieldTable{{std::string(256, 'k'), Void{}}}}),
      "headers: key \"" + std::string(32, 'k') + "\"... has 256 bytes; at most 255 fit");
  EXPECT_EQ(complaint_about(BasicProperties{.headers = nested(129)}),
            "headers: nested deeper than 128");
}

}  // namespace
}  // namespace leveret::client
