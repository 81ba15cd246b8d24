// SPDX-License-Identifier: Apache-2.0
#include "journal/journal_survey.h"

#include "journal/journal.h"
#include "journal/testing/idle_host.h"
#include "journal/testing/manual_lane.h"
#include "journal/testing/segment_builder.h"
#include "journal/testing/simulated_file_system.h"

#include <algorithm>
#include <string>
#include <vector>

#define XXH_INLINE_ALL
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

namespace leveret {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SegmentBuilder;
using Kind = Finding::Kind;

constexpr OwnerId orders{7};
constexpr OwnerId bills{8};

/// "kind file offset bytes" of each finding.
std::vector<std::string> shown(const JournalSurvey& survey) {
  std::vector<std::string> lines;
  lines.reserve(survey.findings.size());
  for (const Finding& finding : survey.findings) {
    lines.push_back(std::string(name_of(finding.kind)) + " " + finding.file + " " +
                    std::to_string(finding.offset) + " " + std::to_string(finding.bytes));
  }
  return lines;
}

class JournalSurveyTest : public ::testing::Test {
 protected:
  void write(const SegmentBuilder& segment) {
    ASSERT_TRUE(testing::write_segment(disk_, "/", segment));
  }
  void write_with_index(const SegmentBuilder& segment) {
    write(segment);
    ASSERT_TRUE(testing::write_index_beside(disk_, "/", segment));
  }
  /// Looks, and changes nothing.
  JournalSurvey survey(SurveyOptions options = {}) {
    const std::uint64_t steps = disk_.steps();
    auto found = survey_journal(disk_, "/", options);
    EXPECT_TRUE(found) << (found ? "" : found.error().text());
    EXPECT_EQ(disk_.steps(), steps);
    return found ? std::move(*found) : JournalSurvey();
  }

  /// Segment 1, full: three entries, of which the second is in a batch that was synced later.
  static SegmentBuilder full_segment() {
    SegmentBuilder segment(SegmentId(1));
    segment.batch(SegmentId(1), 0);
    segment.entry(orders, 1, "one");
    segment.batch(SegmentId(1), segment.offset());
    segment.reference(bills, 1, segment.entry(orders, 2, "two"));
    segment.settle({{.owner = orders, .first = 1, .count = 1, .segment = SegmentId(1)}});
    segment.end();
    return segment;
  }
  /// Segment 2 behind it, stopped.
  static SegmentBuilder last_segment() {
    SegmentBuilder segment(SegmentId(2));
    segment.batch(SegmentId(1), full_segment().offset());
    segment.entry(orders, 3, "three");
    segment.stop();
    return segment;
  }
  static constexpr std::uint32_t first_entry = 64 + 24;

