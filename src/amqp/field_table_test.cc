// SPDX-License-Identifier: Apache-2.0
//
// Tables of both kinds against bytes worked out by hand; what RabbitMQ reads and what it does not
// was asked of RabbitMQ 3.10.8.

#include "amqp/field_table.h"

#include "amqp/testing/hex.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::amqp {
namespace {

using testing::hex;
using testing::to_hex;

struct Sample {
  const char* bytes;  // A table with one entry, `a`.
  FieldValue value;
  const char* type_name;
  const char* text;
};

std::vector<Sample> samples() {
  return {
      {"01 61 56", Void{}, "void", "null"},
      {"01 61 74 01", true, "bool", "true"},
      {"01 61 74 00", false, "bool", "false"},
      {"01 61 62 ff", std::int8_t{-1}, "byte", "-1"},
      {"01 61 42 ff", std::uint8_t{255}, "unsignedbyte", "255"},
      {"01 61 73 ff fe", std::int16_t{-2}, "short", "-2"},
      {"01 61 75 ff fe", std::uint16_t{65534}, "unsignedshort", "65534"},
      {"01 61 49 ff ff ff fd", std::int32_t{-3}, "signedint", "-3"},
      {"01 61 69 ff ff ff fd", std::uint32_t{4294967293U}, "unsignedint", "4294967293"},
      {"01 61 6c ff ff ff ff ff ff ff fc", std::int64_t{-4}, "long", "-4"},
      {"01 61 66 3f c0 00 00", 1.5F, "float", "1.5"},
      {"01 61 64 bf d0 00 00 00 00 00 00", -0.25, "double", "-0.25"},
      {"01 61 44 02 00 00 01 2c", Decimal{2, 300}, "decimal", "300e-2"},
      {"01 61 53 00 00 00 03 78 22 0a", "x\"\n", "longstr", R"("x\"\u000a")"},
      {"01 61 54 00 00 00 00 65 53 f1 00", Timestamp{1700000000}, "timestamp",
       "timestamp(1700000000)"},
      {"01 61 78 00 00 00 02 00 ff", ByteArray{std::string("\x00\xff", 2)}, "binary",
       "binary(2 bytes)"},
      {"01 61 41 00 00 00 08 74 01 49 00 00 00 07 56", FieldArray{true, std::int32_t{7}, Void{}},
       "array", "[true, 7, null]"},
      {"01 61 46 00 00 00 07 01 62 53 00 00 00 00", FieldTable{{"b", ""}}, "table", R"({"b": ""})"},
      {"01 61 41 00 00 00 00", FieldArray{}, "array", "[]"},
      {"01 61 46 00 00 00 00", FieldTable{}, "table", "{}"},
  };
}

TEST(FieldTable, reads_and_writes_every_type) {
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.bytes);
    const std::vector<std::byte> bytes = hex(sample.bytes);
    const FieldTable table{{"a", sample.value}};

    EXPECT_EQ(to_hex(table.to_raw()), sample.bytes);
    EXPECT_EQ(table.encoded_size(), bytes.size());
    const AmqpResult<FieldTable> decoded = FieldTable::decode(RawTable(bytes));
    ASSERT_TRUE(decoded) << decoded.error().reply_text();
    EXPECT_EQ(*decoded, table);
    EXPECT_EQ(field_type_name(sample.value.type()), sample.type_name);
    EXPECT_EQ(sample.value.to_text(), sample.text);
  }
}

TEST(FieldTable, is_refused_at_every_truncation) {
  for (const Sample& sample : samples()) {
    const std::vector<std::byte> bytes = hex(sample.bytes);
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      const RawTable cut{std::span(bytes).first(size)};
      EXPECT_FALSE(cut.is_well_formed()) << sample.bytes << ", first " << size;
      const AmqpResult<FieldTable> decoded = FieldTable::decode(cut);
      ASSERT_FALSE(decoded) << sample.bytes << ", first " << size;
      EXPECT_EQ(decoded.error().code, ReplyCode::syntax_error);
      EXPECT_FALSE(cut.find("a"));
    }
  }
}

TEST(FieldTable, refuses_what_RabbitMQ_cannot_read) {
  const char* malformed[] = {
      "01 61 55 ff ff",                    // Unknown type U.
      "01 61 5a",                          // Unknown type Z.
      "01 61 56 56",                       // A byte too many.
      "05 61",                             // A key that is not there.
      "01 61 64 7f f8 00 00 00 00 00 00",  // Not a number.
      "01 61 64 7f f0 00 00 00 00 00 00",  // Infinite.
      "01 61 66 7f c0 00 00",              // Not a number.
      "01 61 53 ff ff ff ff 78",           // A length past the end.
      "01 61 41 00 00 00 01 74",           // Half a value in an array.
      "01 61 46 00 00 00 02 01 62",        // Half an entry in a table.
      "01 61 46 00 00 00 01 00 56",        // A length that cuts an entry.
  };
  for (const char* bytes : malformed) {
    const std::vector<std::byte> raw = hex(bytes);
    EXPECT_FALSE(FieldTable::decode(RawTable(raw))) << bytes;
    EXPECT_FALSE(RawTable(raw).is_well_formed()) << bytes;
  }
}

TEST(FieldTable, reads_other_spellings) {
  const std::vector<std::byte> long_int = hex("01 61 4c ff ff ff ff ff ff ff ff");
  const std::vector<std::byte> true_enough = hex("01 61 74 07");

  EXPECT_EQ(FieldTable::decode(RawTable(long_int)), (FieldTable{{"a", std::int64_t{-1}}}));
  EXPECT_EQ(FieldTable::decode(RawTable(true_enough)), (FieldTable{{"a", true}}));
}

