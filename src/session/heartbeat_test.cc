// SPDX-License-Identifier: Apache-2.0
#include "session/heartbeat.h"

#include <gtest/gtest.h>

namespace leveret {
namespace {

using std::chrono::seconds;
using Verdict = Heartbeat::Verdict;

constexpr Time start{seconds(1000)};

TEST(Heartbeat, with_interval_zero_is_off) {
  Heartbeat heartbeat;
  heartbeat.start(seconds(0), start, 0, 0);
  EXPECT_FALSE(heartbeat.is_on());
}

TEST(Heartbeat, is_sent_when_nothing_else_was_for_half_the_interval) {
  Heartbeat heartbeat;
  heartbeat.start(seconds(10), start, 0, 0);
  EXPECT_EQ(heartbeat.deadline(), start + seconds(5));
  EXPECT_EQ(heartbeat.on_time(start + seconds(5), 0, 0), Verdict::send);
}

TEST(Heartbeat, is_not_sent_when_something_else_was) {
  Heartbeat heartbeat;
  heartbeat.start(seconds(10), start, 0, 0);
  EXPECT_EQ(heartbeat.on_time(start + seconds(5), 100, 0), Verdict::quiet);
  EXPECT_EQ(heartbeat.on_time(start + seconds(10), 200, 1), Verdict::quiet);
  EXPECT_EQ(heartbeat.on_time(start + seconds(15), 200, 1), Verdict::send);
}

TEST(Heartbeat, gives_the_peer_up_after_two_looks_without_a_byte) {
  Heartbeat heartbeat;
  heartbeat.start(seconds(10), start, 0, 7);
  EXPECT_NE(heartbeat.on_time(start + seconds(10), 0, 7), Verdict::peer_is_gone);
  EXPECT_EQ(heartbeat.on_time(start + seconds(20), 0, 7), Verdict::peer_is_gone);
}

TEST(Heartbeat, takes_any_byte_for_a_sign_of_life) {
  Heartbeat heartbeat;
  heartbeat.start(seconds(10), start, 0, 0);
  for (int look = 1; look < 100; ++look) {
    // A byte every other interval keeps the peer alive.
    const auto received = static_cast<std::uint64_t>(look / 2);
    ASSERT_NE(heartbeat.on_time(start + look * seconds(10), 0, received), Verdict::peer_is_gone);
  }
}

}  // namespace
}  // namespace leveret
