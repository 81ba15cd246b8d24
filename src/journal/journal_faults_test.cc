// SPDX-License-Identifier: Apache-2.0
//
// What a journal does when its disk is full or fails: what it says, what it still does, and what
// the next start finds.
#include "base/log.h"
#include "journal/testing/file_text.h"
#include "journal/testing/journal_model.h"

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
using ::testing::Not;

constexpr OwnerId orders{1};
constexpr OwnerId bills{2};

using Safety = JournalModel::Safety;

class JournalFaults : public ::testing::Test {
 protected:
  JournalFaults() { set_log_level(LogLevel::none); }
  ~JournalFaults() override { set_log_level(LogLevel::info); }

  static JournalModel::Options options(std::uint64_t seed = 1) {
    return {.seed = seed, .segment_bytes = 4096};
  }
  static Safety safety(const JournalModel& model, const JournalModel::Key& key) {
    return model.entries().at(key).safety;
  }
  /// Entries of `orders`, most of them settled, so that segments end, are moved and go.
  static void work(JournalModel& model, int turns) {
    for (int turn = 0; turn < turns; ++turn) {
      const auto key = model.append(orders, 500);
      if (!key) return;
      if (turn % 6 != 0) model.settle(*key);
      model.quiesce();
    }
  }
};

TEST_F(JournalFaults, no_space_makes_it_wait_and_go_on_where_it_was) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    JournalModel model(options(seed));
    ASSERT_TRUE(model.start());
    work(model, static_cast<int>(seed));
    model.disk.set_capacity(model.disk.bytes_in_use());
    std::vector<JournalModel::Key> keys;
    for (int i = 0; i < 40; ++i) {
      keys.push_back(*model.append(orders, 900));
      model.quiesce();
    }
    ASSERT_TRUE(model.is_stalled());
    EXPECT_EQ(safety(model, keys.back()), Safety::gathered);
    model.journal().retry();
    model.quiesce();
    ASSERT_TRUE(model.is_stalled());

    model.disk.set_capacity(SimulatedFileSystem::unlimited);
    model.journal().retry();
    model.journal().retry();  // Once more than the lane has got to.
    model.quiesce();

    EXPECT_FALSE(model.is_stalled());
    for (const JournalModel::Key& key : keys) EXPECT_EQ(safety(model, key), Safety::durable);
    work(model, 10);
    model.die(Death::power_loss);
    ASSERT_TRUE(model.start());
  }
}

TEST_F(JournalFaults, no_space_when_the_process_dies_costs_nothing) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    JournalModel model(options(seed));
    ASSERT_TRUE(model.start());
    work(model, static_cast<int>(seed % 30));
    model.disk.set_capacity(model.disk.bytes_in_use());
    work(model, 20);
    model.die(seed % 2 == 0 ? Death::kill : Death::power_loss);

    ASSERT_TRUE(model.start());  // The disk is still full.

    model.disk.set_capacity(SimulatedFileSystem::unlimited);
    work(model, 20);
    model.die(Death::power_loss);
    ASSERT_TRUE(model.start());
  }
}

TEST_F(JournalFaults, what_waits_for_space_is_written_by_a_stop) {
  JournalModel model(options());
  ASSERT_TRUE(model.start());
  model.disk.set_capacity(0);
  model.append(orders, 900);
  model.quiesce();
  ASSERT_TRUE(model.is_stalled());
  model.append(orders, 900);
  model.disk.set_capacity(SimulatedFileSystem::unlimited);

  EXPECT_TRUE(model.close());

  ASSERT_TRUE(model.start());
  EXPECT_TRUE(model.report().is_clean);
  EXPECT_EQ(model.alive().size(), 2u);
}

TEST_F(JournalFaults, a_failed_sync_is_final_and_what_was_confirmed_is_there) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    JournalModel model(options(seed));
    ASSERT_TRUE(model.start());
    work(model, 5);
    model.disk.fail({.kind = seed % 3 == 0 ? OperationKind::sync_directory : OperationKind::sync,
                     .after = seed % 11});
    for (int i = 0; i < 40 && !model.is_poisoned(); ++i) work(model, 1);
    ASSERT_TRUE(model.is_poisoned() || seed % 3 == 0);  // That of a removal is not.

    std::vector<JournalModel::Key> safe;
    for (const JournalModel::Key& key : model.alive()) {
      if (safety(model, key) == Safety::durable) safe.push_back(key);
    }
    EXPECT_THAT(safe, Not(IsEmpty()));
    model.read(safe);  // They are what they were.
    model.settle(safe.front());
    model.quiesce();
    model.journal().retry();
    EXPECT_EQ(model.writing.waiting(), 0u);
    EXPECT_EQ(model.reading.waiting(), 0u);
    model.disk.clear_faults();
    const bool was_poisoned = model.is_poisoned();
    EXPECT_EQ(model.close(), !was_poisoned);

    ASSERT_TRUE(model.start());
  }
}

TEST_F(JournalFaults, a_sync_that_failed_while_preparing_lets_nothing_be_confirmed_after_it) {
  JournalModel model({.seed = 3, .segment_bytes = 1024 * 1024});
  ASSERT_TRUE(model.start());
  model.append(orders, 100);
  model.flush();
  model.writing.step();  // Writes; and now wants to prepare.
  model.append(orders, 100, Durability::os);
  ASSERT_EQ(model.writing.waiting(), 1u);
  model.flush();
  ASSERT_EQ(model.writing.waiting(), 2u);
  model.disk.fail({.kind = OperationKind::sync});

  model.writing.run_all();

  EXPECT_TRUE(model.is_poisoned());
  EXPECT_EQ(safety(model, {orders, 2}), Safety::gathered);
}

