// SPDX-License-Identifier: Apache-2.0
#include "journal/testing/journal_model.h"

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

std::string name(const JournalModel::Key& key) {
  return "entry " + std::to_string(key.second) + " of owner " + std::to_string(key.first.value());
}

/// Tells which entry it belongs to, as far as there is room for that.
std::vector<std::byte> data_of(std::uint64_t number, std::uint32_t bytes) {
  std::vector<std::byte> data(bytes);
  std::uint64_t word = number * 0x9e3779b97f4a7c15;
  for (std::byte& byte : data) {
    byte = static_cast<std::byte>(word >> 56);
    word = word * 6364136223846793005 + number;
  }
  return data;
}

}  // namespace

JournalModel::JournalModel(Options options) : disk(options.seed), options_(options) {
  static_cast<void>(disk.make_directory(directory));
  static_cast<void>(disk.sync_directory("/"));
}

JournalModel::~JournalModel() {
  writing.drop();
  reading.drop();
}

void JournalModel::open() {
  journal_.emplace(
      Journal::Deps{
          .files = &disk, .writing = &writing, .reading = &reading, .host = this, .clock = &clock_},
      Journal::Options{
          .directory = directory, .index = 0, .segment_bytes = options_.segment_bytes});
}

// A life.

void JournalModel::power_on() {
  if (!std::exchange(is_on_, true)) disk.restart();
}

bool JournalModel::start() {
  power_on();
  is_dead_ = false;
  open();
  Result<Recovered> recovered = recover(disk, directory, 0);
  if (is_dead_) return die_recovering();
  if (!recovered) {
    ADD_FAILURE() << "recover: " << recovered.error().text();
    return false;
  }
  report_ = recovered->report;
  recovered_counts_.clear();
  for (const auto& [owner, what] : recovered->owners) recovered_counts_[owner] = what.counts;
  EXPECT_TRUE(options_.has_damage || report_.damages.empty()) << report_.damages[0].file;
  journal_->start(std::move(recovered->segments), recovered->next_segment);
  const std::map<Key, Found> found = resolve(*recovered);
  if (is_dead_) return die_recovering();
  check(found);
  check_stop(*recovered);
  take_over(found, *recovered);
  return true;
}

bool JournalModel::die_recovering() {
  disk.on_operation({});
  end_life();
  has_died_recovering_ = true;
  return false;
}

void JournalModel::end_life() {
  writing.drop();
  reading.drop();
  journal_.reset();
  last_.reset();
  unsafe_.clear();
  barriers_.clear();
  settles_unsent_.clear();
  settles_in_flight_.clear();
  settles_written_.clear();
  syncs_ = 0;
  is_poisoned_ = is_stalled_ = false;
  lost_bytes_ = 0;
}

void JournalModel::end_disk(Death how) {
  is_on_ = false;
  if (how == Death::kill) return disk.kill();
  disk.power_loss(options_.seed * 1000 + ++deaths_);
  has_lost_power_ = true;
}

void JournalModel::die(Death how) {
  if (!std::exchange(is_dead_, true)) end_disk(how);
  disk.on_operation({});
  end_life();
}

void JournalModel::die_at(std::uint64_t step, Death how) {
  has_died_at_ = false;
  disk.on_operation([this, step = disk.steps() + step, how](const Operation& operation) {
    if (operation.step != step) return;
    is_dead_ = has_died_at_ = true;
    end_disk(how);
  });
}

bool JournalModel::close(const std::vector<SeqRun>& delivered, Death afterwards) {
  writing.run_untold();
  reading.run_untold();
  delivered_ = delivered;
  is_closing_ = true;
  const Result<void> closed = journal_->close(delivered);
  if (closed) {
    for (auto& [key, entry] : entries_) {
      entry.safety = Safety::durable;
      if (entry.settle) entry.settle = Safety::durable;
    }
    is_closed_ = true;
  } else if (!is_dead_ && !is_poisoned_) {
    ADD_FAILURE() << "close: " << closed.error().text();
  }
  die(afterwards);
  return closed.has_value();
}

// What a start has to find.

