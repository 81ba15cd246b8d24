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
  bool is_overdue(Duration at, std::uint64_t last_tag, std::uint64_t oldest_tag) {
    return ages_.is_overdue(Time() + at, 80s, last_tag, oldest_tag);
  }

 private:
  DeliveryAges ages_;
};

TEST_F(DeliveryAgesTest, tell_when_the_oldest_has_waited_as_long_as_it_may) {
  EXPECT_FALSE(is_overdue(0s, 0, 0));
  EXPECT_FALSE(is_overdue(10s, 3, 2));
  EXPECT_FALSE(is_overdue(20s, 5, 2));
  EXPECT_FALSE(is_overdue(80s, 5, 2));
  EXPECT_TRUE(is_overdue(90s, 5, 2)) << "it was there at 10 s";
}

TEST_F(DeliveryAgesTest, look_at_the_next_when_the_oldest_was_acknowledged) {
  EXPECT_FALSE(is_overdue(10s, 3, 1));
  EXPECT_FALSE(is_overdue(20s, 5, 1));
  EXPECT_FALSE(is_overdue(95s, 6, 4)) << "the fourth came after 10 s";
  EXPECT_TRUE(is_overdue(100s, 6, 4));
}

TEST_F(DeliveryAgesTest, begin_anew_when_all_were_acknowledged) {
  EXPECT_FALSE(is_overdue(10s, 3, 1));
  EXPECT_FALSE(is_overdue(20s, 3, 0));
  EXPECT_FALSE(is_overdue(100s, 4, 4));
  EXPECT_TRUE(is_overdue(180s, 4, 4));
}

}  // namespace
}  // namespace leveret