  SimulatedFileSystem disk_;
};

TEST_F(JournalSurveyTest, tells_what_a_whole_journal_holds) {
  write_with_index(full_segment());
  write(last_segment());

  const JournalSurvey found = survey();

  EXPECT_TRUE(found.is_whole());
  EXPECT_THAT(shown(found), IsEmpty());
  ASSERT_EQ(found.segments.size(), 2u);
  const SurveyedSegment& full = found.segments[0];
  EXPECT_EQ(full.records, 7u);
  EXPECT_EQ(full.entries, 3u);
  EXPECT_EQ(full.owners, 2u);
  EXPECT_EQ(full.settle_runs, 1u);
  EXPECT_EQ(full.end, SegmentEnd::full);
  EXPECT_EQ(full.index, IndexState::usable);
  EXPECT_EQ(found.segments[1].end, SegmentEnd::stopped);
  EXPECT_EQ(found.segments[1].index, IndexState::none);
  ASSERT_TRUE(found.at_start);
  EXPECT_TRUE(found.at_start->report.is_clean);
  EXPECT_EQ(found.at_start->segments.at(SegmentId(1)).live_entries, 2u);
}

TEST_F(JournalSurveyTest, reads_only_indexes_when_that_is_enough) {
  write_with_index(full_segment());
  write(last_segment());
  disk_.make_unreadable("/00000001.segment", first_entry, 1);

  const JournalSurvey found = survey({.depth = SurveyDepth::indexes});

  EXPECT_TRUE(found.is_whole());
  EXPECT_EQ(found.segments[0].entries, 3u);
  EXPECT_EQ(found.segments[0].end, SegmentEnd::full);
}

TEST_F(JournalSurveyTest, finds_a_flipped_bit_that_no_start_would_read) {
  write_with_index(full_segment());
  write(last_segment());
  disk_.flip_bits("/00000001.segment", first_entry + 20, 1);

  const JournalSurvey found = survey();

  EXPECT_FALSE(found.is_whole());
  EXPECT_THAT(shown(found), ElementsAre("damage /00000001.segment 88 48"));
  EXPECT_THAT(found.findings[0].text, HasSubstr("lost 1 entries"));
}

TEST_F(JournalSurveyTest, takes_what_was_never_synced_for_a_torn_tail) {
  SegmentBuilder segment(SegmentId(1));
  segment.batch(SegmentId(1), 0);
  const std::uint32_t torn = segment.entry(orders, 1, "one");
  segment.entry(orders, 2, "two");
  write(segment);
  disk_.flip_bits("/00000001.segment", torn, 1);

  const JournalSurvey found = survey();

  EXPECT_TRUE(found.is_whole());
  EXPECT_THAT(shown(found), ElementsAre("torn_tail /00000001.segment 88 96"));
  EXPECT_EQ(found.at_start->report.counts.discarded, 1u);
}

TEST_F(JournalSurveyTest, misses_the_end_of_a_segment_that_a_later_one_knows_to_be_synced) {
  const SegmentBuilder full = full_segment();
  const std::uint32_t kept = first_entry + 48;
  ASSERT_TRUE(testing::write_segment(disk_, "/", full.bytes().first(kept), SegmentId(1)));
  write(last_segment());

  EXPECT_THAT(shown(survey()), ElementsAre("damage /00000001.segment " + std::to_string(kept) +
                                           " " + std::to_string(full.offset() - kept)));
}

TEST_F(JournalSurveyTest, misses_the_end_record_of_a_segment_that_another_follows) {
  const SegmentBuilder full = full_segment();
  const std::uint32_t kept = full.offset() - record_header_bytes;
  ASSERT_TRUE(testing::write_segment(disk_, "/", full.bytes().first(kept + 8), SegmentId(1)));
  SegmentBuilder last(SegmentId(2));
  last.batch(SegmentId(1), kept);
  last.stop();
  write(last);

  EXPECT_THAT(shown(survey()),
              ElementsAre("damage /00000001.segment " + std::to_string(kept) + " 8"));
}

TEST_F(JournalSurveyTest, misses_a_segment_of_which_only_zeros_are_left) {
  const std::vector<std::byte> zeros(4096);
  ASSERT_TRUE(testing::write_segment(disk_, "/", zeros, SegmentId(1)));
  SegmentBuilder last(SegmentId(2));
  last.batch(SegmentId(2), 0);
  last.stop();
  write(last);

  EXPECT_THAT(shown(survey()), ElementsAre("damage /00000001.segment 64 4032"));
}

TEST_F(JournalSurveyTest, takes_a_last_segment_without_a_record_for_one_just_begun) {
  write(full_segment());
  // As a spare file has the name before it has the header.
  ASSERT_TRUE(testing::write_segment(disk_, "/", full_segment().bytes(), SegmentId(2)));

  const JournalSurvey found = survey();

  EXPECT_TRUE(found.is_whole());
  EXPECT_EQ(found.findings.at(0).kind, Kind::leftover);
}

TEST_F(JournalSurveyTest, finds_a_damaged_header) {
  write(full_segment());
  write(last_segment());
  disk_.flip_bits("/00000001.segment", 17, 1);

  EXPECT_THAT(shown(survey({.journal = 0})), ElementsAre("damage /00000001.segment 0 64"));
}

TEST_F(JournalSurveyTest, holds_an_index_against_its_segment) {
  write_with_index(full_segment());
  write(last_segment());
  SegmentBuilder other(SegmentId(1));
  other.batch(SegmentId(1), 0);
  other.entry(orders, 1, "one");
  other.end();
  ASSERT_TRUE(testing::write_index_beside(disk_, "/", other));

  const JournalSurvey found = survey();

  EXPECT_FALSE(found.is_whole());
  EXPECT_THAT(shown(found), ElementsAre("damaged_index /00000001.index 0 0"));
  EXPECT_THAT(found.findings[0].text, HasSubstr("entries that it lacks"));
}

TEST_F(JournalSurveyTest, finds_a_flipped_bit_in_any_byte_of_an_index) {
  write_with_index(full_segment());
  write(last_segment());
  const std::uint64_t bytes = disk_.open("/00000001.index", OpenMode::read).value()->size().value();
  for (std::uint64_t at = 0; at < bytes; ++at) {
    disk_.flip_bits("/00000001.index", at, 1);

    const JournalSurvey found = survey();

    EXPECT_FALSE(found.is_whole()) << at;
    EXPECT_EQ(found.segments[0].index, IndexState::damaged) << at;
    write_with_index(full_segment());
  }
}

TEST_F(JournalSurveyTest, finds_a_flipped_bit_in_any_byte_of_a_synced_segment_but_padding) {
  write_with_index(full_segment());
  write(last_segment());
  std::vector<std::uint32_t> missed;
  for (std::uint32_t at = 0; at < full_segment().offset(); ++at) {
    disk_.flip_bits("/00000001.segment", at, 1);
    if (survey({.journal = 0}).is_whole()) missed.push_back(at);
    write_with_index(full_segment());
  }
  // Behind the three bytes of data of each entry.
  EXPECT_THAT(missed, ElementsAre(131, 132, 133, 134, 135, 203, 204, 205, 206, 207));
}

TEST_F(JournalSurveyTest, tells_an_index_without_a_segment) {
  write_with_index(full_segment());
  ASSERT_TRUE(disk_.remove("/00000001.segment"));

  const JournalSurvey found = survey();

  EXPECT_TRUE(found.is_whole());
  EXPECT_THAT(shown(found), ElementsAre("leftover /00000001.index 0 0"));
}

TEST_F(JournalSurveyTest, says_that_a_file_cannot_be_read) {
  write(full_segment());
  disk_.make_unreadable("/00000001.segment", 100, 1);

  const JournalSurvey found = survey();

  EXPECT_FALSE(found.is_whole());
  EXPECT_EQ(found.findings.at(0).kind, Kind::unreadable);
  EXPECT_FALSE(found.at_start);
}

TEST_F(JournalSurveyTest, leaves_a_newer_version_alone) {
  const SegmentBuilder segment = full_segment();
  std::vector<std::byte> bytes(segment.bytes().begin(), segment.bytes().end());
  constexpr std::size_t checksum_at = 56;
  bytes[8] = std::byte{2};
  const std::uint64_t checksum = XXH3_64bits(bytes.data(), checksum_at);
  std::ranges::copy(bytes_of(checksum), bytes.begin() + checksum_at);
  ASSERT_TRUE(testing::write_segment(disk_, "/", bytes, SegmentId(1)));

  EXPECT_THAT(shown(survey()), ElementsAre("newer_version /00000001.segment 0 64"));
}

TEST_F(JournalSurveyTest, believes_a_second_look_when_the_first_met_a_write) {
  const SegmentBuilder whole = full_segment();
  write(whole);
  write(last_segment());
  disk_.flip_bits("/00000001.segment", first_entry + 20, 1);
  int opens = 0;
  disk_.on_operation([&](const Operation& operation) {
    if (operation.kind != OperationKind::open || operation.path != "/00000001.segment") return;
    if (++opens == 2) write(whole);
  });

  const auto found = survey_journal(disk_, "/", {.journal = 0});

  ASSERT_TRUE(found);
  EXPECT_THAT(shown(*found), IsEmpty());
  EXPECT_GE(opens, 2);
}

TEST_F(JournalSurveyTest, looks_at_one_segment_alone) {
  write_with_index(full_segment());
  write(last_segment());

  const JournalSurvey found = survey({.only = SegmentId(2)});

  EXPECT_TRUE(found.is_whole());
  ASSERT_EQ(found.segments.size(), 1u);
  EXPECT_EQ(found.segments[0].segment, SegmentId(2));
  EXPECT_FALSE(found.at_start);
}

TEST(SegmentOfFile, knows_its_own_names_only) {
  EXPECT_EQ(segment_of_file("0000002a.segment"), SegmentId(42));
  EXPECT_EQ(segment_of_file("0000002a.index"), SegmentId(42));
  for (const char* name : {"", "spare", "2a.segment", "0000002A.segment", "00000000.segment",
                           "0000002a.segment~", "0000002a"}) {
    EXPECT_EQ(segment_of_file(name), std::nullopt) << name;
  }
}

/// A journal that has written many small segments is whole at each step, and its indexes say what
/// its segments do.
TEST_F(JournalSurveyTest, agrees_with_what_a_journal_writes) {
  testing::ManualLane writing;
  testing::ManualLane reading;
  testing::IdleHost host;
  ManualClock clock;
  Journal journal(
      {.files = &disk_, .writing = &writing, .reading = &reading, .host = &host, .clock = &clock},
      {.directory = "/", .segment_bytes = 1024});
  journal.start({}, SegmentId(1));
  const std::string text(100, 'x');
  const auto data = std::as_bytes(std::span(text));
  for (std::uint64_t seq = 1; seq <= 60; ++seq) {
    const auto first = journal.append(orders, seq, 1, Durability::fsync, {}, data.first(seq));
    if (journal.may_refer(first)) {
      static_cast<void>(journal.append_reference(bills, seq, first, Durability::fsync));
    }
    if (seq % 3 == 0) journal.settle(orders, seq, first.location, first.share);
    journal.flush();
    writing.run_all();
    EXPECT_THAT(shown(survey()), IsEmpty()) << seq;
  }
  ASSERT_TRUE(journal.close({}));

  const JournalSurvey found = survey();

  EXPECT_THAT(shown(found), IsEmpty());
  EXPECT_GT(found.segments.size(), 8u);
  EXPECT_EQ(found.segments.back().end, SegmentEnd::stopped);
  for (std::size_t i = 0; i + 1 < found.segments.size(); ++i) {
    EXPECT_EQ(found.segments[i].index, IndexState::usable);
  }
  EXPECT_EQ(found.at_start->owners.at(orders).highest_seq, 60u);
}

}  // namespace
}  // namespace leveret
