// SPDX-License-Identifier: Apache-2.0
//
// What version 1 of the journal's files looks like: testdata/v1 holds them, and every later program
// must read them. Today's program must also write them so, byte for byte.
//
// After a change that is meant, with a new version number and a new folder:
//   LEVERET_WRITE_GOLDEN=1 build/release/bin/journal_test --gtest_filter='Golden.*'
#include "journal/recovery.h"
#include "journal/segment_index.h"
#include "journal/segment_scan.h"
#include "journal/segment_writer.h"
#include "journal/testing/file_text.h"
#include "journal/testing/segment_builder.h"
#include "journal/testing/simulated_file_system.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::SegmentBuilder;

const std::filesystem::path golden = LEVERET_JOURNAL_TESTDATA "/v1";
constexpr std::uint16_t journal_index = 3;
constexpr SegmentId full{2};
constexpr SegmentId last{3};
constexpr OwnerId orders{7};
constexpr OwnerId bills{8};
constexpr std::uint32_t segment_bytes = 512;

/// 2026-01-02 03:04:05 UTC, always.
class StandingClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return {}; }
  [[nodiscard]] WallTime wall_now() const override {
    return WallTime(std::chrono::seconds(1767323045));
  }
};

/// Has a batch's mark, entries with and without padding, a reference, a settle run and an end.
SegmentBuilder build_full() {
  SegmentBuilder segment(full, journal_index);
  segment.batch(full, 0);
  const std::uint32_t hello = segment.entry(orders, 1, "hello, world", 5);
  segment.reference(bills, 1, hello);
  const std::uint32_t synced = segment.offset();
  segment.batch(full, synced);
  segment.entry(orders, 2, "12345678", 8);
  segment.settle({{.owner = bills, .first = 1, .count = 1, .segment = full}});
  segment.end();
  return segment;
}

/// Has an entry and a reference that were moved from segment 1, the word that they were, deliveries
/// and a stop.
SegmentBuilder build_last(std::uint32_t synced) {
  SegmentBuilder segment(last, journal_index);
  segment.batch(full, synced);
  const std::uint32_t moved = segment.entry(OwnerId(9), 4, "moved", 5, SegmentId(1));
  segment.reference(orders, 3, moved, SegmentId(1));
  segment.moved(SegmentId(1));
  segment.settle({{.owner = orders, .first = 1, .count = 1, .segment = full},
                  {.owner = OwnerId(9), .first = 1, .count = 3, .segment = full}});
  segment.delivered({{.owner = orders, .first = 2, .count = 2}});
  segment.stop();
  return segment;
}

std::string file_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// The golden folder as a disk that recovery may change.
void copy_golden(SimulatedFileSystem& disk) {
  for (const auto& name :
       {segment_file_name(full), index_file_name(full), segment_file_name(last)}) {
    ASSERT_TRUE(write(*create_file(disk, "/" + name), 0, file_text(golden / name)));
  }
}

/// Both segments by the writer, as a journal gives it batches.
void write_today(SimulatedFileSystem& disk) {
  const StandingClock clock;
  SegmentWriter writer(disk, {.directory = "/",
                              .journal = journal_index,
                              .segment_bytes = segment_bytes,
                              .clock = &clock});
  const SegmentBuilder first = build_full();
  const SegmentBuilder second = build_last(first.offset());
  for (const SegmentBuilder* segment : {&first, &second}) {
    Batch batch{.id = BatchId(1), .pieces = {}, .needs_sync = true};
    Piece& piece = batch.pieces.emplace_back();
    piece.segment = segment->segment();
    piece.offset = segment_header_bytes;
    piece.bytes.append(segment->bytes().subspan(segment_header_bytes));
    if (segment == &first) {
      piece.ended = scan_segment(first.bytes(), journal_index, full).content;
    }
    ASSERT_TRUE(writer.write(batch));
    ASSERT_TRUE(writer.prepare());
  }
  ASSERT_TRUE(writer.close());
}

TEST(Golden, todays_writer_writes_version_1_byte_for_byte) {
  SimulatedFileSystem disk;
  write_today(disk);
  ASSERT_THAT(names(disk), ElementsAre("00000002.index", "00000002.segment", "00000003.segment"));

  for (const std::string& name : names(disk)) {
    const std::string written = content(disk, ("/" + name).c_str());
    if (std::getenv("LEVERET_WRITE_GOLDEN") != nullptr) {
      std::ofstream(golden / name, std::ios::binary) << written;
    }
    EXPECT_EQ(written, file_text(golden / name)) << name;
  }
}

