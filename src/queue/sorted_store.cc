// SPDX-License-Identifier: Apache-2.0
#include "queue/sorted_store.h"

#include "base/assert.h"
#include "base/log.h"
#include "queue/tell_damages.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace leveret {
namespace {

/// Bodies come back in lumps of at most these.
constexpr std::size_t lump_messages_max = 4096;
constexpr std::uint64_t lump_bytes_max = 1024 * 1024;

}  // namespace

SortedStore::SortedStore(MessageLog* log, const StoreLimits& limits, const Options& options)
    : log_(log),
      limits_(limits),
      options_(options),
      durability_(options.durability),
      self_(std::make_shared<SortedStore*>(this)) {
  if (log_ == nullptr) return;
  log_->add(options_.owner, *this);
  log_->add(passing_owner(), *this);
}

SortedStore::~SortedStore() {
  *self_ = nullptr;
  if (log_ == nullptr) return;
  log_->remove(options_.owner);
  log_->remove(passing_owner());
}

void SortedStore::recover(const RecoveredOwner& recovered, bool is_clean) {
  std::vector<SeqRun> delivered = recovered.delivered;
  std::ranges::sort(delivered, {}, &SeqRun::first);
  const auto was_delivered = [&](std::uint64_t seq) {
    const auto after = std::ranges::upper_bound(delivered, seq, {}, &SeqRun::first);
    return after != delivered.begin() && seq - std::prev(after)->first < std::prev(after)->count;
  };
  const bool is_by_due = options_.order == Order::due;
  const std::uint64_t count_mask =
      is_by_due ? order_mask : (std::uint64_t{1} << priority_shift) - 1;
  for (const RecoveredPage& page : recovered.pages) {
    for (const IndexEntry& entry : page.entries) {
      const MessageSeq seq(entry.seq);
      if (waiting_.contains(seq)) {
        // Given again although the end of the first was lost with its segment's.
        log(LogLevel::error, "queue", "message_twice segment={} offset={}", page.segment.value(),
            entry.offset);
        log_->journal().drop(page.segment, 1, entry.share());
        continue;
      }
      next_count_ = std::max(next_count_, (entry.seq & count_mask) + 1);
      Place& place = put({.seq = seq,
                          .message = nullptr,
                          .location = entry.location(page.segment),
                          .expires_ms = is_by_due ? due_ms_of(seq) : 0,
                          .record_bytes = entry.bytes,
                          // Who was killed cannot say what he had delivered.
                          .redelivered = !is_clean || was_delivered(entry.seq),
                          .on_disk = {.is_reference = entry.is_reference != 0}},
                         entry.weight);
      if (is_by_due) continue;
      place.is_expiry_unknown = true;
      unknown_.push_back(seq);
    }
  }
  if (!is_by_due) {
    // Also of what has gone nothing may be given again while its segment stands.
    next_count_ = std::max(next_count_, (recovered.highest_seq & count_mask) + 1);
  }
  if (!waiting_.empty()) resident_end_ = MessageSeq();
}

MessageSeq SortedStore::next_seq(const Message& message, std::uint64_t expires_ms) {
  if (options_.order == Order::arrival) {
    const std::uint64_t below =
        options_.priority_max - std::min(options_.priority_max, message.priority());
    return MessageSeq(below << priority_shift | next_count_++);
  }
  LEVERET_ASSERT(expires_ms != 0 && expires_ms < std::uint64_t{1} << (64 - order_bits));
  for (;;) {
    const MessageSeq seq(expires_ms << order_bits | (next_count_++ & order_mask));
    const bool is_taken =
        waiting_.contains(seq) || (listener_ != nullptr && listener_->find_shifted(seq) != nullptr);
    if (!is_taken) [[likely]]
      return seq;
  }
}

MessageStore::Taken SortedStore::push(MessagePtr message, std::uint64_t expires_ms,
                                      PublishToken token) {
  const MessageSeq seq = next_seq(*message, expires_ms);
  StoredMessage stored{.seq = seq, .message = std::move(message), .expires_ms = expires_ms};
  const Taken taken = put_on_disk(stored, token);
  if (taken == Taken::refused) return taken;
  if (waiting_.empty()) resident_end_ = MessageSeq(UINT64_MAX);
  const auto body_bytes = static_cast<std::uint32_t>(stored.message->body_bytes());
  Place& place = put(std::move(stored), body_bytes);
  if (seq >= resident_end_) leave_memory(place.stored);
  limit_resident();
  return taken;
}

