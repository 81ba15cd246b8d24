// SPDX-License-Identifier: Apache-2.0
//
// SegmentWriter: the journal's hand on the disk. Writes batches, syncs them, writes the index of a
// segment that has ended, removes segments.
//
// A sync is cheap when it has no file metadata to write: when the bytes go where blocks are already
// (docs/decisions/0006-sync-thread.md). So a segment that is removed is kept as the next one's
// file, and a fresh file gets zeros ahead of what is written, in quiet moments.
//
// Thread: the journal's writing lane; close() and what follows it, the thread that stopped the
// lane. Owns: the open segment.

#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "journal/byte_buffer.h"
#include "journal/file_system.h"
#include "journal/ids.h"
#include "journal/segment_index.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace leveret {

/// What goes into one segment in one go.
struct Piece {
  SegmentId segment;
  std::uint32_t offset = 0;
  ByteBuffer bytes;
  std::optional<SegmentContent> ended;  ///< The segment ends with this piece.
};

struct Batch {
  BatchId id;
  std::vector<Piece> pieces;
  bool needs_sync = false;
};

struct WriteFailure {
  Error error;
  /// A sync failed: what was written before may be lost although nobody said so at the time, and
  /// trying again would only hide it. Else the batch may be written again, from its beginning.
  bool is_final = false;
};

class SegmentWriter {
 public:
  struct Options {
    std::filesystem::path directory;
    std::uint16_t journal = 0;
    std::uint32_t segment_bytes = 0;
    const Clock* clock = nullptr;  // Not owned: outlives the journal.
  };

  /// Borrows the file system.
  SegmentWriter(FileSystem& files, Options options);

  /// Writes the batch; when it needs_sync, everything written so far is synced afterwards.
  [[nodiscard]] std::expected<void, WriteFailure> write(Batch& batch);

  /// Are there few bytes left that were written before?
  [[nodiscard]] bool wants_filling() const;
  /// Puts zeros behind what is written, if there are few left, and syncs them. For when nobody
  /// waits. Errors: the sync's, which is as final as any.
  [[nodiscard]] Result<void> prepare();

  /// Removes a segment and its index for good: afterwards no crash brings it back.
  [[nodiscard]] Result<void> remove(SegmentId segment);

  /// Syncs and closes the open segment.
  [[nodiscard]] Result<void> close();

 private:
  [[nodiscard]] Result<void> open_segment(SegmentId segment);
  [[nodiscard]] Result<void> sync();
  /// An index saves reading the segment; whoever finds none reads that.
  void write_index_of(SegmentId segment, SegmentContent content);
  [[nodiscard]] std::filesystem::path path_of(SegmentId segment) const;
  [[nodiscard]] std::filesystem::path spare_path() const;

  FileSystem& files_;
  const Options options_;
  std::unique_ptr<File> file_;
  SegmentId segment_;
  std::uint64_t written_end_ = 0;  // Of the open segment.
  std::uint64_t filled_end_ = 0;   // Up to here its blocks have been written before.
  bool has_unsynced_ = false;
  bool has_unsynced_name_ = false;  // A file was made or renamed since the directory was synced.
  bool has_spare_ = false;
  bool is_poisoned_ = false;  // A sync failed: nothing is written any more.
};

}  // namespace leveret