TEST(Golden, every_kind_of_record_is_read) {
  const std::string text =
      file_text(golden / segment_file_name(full)) + file_text(golden / segment_file_name(last));
  std::vector<std::string> records;
  const auto note = [&](const Record& record) {
    records.push_back(fmt::format("{} {} {}", static_cast<int>(record.kind), record.offset,
                                  record.payload.size()));
  };
  const auto bytes = as_bytes(text);

  const SegmentScan first = scan_segment(bytes.first(segment_bytes), journal_index, full, note);
  const SegmentScan second = scan_segment(bytes.subspan(segment_bytes), journal_index, last, note);

  EXPECT_THAT(records, ElementsAre("1 64 8", "2 88 36", "3 144 24", "1 184 8", "2 208 32",
                                   "4 256 24", "7 296 0", "1 64 8", "2 88 29", "3 136 24",
                                   "5 176 8", "4 200 48", "6 264 24", "8 304 0"));
  EXPECT_TRUE(first.is_header_valid && first.is_ended && !first.is_stopped);
  EXPECT_TRUE(second.is_header_valid && !second.is_ended && second.is_stopped);
  EXPECT_TRUE(first.content.holes.empty() && second.content.holes.empty());
}

TEST(Golden, a_start_finds_what_is_alive_in_it) {
  SimulatedFileSystem disk;
  copy_golden(disk);

  const auto found = recover(disk, "/", journal_index);

  ASSERT_TRUE(found) << error_of(found).text();
  EXPECT_TRUE(found->report.is_clean);
  EXPECT_EQ(found->report.scanned_segments, 1u);
  EXPECT_EQ(found->next_segment, SegmentId(4));
  EXPECT_TRUE(found->owners.at(bills).pages.empty());
  const RecoveredOwner& owner = found->owners.at(orders);
  EXPECT_EQ(owner.highest_seq, 3u);
  EXPECT_THAT(owner.delivered,
              ElementsAre(SeqRun{.owner = orders, .first = 2, .count = 2, .segment = {}}));
  ASSERT_EQ(owner.pages.size(), 2u);
  EXPECT_EQ(owner.pages[0].segment, full);
  EXPECT_EQ(owner.pages[0].first_seq, 2u);
  EXPECT_EQ(owner.pages[0].count, 1u);
  EXPECT_EQ(owner.pages[0].weight, 8u);
  EXPECT_EQ(owner.pages[1].segment, last);
  EXPECT_EQ(owner.pages[1].weight, 5u);
  EXPECT_EQ(found->owners.at(OwnerId(9)).pages.at(0).first_seq, 4u);
}

TEST(Golden, its_index_is_read) {
  SimulatedFileSystem disk;
  copy_golden(disk);
  const auto file = open_file(disk, "/" + index_file_name(full), OpenMode::read);

  const auto tables = read_tables(*file, journal_index, full);

  ASSERT_TRUE(tables) << error_of(tables).text();
  EXPECT_EQ(tables->used_bytes, 312u);
  ASSERT_EQ(tables->groups.size(), 2u);
  EXPECT_EQ(tables->groups[0].owner, orders);
  EXPECT_EQ(tables->groups[1].owner, bills);
  const auto entries = read_group(*file, *tables, tables->groups[1]);
  ASSERT_TRUE(entries) << error_of(entries).text();
  EXPECT_EQ(entries->at(0).offset, 88u);
  EXPECT_EQ(entries->at(0).is_reference, 1u);
  EXPECT_EQ(entries->at(0).weight, 5u);
  EXPECT_THAT(tables->settles, ElementsAre(SeqRun{bills, 1, 1, full}));
}

/// As `hexdump -C` shows it.
std::string hex_of(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 16) {
    const std::string_view line = text.substr(at, 16);
    std::string hex;
    std::string letters;
    for (std::size_t i = 0; i < 16; ++i) {
      if (i == 8) hex += ' ';
      hex += i < line.size() ? fmt::format(" {:02x}", static_cast<unsigned char>(line[i])) : "   ";
      if (i < line.size()) letters += line[i] >= ' ' && line[i] <= '~' ? line[i] : '.';
    }
    out += fmt::format("{:08x} {}  |{}|\n", at, hex, letters);
  }
  return out;
}

TEST(Golden, the_documents_example_is_its_first_segment_and_index) {
  const std::string document = file_text(LEVERET_JOURNAL_DOCUMENT);

  const std::string segment = file_text(golden / segment_file_name(full)).substr(0, 312);
  EXPECT_THAT(document, HasSubstr(hex_of(segment)));
  EXPECT_THAT(document, HasSubstr(hex_of(file_text(golden / index_file_name(full)))));
}

}  // namespace
}  // namespace leveret
