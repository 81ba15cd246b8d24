// SPDX-License-Identifier: Apache-2.0
#include "queue/classic_store.h"

#include "base/assert.h"
#include "base/log.h"
#include "queue/tell_damages.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace leveret {
namespace {

/// Bodies are read ahead in lumps of at most these.
constexpr std::size_t lump_messages_max = 4096;
constexpr std::uint64_t lump_bytes_max = 1024 * 1024;

}  // namespace

ClassicStore::ClassicStore(MessageLog* log, const StoreLimits& limits, const Options& options)
    : log_(log),
      limits_(limits),
      options_(options),
      durability_(options.durability),
      self_(std::make_shared<ClassicStore*>(this)) {
  if (log_ == nullptr) return;
  log_->add(options_.owner, *this);
  log_->add(passing_owner(), *this);
}

ClassicStore::~ClassicStore() {
  *self_ = nullptr;
  if (log_ == nullptr) return;
  log_->remove(options_.owner);
  log_->remove(passing_owner());
}

bool ClassicStore::is_persistent(const Message& message) const {
  return options_.is_durable && log_ != nullptr && durability_ != Durability::memory &&
         (options_.keeps_all || message.is_persistent());
}

MessageStore::Taken ClassicStore::push(MessagePtr message, std::uint64_t expires_ms,
                                       PublishToken token) {
  const bool must_persist = is_persistent(*message);
  const bool must_leave_memory = !must_persist && log_ != nullptr && limits_.is_memory_short &&
                                 resident_bytes_ > limits_.resident_bytes_max;
  const bool has_log = log_ != nullptr && !log_->journal().is_poisoned();
  if (must_persist && !has_log) return Taken::refused;

  StoredMessage stored{
      .seq = MessageSeq(next_seq_++), .message = std::move(message), .expires_ms = expires_ms};
  Taken taken = Taken::safe;
  if (must_persist) {
    const BatchId batch = log_->append(options_.owner, stored, durability_);
    if (token) {
      log_->await(batch, token);
      taken = Taken::waiting;
    }
  } else if (must_leave_memory && has_log) {
    log_->append(passing_owner(), stored, Durability::os);
    stored.on_disk.is_passing = true;
  }
  ++size_;
  body_bytes_ += stored.message->body_bytes();
  resident_bytes_ += stored.message->block_bytes();
  put_at_tail(std::move(stored));
  return taken;
}

void ClassicStore::put_at_tail(StoredMessage stored) {
  const SegmentId segment = stored.location.segment;
  const std::uint64_t seq = stored.seq.value();
  if (cold_.all().empty() && tail_.empty()) {
    if (is_head_whole_) ++loaded_;
    head_.push_back(std::move(stored));
  } else {
    tail_.push_back(std::move(stored));
  }
  if (resident_bytes_ > limits_.resident_bytes_max && segment.value() != 0) [[unlikely]] {
    if (dropping_from_ == 0) dropping_from_ = seq;
    drop_written_bodies();
  }
  if (segment != last_segment_ && segment.value() != 0) [[unlikely]] {
    last_segment_ = segment;
    if (head_.size() + tail_.size() > 2 * limits_.places_max) make_cold();
  }
}

void ClassicStore::drop_written_bodies() {
  const bool is_in_head = cold_.all().empty() && tail_.empty();
  Deque<StoredMessage>& places = is_in_head ? head_ : tail_;
  // Places pushed in this life follow each other by one.
  while (dropping_from_ < next_seq_ && resident_bytes_ > limits_.resident_bytes_max) {
    const std::uint64_t from_end = next_seq_ - dropping_from_;
    if (from_end <= places.size()) {
      const std::size_t at = places.size() - from_end;
      StoredMessage& stored = places[at];
      if (stored.location && !log_->journal().is_written(stored.location)) return;
      if (stored.location && stored.message) {
        resident_bytes_ -= stored.message->block_bytes();
        stored.message = nullptr;
        if (is_in_head) {
          loaded_ = std::min(loaded_, at);
          is_head_whole_ = false;
        }
      }
    }
    ++dropping_from_;
  }
  if (resident_bytes_ <= limits_.resident_bytes_max) dropping_from_ = 0;
}

