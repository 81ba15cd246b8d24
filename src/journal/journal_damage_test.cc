// SPDX-License-Identifier: Apache-2.0
//
// What a start, and a reader, make of a journal in which bytes have changed or cannot be read.
#include "base/log.h"
#include "journal/segment_scan.h"
#include "journal/testing/file_text.h"
#include "journal/testing/journal_model.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using ::testing::Contains;
using testing::Death;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::JournalModel;
using ::testing::Not;

constexpr OwnerId orders{1};
constexpr OwnerId bills{2};

using Keys = std::vector<JournalModel::Key>;

template <class Thing>
bool has(const std::vector<Thing>& things, const Thing& thing) {
  return std::ranges::find(things, thing) != things.end();
}

std::string path_of(SegmentId segment) {
  return std::string(JournalModel::directory) + "/" + segment_file_name(segment);
}
std::string index_path_of(SegmentId segment) {
  return std::string(JournalModel::directory) + "/" + index_file_name(segment);
}

/// What lies in a segment's file, as who scans it sees it.
struct Lying {
  RecordKind kind{};
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;
  JournalModel::Key key;  // Of an entry or a reference.
};
std::vector<Lying> records_of(JournalModel& model, SegmentId segment) {
  std::vector<Lying> records;
  const std::string text = content(model.disk, path_of(segment).c_str());
  const auto note = [&](const Record& record) {
    Lying one{.kind = record.kind, .offset = record.offset, .bytes = record.bytes, .key = {}};
    if (record.kind == RecordKind::entry || record.kind == RecordKind::reference) {
      const auto prefix = read_part<EntryPrefix>(record.payload);
      one.key = {prefix.owner, prefix.seq};
    }
    records.push_back(one);
  };
  static_cast<void>(scan_segment(std::as_bytes(std::span(text)), 0, segment, note));
  return records;
}

class JournalDamage : public ::testing::Test {
 protected:
  JournalDamage() { set_log_level(LogLevel::none); }
  ~JournalDamage() override { set_log_level(LogLevel::info); }

