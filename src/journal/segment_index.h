// SPDX-License-Identifier: Apache-2.0
//
// SegmentIndex: what is in a segment, without the data. Written beside a segment when it is full
// (`0000002a.index` for `0000002a.segment`), after the segment was synced, and not synced itself:
// when it is missing or damaged the segment is read instead. So a start reads little, and a queue
// that is longer than memory reads its part of the index when its turn comes.
//
//   index    0  8  "LVRTINDX"
//            8  2  version, 1
//           10  2  index of the journal
//           12  4  segment id
//           16  4  bytes of the segment in use
//           20  4  groups          each 56 bytes, one an owner
//           24  4  entries         each 24 bytes, by owner, then by seq
//           28  4  settle runs     each 24 bytes, as in the segment
//           32  4  moved segments  each 4 bytes
//           36  4  origins         each 4 bytes: segments that entries here were moved from
//           40  4  holes           each 8 bytes: { offset u32, bytes u32 } that could not be read
//           44  4  zeros
//           48  8  XXH3-64 of the tables
//           56  8  XXH3-64 of bytes 0..55
//           64     tables: groups, settle runs, moved, origins, holes, zeros up to a multiple of 8
//                  entries; each group has the XXH3-64 of its own
//
// Thread: values; functions on the caller's.

#pragma once

#include "base/result.h"
#include "journal/file_system.h"
#include "journal/ids.h"
#include "journal/segment_format.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace leveret {

/// One entry, of an owner that is known from elsewhere.
struct IndexEntry {
  std::uint64_t seq = 0;
  std::uint32_t offset = 0;            ///< Of the record that has the data.
  std::uint32_t bytes : 31 = 0;        ///< Of that record.
  std::uint32_t is_reference : 1 = 0;  ///< Another entry brought the data.
  SegmentId origin;                    ///< Zero: appended here at first.
  std::uint32_t weight = 0;            ///< As its owner gave it.

  [[nodiscard]] Location location(SegmentId segment) const { return {segment, offset}; }
  /// Bytes of the segment that are garbage once the entry is settled.
  [[nodiscard]] std::uint32_t share() const { return is_reference != 0 ? reference_bytes : bytes; }
};
static_assert(sizeof(IndexEntry) == 24);

struct IndexRow {
  OwnerId owner;
  IndexEntry entry;
};

/// All of one owner's entries in one segment.
struct OwnerGroup {
  OwnerId owner;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t share_bytes = 0;
  std::uint64_t weight = 0;
  std::uint32_t first_entry = 0;
  std::uint32_t count = 0;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(OwnerGroup) == 56);

/// A place in a segment from which nothing valid could be read.
struct Hole {
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;

  friend bool operator==(const Hole&, const Hole&) = default;
};

/// Everything but the entries.
struct SegmentTables {
  SegmentId segment;
  std::uint32_t used_bytes = 0;
  std::vector<OwnerGroup> groups;
  std::vector<SeqRun> settles;
  std::vector<SegmentId> moved;
  std::vector<SegmentId> origins;
  std::vector<Hole> holes;
};

/// What is gathered of a segment while it is written, or while it is read.
struct SegmentContent {
  std::uint32_t used_bytes = segment_header_bytes;
  std::vector<IndexRow> rows;
  std::vector<SeqRun> settles;
  std::vector<SegmentId> moved;
  std::vector<SegmentId> origins;
  std::vector<Hole> holes;
};

/// A segment's content as tables and sorted entries.
struct BuiltIndex {
  SegmentTables tables;
  std::vector<IndexEntry> entries;

  [[nodiscard]] std::span<const IndexEntry> of(const OwnerGroup& group) const {
    return std::span(entries).subspan(group.first_entry, group.count);
  }
};
[[nodiscard]] BuiltIndex build_index(SegmentId segment, SegmentContent content);

/// Writes the whole file. Errors: the file system's.
[[nodiscard]] Result<void> write_index(File& file, std::uint16_t journal, const BuiltIndex& index);

/// Errors: not an index of this segment, a newer version, a wrong checksum; the file system's.
[[nodiscard]] Result<SegmentTables> read_tables(File& file, std::uint16_t journal,
                                                SegmentId segment);
/// The entries of one group of the file's tables. Errors: as read_tables().
[[nodiscard]] Result<std::vector<IndexEntry>> read_group(File& file, const SegmentTables& tables,
                                                         const OwnerGroup& group);

}  // namespace leveret
