// SPDX-License-Identifier: Apache-2.0
#include "journal/recovery.h"

#include "base/assert.h"
#include "base/log.h"
#include "journal/segment_scan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

namespace leveret {
namespace {

constexpr std::string_view segment_suffix = ".segment";
constexpr std::string_view index_suffix = ".index";
constexpr std::uint64_t read_bytes = 1024 * 1024;

std::string file_name(SegmentId segment, std::string_view suffix) {
  return fmt::format("{:08x}{}", segment.value(), suffix);
}

std::optional<SegmentId> segment_of(std::string_view name, std::string_view suffix) {
  if (name.size() != 8 + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 8, number, 16);
  if (error != std::errc() || end != name.data() + 8 || number == 0) return std::nullopt;
  return SegmentId(number);
}

/// A segment as it was found: its tables, and its entries when it was scanned; else they are in the
/// index file.
struct Found {
  SegmentTables tables;
  std::optional<BuiltIndex> built;
};

struct Scanned {
  SegmentId segment;
  SegmentScan scan;
  std::uint64_t file_bytes = 0;
};

bool is_before(const BatchMark& mark, SegmentId segment, std::uint32_t offset) {
  return mark.segment != segment ? mark.segment < segment : mark.offset <= offset;
}

class Recovery {
 public:
  Recovery(FileSystem& files, const std::filesystem::path& directory, std::uint16_t journal)
      : files_(files), directory_(directory), journal_(journal) {}

  Result<Recovered> run() {
    LEVERET_CHECK(find_segments());
    for (const SegmentId segment : segments_) {
      LEVERET_CHECK(read_segment(segment));
    }
    LEVERET_CHECK(end_log());
    adopt_scanned();
    LEVERET_CHECK(sync_names());
    LEVERET_CHECK(remove_empty());
    LEVERET_CHECK(remove_moved());
    LEVERET_CHECK(sync_names());
    collect_settles();
    for (auto& [segment, found] : found_) {
      LEVERET_CHECK(collect_alive(found));
    }
    finish_owners();
    count_settle_runs();
    report();
    return std::move(out_);
  }

 private:
  Result<void> find_segments() {
    LEVERET_TRY(const std::vector<std::string> names, files_.list(directory_));
    std::set<SegmentId> indexes;
    for (const std::string& name : names) {
      if (const auto segment = segment_of(name, segment_suffix)) segments_.insert(*segment);
      if (const auto index = segment_of(name, index_suffix)) indexes.insert(*index);
    }
    if (!segments_.empty()) note_id(*segments_.rbegin());
    if (std::ranges::find(names, spare_file_name) != names.end()) LEVERET_CHECK(note_spare());
    for (const SegmentId index : indexes) {
      if (segments_.contains(index)) continue;
      note_id(index);
      LEVERET_CHECK(files_.remove(directory_ / index_file_name(index)));
      has_changed_names_ = true;
    }
    return {};
  }

  void note_id(SegmentId segment) {
    out_.next_segment = std::max(out_.next_segment, SegmentId(segment.value() + 1));
  }

  /// The records of its last use are valid in a segment that has that number again. So no one gets
  /// it.
  Result<void> note_spare() {
    const auto path = directory_ / spare_file_name;
    std::array<std::byte, segment_header_bytes> bytes{};
    if (const auto file = files_.open(path, OpenMode::read)) {
      static_cast<void>((*file)->read_at(0, bytes));
    }
    if (const auto header = decode_segment_header(bytes)) {
      note_id(header->segment);
      return {};
    }
    has_changed_names_ = true;
    return files_.remove(path);
  }

  Result<void> read_segment(SegmentId segment) {
    if (auto index = files_.open(directory_ / index_file_name(segment), OpenMode::read)) {
      if (auto tables = read_tables(**index, journal_, segment)) {
        last_mark_ = {segment, tables->used_bytes};  // It was synced before its index was written.
        found_[segment] = {std::move(*tables), std::nullopt};
        return {};
      }
    }
    LEVERET_TRY(scanned_[segment], scan(segment));
    const SegmentScan& found = scanned_[segment].scan;
    if (found.records > 0) last_mark_ = {segment, 0};  // Begun when all before it was synced.
    for (const BatchMark& mark : found.marks) {
      if (is_before(last_mark_, mark.segment, mark.offset)) last_mark_ = mark;
    }
    return {};
  }

