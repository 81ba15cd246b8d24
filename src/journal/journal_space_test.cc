// SPDX-License-Identifier: Apache-2.0
//
// How much of the disk a journal takes.
#include "base/log.h"
#include "journal/testing/journal_model.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using testing::Death;
using testing::JournalModel;

constexpr OwnerId orders{1};
constexpr std::uint32_t segment_bytes = 64 * 1024;

TEST(JournalSpace, one_unsettled_entry_in_a_thousand_keeps_the_disk_within_twice_itself) {
  set_log_level(LogLevel::none);
  JournalModel model({.seed = 1, .segment_bytes = segment_bytes});
  ASSERT_TRUE(model.start());
  std::uint64_t most = 0;
  for (int entry = 1; entry <= 60'000; ++entry) {
    const auto key = model.append(orders, 1000);
    if (entry % 1000 != 0) model.settle(*key);
    if (entry % 20 == 0) {
      model.flush();
      model.writing.step();
      model.reading.step();
    }
    if (entry % 200 != 0) continue;
    model.quiesce();
    const Journal::Counts counts = model.journal().counts();
    most = std::max(most, counts.used_bytes - std::min(counts.used_bytes, 2 * counts.live_bytes));
    model.forget_settled();
    if (entry % 20'000 != 0) continue;
    model.die(entry == 20'000 ? Death::kill : Death::power_loss);
    ASSERT_TRUE(model.start());
    model.quiesce();
    const Journal::Counts restarted = model.journal().counts();
    EXPECT_LE(restarted.used_bytes, 2 * restarted.live_bytes + 5 * segment_bytes);
  }
  EXPECT_LE(most, 5 * segment_bytes);
  EXPECT_LE(model.disk.bytes_in_use(), 2 * model.journal().counts().live_bytes + 7 * segment_bytes);
  EXPECT_EQ(model.alive().size(), 60u);
  set_log_level(LogLevel::info);
}

}  // namespace
}  // namespace leveret
