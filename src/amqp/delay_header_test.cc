// SPDX-License-Identifier: Apache-2.0
#include "amqp/delay_header.h"

#include "amqp/field_table.h"

#include <cstddef>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::amqp {
namespace {

std::uint64_t delay_of(FieldValue value) {
  FieldTable headers;
  headers.append("other", std::int64_t{7});
  headers.append("x-delay", std::move(value));
  const std::vector<std::byte> encoded = headers.to_raw();
  return peek_delay_ms(RawTable(encoded));
}

TEST(DelayHeader, is_a_number_of_milliseconds) {
  EXPECT_EQ(delay_of(std::int32_t{1}), 1);
  EXPECT_EQ(delay_of(std::int64_t{5000}), 5000);
  EXPECT_EQ(delay_of(std::int64_t{1} << 33), std::uint64_t{1} << 33);
  EXPECT_EQ(delay_of(static_cast<std::int64_t>(delay_ms_max)), delay_ms_max);
}

TEST(DelayHeader, may_be_text_or_a_fraction) {
  EXPECT_EQ(delay_of(std::string_view("1500")), 1500);
  EXPECT_EQ(delay_of(1500.9), 1500);
}

TEST(DelayHeader, is_none_where_it_makes_no_sense) {
  EXPECT_EQ(peek_delay_ms(RawTable()), 0);
  EXPECT_EQ(delay_of(std::int64_t{0}), 0);
  EXPECT_EQ(delay_of(std::int64_t{-5000}), 0);
  EXPECT_EQ(delay_of(static_cast<std::int64_t>(delay_ms_max) + 1), 0);
  EXPECT_EQ(delay_of(std::int64_t{INT64_MAX}), 0);
  EXPECT_EQ(delay_of(std::string_view("")), 0);
  EXPECT_EQ(delay_of(std::string_view("soon")), 0);
  EXPECT_EQ(delay_of(std::string_view("15 s")), 0);
  EXPECT_EQ(delay_of(std::string_view("99999999999999999999")), 0);
  EXPECT_EQ(delay_of(0.5), 0);
  EXPECT_EQ(delay_of(-3.0), 0);
  EXPECT_EQ(delay_of(1e300), 0);
  EXPECT_EQ(delay_of(true), 0);
}

}  // namespace
}  // namespace leveret::amqp