  Result<Scanned> scan(SegmentId segment, std::optional<std::uint32_t> limit = {}) const {
    const auto path = directory_ / segment_file_name(segment);
    LEVERET_TRY(const std::unique_ptr<File> file, files_.open(path, OpenMode::read));
    LEVERET_TRY(const std::uint64_t file_bytes, file->size());
    LEVERET_TRY(
        const std::vector<std::byte> bytes,
        read_whole(*file, limit ? std::min<std::uint64_t>(*limit, file_bytes) : file_bytes));
    if (const auto header = decode_segment_header(bytes);
        header && header->version > segment_version) {
      return failure(path.string() + " has version " + std::to_string(header->version) +
                     "; this program reads up to " + std::to_string(segment_version));
    }
    Scanned scanned{segment, scan_segment(bytes, journal_, segment), file_bytes};
    if (!scanned.scan.is_header_valid && scanned.scan.records > 0) {
      scanned.scan.content.holes.insert(scanned.scan.content.holes.begin(),
                                        Hole{0, segment_header_bytes});
    }
    return scanned;
  }

  /// In pieces, so that an error names the place.
  static Result<std::vector<std::byte>> read_whole(File& file, std::uint64_t bytes) {
    std::vector<std::byte> whole(bytes);
    for (std::uint64_t at = 0; at < bytes; at += read_bytes) {
      const auto piece = std::span(whole).subspan(at, std::min(read_bytes, bytes - at));
      LEVERET_TRY(const std::size_t got, file.read_at(at, piece));
      if (got < piece.size()) {
        whole.resize(at + got);
        break;
      }
    }
    return whole;
  }

  /// Finds where the log ends, and sees to it that another start finds the same.
  Result<void> end_log() {
    SegmentId last = found_.empty() ? SegmentId() : found_.rbegin()->first;
    for (const auto& [segment, scanned] : scanned_) {
      if (scanned.scan.records > 0) last = std::max(last, segment);
    }
    if (const auto open = scanned_.find(last); open != scanned_.end()) {
      LEVERET_CHECK(cut(open->second));
      LEVERET_CHECK(end_segment(open->second));
    }
    for (auto it = scanned_.begin(); it != scanned_.end();) {
      auto& [segment, scanned] = *it;
      if (segment < last) {
        add_lost_end(scanned.scan, scanned.file_bytes);
      } else if (scanned.scan.records == 0) {
        empty_.push_back(segment);  // Begun, and never written or not up to a sync.
        it = scanned_.erase(it);
        continue;
      }
      ++it;
    }
    return {};
  }

  /// Drops what follows the first hole behind the last mark.
  Result<void> cut(Scanned& scanned) {
    const SegmentContent& content = scanned.scan.content;
    // A header is written before any record: one that is missing where there are records is damage.
    const auto hole = std::ranges::find_if(content.holes, [&](const Hole& one) {
      return one.offset >= segment_header_bytes &&
             is_before(last_mark_, scanned.segment, one.offset);
    });
    if (hole == content.holes.end()) return {};
    const std::uint32_t used_before = content.used_bytes;
    const std::vector<IndexRow> rows = content.rows;
    const std::uint32_t end = hole->offset;
    LEVERET_TRY(scanned, scan(scanned.segment, end));
    scanned.scan.is_ended = scanned.scan.is_stopped = false;
    // What is in front of the cut is read as before.
    const std::size_t kept = std::min(rows.size(), scanned.scan.content.rows.size());
    count_discarded(std::span(rows).subspan(kept));
    out_.report.cut_bytes += used_before - end;
    return {};
  }

  /// A copy that was being moved is none: it still stands where it stood.
  void count_discarded(std::span<const IndexRow> rows) {
    for (const IndexRow& row : rows) {
      if (is_passing(row.owner) || row.entry.origin.value() != 0) continue;
      ++out_.owners[row.owner].counts.discarded;
    }
  }

