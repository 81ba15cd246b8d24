// SPDX-License-Identifier: Apache-2.0
#include "queue/expiry_wheel.h"

#include <algorithm>
#include <iterator>
#include <list>
#include <random>

#include <gtest/gtest.h>

namespace leveret {
namespace {

struct Thing : ExpiryWheel::Entry {
  explicit Thing(std::uint64_t time_ms) { expires_ms = time_ms; }
};

TEST(ExpiryWheel, of_nothing_has_nothing) {
  ExpiryWheel wheel;
  EXPECT_EQ(wheel.first_due(1'800'000'000'000), nullptr);
  EXPECT_EQ(wheel.next_ms(), std::nullopt);
}

TEST(ExpiryWheel, gives_what_is_due_and_when_to_ask_again) {
  constexpr std::uint64_t now = 1'800'000'000'000;
  ExpiryWheel wheel;
  EXPECT_EQ(wheel.first_due(now), nullptr);
  Thing late(now + 86'400'000);
  Thing soon(now + 5);
  wheel.add(late);
  wheel.add(soon);
  EXPECT_EQ(wheel.next_ms(), now + 5);
  EXPECT_EQ(wheel.first_due(now + 4), nullptr);
  EXPECT_EQ(wheel.first_due(now + 5), &soon);
  EXPECT_EQ(wheel.first_due(now + 5), &soon);
  soon.unlink();
  EXPECT_EQ(wheel.first_due(now + 5), nullptr);
  const auto next = wheel.next_ms();
  ASSERT_TRUE(next);
  EXPECT_LE(*next, now + 86'400'000);
  EXPECT_EQ(wheel.first_due(now + 86'399'999), nullptr);
  EXPECT_EQ(wheel.first_due(now + 86'400'000), &late);
}

TEST(ExpiryWheel, gives_at_once_what_is_due_already) {
  ExpiryWheel wheel;
  EXPECT_EQ(wheel.first_due(1000), nullptr);
  Thing old(400);
  wheel.add(old);
  EXPECT_EQ(wheel.first_due(1000), &old);
  EXPECT_LE(wheel.next_ms(), 1000u);
}

TEST(ExpiryWheel, gives_nothing_early_when_the_clock_is_set_back) {
  constexpr std::uint64_t now = 1'800'000'000'000;
  ExpiryWheel wheel;
  EXPECT_EQ(wheel.first_due(now), nullptr);
  Thing thing(now - 1000);
  wheel.add(thing);
  EXPECT_EQ(wheel.first_due(now - 5000), nullptr);
  EXPECT_EQ(wheel.next_ms(), now - 1000);
  EXPECT_EQ(wheel.first_due(now - 1000), &thing);
}

/// Whatever comes and goes, exactly what is due is given, and never later than asked for.
TEST(ExpiryWheel, does_what_the_model_says) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 engine(seed);
    ExpiryWheel wheel;
    std::list<Thing> things;
    std::uint64_t now = seed % 2 == 0 ? 0 : 1'800'000'000'000;
    for (int step = 0; step < 2000 && !::testing::Test::HasFailure(); ++step) {
      switch (engine() % 4) {
        case 0:
        case 1: {
          const std::uint64_t spans[] = {3, 100, 5000, 1'000'000, 400'000'000'000};
          things.emplace_back(now + engine() % spans[engine() % 5]);
          wheel.add(things.back());
          break;
        }
        case 2:
          if (!things.empty())
            things.erase(
                std::next(things.begin(), static_cast<std::ptrdiff_t>(engine() % things.size())));
          break;
        default: {
          const auto next = wheel.next_ms();
          EXPECT_TRUE(next.has_value() || things.empty());
          if (next && engine() % 2 == 0) {
            now = std::max(now, *next);
          } else {
            now += engine() % 2000;
          }
        }
      }
      const auto due = std::ranges::count_if(
          things, [&](const Thing& thing) { return thing.expires_ms <= now; });
      for (std::ptrdiff_t i = 0; i < due; ++i) {
        ExpiryWheel::Entry* found = wheel.first_due(now);
        ASSERT_NE(found, nullptr);
        EXPECT_LE(found->expires_ms, now);
        things.remove_if([found](const Thing& thing) { return &thing == found; });
      }
      EXPECT_EQ(wheel.first_due(now), nullptr);
      const auto next = wheel.next_ms();
      for (const Thing& thing : things) EXPECT_LE(*next, thing.expires_ms);
    }
  }
}

}  // namespace
}  // namespace leveret