void ClassicStore::make_cold() {
  if (cold_.all().empty() && tail_.empty()) {
    // The first places stay, the rest is looked through.
    tail_.swap(head_);
    const std::size_t kept = std::min(limits_.places_max, tail_.size());
    std::move(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(kept),
              std::back_inserter(head_));
    tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(kept));
    loaded_ = std::min(loaded_, head_.size());
    is_head_whole_ = loaded_ == head_.size();
  }
  while (!tail_.empty() && tail_.front().location &&
         log_->journal().is_sealed(tail_.front().location.segment)) {
    LogPage page{.segment = tail_.front().location.segment,
                 .first_seq = tail_.front().seq.value(),
                 .redelivered = tail_.front().redelivered,
                 .is_passing = tail_.front().on_disk.is_passing};
    std::size_t count = 0;
    for (const StoredMessage& stored : tail_) {
      if (stored.location.segment != page.segment || stored.redelivered != page.redelivered ||
          stored.on_disk.is_passing != page.is_passing) {
        break;
      }
      page.last_seq = stored.seq.value();
      page.share_bytes += stored.share();
      if (stored.message) resident_bytes_ -= stored.message->block_bytes();
      ++count;
    }
    page.count = static_cast<std::uint32_t>(count);
    cold_.all().push_back(page);
    tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  cold_.leave_entries_to_indexes(log_->journal());
  if (cold_.all().empty()) take_tail_as_head();
}

std::size_t ClassicStore::places() const {
  return returned_.size() + head_.size() + tail_.size() + cold_.entry_count();
}

// From the head.

const StoredMessage* ClassicStore::first() {
  if (!returned_.empty()) [[unlikely]]
    return &returned_.begin()->second;
  if (loaded_ > 0) return &head_.front();
  if (size_ == 0) return nullptr;
  load_ahead();
  return loaded_ > 0 ? &head_.front() : nullptr;
}

StoredMessage ClassicStore::shift() {
  StoredMessage taken = returned_.empty() ? shift_head() : shift_returned();
  --size_;
  body_bytes_ -= taken.message->body_bytes();
  resident_bytes_ -= taken.message->block_bytes();
  return taken;
}

inline StoredMessage ClassicStore::shift_head() {
  LEVERET_DEBUG_ASSERT(loaded_ > 0);
  StoredMessage taken = std::move(head_.front());
  head_.pop_front();
  --loaded_;
  if (head_.empty()) forget_backlog();
  if (loaded_ < loaded_low_ && has_more_to_load()) load_ahead();
  return taken;
}

StoredMessage ClassicStore::shift_returned() {
  return std::move(returned_.extract(returned_.begin()).mapped());
}

void ClassicStore::settle(const StoredMessage& message) { forget(message, Forgetting::settled); }

MessageStore::Taken ClassicStore::await_settled(PublishToken token) {
  const bool is_written =
      options_.is_durable && log_ != nullptr && durability_ != Durability::memory;
  if (!is_written) return Taken::safe;
  if (log_->journal().is_poisoned()) return Taken::refused;
  log_->await(log_->journal().barrier(durability_), token);
  return Taken::waiting;
}

void ClassicStore::requeue(StoredMessage message) {
  take_new_place(message);
  LEVERET_DEBUG_ASSERT(head_.empty() || message.seq < head_.front().seq);
  ++size_;
  body_bytes_ += message.message->body_bytes();
  resident_bytes_ += message.message->block_bytes();
  const MessageSeq seq = message.seq;
  const bool is_new = returned_.emplace(seq, std::move(message)).second;
  LEVERET_ASSERT(is_new, "message {} is in its queue twice", seq.value());
}

// A deque that was long keeps its table of blocks. How many came since it was last empty is never
// less than how many stood in it.
void ClassicStore::forget_backlog() {
  if (next_seq_ - empty_since_ > backlog_kept) Deque<StoredMessage>().swap(head_);
  empty_since_ = next_seq_;
}

// Back from the disk.

void ClassicStore::load_ahead() {
  if (is_loading_) return;
  if (!is_head_whole_) return read_bodies();
  if (!cold_.all().empty()) return read_page();
  if (!tail_.empty()) {
    take_tail_as_head();
    if (loaded_ < loaded_low_ && !is_head_whole_) read_bodies();
  }
}

void ClassicStore::take_tail_as_head() {
  if (head_.empty()) {
    head_.swap(tail_);
  } else {
    // A few are left at the head; they go before the tail, which may be long.
    tail_.insert(tail_.begin(), std::make_move_iterator(head_.begin()),
                 std::make_move_iterator(head_.end()));
    head_.clear();
    head_.swap(tail_);
  }
  count_loaded();
}

void ClassicStore::count_loaded() {
  loaded_ = std::min(loaded_, head_.size());
  while (loaded_ < head_.size() && head_[loaded_].message) ++loaded_;
  is_head_whole_ = loaded_ == head_.size();
}