  /// What a process that was killed left may not be synced, and the log goes on behind it now. The
  /// mark comes first: it holds as soon as it is there, whatever becomes of what lies behind.
  Result<void> end_segment(Scanned& scanned) {
    SegmentContent& content = scanned.scan.content;
    if (scanned.scan.records == 0) return {};
    LEVERET_TRY(const std::unique_ptr<File> file,
                files_.open(directory_ / segment_file_name(scanned.segment), OpenMode::read_write));
    LEVERET_CHECK(file->sync());
    LEVERET_CHECK(files_.sync_directory(directory_));
    if (scanned.scan.is_ended) return {};
    const BatchMark mark{scanned.segment, content.used_bytes};
    auto written = put(*file, scanned, RecordKind::batch, bytes_of(mark));
    if (written) LEVERET_CHECK(file->sync());
    LEVERET_CHECK(file->truncate(content.used_bytes));
    if (written) written = put(*file, scanned, RecordKind::end, {});
    LEVERET_CHECK(file->sync());
    if (written) {
      out_.report.is_clean = scanned.scan.is_stopped;
      scanned.scan.is_ended = true;
    } else {
      // A full disk keeps nobody from starting; a stop that cannot be used up does not count.
      log(LogLevel::warn, "journal", "segment_not_ended reason=\"{}\"", written.error().text());
    }
    return {};
  }

  static Result<void> put(File& file, Scanned& scanned, RecordKind kind,
                          std::span<const std::byte> payload) {
    std::uint32_t& end = scanned.scan.content.used_bytes;
    ByteBuffer record;
    encode_record(record, scanned.segment, end, kind, {payload});
    // What is cut off behind it must not be readable as its continuation.
    static constexpr std::array<std::byte, record_header_bytes> gap{};
    const std::span<const std::byte> parts[] = {record.bytes(), gap};
    LEVERET_CHECK(file.write_at(end, parts));
    end += static_cast<std::uint32_t>(record.size());
    return {};
  }

  void adopt_scanned() {
    for (auto& [segment, scanned] : scanned_) {
      ++out_.report.scanned_segments;
      if (out_.report.is_clean && segment == scanned_.rbegin()->first) {
        for (const SeqRun& run : scanned.scan.delivered) {
          out_.owners[run.owner].delivered.push_back(run);
        }
      }
      Found found;
      found.built = build_index(segment, std::move(scanned.scan.content));
      found.tables = found.built->tables;
      write_missing_index(segment, *found.built);
      found_[segment] = std::move(found);
    }
  }

  /// An index saves the next start some reading; a start does without one.
  void write_missing_index(SegmentId segment, const BuiltIndex& built) {
    has_changed_names_ = true;
    const auto path = directory_ / index_file_name(segment);
    static_cast<void>(files_.remove(path));  // A damaged one, perhaps none.
    auto file = files_.open(path, OpenMode::create_new);
    auto written =
        file ? write_index(**file, journal_, built) : Result<void>(std::unexpected(file.error()));
    // What was damage stays damage, though what told it from a torn end may be gone.
    if (written && !built.tables.holes.empty()) written = (*file)->sync();
    if (written) return;
    log(LogLevel::warn, "journal", "index_not_written file={} reason=\"{}\"", path.string(),
        written.error().text());
    static_cast<void>(files_.remove(path));
  }

  Result<void> sync_names() {
    return std::exchange(has_changed_names_, false) ? files_.sync_directory(directory_)
                                                    : Result<void>();
  }

  /// That they were begun tells what is damage in the one before: they go when its index does.
  Result<void> remove_empty() {
    for (const SegmentId segment : empty_) LEVERET_CHECK(remove(segment));
    return {};
  }

  Result<void> remove_moved() {
    for (const auto& [segment, found] : found_) {
      for (const SegmentId moved : found.tables.moved) {
        if (moved != segment && found_.contains(moved)) moved_.insert(moved);
      }
    }
    for (const SegmentId segment : moved_) {
      found_.erase(segment);
      LEVERET_CHECK(remove(segment));
    }
    return {};
  }

  Result<void> remove(SegmentId segment) {
    has_changed_names_ = true;
    static_cast<void>(files_.remove(directory_ / index_file_name(segment)));  // Perhaps none.
    return files_.remove(directory_ / segment_file_name(segment));
  }

  void collect_settles() {
    for (const auto& [segment, found] : found_) {
      for (const SeqRun& run : found.tables.settles) {
        if (run.count == 0) continue;
        note_seq(run.owner, run.first + run.count - 1);
        if (!found_.contains(run.segment)) continue;
        settled_[{run.segment, run.owner}].push_back({run.first, run.first + run.count - 1});
      }
    }
    for (auto& [key, seqs] : settled_) merge(seqs);
  }

