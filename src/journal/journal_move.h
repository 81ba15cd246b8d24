// SPDX-License-Identifier: Apache-2.0
//
// Journal::Move: how far the moving of a segment has come. The inside of Journal.
//
// Thread: the journal's home worker.

#pragma once

#include "journal/journal.h"

#include <cstddef>
#include <vector>

namespace leveret {

struct Journal::Move {
  struct Entry {
    OwnerId owner;
    IndexEntry from;
    Appended to;
    bool is_reference = false;
  };
  SegmentId segment;
  std::vector<SeqRun> runs;      // Settle runs that stand in the segment,
  std::vector<SegmentId> moved;  // and `moved` records.
  std::vector<Entry> entries;    // By offset, so that references follow their data.
  std::size_t appended = 0;      // The first so many have been.
  std::size_t asked = 0;         // The first so many have been asked for.
  BatchId batch;                 // Of the last lump; of the `moved` record, once is_ended.
  bool is_ended = false;
};

}  // namespace leveret
