// SPDX-License-Identifier: Apache-2.0
#include "journal/recovery.h"

#include "base/log.h"
#include "journal/testing/file_text.h"
#include "journal/testing/journal_model.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using ::testing::Contains;
using testing::Death;
using ::testing::IsEmpty;
using testing::JournalModel;

constexpr OwnerId orders{1};
constexpr OwnerId bills{2};

using Keys = std::vector<JournalModel::Key>;

class RecoveryTest : public ::testing::Test {
 protected:
  RecoveryTest() { set_log_level(LogLevel::none); }
  ~RecoveryTest() override { set_log_level(LogLevel::info); }

  void start() { ASSERT_TRUE(model_.start()); }
  void kill_and_start() {
    model_.die(Death::kill);
    start();
  }
  JournalModel::Key append(OwnerId owner, std::uint32_t bytes = 400) {
    return model_.append(owner, bytes).value();
  }
  bool exists(const std::string& name) {
    const std::vector<std::string> all = names(model_.disk, JournalModel::directory);
    return std::ranges::find(all, name) != all.end();
  }
  SegmentId segment_of(const JournalModel::Key& key) {
    return model_.entries().at(key).place.location.segment;
  }
  /// Sparse segments, until what is alive in one has been appended again and not been written.
  static void begin_a_move(JournalModel& model) {
    while (true) {
      const auto key = model.append(orders, 400);
      if (key->second % 5 != 0) model.settle(*key);
      model.flush();
      while (model.writing.step() || model.reading.step()) {
        if (model.is_moving()) return;
        model.flush();
      }
    }
  }
  /// Returns an entry that was moved from a segment that is there still.
  JournalModel::Key end_a_move_without_removing() {
    begin_a_move(model_);
    std::map<JournalModel::Key, SegmentId> before;
    for (const JournalModel::Key& key : model_.alive()) before[key] = segment_of(key);
    model_.disk.fail({.kind = OperationKind::rename, .times = 1000});
    model_.disk.fail({.kind = OperationKind::remove, .times = 1000});
    model_.quiesce();
    model_.disk.clear_faults();
    for (const auto& [key, segment] : before) {
      if (segment_of(key) == segment) continue;
      EXPECT_TRUE(exists(segment_file_name(segment)));
      return key;
    }
    ADD_FAILURE() << "nothing was moved";
    return {};
  }

  JournalModel model_{{.seed = 1, .segment_bytes = 4096}};
};

TEST_F(RecoveryTest, what_was_settled_one_by_one_and_then_together_stays_settled) {
  start();
  Keys keys;
  for (int i = 0; i < 5; ++i) keys.push_back(append(orders, 100));
  const auto other = append(bills, 100);
  model_.quiesce();
  model_.settle(keys[1]);
  model_.quiesce();
  model_.settle(keys[2]);
  model_.quiesce();
  kill_and_start();

  model_.settle_range(keys[0]);
  append(bills, 100);
  model_.quiesce();
  kill_and_start();

  EXPECT_THAT(model_.alive(), Contains(other));
  EXPECT_EQ(model_.alive().size(), 2u);
}

TEST_F(RecoveryTest, no_segment_gets_the_number_of_the_spare_file_whose_records_would_be_its_own) {
  start();
  for (int i = 0; i < 5; ++i) append(orders, 100);
  model_.quiesce();
  model_.settle_range({orders, 1});
  model_.quiesce();
  model_.journal().reclaim();
  model_.quiesce();
  ASSERT_TRUE(exists(spare_file_name));
  ASSERT_FALSE(exists(segment_file_name(SegmentId(1))));
  kill_and_start();
  append(orders, 100);  // Ends where the second one of before began.
  model_.quiesce();

  kill_and_start();

  EXPECT_EQ(model_.alive().size(), 1u);
}

TEST_F(RecoveryTest, a_move_that_a_kill_cut_short_neither_doubles_nor_revives_anything) {
  start();
  begin_a_move(model_);
  model_.flush();
  model_.writing.run_all();
  kill_and_start();
  model_.quiesce();
  // What had been copied is moved or settled where it stands, and that goes.
  const Keys alive = model_.alive();
  for (std::size_t i = 0; i < alive.size(); i += 2) model_.settle(alive[i]);
  for (int i = 0; i < 100; ++i) {
    model_.settle(append(bills));
    model_.quiesce();
  }
  kill_and_start();
  model_.quiesce();
  kill_and_start();
}

TEST_F(RecoveryTest, copies_are_settled_for_good_before_what_they_were_copied_from_goes) {
  for (std::uint64_t step = 0; step < 15; ++step) {
    SCOPED_TRACE(step);
    JournalModel model({.seed = step, .segment_bytes = 4096});
    ASSERT_TRUE(model.start());
    begin_a_move(model);
    // All is settled where it stood, and that is on the disk with the copies; nothing says `moved`.
    for (const JournalModel::Key& key : model.alive()) model.settle(key);
    model.append(bills, 10);
    model.flush();
    model.writing.run_all();
    model.die(Death::kill);

    ASSERT_TRUE(model.start());
    model.die_at(step, Death::power_loss);
    model.quiesce();
    model.die(Death::power_loss);

    ASSERT_TRUE(model.start());
    model.quiesce();
    model.die(Death::kill);
    ASSERT_TRUE(model.start());
    EXPECT_LE(model.alive().size(), 1u);
  }
}

