// SPDX-License-Identifier: Apache-2.0
//
// scan_segment: reads a segment record by record, for a start that finds no index and for whoever
// verifies a journal. Takes any bytes whatever and never fails: what cannot be read is a hole.
//
// Thread: any; a pure function. Complexity: linear in the bytes; behind a hole every eighth byte is
// tried as a record.

#pragma once

#include "journal/segment_index.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace leveret {

struct SegmentScan {
  SegmentContent content;
  std::vector<SeqRun> delivered;
  std::vector<BatchMark> marks;  ///< What was known to be synced, by each batch found.
  std::uint32_t records = 0;
  bool is_header_valid = false;
  bool is_ended = false;    ///< The last record says that the next segment goes on.
  bool is_stopped = false;  ///< The last record says that the journal was closed.
};

/// `bytes` is the segment from its beginning, perhaps with zeros or an earlier use's remains after
/// the last record. `on_record`, when there is one, is shown each record found.
///
/// Holes are reported only where a valid record follows: bytes after the last valid record are
/// not part of the segment.
[[nodiscard]] SegmentScan scan_segment(std::span<const std::byte> bytes, std::uint16_t journal,
                                       SegmentId segment,
                                       const std::function<void(const Record&)>& on_record = {});

/// For a segment that was whole once: if its `end` is not there any more, what followed its last
/// record is a hole, up to wherever in its file.
void add_lost_end(SegmentScan& scan, std::uint64_t file_bytes);

}  // namespace leveret