MessageStore::Taken SortedStore::put_on_disk(StoredMessage& stored, PublishToken token) {
  const bool has_log = log_ != nullptr && !log_->journal().is_poisoned();
  if (is_persistent(*stored.message)) {
    if (!has_log) return Taken::refused;
    const BatchId batch = log_->append(options_.owner, stored, durability_);
    if (!token) return Taken::safe;
    log_->await(batch, token);
    return Taken::waiting;
  }
  if (has_log && limits_.is_memory_short && resident_bytes_ > limits_.resident_bytes_max) {
    log_->append(passing_owner(), stored, Durability::os);
    stored.on_disk.is_passing = true;
  }
  return Taken::safe;
}

SortedStore::Place& SortedStore::put(StoredMessage stored, std::uint32_t body_bytes) {
  const MessageSeq seq = stored.seq;
  const auto [at, is_new] = waiting_.try_emplace(seq);
  LEVERET_ASSERT(is_new, "message {} is in its queue twice", seq.value());
  Place& place = at->second;
  place.stored = std::move(stored);
  place.body_bytes = body_bytes;
  body_bytes_ += body_bytes;
  if (place.stored.message) resident_bytes_ += place.stored.message->block_bytes();
  note_expiry(place);
  return place;
}

void SortedStore::note_expiry(Place& place) {
  if (options_.order == Order::due || place.stored.expires_ms == 0) return;
  place.expires_ms = place.stored.expires_ms;
  wheel_.add(place);
}

StoredMessage SortedStore::take_out(Waiting::iterator at) {
  StoredMessage taken = std::move(at->second.stored);
  body_bytes_ -= at->second.body_bytes;
  if (taken.message) resident_bytes_ -= taken.message->block_bytes();
  waiting_.erase(at);
  return taken;
}

// Who may be resident.

void SortedStore::limit_resident() {
  while (!unwritten_.empty()) {
    const auto found = waiting_.find(unwritten_.front());
    const bool is_to_leave = found != waiting_.end() && found->first >= resident_end_;
    if (is_to_leave && !log_->journal().is_written(found->second.stored.location)) break;
    unwritten_.pop_front();
    if (is_to_leave) leave_memory(found->second.stored);
  }
  while (resident_bytes_ > limits_.resident_bytes_max) {
    const auto end = waiting_.lower_bound(resident_end_);
    // The first stays: it would be read anew for each message that comes.
    if (end == waiting_.begin() || std::prev(end) == waiting_.begin()) break;
    const auto last = std::prev(end);
    resident_end_ = last->first;
    leave_memory(last->second.stored);
  }
}

/// As soon as it is on disk. What is in memory alone stays.
void SortedStore::leave_memory(StoredMessage& stored) {
  if (!stored.location || !stored.message) return;
  if (!log_->journal().is_written(stored.location)) return unwritten_.push_back(stored.seq);
  resident_bytes_ -= stored.message->block_bytes();
  stored.message = nullptr;
}

/// From the head on.
void SortedStore::read_first() {
  if (is_loading_) return;
  std::vector<Extent> extents;
  std::vector<MessageSeq> seqs;
  std::uint64_t bytes = 0;
  auto at = waiting_.begin();
  for (std::size_t seen = 0;
       at != waiting_.end() && seen < lump_messages_max && bytes < lump_bytes_max; ++at, ++seen) {
    const StoredMessage& stored = at->second.stored;
    if (stored.message) continue;
    extents.push_back({stored.location, stored.record_bytes});
    seqs.push_back(stored.seq);
    bytes += stored.record_bytes;
  }
  const MessageSeq end = at == waiting_.end() ? MessageSeq(UINT64_MAX) : at->first;
  resident_end_ = std::max(resident_end_, end);
  read(std::move(seqs), std::move(extents));
}

/// Those that have expired.
void SortedStore::read_due() {
  std::vector<Extent> extents;
  std::vector<MessageSeq> seqs;
  std::uint64_t bytes = 0;
  wheel_.visit_due([&](const ExpiryWheel::Entry& due) {
    const StoredMessage& stored = static_cast<const Place&>(due).stored;
    if (stored.message) return true;
    extents.push_back({stored.location, stored.record_bytes});
    seqs.push_back(stored.seq);
    bytes += stored.record_bytes;
    return extents.size() < lump_messages_max && bytes < lump_bytes_max;
  });
  read(std::move(seqs), std::move(extents));
}

