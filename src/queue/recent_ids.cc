// SPDX-License-Identifier: Apache-2.0
#include "queue/recent_ids.h"

namespace leveret {

bool RecentIds::contains(const IdHash& id, std::uint64_t now_ms) const {
  const auto found = places_.find(id);
  return found != places_.end() && now_ms < entries_[found->second].end_ms;
}

void RecentIds::add(const IdHash& id, std::uint64_t end_ms, std::uint64_t now_ms) {
  remove(id);
  // At most two go for one that comes, so that what is over is not kept for want of others.
  if (oldest_ != nowhere && entries_[oldest_].end_ms <= now_ms) forget(oldest_);
  if (size() == ids_max_ || (oldest_ != nowhere && entries_[oldest_].end_ms <= now_ms)) {
    forget(oldest_);
  }
  std::uint32_t place = free_;
  if (place == nowhere) {
    place = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    free_ = entries_[place].younger;
  }
  entries_[place] = {.id = id, .end_ms = end_ms, .older = youngest_, .younger = nowhere};
  (youngest_ == nowhere ? oldest_ : entries_[youngest_].younger) = place;
  youngest_ = place;
  places_.emplace(id, place);
}

void RecentIds::remove(const IdHash& id) {
  if (const auto found = places_.find(id); found != places_.end()) forget(found->second);
}

void RecentIds::forget(std::uint32_t place) {
  Entry& entry = entries_[place];
  (entry.older == nowhere ? oldest_ : entries_[entry.older].younger) = entry.younger;
  (entry.younger == nowhere ? youngest_ : entries_[entry.younger].older) = entry.older;
  places_.erase(entry.id);
  entry.younger = free_;
  free_ = place;
  // What a crowd needed is given back when it has gone.
  constexpr std::size_t entries_kept = 1024;
  if (places_.empty() && entries_.size() > entries_kept) clear();
}

void RecentIds::clear() {
  decltype(places_)().swap(places_);
  std::vector<Entry>().swap(entries_);
  oldest_ = youngest_ = free_ = nowhere;
}

}  // namespace leveret