void ClassicStore::read_bodies() {
  std::vector<Extent> extents;
  std::vector<MessageSeq> seqs;
  std::uint64_t bytes = 0;
  for (std::size_t at = loaded_;
       at < head_.size() && extents.size() < lump_messages_max && bytes < lump_bytes_max; ++at) {
    const StoredMessage& stored = head_[at];
    if (stored.message) continue;
    extents.push_back({stored.location, stored.record_bytes});
    seqs.push_back(stored.seq);
    bytes += stored.record_bytes;
  }
  LEVERET_ASSERT(!extents.empty());
  loaded_low_ = (extents.size() + 1) / 2;
  is_loading_ = true;
  log_->journal().read(std::move(extents), [self = self_, generation = generation_,
                                            seqs = std::move(seqs)](ReadData data) {
    if (*self == nullptr || (*self)->generation_ != generation) return;
    (*self)->on_bodies(seqs, std::move(data));
  });
}

void ClassicStore::on_bodies(const std::vector<MessageSeq>& seqs, ReadData data) {
  is_loading_ = false;
  tell_damages(data);
  std::uint64_t lost = 0;
  for (std::size_t i = 0; i < seqs.size(); ++i) {
    // Nothing is shifted past a place without its message, so it is still there, unless it was
    // left to an index meanwhile: then it will be read in its turn.
    const auto place = std::ranges::lower_bound(head_, seqs[i], {}, &StoredMessage::seq);
    if (place == head_.end() || place->seq != seqs[i]) continue;
    auto decoded = MessageLog::decode(data.data[i]);
    place->message = std::move(decoded.message);
    place->expires_ms = decoded.expires_ms;
    if (place->message) {
      resident_bytes_ += place->message->block_bytes();
    } else {
      // Its entry stays in the journal as it is, for who wants to look into it.
      head_.erase(place);
      ++lost;
    }
  }
  count_loaded();
  lose(lost);
  if (loaded_ < loaded_low_ && has_more_to_load()) load_ahead();
  if (listener_) listener_->on_loaded();
}

void ClassicStore::read_page() {
  const LogPage& page = cold_.all().front();
  if (!page.entries.empty()) {
    const LogPage taken = std::move(cold_.all().front());
    cold_.all().pop_front();
    for (const IndexEntry& entry : taken.entries) take_page(taken, entry);
    if (cold_.all().empty()) take_tail_as_head();
    if (!is_head_whole_) read_bodies();
    return;
  }
  is_loading_ = true;
  log_->journal().read_entries(
      page.segment, owner_of(page.is_passing), page.first_seq, page.last_seq,
      [self = self_, generation = generation_](Result<std::vector<IndexEntry>> entries) {
        if (*self == nullptr || (*self)->generation_ != generation) return;
        (*self)->on_page(std::move(entries));
      });
}

void ClassicStore::on_page(Result<std::vector<IndexEntry>> entries) {
  is_loading_ = false;
  const LogPage page = cold_.all().front();
  cold_.all().pop_front();
  if (!entries) {
    leveret::log(LogLevel::error, "queue", "index_damaged segment={} reason=\"{}\"",
                 page.segment.value(), entries.error().text());
    entries = std::vector<IndexEntry>();
  }
  for (const IndexEntry& entry : *entries) take_page(page, entry);
  lose(page.count - std::min<std::uint64_t>(page.count, entries->size()));
  if (cold_.all().empty()) take_tail_as_head();
  if (!is_head_whole_) read_bodies();
  if (listener_) listener_->on_loaded();
}

void ClassicStore::take_page(const LogPage& page, const IndexEntry& entry) {
  const MessageSeq seq(entry.seq);
  is_head_whole_ = false;
  head_.push_back(
      {.seq = seq,
       .message = nullptr,
       .location = entry.location(page.segment),
       .record_bytes = entry.bytes,
       .redelivered = page.redelivered || was_delivered(seq),
       .on_disk = {.is_reference = entry.is_reference != 0, .is_passing = page.is_passing}});
}

void ClassicStore::lose(std::uint64_t messages) {
  if (messages == 0) return;
  size_ -= messages;
  if (size_ == 0) body_bytes_ = 0;
  if (listener_) listener_->on_damaged(messages);
}

// Forgetting.

void ClassicStore::take_new_place(StoredMessage& stored) {
  if (moved_shifted_.empty()) [[likely]]
    return;
  const auto moved = moved_shifted_.find(stored.seq);
  if (moved == moved_shifted_.end()) return;
  stored.location = moved->second.to;
  stored.record_bytes = moved->second.bytes;
  stored.on_disk.is_reference = moved->second.is_reference;
  moved_shifted_.erase(moved);
}

void ClassicStore::forget(const StoredMessage& stored, Forgetting how) {
  if (!stored.location) return;
  if (moved_shifted_.empty()) [[likely]]
    return forget_where_it_is(stored, how);
  StoredMessage moved = stored;
  take_new_place(moved);
  forget_where_it_is(moved, how);
}

void ClassicStore::forget_where_it_is(const StoredMessage& stored, Forgetting how) {
  if (how == Forgetting::dropped || stored.on_disk.is_passing) return log_->drop(stored);
  log_->settle(options_.owner, stored);
}

