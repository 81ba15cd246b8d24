// SPDX-License-Identifier: Apache-2.0
#include "queue/recent_ids.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

IdHash id(std::uint64_t number) { return {.low = number * 0x9e3779b97f4a7c15, .high = number}; }

TEST(RecentIds, forgets_the_oldest_for_one_too_many) {
  RecentIds ids(2);
  ids.add(id(1), RecentIds::never, 0);
  ids.add(id(2), RecentIds::never, 0);
  ids.add(id(3), RecentIds::never, 0);
  EXPECT_FALSE(ids.contains(id(1), 0));
  EXPECT_TRUE(ids.contains(id(2), 0));
  EXPECT_TRUE(ids.contains(id(3), 0));
  EXPECT_EQ(ids.size(), 2u);
}

TEST(RecentIds, that_come_again_are_the_youngest) {
  RecentIds ids(2);
  ids.add(id(1), RecentIds::never, 0);
  ids.add(id(2), RecentIds::never, 0);
  ids.add(id(1), RecentIds::never, 0);
  ids.add(id(3), RecentIds::never, 0);
  EXPECT_TRUE(ids.contains(id(1), 0));
  EXPECT_FALSE(ids.contains(id(2), 0));
}

TEST(RecentIds, are_over_at_their_end) {
  RecentIds ids(10);
  ids.add(id(1), 100, 0);
  EXPECT_TRUE(ids.contains(id(1), 99));
  EXPECT_FALSE(ids.contains(id(1), 100));
  ids.add(id(2), 100, 50);
  ids.add(id(3), 400, 200);  // The others go meanwhile.
  EXPECT_EQ(ids.size(), 1u);
}

TEST(RecentIds, are_what_a_plain_list_says) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 engine(seed);
    constexpr std::size_t ids_max = 8;
    RecentIds ids(ids_max);
    std::vector<std::uint64_t> model;  // The oldest first.
    for (int step = 0; step < 2000; ++step) {
      const std::uint64_t number = engine() % 16;
      switch (engine() % 8) {
        case 0:
          ids.remove(id(number));
          std::erase(model, number);
          break;
        case 1:
          if (engine() % 16 != 0) break;
          ids.clear();
          model.clear();
          break;
        default:
          ids.add(id(number), RecentIds::never, 0);
          std::erase(model, number);
          if (model.size() == ids_max) model.erase(model.begin());
          model.push_back(number);
      }
      ASSERT_EQ(ids.size(), model.size());
      for (std::uint64_t i = 0; i < 16; ++i) {
        ASSERT_EQ(ids.contains(id(i), 0), std::ranges::count(model, i) != 0);
      }
    }
  }
}

}  // namespace
}  // namespace leveret
