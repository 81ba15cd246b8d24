// SPDX-License-Identifier: Apache-2.0
//
// Timers on a real clock, with short delays; every wait ends with the event or the bound.

#include "net/timer.h"

#include "net/testing/sockets.h"
#include "net/worker_pool.h"

#include <deque>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::bound;

class TimerTest : public ::testing::Test {
 protected:
  TimerTest() { pool.run_on_caller(); }

  WorkerPool pool{1};
  const WorkerId home{0};
  const SystemClock clock;
};

TEST_F(TimerTest, fires_once_and_not_before_its_time) {
  int fired = 0;
  Timer timer(pool, home, [&] { ++fired; });
  const Time begun = clock.now();
  timer.arm_after(milliseconds(20));
  EXPECT_TRUE(timer.is_armed());
  EXPECT_TRUE(pool.poll_turns_until([&] { return fired > 0; }, bound));
  EXPECT_GE(clock.now() - begun, milliseconds(20));
  EXPECT_FALSE(timer.is_armed());
  EXPECT_FALSE(pool.poll_turns_until([&] { return fired > 1; }, milliseconds(40)));
}

TEST_F(TimerTest, fires_in_the_order_of_deadlines_whatever_the_order_of_arming) {
  constexpr int count = 500;
  std::vector<int> fired;
  std::deque<Timer> timers;
  const Time base = clock.now() + milliseconds(5);
  for (int i = 0; i < count; ++i) {
    const int rank = i * 7919 % count;  // A permutation: 7919 is prime and does not divide 500.
    timers.emplace_back(pool, home, [&fired, rank] { fired.push_back(rank); });
    timers.back().arm_at(base + microseconds(rank * 10));
  }
  // Some leave from the middle, some move.
  for (std::size_t i = 0; i < count; i += 5) timers[i].cancel();
  for (std::size_t i = 1; i < count; i += 5) timers[i].arm_at(base + milliseconds(10 + i % 3));
  EXPECT_TRUE(pool.poll_turns_until([&] { return fired.size() == count * 4 / 5; }, bound));

  std::vector<int> unmoved;
  for (int rank : fired) {
    for (std::size_t i = 0; i < count; ++i) {
      if (static_cast<int>(i * 7919 % count) == rank && i % 5 > 1) unmoved.push_back(rank);
    }
  }
  EXPECT_EQ(unmoved.size(), 300U);
  EXPECT_TRUE(std::is_sorted(unmoved.begin(), unmoved.end()));
}

TEST_F(TimerTest, does_not_fire_when_cancelled_or_destroyed) {
  bool fired = false;
  bool is_over = false;
  Timer cancelled(pool, home, [&] { fired = true; });
  auto destroyed = std::make_unique<Timer>(pool, home, [&] { fired = true; });
  Timer last(pool, home, [&] { is_over = true; });
  cancelled.arm_after(milliseconds(5));
  destroyed->arm_after(milliseconds(5));
  last.arm_after(milliseconds(10));
  cancelled.cancel();
  destroyed.reset();
  EXPECT_TRUE(pool.poll_turns_until([&] { return is_over; }, bound));
  EXPECT_FALSE(fired);
}

TEST_F(TimerTest, moves_its_deadline_both_ways) {
  bool early = false;
  bool late = false;
  Timer to_early(pool, home, [&] { early = true; });
  Timer to_late(pool, home, [&] { late = true; });
  to_early.arm_after(hours(10));
  to_late.arm_after(milliseconds(1));
  to_early.arm_after(milliseconds(15));
  to_late.arm_after(hours(10));
  EXPECT_TRUE(pool.poll_turns_until([&] { return early; }, bound));
  EXPECT_FALSE(late);
  EXPECT_TRUE(to_late.is_armed());
}

TEST_F(TimerTest, takes_never_for_a_delay) {
  bool fired = false;
  bool is_over = false;
  Timer never(pool, home, [&] { fired = true; });
  Timer soon(pool, home, [&] { is_over = true; });
  never.arm_after(Duration::max());
  soon.arm_after(milliseconds(5));
  EXPECT_TRUE(pool.poll_turns_until([&] { return is_over; }, bound));
  EXPECT_FALSE(fired);
}

TEST_F(TimerTest, may_be_armed_again_in_its_callback_even_for_the_past) {
  int fired = 0;
  Timer timer(pool, home, [&] {
    if (++fired < 100) timer.arm_at(Time{});
  });
  timer.arm_after(milliseconds(0));
  EXPECT_TRUE(pool.poll_turns_until([&] { return fired == 100; }, bound));
}

TEST_F(TimerTest, may_be_destroyed_in_its_callback) {
  // The callback's own captures must live to its end.
  auto witness = std::make_shared<int>(41);
  int seen = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(pool, home, [&timer, &seen, witness] {
    timer.reset();
    seen = *witness + 1;
  });
  timer->arm_after(milliseconds(1));
  EXPECT_TRUE(pool.poll_turns_until([&] { return seen == 42; }, bound));
  EXPECT_EQ(witness.use_count(), 1);
}

TEST_F(TimerTest, pushing_a_deadline_back_does_not_wake_the_worker) {
  int fired = 0;
  Timer timer(pool, home, [&] { ++fired; });
  for (int i = 0; i < 10'000; ++i) timer.arm_after(milliseconds(30) + microseconds(i));
  EXPECT_TRUE(pool.poll_turns_until([&] { return fired > 0; }, bound));
  // The kernel timer rings for the first deadline, then for the last.
  EXPECT_LE(pool.counters(home).sleeps, 4U);
}

}  // namespace
}  // namespace leveret