  /// Seqs from `first` to `last`.
  struct Seqs {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };

  /// What was settled one by one may lie inside of what was settled together afterwards.
  static void merge(std::vector<Seqs>& all) {
    std::ranges::sort(all, {}, &Seqs::first);
    std::size_t kept = 0;
    for (const Seqs& one : all) {
      if (kept != 0 && one.first <= all[kept - 1].last) {
        all[kept - 1].last = std::max(all[kept - 1].last, one.last);
      } else {
        all[kept++] = one;
      }
    }
    all.resize(kept);
  }

  static bool is_settled(const std::vector<Seqs>& settled, std::uint64_t seq) {
    const auto after = std::ranges::upper_bound(settled, seq, {}, &Seqs::first);
    return after != settled.begin() && seq <= std::prev(after)->last;
  }

  Result<void> collect_alive(Found& found) {
    RecoveredSegment& segment = out_.segments[found.tables.segment];
    segment.used_bytes = found.tables.used_bytes;
    for (const OwnerGroup& group : found.tables.groups) {
      if (is_passing(group.owner)) continue;
      note_seq(group.owner, group.last_seq);
      const auto settled = settled_.find({found.tables.segment, group.owner});
      if (settled == settled_.end() && found.tables.origins.empty() && !found.built &&
          !is_unordered(group.owner)) {
        add_whole(segment, found, group);
        continue;
      }
      LEVERET_TRY(std::vector<IndexEntry> entries, entries_of(found, group));
      std::erase_if(entries, [&](const IndexEntry& entry) {
        if (settled != settled_.end() && is_settled(settled->second, entry.seq)) return true;
        if (entry.origin.value() == 0 || !found_.contains(entry.origin)) return false;
        note_void(
            segment,
            {.owner = group.owner, .first = entry.seq, .count = 1, .segment = found.tables.segment},
            entry.origin);
        return true;
      });
      add_entries(segment, found, group, entries);
    }
    segment.is_damaged = !found.tables.holes.empty();
    return {};
  }

  static void note_void(RecoveredSegment& segment, const SeqRun& run, SegmentId origin) {
    segment.void_copies.push_back(run);
    if (std::ranges::find(segment.void_origins, origin) == segment.void_origins.end()) {
      segment.void_origins.push_back(origin);
    }
  }

  Result<std::vector<IndexEntry>> entries_of(Found& found, const OwnerGroup& group) {
    const SegmentId segment = found.tables.segment;
    if (!found.built) {
      if (auto file = files_.open(directory_ / index_file_name(segment), OpenMode::read)) {
        auto entries = read_group(**file, found.tables, group);
        if (entries) return entries;
      }
      LEVERET_CHECK(heal(found));
    }
    const std::vector<OwnerGroup>& groups = found.built->tables.groups;
    const auto same = std::ranges::lower_bound(groups, group.owner, {}, &OwnerGroup::owner);
    if (same == groups.end() || same->owner != group.owner) return std::vector<IndexEntry>();
    const auto entries = found.built->of(*same);
    return std::vector<IndexEntry>(entries.begin(), entries.end());
  }

  /// The index is damaged where its entries are: the segment has them.
  Result<void> heal(Found& found) {
    const SegmentId segment = found.tables.segment;
    LEVERET_TRY(Scanned scanned, scan(segment));
    add_lost_end(scanned.scan, scanned.file_bytes);
    ++out_.report.scanned_segments;
    found.built = build_index(segment, std::move(scanned.scan.content));
    found.tables.holes = found.built->tables.holes;
    // The tables of the old index are whole, and may know more than a damaged segment.
    if (found.tables.holes.empty()) write_missing_index(segment, *found.built);
    return {};
  }

  void add_whole(RecoveredSegment& segment, const Found& found, const OwnerGroup& group) {
    RecoveredPage page{.segment = found.tables.segment,
                       .first_seq = group.first_seq,
                       .last_seq = group.last_seq,
                       .count = group.count,
                       .weight = group.weight,
                       .share_bytes = group.share_bytes,
                       .entries = {}};
    segment.live_bytes += group.share_bytes;
    segment.live_entries += group.count;
    RecoveredOwner& owner = out_.owners[group.owner];
    owner.counts.confirmed += group.count;
    owner.pages.push_back(std::move(page));
  }

