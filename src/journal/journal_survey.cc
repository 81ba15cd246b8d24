// SPDX-License-Identifier: Apache-2.0
#include "journal/journal_survey.h"

#include "journal/index_comparison.h"
#include "journal/read_only_file_system.h"
#include "journal/segment_scan.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

/// A file that changes under the reader's eyes is seen whole before so many looks.
constexpr int looks_max = 5;

bool is_before(const BatchMark& mark, SegmentId segment, std::uint32_t offset) {
  return mark.segment != segment ? mark.segment < segment : mark.offset <= offset;
}

bool is_gone(const Error& error) { return error.code == std::errc::no_such_file_or_directory; }

/// A segment as one look found it.
struct Look {
  SurveyedSegment summary;
  std::vector<Hole> holes;
  std::vector<Finding> findings;  // Those that need no other segment to be seen.
  std::vector<BatchMark> marks;
  std::optional<std::uint32_t> synced_upto;  // As its index says.
  bool has_other_header = false;             // That of another segment, or of another journal.

  [[nodiscard]] bool is_suspicious() const {
    return !holes.empty() || !findings.empty() || has_other_header;
  }
  [[nodiscard]] bool agrees_with(const Look& other) const {
    return holes == other.holes && findings.size() == other.findings.size() &&
           has_other_header == other.has_other_header;
  }
};

class Survey {
 public:
  Survey(FileSystem& files, const std::filesystem::path& directory, const SurveyOptions& options)
      : files_(files), directory_(directory), options_(options) {
    out_.directory = directory;
  }

  Result<JournalSurvey> run() {
    LEVERET_CHECK(find_segments());
    out_.journal = options_.journal ? *options_.journal : journal_of_first();
    for (const SegmentId segment : segments_) {
      LEVERET_TRY(std::optional<Look> look, look_until_sure(segment));
      if (look) looks_[segment] = std::move(*look);
    }
    note_marks();
    for (auto& [segment, look] : looks_) {
      judge(segment, look);
      std::ranges::move(look.findings, std::back_inserter(out_.findings));
      out_.segments.push_back(look.summary);
    }
    note_leftovers();
    if (!options_.only) look_as_a_start();
    return std::move(out_);
  }

 private:
  Result<void> find_segments() {
    LEVERET_TRY(const std::vector<std::string> names, files_.list(directory_));
    for (const std::string& name : names) {
      const auto segment = segment_of_file(name);
      if (!segment || (options_.only && segment != options_.only)) continue;
      (name == segment_file_name(*segment) ? segments_ : indexes_).insert(*segment);
    }
    return {};
  }

  std::uint16_t journal_of_first() {
    for (const SegmentId segment : segments_) {
      const auto file = files_.open(path_of(segment), OpenMode::read);
      if (!file) continue;
      std::array<std::byte, segment_header_bytes> bytes{};
      const auto got = (*file)->read_at(0, bytes);
      const auto header = got ? decode_segment_header(std::span(bytes).first(*got)) : std::nullopt;
      if (header && header->segment == segment) return header->journal;
    }
    return 0;
  }

  /// nullopt: it has been removed.
  Result<std::optional<Look>> look_until_sure(SegmentId segment) {
    LEVERET_TRY(std::optional<Look> last, look(segment));
    for (int looks = 1; last && last->is_suspicious() && looks < looks_max; ++looks) {
      LEVERET_TRY(std::optional<Look> again, look(segment));
      const bool is_sure = again && again->agrees_with(*last);
      last = std::move(again);
      if (is_sure) break;
    }
    return last;
  }

  Result<std::optional<Look>> look(SegmentId segment) {
    Look look{.summary = {.segment = segment}};
    auto file = files_.open(path_of(segment), OpenMode::read);
    if (!file && is_gone(file.error())) return std::nullopt;
    if (!file) return std::unexpected(std::move(file).error());
    if (auto read = read_segment(**file, look); !read) {
      add(look, Finding::Kind::unreadable, {0, 0}, read.error().text());
    }
    return look;
  }

  Result<void> read_segment(File& file, Look& look) {
    const SegmentId segment = look.summary.segment;
    LEVERET_TRY(look.summary.file_bytes, file.size());
    std::array<std::byte, segment_header_bytes> header_bytes{};
    LEVERET_TRY(const std::size_t got, file.read_at(0, header_bytes));
    const auto header = decode_segment_header(std::span(header_bytes).first(got));
    if (header && header->version > segment_version) {
      add(look, Finding::Kind::newer_version, {0, segment_header_bytes},
          fmt::format("has version {}; this program reads up to {}", header->version,
                      segment_version));
      return {};
    }
    const bool is_own = header && header->segment == segment && header->journal == out_.journal;
    if (is_own) look.summary.begun_microseconds = header->microseconds;
    look.has_other_header = header.has_value() && !is_own;

    const std::optional<BuiltIndex> index = read_index(look);
    if (index && options_.depth == SurveyDepth::indexes) {
      take_index(*index, look);
      return read_end(file, look);
    }
    LEVERET_TRY(SegmentScan scan, scan_file(file, look.summary));
    look.marks = std::move(scan.marks);
    if (!scan.is_header_valid && scan.records > 0) {
      scan.content.holes.insert(scan.content.holes.begin(), Hole{0, segment_header_bytes});
    }
    look.summary.records = scan.records;
    look.summary.end = scan.is_ended     ? SegmentEnd::full
                       : scan.is_stopped ? SegmentEnd::stopped
                                         : SegmentEnd::open;
    const BuiltIndex scanned = build_index(segment, std::move(scan.content));
    take_index(scanned, look);
    if (index) hold_against(*index, scanned, look);
    if (index) add_known_holes(index->tables.holes, look);
    return {};
  }