std::vector<IndexEntry> JournalModel::entries_of(OwnerId owner, const RecoveredPage& page) {
  if (!page.entries.empty()) return page.entries;
  std::vector<IndexEntry> entries;
  journal_->read_entries(page.segment, owner, page.first_seq, page.last_seq,
                         [&](Result<std::vector<IndexEntry>> read) {
                           if (read) {
                             entries = std::move(*read);
                           } else if (!options_.has_damage) {
                             ADD_FAILURE() << read.error().text();
                           }
                         });
  reading.run_all();
  return entries;
}

std::map<JournalModel::Key, JournalModel::Found> JournalModel::resolve(const Recovered& recovered) {
  std::map<Key, Found> found;
  for (const auto& [owner, what] : recovered.owners) {
    std::uint64_t last = 0;
    for (const RecoveredPage& page : what.pages) {
      EXPECT_FALSE(is_passing(owner));
      if (dropped_.contains(owner)) {
        journal_->drop(page.segment, page.count, page.share_bytes);
        continue;
      }
      const std::vector<IndexEntry> entries = entries_of(owner, page);
      EXPECT_TRUE(options_.has_damage || entries.size() == page.count);
      std::uint64_t share_bytes = 0;
      std::uint64_t weight = 0;
      for (const IndexEntry& entry : entries) {
        EXPECT_GT(entry.seq, last) << "out of order: " << name({owner, entry.seq});
        last = entry.seq;
        EXPECT_TRUE(found.emplace(Key(owner, entry.seq), Found{page.segment, entry}).second);
        share_bytes += entry.share();
        weight += entry.weight;
      }
      if (entries.size() != page.count) continue;
      EXPECT_EQ(share_bytes, page.share_bytes);
      EXPECT_EQ(weight, page.weight);
    }
    EXPECT_GE(what.highest_seq, last);
  }
  return found;
}

void JournalModel::check(const std::map<Key, Found>& found) const {
  std::uint64_t newest = 0;
  const Safety lasting = has_lost_power_ ? Safety::durable : Safety::written;
  for (const auto& [key, where] : found) {
    const auto known = entries_.find(key);
    if (known == entries_.end()) {
      ADD_FAILURE() << name(key) << " is alive in segment " << where.segment.value()
                    << " and was not before";
      continue;
    }
    const Entry& entry = known->second;
    newest = std::max(newest, entry.number);
    if (!options_.has_damage && entry.settle) {
      EXPECT_LT(*entry.settle, lasting) << name(key) << " is back";
    }
  }
  for (const auto& [key, entry] : entries_) {
    if (is_passing(key.first) || entry.settle || found.contains(key)) continue;
    if (options_.has_damage) continue;
    EXPECT_LT(entry.safety, lasting) << name(key) << " is lost";
    EXPECT_GT(entry.number, newest) << name(key) << " is missing before others";
  }
}

void JournalModel::check_stop(const Recovered& recovered) const {
  // Who died while he closed it may have done so all the same.
  if (!is_closing_) {
    EXPECT_FALSE(recovered.report.is_clean);
  } else if (is_closed_ && !has_died_recovering_) {
    EXPECT_TRUE(recovered.report.is_clean);
  }
  std::size_t runs = 0;
  for (const auto& [owner, what] : recovered.owners) {
    runs += what.delivered.size();
    for (const SeqRun& run : what.delivered) {
      EXPECT_NE(std::ranges::find(delivered_, run), delivered_.end());
    }
  }
  EXPECT_EQ(runs, recovered.report.is_clean ? delivered_.size() : 0);
}

void JournalModel::take_over(const std::map<Key, Found>& found, const Recovered& recovered) {
  std::map<Key, Entry> alive;
  std::vector<Key> keys;
  for (const auto& [key, where] : found) {
    const auto known = entries_.find(key);
    if (known == entries_.end()) continue;
    Entry entry = known->second;
    entry.safety = Safety::durable;
    entry.settle.reset();
    entry.place = {.location = where.entry.location(where.segment),
                   .share = where.entry.share(),
                   .bytes = where.entry.bytes,
                   .weight = where.entry.weight};
    alive.emplace(key, entry);
    keys.push_back(key);
  }
  entries_ = std::move(alive);
  last_seq_.clear();
  for (const auto& [owner, what] : recovered.owners) last_seq_[owner] = what.highest_seq;
  has_lost_power_ = is_closing_ = is_closed_ = has_died_recovering_ = false;
  delivered_.clear();
  read(keys);
  reading.run_all();
}

