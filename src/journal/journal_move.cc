// SPDX-License-Identifier: Apache-2.0
//
// Moving a segment: what is alive in it is appended again, so that the segment can go.
//
//   1. its index is read, and owners say which entries are alive;
//   2. lump by lump their data are read and appended as entries with this segment as their origin;
//      one lump waits for the disk before the next is read, so moving never takes more of the disk
//      than its turn;
//   3. when the last lump is appended, in one turn: owners are told the new places; what was
//      settled meanwhile is settled again where it stands now; settle runs and `moved` records
//      that others still need are written again; and a `moved` record says that the old places are
//      void;
//   4. when that is synced, the segment goes.
//
// A crash before 4 has been synced finds the old places, and ignores the new ones, since their
// origin is still there and not declared moved. They would count as soon as that is gone, so the
// next start settles them (Journal::settle_void_copies()), as does who abandons a move.
#include "journal/journal_move.h"

#include "base/assert.h"
#include "base/log.h"

#include <algorithm>
#include <utility>

namespace leveret {
namespace {

constexpr std::uint64_t lump_bytes_max = 1024 * 1024;
constexpr std::size_t lump_entries_max = 8192;

}  // namespace

void Journal::begin_move() {
  if (move_ || is_poisoned_ || is_stalled_) return;
  const std::optional<SegmentId> sparsest = segments_.sparsest();
  if (!sparsest) return;
  move_ = std::make_unique<Move>();
  move_->segment = *sparsest;
  segments_.pin(*sparsest);
  auto index = std::make_shared<Result<BuiltIndex>>();
  deps_.reading->submit(
      [reader = reader_, index, segment = *sparsest] { *index = reader->read_index(segment); },
      [self = self_, index] {
        if (*self && (*self)->move_) (*self)->choose_alive(*(*self)->move_, std::move(*index));
      });
}

/// What cannot be read cannot be moved, and is not thrown away.
void Journal::abandon_move(std::string_view why) {
  const std::unique_ptr<Move> move = std::move(move_);
  mark_damaged(move->segment, why);
  for (const Move::Entry& entry : std::span(move->entries).first(move->appended)) {
    const Appended& copy = entry.to;
    const SegmentId to = copy.location.segment;
    settle(entry.owner, entry.from.seq, copy.location, copy.share);
    void_copies_[to].push_back(
        {.owner = entry.owner, .first = entry.from.seq, .count = 1, .segment = to});
  }
  segments_.unpin(move->segment);
}

void Journal::choose_alive(Move& move, Result<BuiltIndex> index) {
  if (!index || !index->tables.holes.empty()) return abandon_move("a part of it");
  move.runs = std::move(index->tables.settles);
  move.moved = std::move(index->tables.moved);
  std::vector<IndexEntry> alive;
  for (const OwnerGroup& group : index->tables.groups) {
    alive.clear();
    deps_.host->find_alive(group.owner, move.segment, index->of(group), alive);
    for (const IndexEntry& entry : alive) {
      if (is_void(move.segment, group.owner, entry.seq)) continue;
      move.entries.push_back({.owner = group.owner, .from = entry, .to = {}});
    }
  }
  // An entry that was lost to its owner has not been settled.
  if (move.entries.size() < segments_.find(move.segment)->content.live_entries) {
    return abandon_move("an entry");
  }
  std::ranges::sort(move.entries, {}, [](const Move::Entry& entry) { return entry.from.offset; });
  move_lump();
}

/// A run with gaps speaks of entries that their owner knows to be there. It must not cover a copy
/// that he has not been told of, nor one that comes into the open segment later.
void Journal::settle_with_gaps(SeqRun run) {
  const auto is_covered = [&run](OwnerId owner, std::uint64_t seq) {
    return owner == run.owner && seq >= run.first && seq - run.first < run.count;
  };
  std::set<std::uint64_t> copies;
  if (move_ && !move_->is_ended) {
    for (const Move::Entry& entry : std::span(move_->entries).first(move_->appended)) {
      if (entry.to.location.segment == run.segment && is_covered(entry.owner, entry.from.seq)) {
        copies.insert(entry.from.seq);
      }
    }
  }
  if (run.segment == open_segment_) {
    std::set<std::uint64_t> seqs;
    for (const IndexRow& row : open_content_.rows) {
      if (is_covered(row.owner, row.entry.seq)) seqs.insert(row.entry.seq);
    }
    for (const std::uint64_t seq : seqs) {
      if (copies.contains(seq)) continue;
      add_run({.owner = run.owner, .first = seq, .count = 1, .segment = run.segment});
    }
    return;
  }
  for (const std::uint64_t seq : copies) {
    const auto before = static_cast<std::uint32_t>(seq - run.first);
    if (before != 0) {
      add_run({.owner = run.owner, .first = run.first, .count = before, .segment = run.segment});
    }
    run.first = seq + 1;
    run.count -= before + 1;
  }
  if (run.count != 0) add_run(run);
}

void Journal::move_lump() {
  Move& move = *move_;
  if (move.appended == move.entries.size()) return end_move();
  std::vector<Extent> extents;
  std::uint64_t bytes = 0;
  move.asked = move.appended;
  while (move.asked < move.entries.size() && bytes < lump_bytes_max &&
         extents.size() < lump_entries_max) {
    const IndexEntry& from = move.entries[move.asked++].from;
    extents.push_back({from.location(move.segment), from.bytes});
    bytes += from.bytes;
  }
  read(std::move(extents), [self = self_](ReadData data) {
    if (*self && (*self)->move_) (*self)->on_lump(std::move(data));
  });
}

void Journal::on_lump(ReadData data) {
  Move& move = *move_;
  if (!data.damages.empty()) return abandon_move("an entry");
  for (std::size_t i = 0; move.appended < move.asked; ++i, ++move.appended) {
    Move::Entry& entry = move.entries[move.appended];
    const Move::Entry* before = move.appended == 0 ? nullptr : &entry - 1;
    const bool has_data = before != nullptr && before->from.offset == entry.from.offset;
    entry.is_reference = has_data && may_refer(before->to);
    if (entry.is_reference) {
      entry.to = put_reference(entry.owner, entry.from.seq, move.segment, before->to);
    } else {
      entry.to =
          put_entry(entry.owner, entry.from.seq, move.segment, entry.from.weight, {}, data.data[i]);
    }
    move.batch = entry.to.batch;
  }
}

void Journal::on_durable_move(BatchId upto) {
  if (!move_ || move_->batch.value() == 0 || upto < move_->batch) return;
  if (!move_->is_ended) {
    if (move_->asked == move_->appended) {
      move_->batch = {};  // Until the next lump has one.
      move_lump();
    }
    return;
  }
  ++counts_.segments_moved;
  const SegmentId segment = move_->segment;
  move_.reset();
  segments_.unpin(segment);
}

void Journal::end_move() {
  Move& move = *move_;
  std::ranges::sort(move.entries, {}, [](const Move::Entry& entry) {
    return std::pair(entry.owner, entry.from.seq);
  });
  std::vector<Relocation> relocations;
  for (auto entry = move.entries.begin(); entry != move.entries.end();) {
    const OwnerId owner = entry->owner;
    const auto first = entry;
    relocations.clear();
    for (; entry != move.entries.end() && entry->owner == owner; ++entry) {
      relocations.push_back({.from = entry->from,
                             .to = entry->to.location,
                             .bytes = entry->to.bytes,
                             .is_reference = entry->is_reference});
    }
    deps_.host->relocate(owner, move.segment, relocations);
    for (std::size_t i = 0; i < relocations.size(); ++i) {
      const Move::Entry& moved = *(first + static_cast<std::ptrdiff_t>(i));
      if (relocations[i].is_alive) {
        segments_.settle(move.segment, 1, moved.from.share());
      } else {
        // Settled while it was moved, at the old place.
        settle(owner, moved.from.seq, moved.to.location, moved.to.share);
      }
    }
  }
  put_open_runs();
  std::erase_if(move.runs, [this, &move](const SeqRun& run) {
    return run.segment == move.segment || segments_.find(run.segment) == nullptr;
  });
  put_runs(RecordKind::settle, move.runs);
  segments_.drop_runs(move.segment);
  for (const SegmentId segment : move.moved) {
    if (segments_.find(segment) != nullptr) put_moved(segment);
  }
  put_moved(move.segment);
  gathering_.needs_sync = true;
  move.batch = gathering_.id;
  move.is_ended = true;
}

}  // namespace leveret
