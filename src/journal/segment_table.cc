// SPDX-License-Identifier: Apache-2.0
#include "journal/segment_table.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace leveret {

void SegmentTable::adopt(std::map<SegmentId, RecoveredSegment> segments) {
  for (auto& [id, content] : segments) {
    Segment& segment = add(id);
    segment.state = State::sealed;
    ended_bytes_ += content.used_bytes;
    live_bytes_ += content.live_bytes;
    if (content.is_damaged) {
      damaged_bytes_ += content.used_bytes;
      ++damaged_segments_;
    }
    segment.content = std::move(content);
    note(id, segment);
  }
}

SegmentTable::Segment& SegmentTable::add(SegmentId id) {
  const auto [added, is_new] = segments_.try_emplace(id);
  LEVERET_ASSERT(is_new, "segment {} begun twice", id.value());
  return added->second;
}

SegmentTable::Segment* SegmentTable::find(SegmentId id) {
  if (last_ != nullptr && last_id_ == id) return last_;
  const auto found = segments_.find(id);
  if (found == segments_.end()) return nullptr;
  last_ = &found->second;
  last_id_ = id;
  return last_;
}

void SegmentTable::end(SegmentId id, std::uint32_t used_bytes) {
  Segment* segment = find(id);
  segment->state = State::ending;
  segment->content.used_bytes = used_bytes;
  ended_bytes_ += used_bytes;
  if (segment->content.is_damaged) damaged_bytes_ += used_bytes;
}

void SegmentTable::seal(SegmentId id) {
  Segment* segment = find(id);
  LEVERET_ASSERT(segment != nullptr && segment->state == State::ending);
  segment->state = State::sealed;
  note(id, *segment);
}

void SegmentTable::add_entry(SegmentId id, std::uint32_t share) {
  Segment* segment = find(id);
  LEVERET_ASSERT(segment != nullptr);
  ++segment->content.live_entries;
  segment->content.live_bytes += share;
  live_bytes_ += share;
}

void SegmentTable::settle(SegmentId id, std::uint32_t count, std::uint64_t bytes) {
  Segment* segment = find(id);
  LEVERET_ASSERT(segment != nullptr && segment->content.live_entries >= count &&
                     segment->content.live_bytes >= bytes,
                 "segment {} has fewer entries alive than were settled", id.value());
  segment->content.live_entries -= count;
  segment->content.live_bytes -= bytes;
  live_bytes_ -= bytes;
  note(id, *segment);
}

void SegmentTable::add_run(SegmentId in, SegmentId target) {
  if (in == target) return;
  Segment* settled = find(target);
  if (settled == nullptr) return;
  ++settled->content.settled_by[in];
  ++find(in)->content.live_runs;
}

void SegmentTable::drop_runs(SegmentId id) {
  Segment* segment = find(id);
  segment->content.live_runs = 0;
  for (auto& [target, other] : segments_) other.content.settled_by.erase(id);
  note(id, *segment);
}

bool SegmentTable::is_dead(const Segment& segment) {
  return segment.state == State::sealed && segment.content.live_entries == 0 &&
         segment.content.live_runs == 0 && segment.readers == 0 && segment.pins == 0 &&
         !segment.content.is_damaged;
}

void SegmentTable::note(SegmentId id, Segment& segment) {
  if (segment.content.live_entries == 0 && segment.content.live_runs == 0) {
    maybe_dead_.push_back(id);
  }
}

std::vector<SegmentId> SegmentTable::take_dead() {
  std::vector<SegmentId> dead;
  if (maybe_dead_.empty()) return dead;
  std::vector<SegmentId> later;
  for (const SegmentId id : std::exchange(maybe_dead_, {})) {
    Segment* segment = find(id);
    if (segment == nullptr || segment->state == State::removing) continue;
    if (is_dead(*segment)) {
      segment->state = State::removing;
      ended_bytes_ -= segment->content.used_bytes;
      dead.push_back(id);
    } else if (segment->content.live_entries == 0 && segment->content.live_runs == 0) {
      later.push_back(id);  // Not written yet, or somebody reads it.
    }
  }
  std::ranges::sort(later);
  later.erase(std::ranges::unique(later).begin(), later.end());
  maybe_dead_ = std::move(later);
  return dead;
}

void SegmentTable::forget(SegmentId id) {
  const auto gone = segments_.find(id);
  LEVERET_ASSERT(gone != segments_.end() && gone->second.state == State::removing);
  const auto settled_by = std::move(gone->second.content.settled_by);
  segments_.erase(gone);
  last_ = nullptr;
  for (const auto& [in, runs] : settled_by) {
    Segment* segment = find(in);
    if (segment == nullptr) continue;
    LEVERET_ASSERT(segment->content.live_runs >= runs);
    segment->content.live_runs -= runs;
    note(in, *segment);
  }
}

void SegmentTable::pin(SegmentId id) { ++find(id)->pins; }

void SegmentTable::unpin(SegmentId id) {
  Segment* segment = find(id);
  LEVERET_ASSERT(segment != nullptr && segment->pins > 0);
  --segment->pins;
  note(id, *segment);
}

bool SegmentTable::mark_damaged(SegmentId id) {
  Segment* segment = find(id);
  if (segment == nullptr || segment->content.is_damaged || segment->state == State::removing) {
    return false;
  }
  segment->content.is_damaged = true;
  ++damaged_segments_;
  if (segment->state != State::open) damaged_bytes_ += segment->content.used_bytes;
  return true;
}

std::optional<SegmentId> SegmentTable::sparsest() const {
  constexpr std::uint64_t run_bytes = sizeof(SeqRun);
  std::optional<SegmentId> found;
  double found_part = 0.75;  // Moving more than this gains too little.
  for (const auto& [id, segment] : segments_) {
    if (segment.state != State::sealed || segment.pins != 0 || segment.content.is_damaged) continue;
    const RecoveredSegment& content = segment.content;
    const auto alive = static_cast<double>(content.live_bytes + content.live_runs * run_bytes);
    const double part = alive / content.used_bytes;
    if (part >= found_part) continue;
    found = id;
    found_part = part;
  }
  return found;
}

}  // namespace leveret
