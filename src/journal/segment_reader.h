// SPDX-License-Identifier: Apache-2.0
//
// SegmentReader: data and index entries back from the disk, many at a time. Neighbours are read in
// one go; every record's checksum is looked at before anybody sees its data.
//
// Thread: the journal's reading lane. Owns: the files that it opened, the last few of them.

#pragma once

#include "base/result.h"
#include "journal/file_system.h"
#include "journal/ids.h"
#include "journal/recovery.h"
#include "journal/segment_index.h"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace leveret {

/// A record to be read.
struct Extent {
  Location location;
  std::uint32_t bytes = 0;
};

/// What was read, in the order of the Extents.
struct ReadData {
  /// Of each: the data of the entry; empty when it could not be read. Points into `blocks`.
  std::vector<std::span<const std::byte>> data;
  std::vector<Damage> damages;
  std::vector<std::unique_ptr<std::byte[]>> blocks;
};

class SegmentReader {
 public:
  /// Borrows the file system.
  SegmentReader(FileSystem& files, std::filesystem::path directory, std::uint16_t journal);

  [[nodiscard]] ReadData read(std::span<const Extent> extents);

  struct Entries {
    std::vector<IndexEntry> entries;
    bool is_damaged = false;  ///< The segment was asked, and has holes.
  };
  /// The owner's entries in a segment with a seq from `first` to `last`, in the order of seqs.
  /// Errors: the index cannot be read, and the segment itself neither.
  [[nodiscard]] Result<Entries> read_entries(SegmentId segment, OwnerId owner, std::uint64_t first,
                                             std::uint64_t last);

  /// The whole index; with the holes of the segment if that had to be asked. Errors: as
  /// read_entries().
  [[nodiscard]] Result<BuiltIndex> read_index(SegmentId segment);

  /// Closes the segment's file: it is about to be removed.
  void forget(SegmentId segment);

 private:
  struct Open {
    SegmentId segment;
    std::unique_ptr<File> file;
  };

  [[nodiscard]] Result<File*> open(SegmentId segment);
  [[nodiscard]] Result<std::vector<IndexEntry>> read_group_of(SegmentId segment, OwnerId owner);
  [[nodiscard]] Result<BuiltIndex> scan(SegmentId segment);
  /// Reads extents [first, last), which lie close together in one segment.
  void read_run(std::span<const Extent> extents, ReadData& into);

  FileSystem& files_;
  const std::filesystem::path directory_;
  const std::uint16_t journal_;
  std::deque<Open> open_;
};

}  // namespace leveret