/// Those of which nobody knows when they expire.
void SortedStore::read_unknown() {
  if (is_loading_) return;
  std::vector<Extent> extents;
  std::vector<MessageSeq> seqs;
  std::uint64_t bytes = 0;
  for (; !unknown_.empty() && extents.size() < lump_messages_max && bytes < lump_bytes_max;
       unknown_.pop_front()) {
    const auto found = waiting_.find(unknown_.front());
    if (found == waiting_.end() || !found->second.is_expiry_unknown) continue;
    const StoredMessage& stored = found->second.stored;
    extents.push_back({stored.location, stored.record_bytes});
    seqs.push_back(stored.seq);
    bytes += stored.record_bytes;
  }
  if (!seqs.empty()) read(std::move(seqs), std::move(extents));
}

void SortedStore::read(std::vector<MessageSeq> seqs, std::vector<Extent> extents) {
  is_loading_ = true;
  log_->journal().read(std::move(extents), [self = self_, generation = generation_,
                                            seqs = std::move(seqs)](const ReadData& data) {
    if (*self == nullptr || (*self)->generation_ != generation) return;
    (*self)->on_bodies(seqs, data);
  });
}

void SortedStore::on_bodies(const std::vector<MessageSeq>& seqs, const ReadData& data) {
  is_loading_ = false;
  tell_damages(data);
  std::uint64_t lost = 0;
  for (std::size_t i = 0; i < seqs.size(); ++i) {
    const auto found = waiting_.find(seqs[i]);
    // Taken out meanwhile, or taken out and put back.
    if (found == waiting_.end() || found->second.stored.message) continue;
    auto decoded = MessageLog::decode(data.data[i]);
    if (!decoded.message) {
      // Its entry stays in the journal as it is, for who wants to look into it.
      take_out(found);
      ++lost;
      continue;
    }
    Place& place = found->second;
    resident_bytes_ += decoded.message->block_bytes();
    place.stored.message = std::move(decoded.message);
    if (std::exchange(place.is_expiry_unknown, false)) {
      place.stored.expires_ms = decoded.expires_ms;
      note_expiry(place);
      if (place.stored.seq >= resident_end_) leave_memory(place.stored);
    }
  }
  if (listener_ == nullptr) return;
  if (lost != 0) listener_->on_damaged(lost);
  listener_->on_loaded();
}

// From the head, and from anywhere.

const StoredMessage* SortedStore::first() {
  if (waiting_.empty()) return nullptr;
  const StoredMessage& next = waiting_.begin()->second.stored;
  if (next.message) return &next;
  read_first();
  return nullptr;
}

StoredMessage SortedStore::shift() {
  LEVERET_DEBUG_ASSERT(!waiting_.empty() && waiting_.begin()->second.stored.message);
  return take_out(waiting_.begin());
}

std::optional<StoredMessage> SortedStore::extract(MessageSeq seq) {
  const auto found = waiting_.find(seq);
  if (found == waiting_.end()) return std::nullopt;
  return take_out(found);
}

const StoredMessage* SortedStore::first_expired(std::uint64_t now_ms) {
  if (!unknown_.empty()) read_unknown();
  ExpiryWheel::Entry* due = wheel_.first_due(now_ms);
  if (due == nullptr) return nullptr;
  const StoredMessage& expired = static_cast<const Place*>(due)->stored;
  if (expired.message) return &expired;
  if (!is_loading_) read_due();
  return nullptr;
}

std::optional<std::uint64_t> SortedStore::next_expiry_ms() { return wheel_.next_ms(); }

void SortedStore::settle(const StoredMessage& message) { forget(message, /*is_dropped=*/false); }

MessageStore::Taken SortedStore::await_settled(PublishToken token) {
  const bool is_written =
      options_.is_durable && log_ != nullptr && durability_ != Durability::memory;
  if (!is_written) return Taken::safe;
  if (log_->journal().is_poisoned()) return Taken::refused;
  log_->await(log_->journal().barrier(durability_), token);
  return Taken::waiting;
}

void SortedStore::requeue(StoredMessage message) {
  take_new_place(message);
  const auto body_bytes = static_cast<std::uint32_t>(message.message->body_bytes());
  Place& place = put(std::move(message), body_bytes);
  if (place.stored.seq >= resident_end_) leave_memory(place.stored);
}

void SortedStore::collect_delivered(const std::vector<StoredMessage>& shifted,
                                    std::vector<SeqRun>& delivered) const {
  const auto add = [&](const StoredMessage& stored) {
    if (!stored.location || stored.on_disk.is_passing) return;
    delivered.push_back(
        {.owner = options_.owner, .first = stored.seq.value(), .count = 1, .segment = {}});
  };
  for (const StoredMessage& stored : shifted) add(stored);
  for (const auto& [seq, place] : waiting_) {
    if (place.stored.redelivered) add(place.stored);
  }
}

