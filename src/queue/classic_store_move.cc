// SPDX-License-Identifier: Apache-2.0
//
// What the classic store answers when the journal moves a segment.
#include "base/assert.h"
#include "queue/classic_store.h"

#include <algorithm>
#include <utility>

namespace leveret {

StoredMessage* ClassicStore::find_place(MessageSeq seq) {
  if (const auto found = returned_.find(seq); found != returned_.end()) return &found->second;
  for (Deque<StoredMessage>* places : {&head_, &tail_}) {
    const auto place = std::ranges::lower_bound(*places, seq, {}, &StoredMessage::seq);
    if (place != places->end() && place->seq == seq) return &*place;
  }
  return nullptr;
}

bool ClassicStore::is_shifted_from(OwnerId owner, SegmentId segment, MessageSeq seq) const {
  const StoredMessage* shifted = listener_ ? listener_->find_shifted(seq) : nullptr;
  if (shifted == nullptr || owner_of(shifted->on_disk.is_passing) != owner) return false;
  const auto moved = moved_shifted_.find(seq);
  return (moved == moved_shifted_.end() ? shifted->location : moved->second.to).segment == segment;
}

void ClassicStore::find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                              std::vector<IndexEntry>& alive) {
  for (const IndexEntry& entry : entries) {
    const MessageSeq seq(entry.seq);
    const StoredMessage* place = find_place(seq);
    const bool is_alive =
        place != nullptr
            ? place->location.segment == segment && owner_of(place->on_disk.is_passing) == owner
            : cold_.find(is_passing(owner), segment, entry.seq) != nullptr ||
                  is_shifted_from(owner, segment, seq);
    if (is_alive) alive.push_back(entry);
  }
}

void ClassicStore::relocate(OwnerId owner, SegmentId segment, std::span<Relocation> relocations) {
  bool has_cold = false;
  for (Relocation& relocation : relocations) {
    const MessageSeq seq(relocation.from.seq);
    if (StoredMessage* place = find_place(seq)) {
      if (place->location.segment != segment || owner_of(place->on_disk.is_passing) != owner)
        continue;
      place->location = relocation.to;
      place->record_bytes = relocation.bytes;
      place->on_disk.is_reference = relocation.is_reference;
      relocation.is_alive = true;
    } else if (cold_.find(is_passing(owner), segment, relocation.from.seq) != nullptr) {
      relocation.is_alive = has_cold = true;
    } else if (is_shifted_from(owner, segment, seq)) {
      moved_shifted_[seq] = relocation;
      relocation.is_alive = true;
    }
  }
  if (has_cold) relocate_pages(owner, segment, relocations);
}

/// What is being read of the old page is of no use; the segment stays until the reading is over.
void ClassicStore::relocate_pages(OwnerId owner, SegmentId segment,
                                  std::span<const Relocation> relocations) {
  cold_.leave_entries_to_indexes(log_->journal());
  const LogPage& next = cold_.all().front();
  const bool is_next = next.segment == segment && owner_of(next.is_passing) == owner;
  if (is_next && is_loading_ && is_head_whole_) {
    ++generation_;
    is_loading_ = false;
  }
  cold_.relocate(is_passing(owner), segment, relocations);
  if (size_ > 0 && loaded_ == 0) load_ahead();
}

}  // namespace leveret
