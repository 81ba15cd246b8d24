// SPDX-License-Identifier: Apache-2.0
//
// SegmentTable: the segments of one journal and what is alive in each, so that one with nothing
// alive can go.
//
// Alive are entries, and settle runs: a run in one segment must stay as long as the segment with
// the entries that it settles, or those would be back after the next start. A run for the very
// segment that it stands in goes with it and is not counted.
//
// Thread: the journal's home worker.

#pragma once

#include "journal/ids.h"
#include "journal/recovery.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace leveret {

class SegmentTable {
 public:
  /// What a segment is in the middle of.
  enum class State {
    open,      ///< Is appended to.
    ending,    ///< Full; its last batch is on its way to the disk.
    sealed,    ///< Full and written.
    removing,  ///< On its way out.
  };

  struct Segment {
    State state = State::open;
    RecoveredSegment content;
    std::uint32_t readers = 0;  ///< Reads under way: it may not go.
    std::uint32_t pins = 0;     ///< Reasons for which it may not go or be moved.
  };

  /// What a start found; all of it is sealed.
  void adopt(std::map<SegmentId, RecoveredSegment> segments);
  Segment& add(SegmentId id);
  /// Null: gone.
  [[nodiscard]] Segment* find(SegmentId id);
  [[nodiscard]] const std::map<SegmentId, Segment>& all() const { return segments_; }

  /// The segment is full, with so many bytes.
  void end(SegmentId id, std::uint32_t used_bytes);
  /// And now it is on disk.
  void seal(SegmentId id);
  void add_entry(SegmentId id, std::uint32_t share);
  /// `count` entries of `id`, of so many bytes in all, are done with.
  void settle(SegmentId id, std::uint32_t count, std::uint64_t bytes);
  /// A run for entries of `target` stands in `in`.
  void add_run(SegmentId in, SegmentId target);

  /// The runs in `id` that others needed stand elsewhere, too.
  void drop_runs(SegmentId id);

  /// Sealed segments that have nothing alive, nobody reading and are not pinned; they are removing
  /// from now on.
  [[nodiscard]] std::vector<SegmentId> take_dead();
  /// Forgets a segment that is gone for good, and the runs elsewhere that it needed.
  void forget(SegmentId id);

  /// A sealed segment may not go until it is unpinned as often as it was pinned.
  void pin(SegmentId id);
  void unpin(SegmentId id);
  /// Something in the segment cannot be read: it neither goes nor is moved, as long as we live.
  /// False: that was known.
  bool mark_damaged(SegmentId id);

  /// The sealed segment of which the least is alive; none: there is none worth moving.
  [[nodiscard]] std::optional<SegmentId> sparsest() const;

  /// Bytes of ended segments that are not on their way out, and those of entries that are alive.
  [[nodiscard]] std::uint64_t ended_bytes() const { return ended_bytes_; }
  /// Of those the ones in damaged segments.
  [[nodiscard]] std::uint64_t damaged_bytes() const { return damaged_bytes_; }
  [[nodiscard]] std::uint64_t damaged_segments() const { return damaged_segments_; }
  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }

 private:
  [[nodiscard]] static bool is_dead(const Segment& segment);
  void note(SegmentId id, Segment& segment);

  std::map<SegmentId, Segment> segments_;
  Segment* last_ = nullptr;  // What find() found last, since neighbours are asked for together.
  SegmentId last_id_;
  std::vector<SegmentId> maybe_dead_;
  std::uint64_t live_bytes_ = 0;
  std::uint64_t ended_bytes_ = 0;
  std::uint64_t damaged_bytes_ = 0;
  std::uint64_t damaged_segments_ = 0;
};

}  // namespace leveret