TEST_F(RecoveryTest, what_says_that_a_segment_was_moved_stays_as_long_as_that_segment) {
  start();
  end_a_move_without_removing();

  // Nothing else is alive where it was moved to.
  for (const JournalModel::Key& key : model_.alive()) model_.settle(key);
  for (int i = 0; i < 60; ++i) {
    model_.settle(append(bills));
    model_.quiesce();
  }
  kill_and_start();

  EXPECT_THAT(model_.alive(), IsEmpty());
}

TEST_F(RecoveryTest, what_says_that_a_segment_was_moved_is_moved_as_long_as_that_segment_is_there) {
  start();
  const JournalModel::Key moved = end_a_move_without_removing();

  const SegmentId to = segment_of(moved);
  while (segment_of(moved) == to) {
    const auto key = append(bills);
    if (key.second % 20 != 0) model_.settle(key);
    model_.quiesce();
  }
  EXPECT_FALSE(exists(segment_file_name(to)));

  kill_and_start();
}

TEST_F(RecoveryTest, a_run_with_gaps_does_not_settle_what_is_moved_into_them) {
  for (const bool is_before_the_copies : {false, true}) {
    JournalModel model({.seed = 1, .segment_bytes = 16 * 1024});
    ASSERT_TRUE(model.start());
    for (int i = 0; i < 1500; ++i) model.append(orders, 100);
    model.quiesce();
    for (const JournalModel::Key& key : model.alive()) {
      if (key.second % 7 != 0) model.settle(key);
    }
    // Now one segment after the other is moved, the oldest first, into the same one.
    std::uint64_t moved = 0;
    do {
      if (!is_before_the_copies) model.flush();
      const std::uint64_t now_moved = model.journal().counts().segments_moved;
      if (is_before_the_copies ? moved == 0 && now_moved > 0 : model.is_moving()) {
        moved = now_moved;
        const auto newest = model.append(orders, 100);
        const SegmentId open = model.entries().at(*newest).place.location.segment;
        // What was moved there before, up to the newest; what is moved next belongs in between.
        for (const JournalModel::Key& key : model.alive()) {
          if (model.entries().at(key).place.location.segment != open) continue;
          model.settle_range(key);
          break;
        }
      }
      model.flush();
    } while (model.writing.step() || model.reading.step());
    EXPECT_GT(model.journal().counts().segments_moved, 5u);

    model.die(Death::kill);
    ASSERT_TRUE(model.start());
  }
}

TEST_F(RecoveryTest, a_stop_in_good_order_counts_for_one_start) {
  const std::vector<SeqRun> delivered = {{.owner = orders, .first = 1, .count = 2, .segment = {}}};
  start();
  append(orders);
  model_.close(delivered);
  start();
  EXPECT_TRUE(model_.report().is_clean);
  model_.die(Death::kill);
  model_.power_on();
  // Nothing has been appended, and the segment is read again.
  ASSERT_TRUE(model_.disk.remove(std::string(JournalModel::directory) + "/" +
                                 index_file_name(SegmentId(1))));

  start();

  EXPECT_FALSE(model_.report().is_clean);
  EXPECT_EQ(model_.alive().size(), 1u);
}

TEST_F(RecoveryTest, what_was_delivered_is_known_however_full_the_segment_was) {
  for (std::uint32_t bytes = 3000; bytes < 4096; bytes += 8) {
    JournalModel model({.seed = 1, .segment_bytes = 4096});
    ASSERT_TRUE(model.start());
    model.append(orders, bytes);
    const std::vector<SeqRun> delivered(
        bytes % 256, SeqRun{.owner = orders, .first = 1, .count = 1, .segment = {}});
    ASSERT_TRUE(model.close(delivered));
    ASSERT_TRUE(model.start());  // Compares what was delivered.
    EXPECT_TRUE(model.report().is_clean);
  }
}

TEST_F(RecoveryTest, what_is_dropped_at_the_end_stays_dropped_whatever_comes_after) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    JournalModel model({.seed = seed, .segment_bytes = 4096});
    ASSERT_TRUE(model.start());
    for (int i = 0; i < 3; ++i) model.append(orders, 600);
    model.quiesce();
    for (int i = 0; i < 12; ++i) {
      model.append(orders, 600, Durability::os);
      model.flush();
      model.writing.step();
    }
    model.die(Death::power_loss);
    ASSERT_TRUE(model.start());
    const Keys alive = model.alive();
    model.append(bills, 600);
    model.quiesce();
    for (int death = 0; death < 2; ++death) {
      model.die(Death::power_loss);
      model.power_on();
      for (const std::string& name : names(model.disk, JournalModel::directory)) {
        if (!name.ends_with(".index")) continue;
        ASSERT_TRUE(model.disk.remove(std::string(JournalModel::directory) + "/" + name));
      }
      ASSERT_TRUE(model.start());
      EXPECT_EQ(model.alive().size(), alive.size() + 1);
    }
  }
}

}  // namespace
}  // namespace leveret
