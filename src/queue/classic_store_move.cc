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

const ClassicStore::ColdPage* ClassicStore::find_page(OwnerId owner, SegmentId segment,
                                                      std::uint64_t seq) const {
  const auto after = std::ranges::upper_bound(cold_, seq, {}, &ColdPage::first_seq);
  if (after == cold_.begin()) return nullptr;
  const ColdPage& page = *std::prev(after);
  if (page.segment != segment || seq > page.last_seq || owner_of(page.is_passing) != owner) {
    return nullptr;
  }
  if (page.entries.empty()) return &page;
  return std::ranges::binary_search(page.entries, seq, {}, &IndexEntry::seq) ? &page : nullptr;
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
    const bool is_alive = place != nullptr ? place->location.segment == segment &&
                                                 owner_of(place->on_disk.is_passing) == owner
                                           : find_page(owner, segment, entry.seq) != nullptr ||
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
    } else if (find_page(owner, segment, relocation.from.seq) != nullptr) {
      relocation.is_alive = has_cold = true;
    } else if (is_shifted_from(owner, segment, seq)) {
      moved_shifted_[seq] = relocation;
      relocation.is_alive = true;
    }
  }
  if (has_cold) relocate_pages(owner, segment, relocations);
}

void ClassicStore::leave_entries_to_indexes() {
  for (ColdPage& page : cold_) {
    if (!page.has_all_entries || !log_->journal().is_sealed(page.segment)) continue;
    std::vector<IndexEntry>().swap(page.entries);
    page.has_all_entries = false;
  }
}

/// A page whose entries stand elsewhere becomes pages of there. What is being read of the old one
/// is of no use; the segment stays until the reading is over.
void ClassicStore::relocate_pages(OwnerId owner, SegmentId segment,
                                  std::span<Relocation> relocations) {
  leave_entries_to_indexes();
  Deque<ColdPage> pages;
  for (std::size_t at = 0; at < cold_.size(); ++at) {
    ColdPage& page = cold_[at];
    if (page.segment != segment || owner_of(page.is_passing) != owner) {
      pages.push_back(std::move(page));
      continue;
    }
    if (at == 0 && is_loading_ && head_.size() == loaded_) {
      ++generation_;
      is_loading_ = false;
    }
    const auto seq_of = [](const Relocation& relocation) { return relocation.from.seq; };
    auto moved = std::ranges::lower_bound(relocations, page.first_seq, {}, seq_of);
    std::uint32_t count = 0;
    for (; moved != relocations.end() && moved->from.seq <= page.last_seq; ++moved, ++count) {
      if (count == 0 || pages.back().segment != moved->to.segment) {
        pages.push_back({.segment = moved->to.segment,
                         .first_seq = moved->from.seq,
                         .redelivered = page.redelivered,
                         .is_passing = page.is_passing,
                         .entries = {},
                         .has_all_entries = true});
      }
      ColdPage& there = pages.back();
      there.last_seq = moved->from.seq;
      ++there.count;
      IndexEntry entry = moved->from;
      entry.offset = moved->to.offset;
      entry.bytes = moved->bytes & 0x7fffffff;
      entry.is_reference = moved->is_reference ? 1 : 0;
      there.share_bytes += entry.share();
      there.entries.push_back(entry);
    }
    LEVERET_ASSERT(count == page.count, "{} entries of a page of {} were moved", count, page.count);
  }
  cold_ = std::move(pages);
  if (size_ > 0 && loaded_ == 0) load_ahead();
}

}  // namespace leveret