  Result<SegmentScan> scan_file(File& file, const SurveyedSegment& summary) {
    // No record begins behind what 32 bits can say.
    std::vector<std::byte> bytes(
        std::min<std::uint64_t>(summary.file_bytes, std::numeric_limits<std::uint32_t>::max()));
    LEVERET_TRY(const std::size_t got, file.read_at(0, bytes));
    bytes.resize(got);
    return scan_segment(bytes, out_.journal, summary.segment);
  }

  std::optional<BuiltIndex> read_index(Look& look) {
    const SegmentId segment = look.summary.segment;
    const auto path = directory_ / index_file_name(segment);
    auto file = files_.open(path, OpenMode::read);
    if (!file && is_gone(file.error())) return std::nullopt;
    auto index = file ? read_whole_index(**file, segment) : std::unexpected(file.error());
    if (!index) {
      look.summary.index = IndexState::damaged;
      look.findings.push_back({Finding::Kind::damaged_index, path.string(), 0, 0,
                               index.error().text() + "; a start reads the segment instead"});
      return std::nullopt;
    }
    look.summary.index = IndexState::usable;
    look.synced_upto = index->tables.used_bytes;
    return std::move(*index);
  }

  Result<BuiltIndex> read_whole_index(File& file, SegmentId segment) {
    BuiltIndex index;
    LEVERET_TRY(index.tables, read_tables(file, out_.journal, segment));
    if (options_.depth == SurveyDepth::indexes) return index;
    for (const OwnerGroup& group : index.tables.groups) {
      LEVERET_TRY(const std::vector<IndexEntry> entries, read_group(file, index.tables, group));
      index.entries.insert(index.entries.end(), entries.begin(), entries.end());
    }
    return index;
  }

  static void take_index(const BuiltIndex& index, Look& look) {
    look.summary.used_bytes = index.tables.used_bytes;
    look.summary.owners = static_cast<std::uint32_t>(index.tables.groups.size());
    look.summary.settle_runs = static_cast<std::uint32_t>(index.tables.settles.size());
    for (const OwnerGroup& group : index.tables.groups) look.summary.entries += group.count;
    look.holes = index.tables.holes;
  }

  /// A start that wrote the index may have known of a lost end, which no scan sees.
  static void add_known_holes(const std::vector<Hole>& known, Look& look) {
    for (const Hole& hole : known) {
      if (std::ranges::find(look.holes, hole) == look.holes.end()) look.holes.push_back(hole);
    }
  }

  void hold_against(const BuiltIndex& index, const BuiltIndex& scanned, Look& look) {
    const IndexComparison compared = compare_index(index, scanned);
    if (!compared.contradiction.empty()) {
      look.summary.index = IndexState::damaged;
      look.findings.push_back({Finding::Kind::damaged_index,
                               (directory_ / index_file_name(look.summary.segment)).string(), 0, 0,
                               compared.contradiction});
    }
    lost_entries_[look.summary.segment] = compared.lost_entries;
  }

  /// The last record of a segment of which only the index was read.
  Result<void> read_end(File& file, Look& look) {
    std::array<std::byte, record_header_bytes> bytes{};
    if (look.summary.used_bytes < segment_header_bytes + bytes.size()) return {};
    const auto offset = static_cast<std::uint32_t>(look.summary.used_bytes - bytes.size());
    LEVERET_TRY(const std::size_t got, file.read_at(offset, bytes));
    const auto last = decode_record_here(std::span(bytes).first(got), look.summary.segment, offset);
    if (last && last->kind == RecordKind::end) look.summary.end = SegmentEnd::full;
    if (last && last->kind == RecordKind::stop) look.summary.end = SegmentEnd::stopped;
    return {};
  }

  void note_marks() {
    for (const auto& [segment, look] : looks_) {
      for (const BatchMark& mark : look.marks) note_mark(mark);
      if (look.synced_upto) note_mark({segment, *look.synced_upto});
      if (look.summary.used_bytes <= segment_header_bytes) continue;
      last_ = segment;
      note_mark({segment, 0});  // It was begun when the one before had been synced.
    }
  }

  void note_mark(const BatchMark& mark) {
    if (is_before(last_mark_, mark.segment, mark.offset)) last_mark_ = mark;
    std::uint32_t& synced = synced_[mark.segment];
    synced = std::max(synced, mark.offset);
  }