  /// Some segments, everything in them synced, one of each kind of record; killed.
  static void make(JournalModel& model) {
    ASSERT_TRUE(model.start());
    for (int turn = 1; turn <= 60; ++turn) {
      const auto first = model.append(orders, 400);
      model.append_reference(bills);
      if (turn > 10 && turn % 5 != 0) model.settle({orders, first->second - 5});
      model.quiesce();
    }
    // So that the one that is looked at is not the last, and is known to be synced.
    model.append(orders, 20'000);
    model.append(orders, 10);
    model.quiesce();
    model.append(orders, 10);
    model.quiesce();
    model.die(Death::kill);
    model.power_on();
  }
  /// The segment is read at the next start.
  static void forget_index(JournalModel& model, SegmentId segment) {
    ASSERT_TRUE(model.disk.remove(index_path_of(segment)));
  }
  static std::vector<SegmentId> segments(JournalModel& model) {
    std::vector<SegmentId> found;
    const std::vector<std::string> all = names(model.disk, JournalModel::directory);
    for (std::uint32_t id = 1; id < 200; ++id) {
      if (has(all, segment_file_name(SegmentId(id)))) found.emplace_back(id);
    }
    return found;
  }
  static void expect_reported(const JournalModel& model, SegmentId segment, std::uint64_t offset) {
    const auto& damages = model.report().damages;
    EXPECT_TRUE(std::ranges::any_of(damages,
                                    [&](const Damage& damage) {
                                      return damage.file == path_of(segment) &&
                                             damage.offset == offset && damage.bytes > 0;
                                    }))
        << "damage at " << offset << " of " << path_of(segment);
  }
  /// All of `before` but `lost` is alive.
  static void expect_alive(const JournalModel& model, const Keys& before, const Keys& lost = {}) {
    const Keys now = model.alive();
    for (const JournalModel::Key& key : before) {
      if (has(lost, key)) continue;
      EXPECT_TRUE(has(now, key)) << "entry " << key.second << " of " << key.first.value();
    }
  }

  static constexpr JournalModel::Options options{
      .seed = 1, .segment_bytes = 4096, .has_damage = true};
};

TEST_F(JournalDamage, in_what_was_synced_is_told_at_each_start_and_its_segment_is_kept) {
  // One of each kind, wherever there is one in a segment that others follow.
  std::map<RecordKind, std::pair<SegmentId, Lying>> places;
  JournalModel first(options);
  make(first);
  std::vector<SegmentId> all = segments(first);
  all.pop_back();
  for (const SegmentId segment : all) {
    places[{}] = {segment, {.kind = {}, .offset = 0, .bytes = segment_header_bytes, .key = {}}};
    for (const Lying& one : records_of(first, segment)) places[one.kind] = {segment, one};
  }
  ASSERT_EQ(places.size(), 7u) << "a header, batch, entry, reference, settle, moved, end";

  for (const auto& [kind, where] : places) {
    const SegmentId segment = where.first;
    const Lying& place = where.second;
    for (const std::uint32_t within : {0u, 9u, 12u, place.bytes - 16}) {
      if (place.bytes < 24 && within > 12) continue;
      SCOPED_TRACE("kind " + std::to_string(static_cast<int>(kind)) + " at " +
                   std::to_string(place.offset) + " and " + std::to_string(within));
      JournalModel model(options);
      make(model);
      const Keys before = model.alive();
      forget_index(model, segment);
      model.disk.flip_bits(path_of(segment), place.offset + within, 1);

      for (int start = 0; start < 2; ++start) {
        ASSERT_TRUE(model.start());
        expect_reported(model, segment, place.offset);
        EXPECT_EQ(model.report().damages.size(), 1u);
        EXPECT_EQ(model.journal().counts().damaged_segments, 1u);
        // With its data a reference is lost as well.
        expect_alive(model, before, {place.key, {bills, place.key.second}});
        model.die(Death::kill);
      }
      ASSERT_TRUE(model.start());
      for (const JournalModel::Key& key : model.alive()) model.settle(key);
      model.quiesce();
      EXPECT_THAT(segments(model), Contains(segment));
      model.die(Death::kill);
      if (HasFailure()) return;
    }
  }
}

TEST_F(JournalDamage, behind_the_last_mark_is_the_end_of_the_log) {
  JournalModel model(options);
  ASSERT_TRUE(model.start());
  model.append(orders, 100);
  model.quiesce();
  const auto torn = model.append(orders, 100, Durability::os);
  model.append(orders, 100, Durability::os);
  model.append(bills, 100, Durability::os);
  model.append(bills, 100, Durability::os);
  model.quiesce();
  const Location place = model.entries().at(*torn).place.location;
  model.die(Death::kill);
  model.disk.flip_bits(path_of(place.segment), place.offset + 20, 1);

  ASSERT_TRUE(model.start());

  EXPECT_EQ(model.alive(), (Keys{{orders, 1}}));
  EXPECT_THAT(model.report().damages, IsEmpty());
  // Those behind it; none can tell what the torn one was.
  EXPECT_EQ(model.report().counts.discarded, 3u);
  EXPECT_EQ(model.recovered_counts(orders).discarded, 1u);
  EXPECT_EQ(model.recovered_counts(bills).discarded, 2u);
  const RecoveredCounts& kept = model.recovered_counts(orders);
  EXPECT_EQ(kept.confirmed + kept.unconfirmed, 1u);
}

TEST_F(JournalDamage, stays_damage_when_the_mark_behind_it_was_cut_off) {
  JournalModel model(options);
  ASSERT_TRUE(model.start());
  Keys keys;
  std::vector<Location> places;
  for (int i = 0; i < 5; ++i) {
    keys.push_back(*model.append(orders, 100, i < 3 ? Durability::fsync : Durability::os));
    places.push_back(model.entries().at(keys.back()).place.location);
    if (i != 1) model.quiesce();
  }
  model.die(Death::kill);
  // The second, which the fifth one's mark knows to be synced, and the mark of the fourth.
  const std::string path = path_of(places[0].segment);
  model.disk.flip_bits(path, places[1].offset + 50, 1);
  model.disk.flip_bits(path, places[3].offset - 5, 1);

  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(model.start());
    EXPECT_EQ(model.alive(), (Keys{keys[0], keys[2]}));
    EXPECT_EQ(model.report().damages.size(), 1u);
    expect_reported(model, places[1].segment, places[1].offset);
    model.die(Death::kill);
    model.power_on();
    forget_index(model, places[0].segment);
  }
}

