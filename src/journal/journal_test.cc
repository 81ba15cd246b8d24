// SPDX-License-Identifier: Apache-2.0
#include "journal/journal.h"

#include "journal/testing/manual_lane.h"

#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace leveret {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr OwnerId orders{7};
constexpr OwnerId bills{8};

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// A journal in a directory of its own, which outlives it.
class JournalTest : public ::testing::Test, public JournalHost {
 protected:
  JournalTest() {
    directory_ = std::filesystem::temp_directory_path() /
                 ("leveret-journal-" + std::to_string(::getpid()) + "-" +
                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
  ~JournalTest() override {
    journal_.reset();
    std::filesystem::remove_all(directory_);
  }

  /// Opens what is there; the first time that is nothing.
  Recovered open(std::uint32_t segment_bytes = 64 * 1024) {
    journal_.reset();
    writing_.drop();
    reading_.drop();
    Result<Recovered> recovered = recover(files_, directory_, 0);
    EXPECT_TRUE(recovered.has_value()) << (recovered ? "" : recovered.error().text());
    journal_.emplace(Journal::Deps{.files = &files_,
                                   .writing = &writing_,
                                   .reading = &reading_,
                                   .host = this,
                                   .clock = &clock_},
                     Journal::Options{.directory = directory_, .segment_bytes = segment_bytes});
    journal_->start(recovered->segments, recovered->next_segment);
    return std::move(*recovered);
  }
  Journal::Appended append(OwnerId owner, std::uint64_t seq, std::string_view text) {
    return journal_->append(owner, seq, 1, Durability::fsync, {}, bytes(text));
  }
  void write_all() {
    do {
      journal_->flush();
    } while (writing_.step());
  }
  std::vector<std::uint64_t> seqs(const Recovered& recovered, OwnerId owner) {
    std::vector<std::uint64_t> seqs;
    const auto found = recovered.owners.find(owner);
    if (found == recovered.owners.end()) return seqs;
    for (const RecoveredPage& page : found->second.pages) {
      if (page.entries.empty()) {
        for (std::uint64_t seq = page.first_seq; seq <= page.last_seq; ++seq) seqs.push_back(seq);
      }
      for (const IndexEntry& entry : page.entries) seqs.push_back(entry.seq);
    }
    return seqs;
  }
  std::string read(const Journal::Appended& entry) {
    std::string text;
    journal_->read({{entry.location, entry.bytes}}, [&text](const ReadData& data) {
      text.assign(reinterpret_cast<const char*>(data.data[0].data()), data.data[0].size());
    });
    reading_.run_all();
    return text;
  }

  void on_durable(BatchId upto) override { durable_.push_back(upto.value()); }
  void on_stalled(const Error&) override { ++stalls_; }
  void on_resumed() override {}
  void on_poisoned(const Error&) override {}
  void find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                  std::vector<IndexEntry>& alive) override {
    for (const IndexEntry& entry : entries) {
      if (places_.contains({owner, entry.seq}) &&
          places_[{owner, entry.seq}].location == entry.location(segment)) {
        alive.push_back(entry);
      }
    }
  }
  void relocate(OwnerId owner, SegmentId, std::span<Relocation> relocations) override {
    for (Relocation& relocation : relocations) {
      const auto place = places_.find({owner, relocation.from.seq});
      relocation.is_alive = place != places_.end();
      if (!relocation.is_alive) continue;
      place->second.location = relocation.to;
      place->second.bytes = relocation.bytes;
      place->second.share = relocation.is_reference ? reference_bytes : relocation.bytes;
    }
  }

  PosixFileSystem files_;
  ManualClock clock_;
  ::leveret::testing::ManualLane writing_, reading_;
  std::filesystem::path directory_;
  std::optional<Journal> journal_;
  std::vector<std::uint64_t> durable_;
  int stalls_ = 0;
  std::map<std::pair<OwnerId, std::uint64_t>, Journal::Appended> places_;
};

TEST_F(JournalTest, is_durable_when_the_disk_says_so_and_not_before) {
  open();
  const auto first = append(orders, 1, "one");
  journal_->flush();
  EXPECT_THAT(durable_, IsEmpty());

  writing_.step();

  EXPECT_THAT(durable_, ElementsAre(first.batch.value()));
}

TEST_F(JournalTest, what_comes_while_the_disk_is_busy_shares_the_next_sync) {
  open();
  append(orders, 1, "one");
  journal_->flush();
  for (std::uint64_t seq = 2; seq < 100; ++seq) {
    append(orders, seq, "more");
    append(bills, seq, "more");
    journal_->flush();
  }
  write_all();

  EXPECT_THAT(durable_, ElementsAre(1, 2));
  EXPECT_EQ(journal_->counts().syncs, 2u);
}

TEST_F(JournalTest, a_hundred_owners_together_cost_one_sync) {
  open();
  for (std::uint64_t owner = 1; owner <= 100; ++owner) append(OwnerId(owner), 1, "each his own");
  write_all();

  EXPECT_THAT(durable_, ElementsAre(1));
  EXPECT_EQ(journal_->counts().syncs, 1u);
}

TEST_F(JournalTest, finds_after_a_kill_what_was_durable_and_not_settled) {
  open();
  std::vector<Journal::Appended> entries;
  for (std::uint64_t seq = 1; seq <= 10; ++seq) entries.push_back(append(orders, seq, "order"));
  append(bills, 1, "bill");
  for (const std::uint64_t seq : {1u, 2u, 3u, 7u}) {
    journal_->settle(orders, seq, entries[seq - 1].location, entries[seq - 1].share);
  }
  write_all();

  const Recovered recovered = open();

  EXPECT_THAT(seqs(recovered, orders), ElementsAre(4, 5, 6, 8, 9, 10));
  EXPECT_THAT(seqs(recovered, bills), ElementsAre(1));
  EXPECT_FALSE(recovered.report.is_clean);
}

TEST_F(JournalTest, many_segments_come_back_in_order_from_their_indexes) {
  open();
  std::vector<Journal::Appended> entries;
  const std::string text(1000, 'x');
  for (std::uint64_t seq = 1; seq <= 1000; ++seq) {
    entries.push_back(append(orders, seq, text + std::to_string(seq)));
    if (seq % 10 == 0) write_all();
  }
  for (std::uint64_t seq = 1; seq <= 500; ++seq) {
    journal_->settle(orders, seq, entries[seq - 1].location, entries[seq - 1].share);
  }
  write_all();
  EXPECT_GT(journal_->counts().segments, 7u);
  EXPECT_EQ(read(entries[700]), text + "701");
  EXPECT_LT(journal_->counts().used_bytes, 700u * 1100);

  const Recovered recovered = open();

  std::vector<std::uint64_t> expected;
  for (std::uint64_t seq = 501; seq <= 1000; ++seq) expected.push_back(seq);
  EXPECT_EQ(seqs(recovered, orders), expected);
  EXPECT_LE(recovered.report.scanned_segments, 1u);
  EXPECT_EQ(read(entries[700]), text + "701");
}

TEST_F(JournalTest, a_fan_out_stores_its_data_once) {
  open();
  const std::string text(10'000, 'x');
  const auto first = append(orders, 1, text);
  const std::uint64_t before = journal_->counts().live_bytes;
  ASSERT_TRUE(journal_->may_refer(first));
  const auto second = journal_->append_reference(bills, 1, first, Durability::fsync);
  EXPECT_LT(journal_->counts().live_bytes - before, 100u);
  journal_->settle(orders, 1, first.location, first.share);
  write_all();
  EXPECT_EQ(read(second), text);

  const Recovered recovered = open();

  EXPECT_THAT(seqs(recovered, orders), IsEmpty());
  EXPECT_THAT(seqs(recovered, bills), ElementsAre(1));
  EXPECT_EQ(read(second), text);
}

TEST_F(JournalTest, a_stop_in_good_order_says_what_was_delivered) {
  open();
  for (std::uint64_t seq = 1; seq <= 5; ++seq) append(orders, seq, "order");
  const std::vector<SeqRun> delivered = {{.owner = orders, .first = 1, .count = 2}};
  ASSERT_TRUE(journal_->close(delivered).has_value());

  const Recovered recovered = open();

  EXPECT_TRUE(recovered.report.is_clean);
  EXPECT_THAT(seqs(recovered, orders), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(recovered.owners.at(orders).delivered, delivered);
}

TEST_F(JournalTest, one_entry_in_a_hundred_that_nobody_settles_keeps_little_more_than_itself) {
  open();
  const std::string text(1000, 'x');
  for (std::uint64_t seq = 1; seq <= 10'000; ++seq) {
    const auto entry = append(orders, seq, text + std::to_string(seq));
    if (seq % 100 == 0) {
      places_[{orders, seq}] = entry;
    } else {
      journal_->settle(orders, seq, entry.location, entry.share);
    }
    if (seq % 10 != 0) continue;
    do {
      write_all();
    } while (reading_.step());
  }

  const Journal::Counts counts = journal_->counts();
  EXPECT_GT(counts.segments_moved, 10u);
  EXPECT_LE(counts.used_bytes, 2 * counts.live_bytes + 4 * 64 * 1024);
  for (const auto& [key, place] : places_)
    EXPECT_EQ(read(place), text + std::to_string(key.second));

  const Recovered recovered = open();

  std::vector<std::uint64_t> expected;
  for (std::uint64_t seq = 100; seq <= 10'000; seq += 100) expected.push_back(seq);
  EXPECT_EQ(seqs(recovered, orders), expected);
  for (const auto& [key, place] : places_)
    EXPECT_EQ(read(place), text + std::to_string(key.second));
}

TEST_F(JournalTest, a_torn_tail_is_cut_and_the_rest_is_there) {
  open();
  for (std::uint64_t seq = 1; seq <= 5; ++seq) append(orders, seq, "order");
  write_all();
  const auto file = directory_ / segment_file_name(SegmentId(1));
  const auto last = append(orders, 6, "last order");
  write_all();
  std::filesystem::resize_file(file, last.location.offset + 20);

  const Recovered recovered = open();

  EXPECT_THAT(seqs(recovered, orders), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(recovered.report.damages, IsEmpty());
}

}  // namespace
}  // namespace leveret
