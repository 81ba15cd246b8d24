// SPDX-License-Identifier: Apache-2.0
//
// recover: what a journal's directory holds, after whatever ended the process that wrote it.
//
// What counts. An entry is *alive* when its record is valid, no settle run for its segment covers
// it, its owner is not a passing one, and, if it was moved, its origin is gone or declared moved.
//
// The end of the log. A process that was killed leaves a record cut in two; a machine that lost
// power may also have written later sectors and not earlier ones. Both concern only what was never
// synced, and so never promised. A segment is begun when the one before has been synced, and each
// batch says up to where the log was synced before it. So:
//   - a hole in the last segment behind the last such mark is where the log ends: it is cut there,
//     and what follows, although readable, is dropped, so that no owner sees a gap in the order of
//     what he appended;
//   - any other hole is *damage*: it is reported with file and offset at each start, everything
//     around it counts, and its segment is kept as it is for who wants to look into it.
// What cannot be read at all (not what reads wrong) is neither: the start fails, since it cannot
// know what it would cut.
//
// Files are changed in this order: the segment in which the log ends is synced, gets a mark that
// says so, is cut behind that, and gets an `end`; indexes that are missing are written; segments
// that were begun and never written, and those that were moved, are removed. Dying in between and
// starting again gives the same answer, but for a stop in good order: that counts once.
//
// Thread: any, before anything is appended. Memory: in proportion to groups and settle runs, and to
// entries only of those groups that are partly settled.

#pragma once

#include "base/result.h"
#include "journal/file_system.h"
#include "journal/ids.h"
#include "journal/segment_index.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace leveret {

/// Alive entries of one owner in one segment, next to each other in his order.
struct RecoveredPage {
  SegmentId segment;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::uint32_t count = 0;
  std::uint64_t weight = 0;
  std::uint64_t share_bytes = 0;
  /// Empty: all of the owner's entries there from first_seq to last_seq. Never of an unordered one.
  std::vector<IndexEntry> entries;
};

/// How sure it is that entries had been synced, and so promised.
struct RecoveredCounts {
  std::uint64_t confirmed = 0;    ///< Alive, and known to have been synced.
  std::uint64_t unconfirmed = 0;  ///< Alive behind the last mark: perhaps synced, kept.
  std::uint64_t discarded = 0;    ///< Behind the cut.

  RecoveredCounts& operator+=(const RecoveredCounts& more) {
    confirmed += more.confirmed;
    unconfirmed += more.unconfirmed;
    discarded += more.discarded;
    return *this;
  }
};

struct RecoveredOwner {
  std::vector<RecoveredPage> pages;  ///< In the order of seqs.
  RecoveredCounts counts;
  std::uint64_t highest_seq = 0;  ///< Of anything ever read about him; go on above it.
  std::vector<SeqRun> delivered;  ///< Known only after a stop in good order.
};

struct RecoveredSegment {
  std::uint32_t used_bytes = 0;
  std::uint64_t live_bytes = 0;
  std::uint32_t live_entries = 0;
  std::uint32_t live_runs = 0;  ///< Settle runs here for other segments that exist.
  std::map<SegmentId, std::uint32_t> settled_by;  ///< Segments with runs for this one, how many.
  bool is_damaged = false;                        ///< It is kept whatever is alive in it.
  /// Copies here of entries that had begun to be moved and still count where they stood; and where
  /// that is. They must be settled before those segments may go.
  std::vector<SeqRun> void_copies;
  std::vector<SegmentId> void_origins;
};

struct Damage {
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct RecoveryReport {
  RecoveredCounts counts;  ///< Of all owners together.
  std::uint64_t cut_bytes = 0;
  std::uint32_t segments = 0;
  std::uint32_t scanned_segments = 0;  ///< Those without a usable index.
  bool is_clean = false;               ///< Closed in good order.
  std::vector<Damage> damages;
};

struct Recovered {
  std::map<SegmentId, RecoveredSegment> segments;
  std::unordered_map<OwnerId, RecoveredOwner> owners;
  SegmentId next_segment{1};
  RecoveryReport report;
};

/// Errors: the file system's, with file and offset; a segment of a newer version. Damage is none.
[[nodiscard]] Result<Recovered> recover(FileSystem& files, const std::filesystem::path& directory,
                                        std::uint16_t journal);

/// "0000002a.segment", "0000002a.index".
[[nodiscard]] std::string segment_file_name(SegmentId segment);
[[nodiscard]] std::string index_file_name(SegmentId segment);
/// A file that was a segment's and waits to become another's.
inline constexpr const char* spare_file_name = "spare";

}  // namespace leveret