// What an owner does.

std::optional<JournalModel::Key> JournalModel::append(OwnerId owner, std::uint32_t data_bytes,
                                                      Durability durability) {
  if (is_poisoned_ || is_dead_) return std::nullopt;
  const Key key(owner, ++last_seq_[owner]);
  Entry entry{.number = ++last_number_,
              .data_number = last_number_,
              .data_bytes = data_bytes,
              .durability = durability};
  const std::vector<std::byte> data = data_of(entry.data_number, data_bytes);
  const auto head = std::span(data).first(data.size() / 3);
  entry.place = journal_->append(owner, key.second, data_bytes, durability, head,
                                 std::span(data).subspan(head.size()));
  entries_[key] = entry;
  unsafe_.push_back(key);
  last_ = key;
  return key;
}

std::optional<JournalModel::Key> JournalModel::append_reference(OwnerId owner) {
  if (is_poisoned_ || is_dead_ || !last_ || !entries_.contains(*last_)) return std::nullopt;
  const Entry& first = entries_.at(*last_);
  if (!journal_->may_refer(first.place)) return std::nullopt;
  const Key key(owner, ++last_seq_[owner]);
  Entry entry = first;
  entry.number = ++last_number_;
  entry.safety = Safety::gathered;
  entry.settle.reset();
  entry.place = journal_->append_reference(owner, key.second, first.place, first.durability);
  entries_[key] = entry;
  unsafe_.push_back(key);
  return key;
}

void JournalModel::settle(const Key& key) {
  Entry& entry = entries_.at(key);
  if (is_passing(key.first)) {
    journal_->drop(entry.place.location.segment, 1, entry.place.share);
    entries_.erase(key);
    return;
  }
  journal_->settle(key.first, key.second, entry.place.location, entry.place.share);
  entry.settle = Safety::gathered;
  settles_unsent_.push_back(key);
}

void JournalModel::settle_range(const Key& first) {
  const SegmentId segment = entries_.at(first).place.location.segment;
  std::uint64_t last = first.second;
  std::uint32_t count = 0;
  std::uint64_t share_bytes = 0;
  for (auto it = entries_.find(first); it != entries_.end() && it->first.first == first.first;
       ++it) {
    Entry& entry = it->second;
    if (entry.settle || entry.place.location.segment != segment) continue;
    entry.settle = Safety::gathered;
    settles_unsent_.push_back(it->first);
    last = it->first.second;
    share_bytes += entry.place.share;
    ++count;
  }
  journal_->settle_range({.owner = first.first,
                          .first = first.second,
                          .count = static_cast<std::uint32_t>(last - first.second + 1),
                          .segment = segment},
                         count, share_bytes);
}

void JournalModel::drop_owner(OwnerId owner) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (it->first.first != owner) {
      ++it;
      continue;
    }
    const Journal::Appended& place = it->second.place;
    if (!it->second.settle) journal_->drop(place.location.segment, 1, place.share);
    it = entries_.erase(it);
  }
  dropped_.insert(owner);
}

void JournalModel::barrier(Durability durability) {
  if (is_poisoned_ || is_dead_) return;
  Barrier barrier{.safety = durability == Durability::fsync ? Safety::durable : Safety::written};
  for (const auto& [key, entry] : entries_) {
    if (entry.safety < barrier.safety) barrier.appended.push_back(key);
    if (entry.settle && *entry.settle < barrier.safety) barrier.settled.push_back(key);
  }
  barrier.batch = journal_->barrier(durability);
  barriers_.push_back(std::move(barrier));
}

void JournalModel::check(const Barrier& reached) const {
  for (const Key& key : reached.appended) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) continue;
    EXPECT_GE(found->second.safety, reached.safety) << name(key);
  }
  for (const Key& key : reached.settled) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) continue;
    EXPECT_GE(*found->second.settle, reached.safety) << name(key);
  }
}

void JournalModel::lose(const Key& key) {
  lost_bytes_ += entries_.at(key).place.share;
  entries_.erase(key);
}

void JournalModel::flush() {
  const std::uint64_t before = journal_->counts().bytes_written;
  journal_->flush();
  if (journal_->counts().bytes_written > before) {
    settles_in_flight_ = std::exchange(settles_unsent_, {});
  }
}