FieldTable nested(int depth) {
  FieldTable table;
  for (int i = 1; i < depth; ++i) {
    // Tables and arrays by turns.
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

TEST(FieldTable, has_a_limit_of_depth) {
  const std::vector<std::byte> deepest = nested(table_depth_max).to_raw();
  const std::vector<std::byte> too_deep = nested(table_depth_max + 1).to_raw();

  EXPECT_TRUE(FieldTable::decode(RawTable(deepest)));
  const AmqpResult<FieldTable> refused = FieldTable::decode(RawTable(too_deep));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reply_text(), "SYNTAX_ERROR - table of " +
                                              std::to_string(too_deep.size()) +
                                              " bytes is malformed or nested deeper than 128");
}

// A frame's worth of nesting must not cost a stack.
TEST(FieldTable, survives_nesting_as_deep_as_a_frame_is_long) {
  std::vector<std::byte> arrays = hex("01 61");
  for (std::uint32_t left = 130'000; left >= 5; left -= 5) {
    std::vector<std::byte> level(5);
    WireWriter writer(level);
    writer.u8('A');
    writer.u32(left - 5);
    arrays.insert(arrays.end(), level.begin(), level.end());
  }

  EXPECT_FALSE(RawTable(arrays).is_well_formed());
}

TEST(FieldTable, keeps_order_and_repeated_keys) {
  const std::vector<std::byte> bytes = hex("01 62 74 01 01 61 56 01 62 74 00");

  const AmqpResult<FieldTable> table = FieldTable::decode(RawTable(bytes));

  ASSERT_TRUE(table);
  EXPECT_EQ(table->size(), 3U);
  EXPECT_EQ(table->to_raw(), bytes);
  EXPECT_EQ(table->find("b")->as_bool(), true) << "the first one counts";
  EXPECT_EQ(RawTable(bytes).find("b")->as_bool(), true);
  EXPECT_NE(*table, (FieldTable{{"a", Void{}}, {"b", true}, {"b", false}}));
}

TEST(FieldTable, is_changed_by_name) {
  FieldTable table{{"a", std::int32_t{1}}, {"b", "x"}, {"a", std::int32_t{2}}};

  table.set("b", "y").set("c", true);

  EXPECT_EQ(table.to_text(), R"({"a": 1, "b": "y", "a": 2, "c": true})");
  EXPECT_TRUE(table.erase("a"));
  EXPECT_FALSE(table.erase("a"));
  EXPECT_EQ(table, (FieldTable{{"b", "y"}, {"c", true}}));
  EXPECT_EQ(table.find("a"), nullptr);
}

TEST(FieldValue, gives_any_integer_as_one) {
  const FieldValue integers[] = {std::int8_t{5},   std::uint8_t{5}, std::int16_t{5},
                                 std::uint16_t{5}, std::int32_t{5}, std::uint32_t{5},
                                 std::int64_t{5}};
  for (const FieldValue& integer : integers) {
    const std::vector<std::byte> bytes = FieldTable{{"a", integer}}.to_raw();
    EXPECT_EQ(integer.as_integer(), 5);
    EXPECT_EQ(RawTable(bytes).find("a")->as_integer(), 5);
  }
  EXPECT_EQ(FieldValue(true).as_integer(), std::nullopt);
  EXPECT_EQ(FieldValue(5.0).as_integer(), std::nullopt);
  EXPECT_EQ(FieldValue("5").as_integer(), std::nullopt);
  EXPECT_EQ(FieldValue(5.5F).as_double(), 5.5);
  EXPECT_NE(FieldValue(std::int32_t{5}), FieldValue(std::int64_t{5}));
}

TEST(RawTable, shows_values_by_type) {
  const FieldTable inner{{"x", true}};
  const std::vector<std::byte> bytes =
      FieldTable{{"s", "text"}, {"x", ByteArray{"bin"}},  {"D", Decimal{1, 2}}, {"T", Timestamp{3}},
                 {"F", inner},  {"A", FieldArray{"one"}}, {"f", 0.5F}}
          .to_raw();
  const RawTable table(bytes);

  EXPECT_EQ(table.find("s")->as_string(), "text");
  EXPECT_EQ(table.find("s")->as_byte_array(), std::nullopt);
  EXPECT_EQ(table.find("x")->as_byte_array(), "bin");
  EXPECT_EQ(table.find("D")->as_decimal(), (Decimal{1, 2}));
  EXPECT_EQ(table.find("T")->as_timestamp(), Timestamp{3});
  EXPECT_EQ(table.find("f")->as_double(), 0.5);
  EXPECT_EQ(table.find("F")->as_table()->find("x")->as_bool(), true);
  EXPECT_EQ(table.find("F")->as_bool(), std::nullopt);
  EXPECT_EQ(FieldValue::decode(*table.find("F")), FieldValue(inner));
  std::string ones;
  EXPECT_TRUE(
      table.find("A")->as_array()->for_each([&](FieldValueView one) { ones += *one.as_string(); }));
  EXPECT_EQ(ones, "one");
  EXPECT_FALSE(table.find("absent"));
}

TEST(RawTable, walks_until_told_to_stop_or_sense_ends) {
  const std::vector<std::byte> bytes = hex("01 61 56 01 62 56 01 63 5a");
  const RawTable table(bytes);
  std::string keys;

  EXPECT_TRUE(table.for_each([&](std::string_view key, FieldValueView) {
    keys += key;
    return key != "b";
  })) << "malformed bytes that nobody looked at";
  EXPECT_EQ(keys, "ab");

  keys.clear();
  EXPECT_FALSE(table.for_each([&](std::string_view key, FieldValueView) { keys += key; }));
  EXPECT_EQ(keys, "ab");
}

}  // namespace
}  // namespace leveret::amqp
