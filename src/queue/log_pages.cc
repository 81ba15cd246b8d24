// SPDX-License-Identifier: Apache-2.0
#include "queue/log_pages.h"

#include "base/assert.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace leveret {

const LogPage* LogPages::find(bool is_passing, SegmentId segment, std::uint64_t seq) const {
  const auto after = std::ranges::upper_bound(pages_, seq, {}, &LogPage::first_seq);
  if (after == pages_.begin()) return nullptr;
  const LogPage& page = *std::prev(after);
  if (page.segment != segment || seq > page.last_seq || page.is_passing != is_passing) {
    return nullptr;
  }
  if (page.entries.empty()) return &page;
  return std::ranges::binary_search(page.entries, seq, {}, &IndexEntry::seq) ? &page : nullptr;
}

void LogPages::leave_entries_to_indexes(Journal& journal) {
  for (LogPage& page : pages_) {
    if (!page.has_all_entries || !journal.is_sealed(page.segment)) continue;
    std::vector<IndexEntry>().swap(page.entries);
    page.has_all_entries = false;
  }
}

void LogPages::relocate(bool is_passing, SegmentId segment,
                        std::span<const Relocation> relocations) {
  Deque<LogPage> pages;
  for (LogPage& page : pages_) {
    if (page.segment != segment || page.is_passing != is_passing) {
      pages.push_back(std::move(page));
      continue;
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
      LogPage& there = pages.back();
      there.last_seq = moved->from.seq;
      ++there.count;
      IndexEntry entry = moved->from;
      entry.offset = moved->to.offset;
      entry.bytes = moved->bytes & 0x7fffffff;
      entry.is_reference = moved->is_reference ? 1 : 0;
      there.share_bytes += entry.share();
      there.weight += entry.weight;
      there.entries.push_back(entry);
    }
    LEVERET_ASSERT(count == page.count, "{} entries of a page of {} were moved", count, page.count);
    pages.back().last_ms = page.last_ms;
  }
  pages_ = std::move(pages);
}

std::size_t LogPages::entry_count() const {
  std::size_t count = 0;
  for (const LogPage& page : pages_) count += page.entries.size();
  return count;
}

}  // namespace leveret
