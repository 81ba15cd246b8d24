// SPDX-License-Identifier: Apache-2.0
#include "mgmt/resource_limit.h"

#include <string_view>

#include <gtest/gtest.h>

namespace leveret {
namespace {

TEST(ResourceLimit, is_read_with_rabbitmqs_units) {
  struct Row {
    std::string_view text;
    std::uint64_t bytes;
  };
  static constexpr Row rows[] = {
      {"0", 0},
      {"1", 1},
      {"50000000", 50'000'000},
      {"1k", 1024},
      {"1kiB", 1024},
      {"1KiB", 1024},
      {"1kB", 1000},
      {"1KB", 1000},
      {"2M", 2 * 1024 * 1024},
      {"2MiB", 2 * 1024 * 1024},
      {"50MB", 50'000'000},
      {"3G", std::uint64_t{3} << 30},
      {"3GiB", std::uint64_t{3} << 30},
      {"3Gi", std::uint64_t{3} << 30},
      {"3GB", 3'000'000'000},
      {"1T", std::uint64_t{1} << 40},
      {"1TB", 1'000'000'000'000},
      {"1PiB", std::uint64_t{1} << 50},
      {"9223372036854775807", 9'223'372'036'854'775'807U},
  };
  for (const Row& row : rows) {
    const auto bytes = parse_byte_count(row.text);
    ASSERT_TRUE(bytes.has_value()) << row.text;
    EXPECT_EQ(*bytes, row.bytes) << row.text;
  }
}

TEST(ResourceLimit, is_refused_when_it_is_no_number_of_bytes) {
  for (const std::string_view text :
       {"", "x", "-1", "+1", " 1", "1 ", "1 GB", "1gb", "1m", "1.5GB", "1B", "1GiBs", "1KX",
        "9223372036854775808", "8192PiB", "99999999999999999999"}) {
    const auto bytes = parse_byte_count(text);
    ASSERT_FALSE(bytes.has_value()) << text;
    EXPECT_NE(bytes.error().text().find("is no number of bytes: 50000000, 50MB"),
              std::string::npos);
  }
}

TEST(ResourceLimit, may_be_a_share_of_the_memory) {
  EXPECT_EQ(parse_share("0.4", 1.0), 0.4);
  EXPECT_EQ(parse_share("0", 1.0), 0.0);
  EXPECT_EQ(parse_share("1", 1.0), 1.0);
  EXPECT_EQ(parse_share("1.5", 100.0), 1.5);
  for (const std::string_view text : {"", "x", "-0.1", "1.1", "0.4x", "nan", "inf", "0,4"}) {
    const auto share = parse_share(text, 1.0);
    ASSERT_FALSE(share.has_value()) << text;
    EXPECT_NE(share.error().text().find("is no share of the memory: 0.0 to 1.0"),
              std::string::npos);
  }
}

TEST(ResourceLimit, is_told_in_bytes) {
  EXPECT_EQ(bytes_of(MemoryShare{0.4}, 1000), 400U);
  EXPECT_EQ(bytes_of(std::uint64_t{70}, 1000), 70U);
  EXPECT_EQ(bytes_of(MemoryShare{1e18}, std::uint64_t{1} << 62), 9'223'372'036'854'775'807U);
}

}  // namespace
}  // namespace leveret
