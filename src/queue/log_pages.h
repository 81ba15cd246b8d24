// SPDX-License-Identifier: Apache-2.0
//
// LogPages: what of one store lies in the journal, by pages instead of by messages: the entries in
// one segment whose seqs follow each other. The segment's index knows each of them, once the
// segment is sealed; before, the page does.
//
// Thread: the queue's home worker.

#pragma once

#include "base/deque.h"
#include "journal/journal.h"
#include "journal/segment_index.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace leveret {

struct LogPage {
  SegmentId segment;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::uint32_t count = 0;
  std::uint64_t share_bytes = 0;
  std::uint64_t weight = 0;   ///< Bytes of the bodies, of who counts them.
  std::uint64_t last_ms = 0;  ///< When the last came, of who asks; 0: not known.
  bool redelivered = false;
  bool is_passing = false;
  std::vector<IndexEntry> entries;  ///< Not empty: these, and nothing is to be read.
  bool has_all_entries = false;     ///< The index will have the same, once the segment is sealed.
};

class LogPages {
 public:
  /// In the order of seqs.
  [[nodiscard]] Deque<LogPage>& all() { return pages_; }
  [[nodiscard]] const Deque<LogPage>& all() const { return pages_; }

  /// The page that has this entry there; null: none.
  [[nodiscard]] const LogPage* find(bool is_passing, SegmentId segment, std::uint64_t seq) const;
  /// The entries of sealed segments are left to their indexes.
  void leave_entries_to_indexes(Journal& journal);
  /// Pages whose entries were moved away from there become pages of where these are now.
  /// `relocations` as JournalHost::relocate() has them.
  void relocate(bool is_passing, SegmentId segment, std::span<const Relocation> relocations);
  /// Entries that are in memory.
  [[nodiscard]] std::size_t entry_count() const;

 private:
  Deque<LogPage> pages_;
};

}  // namespace leveret