  void add_entries(RecoveredSegment& segment, const Found& found, const OwnerGroup& group,
                   const std::vector<IndexEntry>& entries) {
    if (entries.empty()) return;
    RecoveredCounts& counts = out_.owners[group.owner].counts;
    for (const IndexEntry& entry : entries) {
      ++(is_before(last_mark_, found.tables.segment, entry.offset) ? counts.unconfirmed
                                                                   : counts.confirmed);
      segment.live_bytes += entry.share();
      ++segment.live_entries;
      loose_[group.owner].push_back({found.tables.segment, entry});
    }
  }

  void note_seq(OwnerId owner, std::uint64_t seq) {
    if (is_passing(owner)) return;
    std::uint64_t& highest = out_.owners[owner].highest_seq;
    highest = std::max(highest, seq);
  }

  /// Puts entries that stand alone between the whole groups, in the order of seqs.
  void finish_owners() {
    for (auto& [owner, loose] : loose_) {
      std::ranges::sort(loose, {}, [](const Loose& one) { return one.entry.seq; });
      RecoveredOwner& recovered = out_.owners[owner];
      std::ranges::sort(recovered.pages, {}, &RecoveredPage::first_seq);
      std::vector<RecoveredPage> pages;
      auto whole = recovered.pages.begin();
      bool may_extend = false;
      for (const Loose& one : loose) {
        while (whole != recovered.pages.end() && whole->first_seq < one.entry.seq) {
          pages.push_back(std::move(*whole++));
          may_extend = false;
        }
        if (!may_extend || pages.back().segment != one.segment) {
          pages.push_back({.segment = one.segment, .first_seq = one.entry.seq});
          may_extend = true;
        }
        RecoveredPage& page = pages.back();
        page.last_seq = one.entry.seq;
        page.weight += one.entry.weight;
        page.share_bytes += one.entry.share();
        ++page.count;
        page.entries.push_back(one.entry);
      }
      std::move(whole, recovered.pages.end(), std::back_inserter(pages));
      recovered.pages = std::move(pages);
    }
    for (auto& [owner, recovered] : out_.owners) {
      std::ranges::sort(recovered.pages, {}, &RecoveredPage::first_seq);
    }
  }

  void count_settle_runs() {
    for (const auto& [segment, found] : found_) {
      for (const SeqRun& run : found.tables.settles) {
        if (run.segment == segment) continue;
        const auto target = out_.segments.find(run.segment);
        if (target == out_.segments.end()) continue;
        ++out_.segments[segment].live_runs;
        ++target->second.settled_by[segment];
      }
    }
  }

  void report() {
    out_.report.segments = static_cast<std::uint32_t>(found_.size());
    for (const auto& [owner, recovered] : out_.owners) {
      out_.report.counts.confirmed += recovered.counts.confirmed;
      out_.report.counts.unconfirmed += recovered.counts.unconfirmed;
      out_.report.counts.discarded += recovered.counts.discarded;
    }
    for (const auto& [segment, found] : found_) {
      for (const Hole& hole : found.tables.holes) {
        out_.report.damages.push_back(
            {(directory_ / segment_file_name(segment)).string(), hole.offset, hole.bytes});
      }
    }
  }

  struct Loose {
    SegmentId segment;
    IndexEntry entry;
  };

  FileSystem& files_;
  const std::filesystem::path& directory_;
  const std::uint16_t journal_;
  std::set<SegmentId> segments_;
  std::map<SegmentId, Found> found_;
  std::map<SegmentId, Scanned> scanned_;
  std::vector<SegmentId> empty_;
  std::set<SegmentId> moved_;
  std::map<std::pair<SegmentId, OwnerId>, std::vector<Seqs>> settled_;
  std::unordered_map<OwnerId, std::vector<Loose>> loose_;
  BatchMark last_mark_;
  bool has_changed_names_ = false;
  Recovered out_;
};

}  // namespace

std::string segment_file_name(SegmentId segment) { return file_name(segment, segment_suffix); }
std::string index_file_name(SegmentId segment) { return file_name(segment, index_suffix); }

Result<Recovered> recover(FileSystem& files, const std::filesystem::path& directory,
                          std::uint16_t journal) {
  return Recovery(files, directory, journal).run();
}

}  // namespace leveret
