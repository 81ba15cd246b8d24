// SPDX-License-Identifier: Apache-2.0
#include "session/delivery_ages.h"

#include <chrono>
#include <cstdint>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using namespace std::chrono_literals;

class DeliveryAgesTest : public ::testing::Test {
 protected:
  void look(Duration at, std::uint64_t last_tag, std::uint64_t oldest_tag) {
    ages_.look(Time() + at, 80s, last_tag, oldest_tag);
  }
  [[nodiscard]] Duration seen_at(std::uint64_t tag) const { return ages_.seen_at(tag) - Time(); }

 private:
  DeliveryAges ages_;
};

TEST_F(DeliveryAgesTest, tell_when_each_was_there_for_the_first_time) {
  look(0s, 0, 0);
  look(10s, 3, 2);
  look(20s, 5, 2);
  look(30s, 5, 2);
  EXPECT_EQ(seen_at(2), 10s);
  EXPECT_EQ(seen_at(3), 10s);
  EXPECT_EQ(seen_at(4), 20s);
  look(40s, 6, 4);
  EXPECT_EQ(seen_at(5), 20s);
  EXPECT_EQ(seen_at(6), 40s);
}

TEST_F(DeliveryAgesTest, begin_anew_when_all_were_acknowledged) {
  look(10s, 3, 1);
  look(20s, 3, 0);
  look(30s, 4, 4);
  EXPECT_EQ(seen_at(4), 30s);
}

TEST_F(DeliveryAgesTest, make_no_difference_between_what_is_older_than_the_longest) {
  look(10s, 1, 1);
  look(20s, 2, 1);
  look(100s, 3, 1);
  EXPECT_EQ(seen_at(1), 20s) << "80 s ago, as is the second";
  EXPECT_EQ(seen_at(2), 20s);
  EXPECT_EQ(seen_at(3), 100s);
}

}  // namespace
}  // namespace leveret