TEST_F(JournalFaults, reads_that_wait_for_what_will_not_be_written_are_answered) {
  JournalModel model({.seed = 1, .segment_bytes = 4096, .has_damage = true});
  ASSERT_TRUE(model.start());
  model.append(orders, 100);
  model.flush();
  model.append(orders, 100);
  model.read({{orders, 1}, {orders, 2}});
  model.disk.fail({.kind = OperationKind::sync});

  model.quiesce();

  EXPECT_TRUE(model.is_poisoned());
  EXPECT_GE(model.damaged_reads(), 1u);
}

TEST_F(JournalFaults, a_file_operation_that_fails_costs_no_more_than_itself) {
  const OperationKind kinds[] = {OperationKind::remove, OperationKind::rename,
                                 OperationKind::create, OperationKind::open,
                                 OperationKind::write,  OperationKind::size};
  for (const OperationKind kind : kinds) {
    for (std::uint64_t after = 0; after < 40; ++after) {
      SCOPED_TRACE("kind " + std::to_string(static_cast<int>(kind)) + " after " +
                   std::to_string(after));
      JournalModel model(options(after));
      ASSERT_TRUE(model.start());
      model.disk.fail({.kind = kind, .after = after});
      work(model, 60);
      model.disk.clear_faults();
      model.journal().retry();
      work(model, 10);
      EXPECT_FALSE(model.is_stalled());
      EXPECT_FALSE(model.is_poisoned());
      model.die(after % 2 == 0 ? Death::kill : Death::power_loss);
      ASSERT_TRUE(model.start());
      if (HasFailure()) return;
    }
  }
}

TEST_F(JournalFaults, what_could_not_be_removed_goes_in_a_quiet_moment) {
  const OperationKind kinds[] = {OperationKind::rename, OperationKind::sync_directory};
  for (const OperationKind kind : kinds) {
    SCOPED_TRACE("kind " + std::to_string(static_cast<int>(kind)));
    JournalModel model(options());
    ASSERT_TRUE(model.start());
    const auto gone = model.append(orders, 100);
    model.append(orders, 5000);
    model.append(orders, 100);  // In a segment that has room for what is settled.
    model.quiesce();
    const std::string name = segment_file_name(model.entries().at(*gone).place.location.segment);
    model.disk.fail({.kind = kind});
    model.settle(*gone);
    model.quiesce();
    const std::uint64_t segments = model.journal().counts().segments;

    model.journal().reclaim();
    model.quiesce();

    EXPECT_LT(model.journal().counts().segments, segments);
    EXPECT_THAT(names(model.disk, JournalModel::directory), Not(Contains(name)));
    model.die(Death::power_loss);
    ASSERT_TRUE(model.start());
    EXPECT_EQ(model.alive().size(), 2u);
  }
}

TEST_F(JournalFaults, a_segment_that_cannot_be_opened_again_is_not_replaced_by_the_spare) {
  JournalModel model(options());
  ASSERT_TRUE(model.start());
  work(model, 7);  // Two segments; the second has room.
  const auto kept = model.append(bills, 200);
  model.quiesce();
  ASSERT_EQ(safety(model, *kept), Safety::durable);
  // The next batch ends it and fails in the one after.
  model.append(bills, 500);
  model.append(bills, 4000);
  model.disk.fail({.kind = OperationKind::write, .after = 3});
  model.flush();
  model.writing.run_all();
  ASSERT_TRUE(model.is_stalled());
  for (const JournalModel::Key& key : model.alive()) {
    if (key.first == orders) model.settle(key);
  }
  model.flush();
  model.writing.run_all();
  ASSERT_THAT(names(model.disk, JournalModel::directory), Contains(spare_file_name));

  model.disk.fail({.kind = OperationKind::open});
  model.journal().retry();
  model.writing.run_all();

  EXPECT_TRUE(model.is_stalled());
  model.journal().retry();
  model.quiesce();
  EXPECT_FALSE(model.is_stalled());
  model.die(Death::power_loss);
  ASSERT_TRUE(model.start());
  EXPECT_EQ(model.alive().size(), 3u);
}

TEST_F(JournalFaults, a_read_that_fails_is_told_and_loses_nothing) {
  for (std::uint64_t after = 0; after < 60; ++after) {
    SCOPED_TRACE(after);
    JournalModel model({.seed = after, .segment_bytes = 4096, .has_damage = true});
    ASSERT_TRUE(model.start());
    model.disk.fail({.kind = OperationKind::read, .after = after});
    work(model, 60);
    model.read(model.alive());
    model.quiesce();
    const std::vector<JournalModel::Key> alive = model.alive();
    model.die(Death::kill);
    model.disk.clear_faults();
    ASSERT_TRUE(model.start());
    EXPECT_EQ(model.alive(), alive);
  }
}

TEST_F(JournalFaults, nothing_is_confirmed_that_a_failing_disk_then_loses) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    JournalModel model(options(seed));
    ASSERT_TRUE(model.start());
    for (std::uint64_t fault = 0; fault < 3; ++fault) {
      model.disk.fail({.after = seed % 7 + fault * 40, .times = 1 + seed % 4});
    }
    for (int i = 0; i < 40; ++i) {
      work(model, 1);
      if (model.is_stalled()) model.journal().retry();
    }
    model.disk.clear_faults();
    model.die(seed % 4 == 0 ? Death::kill : Death::power_loss);
    ASSERT_TRUE(model.start());
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace leveret
