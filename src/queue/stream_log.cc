// SPDX-License-Identifier: Apache-2.0
#include "queue/stream_log.h"

#include "base/assert.h"
#include "base/log.h"
#include "queue/delivery_headers.h"
#include "queue/tell_damages.h"

#include <algorithm>
#include <utility>

namespace leveret {
namespace {

constexpr std::uint64_t lump_bytes_max = 256 * 1024;
/// Of what a queue may have in memory, so much is left to a stream, whose messages are all on disk.
constexpr std::uint64_t tail_share = 4;
/// Where there are no segments of a journal.
constexpr std::uint64_t memory_page_bytes = 1024 * 1024;

}  // namespace

StreamLog::StreamLog(MessageLog* log, const StoreLimits& limits, const Options& options)
    : log_(log),
      limits_(limits),
      options_(options),
      durability_(options.durability),
      self_(std::make_shared<StreamLog*>(this)) {
  if (log_ == nullptr) {
    page_bytes_max_ = memory_page_bytes;
  } else {
    log_->add(options_.owner, *this);
  }
}

StreamLog::~StreamLog() {
  *self_ = nullptr;
  if (log_ != nullptr) log_->remove(options_.owner);
}

void StreamLog::recover(RecoveredOwner recovered) {
  next_seq_ = readable_end_ = recovered.highest_seq + 1;
  for (RecoveredPage& page : recovered.pages) {
    size_ += page.count;
    body_bytes_ += page.weight;
    disk_bytes_ += page.share_bytes;
    // Where no seq is missing the index has the same. Nothing would take them out of memory.
    if (page.count == page.last_seq - page.first_seq + 1) page.entries = {};
    pages_.all().push_back({.segment = page.segment,
                            .first_seq = page.first_seq,
                            .last_seq = page.last_seq,
                            .count = page.count,
                            .share_bytes = page.share_bytes,
                            .weight = page.weight,
                            .entries = std::move(page.entries)});
  }
}

// To the tail.

MessageStore::Taken StreamLog::push(const Message& message, std::uint64_t now_ms,
                                    PublishToken token) {
  using Taken = MessageStore::Taken;
  if (log_ != nullptr && log_->journal().is_poisoned()) return Taken::refused;
  last_ms_ = std::max(last_ms_, now_ms);
  StoredMessage stored{.seq = MessageSeq(next_seq_),
                       .message = with_stream_offset(message, next_seq_ - 1),
                       .expires_ms = last_ms_};
  ++next_seq_;
  Taken taken = Taken::safe;
  if (log_ == nullptr) {
    readable_end_ = next_seq_;
  } else if (durability_ == Durability::memory) {
    log_->append(options_.owner, stored, Durability::os);
    (awaited_.empty() ? readable_end_ : awaited_.back().end_seq) = next_seq_;
  } else {
    const BatchId batch = log_->append(options_.owner, stored, durability_);
    await_readable(batch);
    if (token) {
      log_->await(batch, token);
      taken = Taken::waiting;
    }
  }
  add_to_page(stored);
  ++size_;
  body_bytes_ += stored.message->body_bytes();
  resident_bytes_ += stored.message->block_bytes();
  tail_.push_back(std::move(stored));
  trim_tail();
  return taken;
}

void StreamLog::await_readable(BatchId batch) {
  if (awaited_.empty() || awaited_.back().batch != batch) {
    log_->await(batch, *this);
    awaited_.push_back({batch, next_seq_});
  }
  awaited_.back().end_seq = next_seq_;
}

void StreamLog::on_durable(BatchId upto) {
  while (!awaited_.empty() && awaited_.front().batch <= upto) {
    readable_end_ = awaited_.front().end_seq;
    awaited_.pop_front();
  }
  leave_sealed_entries();
  trim_tail();
  if (listener_ != nullptr) listener_->on_more();
}

void StreamLog::add_to_page(const StoredMessage& stored) {
  auto& pages = pages_.all();
  const std::uint64_t seq = stored.seq.value();
  const auto weight = static_cast<std::uint32_t>(stored.message->body_bytes());
  // What is in memory alone takes what it would on disk, about.
  const std::uint64_t bytes = log_ != nullptr ? stored.share() : stored.message->block_bytes();
  if (pages.empty() || pages.back().segment != stored.location.segment ||
      pages.back().share_bytes >= page_bytes_max_) [[unlikely]] {
    pages.push_back({.segment = stored.location.segment,
                     .first_seq = seq,
                     .entries = {},
                     .has_all_entries = log_ != nullptr});
    if (oldest_in_memory_ == SegmentId()) oldest_in_memory_ = stored.location.segment;
  }
  LogPage& page = pages.back();
  page.last_seq = seq;
  page.last_ms = stored.expires_ms;
  ++page.count;
  page.share_bytes += bytes;
  page.weight += weight;
  disk_bytes_ += bytes;
  if (log_ == nullptr) return;
  page.entries.push_back({.seq = seq,
                          .offset = stored.location.offset,
                          .bytes = stored.record_bytes & 0x7fffffff,
                          .is_reference = stored.on_disk.is_reference,
                          .origin = {},
                          .weight = weight});
}

void StreamLog::leave_sealed_entries() {
  if (log_ == nullptr || !log_->journal().is_sealed(oldest_in_memory_)) return;
  pages_.leave_entries_to_indexes(log_->journal());
  note_oldest_in_memory();
}

void StreamLog::note_oldest_in_memory() {
  const auto& pages = pages_.all();
  const auto oldest = std::ranges::find(pages, true, &LogPage::has_all_entries);
  oldest_in_memory_ = oldest == pages.end() ? SegmentId() : oldest->segment;
}

/// What is on disk and may be read from there leaves memory.
void StreamLog::trim_tail() {
  if (log_ == nullptr) return;
  const std::uint64_t bytes_max = limits_.resident_bytes_max / tail_share;
  while (resident_bytes_ > bytes_max && tail_.front().seq.value() < readable_end_ &&
         log_->journal().is_written(tail_.front().location)) {
    resident_bytes_ -= tail_.front().message->block_bytes();
    tail_.pop_front();
  }
}

void StreamLog::forget_tail_before(std::uint64_t seq) {
  while (!tail_.empty() && tail_.front().seq.value() < seq) {
    resident_bytes_ -= tail_.front().message->block_bytes();
    tail_.pop_front();
  }
}

// From the head.

StreamLog::Dropped StreamLog::retain(std::uint64_t bytes_max, std::uint64_t age_max_ms,
                                     std::uint64_t now_ms) {
  Dropped dropped;
  while (pages_.all().size() > 1) {
    const LogPage& oldest = pages_.all().front();
    if (oldest.last_seq >= readable_end_) break;
    if (disk_bytes_ > bytes_max) {
      dropped.too_many += oldest.count;
    } else if (age_max_ms == unlimited) {
      break;
    } else if (oldest.last_ms == 0) {
      find_age_of_oldest(now_ms);
      break;
    } else if (now_ms >= oldest.last_ms && now_ms - oldest.last_ms >= age_max_ms) {
      dropped.too_old += oldest.count;
    } else {
      break;
    }
    forget_page(/*is_stream_deleted=*/false);
  }
  return dropped;
}

std::optional<std::uint64_t> StreamLog::next_age_ms(std::uint64_t age_max_ms) const {
  if (age_max_ms == unlimited || pages_.all().size() < 2) return std::nullopt;
  if (pages_.all().front().last_seq >= readable_end_) return std::nullopt;
  const std::uint64_t last_ms = pages_.all().front().last_ms;
  if (last_ms == 0 || unlimited - last_ms < age_max_ms) return std::nullopt;
  return last_ms + age_max_ms;
}

void StreamLog::find_age_of_oldest(std::uint64_t now_ms) {
  if (std::exchange(is_finding_age_, true)) return;
  const std::uint64_t last_seq = pages_.all().front().last_seq;
  read(last_seq, {}, 1, [this, last_seq, now_ms](const Lump& lump) {
    is_finding_age_ = false;
    LogPage& oldest = pages_.all().front();
    if (oldest.last_seq == last_seq) {
      // Of one that cannot be read nobody knows how old it is: what is good in its page stays.
      oldest.last_ms = lump.messages.empty() ? now_ms : lump.messages.front().expires_ms;
    }
    if (listener_ != nullptr) listener_->on_more();
  });
}

void StreamLog::forget_page(bool is_stream_deleted) {
  auto& pages = pages_.all();
  const LogPage& page = pages.front();
  size_ -= page.count;
  body_bytes_ -= page.weight;
  disk_bytes_ -= page.share_bytes;
  if (log_ != nullptr && is_stream_deleted) {
    log_->journal().drop(page.segment, page.count, page.share_bytes);
  } else if (log_ != nullptr) {
    log_->journal().settle_range(
        {.owner = options_.owner,
         .first = page.first_seq,
         .count = static_cast<std::uint32_t>(page.last_seq - page.first_seq + 1),
         .segment = page.segment},
        page.count, page.share_bytes);
  }
  forget_tail_before(page.last_seq + 1);
  pages.pop_front();
}

std::uint64_t StreamLog::close() {
  const std::uint64_t size = size_;
  while (!pages_.all().empty()) forget_page(/*is_stream_deleted=*/true);
  return size;
}

// Reading.

const StoredMessage* StreamLog::find_resident(std::uint64_t seq) const {
  if (tail_.empty() || seq < tail_.front().seq.value() || seq >= next_seq_) return nullptr;
  return &tail_[seq - tail_.front().seq.value()];
}

/// The one that has it, or if none has, the first behind.
const LogPage* StreamLog::page_at(std::uint64_t seq) const {
  const auto& pages = pages_.all();
  const auto page = std::ranges::lower_bound(pages, seq, {}, &LogPage::last_seq);
  return page == pages.end() ? nullptr : &*page;
}

std::uint64_t StreamLog::first_from(std::uint64_t seq) const {
  const LogPage* page = page_at(seq);
  return page == nullptr ? next_seq_ : std::max(seq, page->first_seq);
}

void StreamLog::read(std::uint64_t seq, PageEntriesPtr known, std::size_t messages_max,
                     std::move_only_function<void(Lump)> done) {
  const LogPage* page = page_at(seq);
  LEVERET_ASSERT(log_ != nullptr && page != nullptr, "a stream was read where it has nothing");
  if (!page->entries.empty()) {
    return read_bodies(page->segment, page->entries, nullptr, seq, messages_max, std::move(done));
  }
  if (known == nullptr || !known->has(*page)) known = find_shared(*page);
  if (known == nullptr) return read_page(*page, seq, messages_max, std::move(done));
  const auto& entries = known->entries;
  read_bodies(page->segment, entries, known, seq, messages_max, std::move(done));
}

/// What another reader has of the page.
StreamLog::PageEntriesPtr StreamLog::find_shared(const LogPage& page) {
  std::erase_if(shared_, [](const auto& one) { return one.expired(); });
  for (const auto& one : shared_) {
    PageEntriesPtr entries = one.lock();
    if (entries->has(page)) return entries;
  }
  return nullptr;
}

void StreamLog::read_page(const LogPage& page, std::uint64_t seq, std::size_t messages_max,
                          std::move_only_function<void(Lump)> done) {
  auto known =
      std::make_shared<PageEntries>(PageEntries{page.segment, page.first_seq, page.last_seq, {}});
  log_->journal().read_entries(
      page.segment, options_.owner, page.first_seq, page.last_seq,
      [self = self_, known, seq, messages_max,
       done = std::move(done)](Result<std::vector<IndexEntry>> entries) mutable {
        if (*self == nullptr) return;
        StreamLog& stream = **self;
        const LogPage* page_now = stream.page_at(seq);
        if (page_now == nullptr) return done({.messages = {}, .end_seq = seq, .entries = {}});
        // Moved meanwhile, or dropped: it is asked for where it is now.
        if (page_now->segment != known->segment || page_now->last_seq > known->last_seq) {
          return stream.read(seq, nullptr, messages_max, std::move(done));
        }
        if (!entries) {
          log(LogLevel::error, "queue", "index_damaged segment={} reason=\"{}\"",
              known->segment.value(), entries.error().text());
          return done({.messages = {}, .end_seq = known->last_seq + 1, .entries = {}});
        }
        known->entries = std::move(*entries);
        stream.shared_.push_back(known);
        const auto& all = known->entries;
        stream.read_bodies(known->segment, all, known, seq, messages_max, std::move(done));
      });
}

void StreamLog::read_bodies(SegmentId segment, std::span<const IndexEntry> entries,
                            PageEntriesPtr known, std::uint64_t seq, std::size_t messages_max,
                            std::move_only_function<void(Lump)> done) {
  const LogPage& page = *page_at(seq);
  std::vector<Extent> extents;
  std::vector<std::uint64_t> seqs;
  std::uint64_t bytes = 0;
  std::uint64_t end_seq = std::min(page.last_seq + 1, readable_end_);
  auto at = std::ranges::lower_bound(entries, seq, {}, &IndexEntry::seq);
  for (; at != entries.end() && at->seq < end_seq; ++at) {
    if (seqs.size() == messages_max || bytes >= lump_bytes_max) {
      end_seq = at->seq;
      break;
    }
    extents.push_back({at->location(segment), at->bytes});
    seqs.push_back(at->seq);
    bytes += at->bytes;
  }
  Lump lump{.messages = {}, .end_seq = end_seq, .entries = std::move(known)};
  log_->journal().read(std::move(extents),
                       [self = self_, seqs = std::move(seqs), lump = std::move(lump),
                        done = std::move(done)](const ReadData& data) mutable {
                         if (*self == nullptr) return;
                         tell_damages(data);
                         lump.messages.reserve(seqs.size());
                         for (std::size_t i = 0; i < seqs.size(); ++i) {
                           auto decoded = MessageLog::decode(data.data[i]);
                           if (!decoded.message) continue;
                           lump.messages.push_back({.seq = MessageSeq(seqs[i]),
                                                    .message = std::move(decoded.message),
                                                    .expires_ms = decoded.expires_ms});
                         }
                         done(std::move(lump));
                       });
}

// The journal moves a segment.

void StreamLog::find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                           std::vector<IndexEntry>& alive) {
  for (const IndexEntry& entry : entries) {
    if (pages_.find(is_passing(owner), segment, entry.seq) != nullptr) alive.push_back(entry);
  }
}

void StreamLog::relocate(OwnerId owner, SegmentId segment, std::span<Relocation> relocations) {
  bool has_moved = false;
  for (Relocation& relocation : relocations) {
    relocation.is_alive = pages_.find(is_passing(owner), segment, relocation.from.seq) != nullptr;
    has_moved = has_moved || relocation.is_alive;
  }
  if (!has_moved) return;
  pages_.leave_entries_to_indexes(log_->journal());
  pages_.relocate(is_passing(owner), segment, relocations);
  note_oldest_in_memory();
}

}  // namespace leveret