void JournalModel::read(const std::vector<Key>& keys) {
  std::vector<Extent> extents;
  std::vector<std::pair<Key, Entry>> expected;
  for (const Key& key : keys) {
    const Entry& entry = entries_.at(key);
    extents.push_back({entry.place.location, entry.place.bytes});
    expected.emplace_back(key, entry);
  }
  if (extents.empty()) return;
  journal_->read(std::move(extents), [this, expected = std::move(expected)](const ReadData& read) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      compare(expected[i].first, expected[i].second, read.data[i]);
    }
  });
}

void JournalModel::compare(const Key& key, const Entry& entry, std::span<const std::byte> data) {
  if (is_dead_) return;
  if (data.data() == nullptr && options_.has_damage) {
    ++damaged_reads_;
    return;
  }
  EXPECT_TRUE(std::ranges::equal(data, data_of(entry.data_number, entry.data_bytes)))
      << name(key) << " has other data";
}

void JournalModel::quiesce() {
  do {
    flush();
  } while (writing.step() || reading.step());
  if (is_dead_ || is_poisoned_ || is_stalled_) return;
  EXPECT_EQ(journal_->counts().live_bytes, live_bytes());
}

std::uint64_t JournalModel::live_bytes() const {
  std::uint64_t bytes = lost_bytes_;
  for (const auto& [key, entry] : entries_) {
    if (!entry.settle) bytes += entry.place.share;
  }
  return bytes;
}

void JournalModel::forget_settled() {
  std::erase_if(entries_, [](const auto& one) { return one.second.settle == Safety::durable; });
}

std::vector<JournalModel::Key> JournalModel::alive() const {
  std::vector<Key> keys;
  for (const auto& [key, entry] : entries_) {
    if (!entry.settle) keys.push_back(key);
  }
  return keys;
}

// JournalHost

void JournalModel::on_durable(BatchId upto) {
  EXPECT_FALSE(is_poisoned_) << "durable after a failed sync";
  const bool is_synced = journal_->counts().syncs > syncs_;
  syncs_ = journal_->counts().syncs;
  const Safety safety = is_synced ? Safety::durable : Safety::written;
  std::erase_if(unsafe_, [&](const Key& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return true;
    Entry& entry = found->second;
    if (entry.place.batch > upto) return false;
    entry.safety = safety;
    EXPECT_TRUE(entry.durability != Durability::fsync || is_synced) << name(key);
    return is_synced;
  });
  settles_written_.insert(settles_written_.end(), settles_in_flight_.begin(),
                          settles_in_flight_.end());
  settles_in_flight_.clear();
  for (const Key& key : settles_written_) {
    if (const auto found = entries_.find(key); found != entries_.end())
      found->second.settle = safety;
  }
  if (is_synced) settles_written_.clear();
  std::erase_if(barriers_, [&](const Barrier& barrier) {
    if (barrier.batch > upto) return false;
    check(barrier);
    return true;
  });
}

void JournalModel::on_stalled(const Error&) { is_stalled_ = true; }
void JournalModel::on_resumed() { is_stalled_ = false; }
void JournalModel::on_poisoned(const Error&) {
  EXPECT_FALSE(is_poisoned_);
  is_poisoned_ = true;
}

void JournalModel::find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                              std::vector<IndexEntry>& alive) {
  for (const IndexEntry& entry : entries) {
    const auto found = entries_.find({owner, entry.seq});
    if (found != entries_.end() && !found->second.settle &&
        found->second.place.location == entry.location(segment)) {
      alive.push_back(entry);
    }
  }
}

void JournalModel::relocate(OwnerId owner, SegmentId, std::span<Relocation> relocations) {
  for (Relocation& relocation : relocations) {
    const auto found = entries_.find({owner, relocation.from.seq});
    relocation.is_alive = found != entries_.end() && !found->second.settle;
    if (!relocation.is_alive) continue;
    Journal::Appended& place = found->second.place;
    place.location = relocation.to;
    place.bytes = relocation.bytes;
    place.share = relocation.is_reference ? reference_bytes : relocation.bytes;
  }
}

}  // namespace leveret::testing