void SortedStore::list(MessageSeq after, std::size_t count,
                       std::move_only_function<void(std::vector<StoredMessage>)> done) const {
  std::vector<StoredMessage> found;
  std::vector<Extent> extents;
  std::vector<std::size_t> unread;
  std::uint64_t bytes = 0;
  for (auto place = waiting_.upper_bound(after);
       place != waiting_.end() && found.size() < count && bytes < lump_bytes_max; ++place) {
    const StoredMessage& stored = place->second.stored;
    if (!stored.message) {
      bytes += stored.record_bytes;
      extents.push_back({stored.location, stored.record_bytes});
      unread.push_back(found.size());
    }
    found.push_back(stored);
  }
  if (extents.empty()) return done(std::move(found));
  log_->journal().read(std::move(extents), [found = std::move(found), unread = std::move(unread),
                                            done = std::move(done)](const ReadData& data) mutable {
    tell_damages(data);
    for (std::size_t i = 0; i < unread.size(); ++i) {
      found[unread[i]].message = MessageLog::decode(data.data[i]).message;
    }
    std::erase_if(found, [](const StoredMessage& one) { return !one.message; });
    done(std::move(found));
  });
}

// Forgetting.

std::uint64_t SortedStore::purge() { return forget_all(/*is_dropped=*/false); }

std::uint64_t SortedStore::close(const std::vector<StoredMessage>& shifted) {
  for (const StoredMessage& stored : shifted) forget(stored, /*is_dropped=*/true);
  return forget_all(/*is_dropped=*/true);
}

void SortedStore::forget(StoredMessage stored, bool is_dropped) {
  if (!stored.location) return;
  take_new_place(stored);
  if (is_dropped || stored.on_disk.is_passing) return log_->drop(stored);
  log_->settle(options_.owner, stored);
}

std::uint64_t SortedStore::forget_all(bool is_dropped) {
  const std::uint64_t dropped = waiting_.size();
  for (const auto& [seq, place] : waiting_) forget(place.stored, is_dropped);
  waiting_.clear();
  unwritten_.clear();
  unknown_.clear();
  body_bytes_ = resident_bytes_ = 0;
  ++generation_;
  is_loading_ = false;
  return dropped;
}

// The journal moves a segment.

void SortedStore::take_new_place(StoredMessage& stored) {
  if (moved_shifted_.empty()) [[likely]]
    return;
  const auto moved = moved_shifted_.find(stored.seq);
  if (moved == moved_shifted_.end()) return;
  stored.location = moved->second.to;
  stored.record_bytes = moved->second.bytes;
  stored.on_disk.is_reference = moved->second.is_reference;
  moved_shifted_.erase(moved);
}

void SortedStore::find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                             std::vector<IndexEntry>& alive) {
  for (const IndexEntry& entry : entries) {
    const MessageSeq seq(entry.seq);
    const auto found = waiting_.find(seq);
    const StoredMessage* stored = found != waiting_.end() ? &found->second.stored
                                  : listener_             ? listener_->find_shifted(seq)
                                                          : nullptr;
    if (stored == nullptr || !is_of(*stored, owner)) continue;
    const auto moved = moved_shifted_.find(seq);
    const Location location = moved == moved_shifted_.end() ? stored->location : moved->second.to;
    if (location.segment == segment) alive.push_back(entry);
  }
}

void SortedStore::relocate(OwnerId owner, SegmentId segment, std::span<Relocation> relocations) {
  for (Relocation& relocation : relocations) {
    const MessageSeq seq(relocation.from.seq);
    if (const auto found = waiting_.find(seq); found != waiting_.end()) {
      StoredMessage& place = found->second.stored;
      if (place.location.segment != segment || !is_of(place, owner)) continue;
      place.location = relocation.to;
      place.record_bytes = relocation.bytes;
      place.on_disk.is_reference = relocation.is_reference;
      relocation.is_alive = true;
      continue;
    }
    const StoredMessage* shifted = listener_ ? listener_->find_shifted(seq) : nullptr;
    if (shifted == nullptr || !is_of(*shifted, owner)) continue;
    const auto moved = moved_shifted_.find(seq);
    const Location location = moved == moved_shifted_.end() ? shifted->location : moved->second.to;
    if (location.segment != segment) continue;
    moved_shifted_[seq] = relocation;
    relocation.is_alive = true;
  }
}

}  // namespace leveret