TEST_F(JournalDamage, to_an_index_is_healed_from_its_segment) {
  for (const bool is_unreadable : {false, true}) {
    for (const std::uint64_t place : {0u, 3u, 20u, 50u, 60u, 64u, 100u, 1u << 20}) {
      SCOPED_TRACE("at " + std::to_string(place) + (is_unreadable ? " unreadable" : ""));
      JournalModel model({.seed = 1, .segment_bytes = 4096});
      make(model);
      const std::vector<SegmentId> all = segments(model);
      for (const SegmentId segment : all) {
        const std::string index = index_path_of(segment);
        const std::uint64_t bytes = content(model.disk, index.c_str()).size();
        // The far place is among the entries of the last group.
        const std::uint64_t offset = std::min<std::uint64_t>(place, bytes - 5);
        if (is_unreadable) {
          model.disk.make_unreadable(index, offset, 1);
        } else {
          model.disk.flip_bits(index, offset, 1);
        }
        if (segment == all[all.size() - 2]) break;
      }

      ASSERT_TRUE(model.start());
      model.quiesce();
      model.die(Death::kill);
      ASSERT_TRUE(model.start());

      EXPECT_THAT(model.report().damages, IsEmpty());
      EXPECT_EQ(model.journal().counts().damaged_segments, 0u);
      model.die(Death::kill);
    }
  }
}

TEST_F(JournalDamage, to_the_spare_file_costs_the_spare_file) {
  JournalModel model({.seed = 1, .segment_bytes = 4096});
  ASSERT_TRUE(model.start());
  while (!has(names(model.disk, JournalModel::directory), std::string(spare_file_name))) {
    model.settle(*model.append(orders, 400));
    model.quiesce();
  }
  model.die(Death::kill);
  model.power_on();
  model.disk.flip_bits(std::string(JournalModel::directory) + "/" + spare_file_name, 10, 1);

  ASSERT_TRUE(model.start());

  EXPECT_THAT(names(model.disk, JournalModel::directory), Not(Contains(spare_file_name)));
  model.append(orders, 10);
  model.quiesce();
  EXPECT_FALSE(model.is_stalled());
  model.die(Death::power_loss);
  ASSERT_TRUE(model.start());
}

TEST_F(JournalDamage, that_a_reader_finds_keeps_the_segment_whatever_is_settled) {
  JournalModel model(options);
  ASSERT_TRUE(model.start());
  Keys keys;
  for (int i = 0; i < 40; ++i) {
    keys.push_back(*model.append(orders, 400));
    model.quiesce();
  }
  const Location place = model.entries().at(keys[3]).place.location;
  model.disk.flip_bits(path_of(place.segment), place.offset + 100, 1);

  model.read({keys[2], keys[3], keys[4]});
  model.quiesce();

  EXPECT_EQ(model.damaged_reads(), 1u);
  EXPECT_EQ(model.journal().counts().damaged_segments, 1u);
  for (const JournalModel::Key& key : keys) model.settle(key);
  for (int i = 0; i < 40; ++i) {
    model.append(orders, 400);
    model.quiesce();
  }
  EXPECT_THAT(segments(model), Contains(place.segment));
}

TEST_F(JournalDamage, that_moving_finds_keeps_the_segment_and_all_that_is_alive) {
  JournalModel model(options);
  ASSERT_TRUE(model.start());
  Keys kept;
  for (int i = 0; i < 20; ++i) {
    kept.push_back(*model.append(orders, 400));
    model.quiesce();
  }
  const Location place = model.entries().at(kept[6]).place.location;
  model.disk.flip_bits(path_of(place.segment), place.offset + 100, 1);

  for (int i = 0; i < 12; ++i) {
    if (i != 6) model.settle(kept[static_cast<std::size_t>(i)]);
  }
  kept.erase(kept.begin(), kept.begin() + 6);
  kept.erase(kept.begin() + 1, kept.begin() + 6);
  for (int i = 0; i < 200; ++i) {
    const auto entry = model.append(bills, 400);
    if (i % 10 == 0) {
      kept.push_back(*entry);
    } else {
      model.settle(*entry);
    }
    model.quiesce();
  }

  EXPECT_GT(model.journal().counts().segments_moved, 0u);
  EXPECT_EQ(model.journal().counts().damaged_segments, 1u);
  EXPECT_THAT(segments(model), Contains(place.segment));
  model.die(Death::kill);
  ASSERT_TRUE(model.start());
  expect_alive(model, kept);
}