std::uint64_t ClassicStore::forget_all(Forgetting how) {
  const std::uint64_t dropped = size_;
  for (const auto& [seq, stored] : returned_) forget(stored, how);
  for (const StoredMessage& stored : head_) forget(stored, how);
  for (const LogPage& page : cold_.all()) {
    if (how == Forgetting::dropped || page.is_passing) {
      log_->journal().drop(page.segment, page.count, page.share_bytes);
      continue;
    }
    // What else of the range may be there was settled before.
    log_->journal().settle_range(
        {.owner = options_.owner,
         .first = page.first_seq,
         .count = static_cast<std::uint32_t>(page.last_seq - page.first_seq + 1),
         .segment = page.segment},
        page.count, page.share_bytes);
  }
  for (const StoredMessage& stored : tail_) forget(stored, how);
  returned_.clear();
  Deque<StoredMessage>().swap(head_);
  Deque<LogPage>().swap(cold_.all());
  Deque<StoredMessage>().swap(tail_);
  loaded_ = 0;
  is_head_whole_ = true;
  size_ = body_bytes_ = resident_bytes_ = 0;
  dropping_from_ = 0;
  ++generation_;
  is_loading_ = false;
  return dropped;
}

std::uint64_t ClassicStore::purge() { return forget_all(Forgetting::settled); }

std::uint64_t ClassicStore::close(const std::vector<StoredMessage>& shifted) {
  for (const StoredMessage& stored : shifted) forget(stored, Forgetting::dropped);
  return forget_all(Forgetting::dropped);
}

// The start and the stop.

bool ClassicStore::was_delivered(MessageSeq seq) const {
  const auto after = std::ranges::upper_bound(delivered_, seq.value(), {}, &SeqRun::first);
  return after != delivered_.begin() &&
         seq.value() - std::prev(after)->first < std::prev(after)->count;
}

void ClassicStore::recover(RecoveredOwner recovered, bool is_clean) {
  delivered_ = std::move(recovered.delivered);
  std::ranges::sort(delivered_, {}, &SeqRun::first);
  next_seq_ = recovered.highest_seq + 1;
  for (RecoveredPage& page : recovered.pages) {
    size_ += page.count;
    body_bytes_ += page.weight;
    // Who was killed cannot say what he had delivered; then all of it may have been.
    cold_.all().push_back({.segment = page.segment,
                           .first_seq = page.first_seq,
                           .last_seq = page.last_seq,
                           .count = page.count,
                           .share_bytes = page.share_bytes,
                           .redelivered = !is_clean,
                           .entries = std::move(page.entries)});
  }
}

void ClassicStore::collect_delivered(const std::vector<StoredMessage>& shifted,
                                     std::vector<SeqRun>& delivered) const {
  if (!options_.is_durable) return;
  // The seq of a message that is not kept may be another's after the start.
  std::vector<std::uint64_t> seqs;
  const auto add_kept = [&seqs](const StoredMessage& stored) {
    if (stored.location && !stored.on_disk.is_passing) seqs.push_back(stored.seq.value());
  };
  for (const StoredMessage& stored : shifted) add_kept(stored);
  for (const auto& [seq, stored] : returned_) {
    if (stored.redelivered) add_kept(stored);
  }
  for (const auto* places : {&head_, &tail_}) {
    for (const StoredMessage& stored : *places) {
      if (stored.redelivered) add_kept(stored);
    }
  }
  std::ranges::sort(seqs);
  for (const std::uint64_t seq : seqs) {
    if (!delivered.empty() && delivered.back().owner == options_.owner &&
        delivered.back().first + delivered.back().count == seq) {
      ++delivered.back().count;
    } else {
      delivered.push_back({.owner = options_.owner, .first = seq, .count = 1, .segment = {}});
    }
  }
  for (const LogPage& page : cold_.all()) {
    if (page.is_passing) continue;
    const auto add = [&](std::uint64_t first, std::uint64_t last) {
      delivered.push_back({.owner = options_.owner,
                           .first = first,
                           .count = static_cast<std::uint32_t>(last - first + 1),
                           .segment = {}});
    };
    if (page.redelivered) {
      add(page.first_seq, page.last_seq);
      continue;
    }
    // What was delivered before the last start, and has not been looked at in this life.
    const auto last_of = [](const SeqRun& run) { return run.first + run.count - 1; };
    for (auto run = std::ranges::lower_bound(delivered_, page.first_seq, {}, last_of);
         run != delivered_.end() && run->first <= page.last_seq; ++run) {
      add(std::max(run->first, page.first_seq), std::min(last_of(*run), page.last_seq));
    }
  }
}

}  // namespace leveret
