// SPDX-License-Identifier: Apache-2.0
#include "journal/segment_reader.h"

#include "journal/segment_scan.h"

#include <algorithm>
#include <utility>

namespace leveret {
namespace {

constexpr std::size_t open_files_max = 16;
/// Records with less than this between them are read together.
constexpr std::uint64_t gap_bytes_max = 32 * 1024;
constexpr std::uint64_t run_bytes_max = 4 * 1024 * 1024;

}  // namespace

SegmentReader::SegmentReader(FileSystem& files, std::filesystem::path directory,
                             std::uint16_t journal)
    : files_(files), directory_(std::move(directory)), journal_(journal) {}

Result<File*> SegmentReader::open(SegmentId segment) {
  const auto found = std::ranges::find(open_, segment, &Open::segment);
  if (found != open_.end()) return found->file.get();
  LEVERET_TRY(auto file, files_.open(directory_ / segment_file_name(segment), OpenMode::read));
  if (open_.size() == open_files_max) open_.pop_front();
  open_.push_back({segment, std::move(file)});
  return open_.back().file.get();
}

void SegmentReader::forget(SegmentId segment) {
  std::erase_if(open_, [segment](const Open& one) { return one.segment == segment; });
}

ReadData SegmentReader::read(std::span<const Extent> extents) {
  ReadData into;
  into.data.reserve(extents.size());
  while (!extents.empty()) {
    std::size_t count = 1;
    const Extent& first = extents.front();
    std::uint64_t end = std::uint64_t{first.location.offset} + first.bytes;
    while (count < extents.size()) {
      const Extent& next = extents[count];
      const std::uint64_t next_end = std::uint64_t{next.location.offset} + next.bytes;
      // A reference has the same place as its neighbour.
      if (next.location.segment != first.location.segment ||
          next.location.offset < first.location.offset ||
          next.location.offset > end + gap_bytes_max ||
          next_end - first.location.offset > run_bytes_max) {
        break;
      }
      end = std::max(end, next_end);
      ++count;
    }
    read_run(extents.first(count), into);
    extents = extents.subspan(count);
  }
  return into;
}

void SegmentReader::read_run(std::span<const Extent> extents, ReadData& into) {
  const SegmentId segment = extents.front().location.segment;
  const std::uint32_t begin = extents.front().location.offset;
  std::uint64_t end = begin;
  for (const Extent& extent : extents) {
    end = std::max(end, std::uint64_t{extent.location.offset} + extent.bytes);
  }
  const std::size_t bytes = end - begin;
  auto block = std::make_unique_for_overwrite<std::byte[]>(bytes);
  std::size_t got = 0;
  if (const auto file = open(segment)) {
    got = (*file)->read_at(begin, {block.get(), bytes}).value_or(0);
  }
  const std::span<const std::byte> read(block.get(), got);
  for (const Extent& extent : extents) {
    const std::size_t at = extent.location.offset - begin;
    const auto record = at < got
                            ? decode_record_here(read.subspan(at), segment, extent.location.offset)
                            : std::nullopt;
    if (record && record->kind == RecordKind::entry) {
      into.data.push_back(record->payload.subspan(sizeof(EntryPrefix)));
    } else {
      into.data.emplace_back();
      into.damages.push_back({(directory_ / segment_file_name(segment)).string(),
                              extent.location.offset, extent.bytes});
    }
  }
  into.blocks.push_back(std::move(block));
}

Result<BuiltIndex> SegmentReader::scan(SegmentId segment) {
  LEVERET_TRY(File * file, open(segment));
  LEVERET_TRY(const std::uint64_t file_bytes, file->size());
  std::vector<std::byte> bytes(file_bytes);
  LEVERET_TRY(const std::size_t got, file->read_at(0, bytes));
  bytes.resize(got);
  SegmentScan scan = scan_segment(bytes, journal_, segment);
  add_lost_end(scan, file_bytes);
  return build_index(segment, std::move(scan.content));
}

Result<std::vector<IndexEntry>> SegmentReader::read_group_of(SegmentId segment, OwnerId owner) {
  LEVERET_TRY(const auto file, files_.open(directory_ / index_file_name(segment), OpenMode::read));
  LEVERET_TRY(const SegmentTables tables, read_tables(*file, journal_, segment));
  const auto group = std::ranges::find(tables.groups, owner, &OwnerGroup::owner);
  if (group == tables.groups.end()) return std::vector<IndexEntry>();
  return read_group(*file, tables, *group);
}

Result<SegmentReader::Entries> SegmentReader::read_entries(SegmentId segment, OwnerId owner,
                                                           std::uint64_t first,
                                                           std::uint64_t last) {
  Entries read;
  if (auto entries = read_group_of(segment, owner)) {
    read.entries = std::move(*entries);
  } else {
    // No index, or a damaged one: the segment knows.
    LEVERET_TRY(const BuiltIndex built, scan(segment));
    read.is_damaged = !built.tables.holes.empty();
    const auto group = std::ranges::find(built.tables.groups, owner, &OwnerGroup::owner);
    if (group != built.tables.groups.end()) {
      const auto found = built.of(*group);
      read.entries.assign(found.begin(), found.end());
    }
  }
  std::erase_if(read.entries, [first, last](const IndexEntry& entry) {
    return entry.seq < first || entry.seq > last;
  });
  return read;
}

Result<BuiltIndex> SegmentReader::read_index(SegmentId segment) {
  const auto path = directory_ / index_file_name(segment);
  if (const auto file = files_.open(path, OpenMode::read)) {
    if (auto tables = read_tables(**file, journal_, segment)) {
      BuiltIndex built;
      bool is_whole = true;
      for (const OwnerGroup& group : tables->groups) {
        auto entries = read_group(**file, *tables, group);
        is_whole = is_whole && entries.has_value();
        if (!is_whole) break;
        built.entries.insert(built.entries.end(), entries->begin(), entries->end());
      }
      built.tables = std::move(*tables);
      if (is_whole) return built;
    }
  }
  return scan(segment);
}

}  // namespace leveret