TEST_F(JournalDamage, that_moving_finds_late_leaves_no_copies_to_count) {
  JournalModel model({.seed = 1, .segment_bytes = 4 * 1024 * 1024, .has_damage = true});
  ASSERT_TRUE(model.start());
  // Three in ten stay, two fewer in the first segment, of which a lump of 21 can be copied.
  Location last;
  for (std::uint64_t turn = 0; turn < 600; ++turn) {
    const auto key = model.append(orders, 50'000);
    const bool is_kept = turn % 10 == 0 || turn % 10 == 3 || (turn % 10 == 7 && turn > 20);
    const Location place = model.entries().at(*key).place.location;
    if (!is_kept) {
      model.settle(*key);
    } else if (place.segment == SegmentId(1)) {
      last = place;
    }
    if (turn == 100) model.disk.flip_bits(path_of(last.segment), last.offset + 100, 1);

    model.quiesce();  // And compare the accounts.

    if (model.journal().counts().damaged_segments != 0) break;
  }
  ASSERT_EQ(model.journal().counts().damaged_segments, 1u);
  EXPECT_EQ(model.journal().counts().segments_moved, 0u);
  model.die(Death::power_loss);
  ASSERT_TRUE(model.start());
  model.quiesce();
  model.die(Death::kill);
  ASSERT_TRUE(model.start());
}

TEST_F(JournalDamage, that_has_cost_its_owner_an_entry_keeps_that_from_being_moved_away) {
  JournalModel model(options);
  ASSERT_TRUE(model.start());
  Keys keys;
  for (int i = 0; i < 20; ++i) {
    keys.push_back(*model.append(orders, 400));
    model.quiesce();
  }
  const SegmentId segment = model.entries().at(keys[3]).place.location.segment;
  model.lose(keys[3]);
  keys.erase(keys.begin() + 3);
  for (const JournalModel::Key& key : keys) model.settle(key);

  for (int i = 0; i < 60; ++i) {
    const auto key = model.append(bills, 400);
    if (i % 6 != 0) model.settle(*key);
    model.quiesce();
  }

  EXPECT_GT(model.journal().counts().segments_moved, 0u);
  EXPECT_THAT(segments(model), Contains(segment));
  EXPECT_EQ(model.journal().counts().damaged_segments, 1u);
}

TEST_F(JournalDamage, that_cannot_be_read_keeps_a_journal_from_starting_and_from_being_cut) {
  std::uint64_t reads = 0;
  std::optional<std::uint64_t> of_segment;
  std::string last;
  {
    JournalModel model({.seed = 1, .segment_bytes = 4096});
    make(model);
    last = path_of(segments(model).back());
    model.disk.on_operation([&](const Operation& operation) {
      if (operation.kind != OperationKind::read) return;
      if (operation.path == last && !of_segment) of_segment = reads;
      ++reads;
    });
    ASSERT_TRUE(recover(model.disk, JournalModel::directory, 0));
    model.disk.on_operation({});
  }
  JournalModel model({.seed = 1, .segment_bytes = 4096});
  make(model);
  model.disk.fail({.kind = OperationKind::read, .after = of_segment.value()});
  const std::uint64_t before = model.disk.steps();

  const Result<Recovered> recovered = recover(model.disk, JournalModel::directory, 0);

  ASSERT_FALSE(recovered);
  EXPECT_THAT(recovered.error().text(), HasSubstr("read at 0 of " + last));
  EXPECT_EQ(model.disk.steps(), before);
  model.die(Death::power_loss);
  ASSERT_TRUE(model.start());
}

TEST_F(JournalDamage, to_a_stop_record_makes_it_a_kill) {
  JournalModel model(options);
  ASSERT_TRUE(model.start());
  model.append(orders, 100);
  model.quiesce();
  model.append(orders, 100);
  model.close({{.owner = orders, .first = 1, .count = 1, .segment = {}}});
  model.power_on();
  const SegmentId last = segments(model).back();
  const Lying stop = records_of(model, last).back();
  ASSERT_EQ(stop.kind, RecordKind::stop);
  model.disk.flip_bits(path_of(last), stop.offset + 3, 1);

  const Result<Recovered> recovered = recover(model.disk, JournalModel::directory, 0);

  ASSERT_TRUE(recovered);
  EXPECT_FALSE(recovered->report.is_clean);
  EXPECT_EQ(recovered->owners.at(orders).pages.size(), 1u);
  EXPECT_EQ(recovered->owners.at(orders).pages[0].count, 2u);
  EXPECT_THAT(recovered->owners.at(orders).delivered, IsEmpty());
}

}  // namespace
}  // namespace leveret