  /// What is damage, and where the log ends.
  void judge(SegmentId segment, Look& look) {
    for (const Hole& hole : look.holes) {
      // A header is written before any record.
      if (segment == last_ && hole.offset >= segment_header_bytes &&
          is_before(last_mark_, segment, hole.offset)) {
        add(look, Finding::Kind::torn_tail, {hole.offset, look.summary.used_bytes - hole.offset},
            "was never synced; the next start cuts it off");
        return;
      }
      add(look, Finding::Kind::damage, hole, damage_text(segment));
    }
    const bool is_unread = std::ranges::any_of(look.findings, [](const Finding& finding) {
      return finding.kind == Finding::Kind::newer_version ||
             finding.kind == Finding::Kind::unreadable;
    });
    if (!is_unread) judge_end(segment, look);
  }

  std::string damage_text(SegmentId segment) const {
    const auto lost = lost_entries_.find(segment);
    if (lost == lost_entries_.end() || lost->second == 0) return "holds no valid record";
    return fmt::format("holds no valid record; the segment has lost {} entries", lost->second);
  }

  void judge_end(SegmentId segment, Look& look) const {
    const SurveyedSegment& summary = look.summary;
    const auto synced = synced_.find(segment);
    const std::uint32_t synced_upto = synced == synced_.end() ? 0 : synced->second;
    const std::uint32_t behind = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        summary.file_bytes - std::min<std::uint64_t>(summary.file_bytes, summary.used_bytes), ~0u));
    const bool has_told = std::ranges::any_of(
        look.holes, [&](const Hole& hole) { return hole.offset == summary.used_bytes; });
    if (look.has_other_header && options_.only) {
      add(look, Finding::Kind::damage, {0, segment_header_bytes},
          "is the header of another segment, or of another journal's");
    } else if (summary.used_bytes <= segment_header_bytes && segment > last_) {
      // It may have been begun a moment before the end.
      add(look, Finding::Kind::leftover, {0, behind}, "holds no record; the next start removes it");
    } else if (summary.used_bytes < synced_upto && !has_told) {
      add(look, Finding::Kind::damage, {summary.used_bytes, synced_upto - summary.used_bytes},
          "was synced and holds no valid record");
    } else if (segment < last_ && summary.end == SegmentEnd::open && !look.synced_upto &&
               !has_told) {
      add(look, Finding::Kind::damage, {summary.used_bytes, behind},
          "holds no end of the segment, although the next one was begun");
    }
  }

  void add(Look& look, Finding::Kind kind, Hole where, std::string text) const {
    look.findings.push_back(
        {kind, path_of(look.summary.segment).string(), where.offset, where.bytes, std::move(text)});
  }

  void note_leftovers() {
    for (const SegmentId index : indexes_) {
      if (segments_.contains(index)) continue;
      out_.findings.push_back({Finding::Kind::leftover,
                               (directory_ / index_file_name(index)).string(), 0, 0,
                               "has no segment; the next start removes it"});
    }
  }

  void look_as_a_start() {
    ReadOnlyFileSystem files(files_);
    for (int looks = 0; looks < looks_max; ++looks) {
      auto found = recover(files, directory_, out_.journal);
      if (found) {
        out_.at_start = std::move(*found);
        return;
      }
      if (!is_gone(found.error())) return;  // Told of the file by the look at it.
    }
  }

  [[nodiscard]] std::filesystem::path path_of(SegmentId segment) const {
    return directory_ / segment_file_name(segment);
  }

  FileSystem& files_;
  const std::filesystem::path& directory_;
  const SurveyOptions& options_;
  std::set<SegmentId> segments_;
  std::set<SegmentId> indexes_;
  std::map<SegmentId, Look> looks_;
  std::map<SegmentId, std::uint64_t> lost_entries_;
  std::map<SegmentId, std::uint32_t> synced_;  // Up to where, as anybody says.
  BatchMark last_mark_;
  SegmentId last_;  // That has a record.
  JournalSurvey out_;
};

}  // namespace

std::string_view name_of(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::damage:
      return "damage";
    case Finding::Kind::damaged_index:
      return "damaged_index";
    case Finding::Kind::newer_version:
      return "newer_version";
    case Finding::Kind::unreadable:
      return "unreadable";
    case Finding::Kind::torn_tail:
      return "torn_tail";
    case Finding::Kind::leftover:
      return "leftover";
  }
  return "unknown";
}

bool JournalSurvey::is_whole() const { return std::ranges::none_of(findings, &Finding::is_damage); }

Result<JournalSurvey> survey_journal(FileSystem& files, const std::filesystem::path& directory,
                                     const SurveyOptions& options) {
  return Survey(files, directory, options).run();
}

std::optional<SegmentId> segment_of_file(std::string_view name) {
  std::uint32_t number = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), number, 16);
  if (read.ec != std::errc() || number == 0) return std::nullopt;
  const SegmentId segment(number);
  const bool is_one = name == segment_file_name(segment) || name == index_file_name(segment);
  return is_one ? std::optional(segment) : std::nullopt;
}

}  // namespace leveret
