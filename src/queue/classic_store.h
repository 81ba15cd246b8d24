// SPDX-License-Identifier: Apache-2.0
//
// ClassicStore: ready messages in memory and on disk, however many.
//
// Persistent messages of a durable queue are appended to the journal when they come. They stay in
// memory, too, while the queue is short. Of a longer queue the bodies at the tail leave memory as
// soon as they are written, and come back in lumps before their turn; of a still longer one even
// the places in the middle are left to the segments' indexes, a *cold page* for each segment:
//
//      head: places, the first ones with their bodies   cold: pages   tail: places
//   [b b b b b . . . . . . . . . . . . . . . . . . .] [  S7  S8  S9 ] [. . . . . . b b]
//    ^ shift                ^ read ahead                ^ index read          push ^
//
// So memory is bounded by what is kept at both ends. Messages that need not be kept (not
// persistent, or in a queue that is not durable) are in memory alone, until limits say that memory
// is short: then they go to the journal as well, under an owner that no start asks for.
//
// What comes back (requeue) stands apart, ordered by seq. Messages are shifted lowest seq first, so
// whatever came back is older than all that is in the head.
//
// Thread: the queue's home worker. Borrows: log and limits. Complexity: O(1) a message; O(log
// returned) for what came back.

#pragma once

#include "base/deque.h"
#include "queue/log_pages.h"
#include "queue/message_log.h"
#include "queue/message_store.h"
#include "queue/store_limits.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace leveret {

class ClassicStore final : public MessageStore, private LoggedStore {
 public:
  struct Options {
    OwnerId owner;  ///< In the journal.
    bool is_durable = false;
    bool keeps_all = false;  ///< When durable: messages that are not persistent as well.
    Durability durability = Durability::fsync;  ///< Of persistent messages, when durable; at first.
  };

  /// `log` null: everything is in memory.
  ClassicStore(MessageLog* log, const StoreLimits& limits, const Options& options);
  ~ClassicStore() override;

  /// Takes over what a start found. Before anything is pushed.
  void recover(RecoveredOwner recovered, bool is_clean);

  // MessageStore
  void set_listener(StoreListener& listener) override { listener_ = &listener; }
  void set_durability(Durability durability) override { durability_ = durability; }
  Taken push(MessagePtr message, std::uint64_t expires_ms, PublishToken token) override;
  [[nodiscard]] const StoredMessage* first() override;
  [[nodiscard]] StoredMessage shift() override;
  void settle(const StoredMessage& message) override;
  Taken await_settled(PublishToken token) override;
  void requeue(StoredMessage message) override;
  std::uint64_t purge() override;
  std::uint64_t close(const std::vector<StoredMessage>& shifted) override;
  void collect_delivered(const std::vector<StoredMessage>& shifted,
                         std::vector<SeqRun>& delivered) const override;
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] std::uint64_t body_bytes() const override { return body_bytes_; }
  [[nodiscard]] std::uint64_t resident_bytes() const override { return resident_bytes_; }
  /// Messages whose places are in memory, with or without their bodies.
  [[nodiscard]] std::size_t places() const;

 private:
  // LoggedStore
  void find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                  std::vector<IndexEntry>& alive) override;
  void relocate(OwnerId owner, SegmentId segment, std::span<Relocation> relocations) override;

  // What a backlog of so many leaves behind is not worth freeing.
  static constexpr std::uint64_t backlog_kept = 16384;

  enum class Forgetting { settled, dropped };

  [[nodiscard]] bool is_persistent(const Message& message) const;
  [[nodiscard]] OwnerId owner_of(bool is_passing_entry) const {
    return is_passing_entry ? passing_owner() : options_.owner;
  }
  [[nodiscard]] OwnerId passing_owner() const {
    return OwnerId(options_.owner.value() | passing_owner_bit);
  }
  void put_at_tail(StoredMessage stored);
  [[nodiscard]] StoredMessage shift_head();
  [[nodiscard]] StoredMessage shift_returned();
  void drop_written_bodies();
  void make_cold();
  [[nodiscard]] bool has_more_to_load() const {
    return !is_head_whole_ || !cold_.all().empty() || !tail_.empty();
  }
  void load_ahead();
  void read_bodies();
  void on_bodies(const std::vector<MessageSeq>& seqs, ReadData data);
  void read_page();
  void on_page(Result<std::vector<IndexEntry>> entries);
  void take_page(const LogPage& page, const IndexEntry& entry);
  void take_tail_as_head();
  void forget_backlog();
  void count_loaded();
  void lose(std::uint64_t messages);
  void forget(const StoredMessage& stored, Forgetting how);
  void forget_where_it_is(const StoredMessage& stored, Forgetting how);
  [[nodiscard]] StoredMessage* find_place(MessageSeq seq);
  [[nodiscard]] bool is_shifted_from(OwnerId owner, SegmentId segment, MessageSeq seq) const;
  void relocate_pages(OwnerId owner, SegmentId segment, std::span<const Relocation> relocations);
  void take_new_place(StoredMessage& stored);
  std::uint64_t forget_all(Forgetting how);
  [[nodiscard]] bool was_delivered(MessageSeq seq) const;

  MessageLog* const log_;
  const StoreLimits& limits_;
  const Options options_;
  Durability durability_;
  StoreListener* listener_ = nullptr;
  std::shared_ptr<ClassicStore*> self_;  // Emptied by the destructor: reads find nobody then.

  std::map<MessageSeq, StoredMessage> returned_;
  Deque<StoredMessage> head_;
  std::size_t loaded_ = 0;      // The first so many of head_ have their messages.
  bool is_head_whole_ = true;   // loaded_ is head_.size().
  std::size_t loaded_low_ = 1;  // With fewer, more are read; half of what was read last.
  LogPages cold_;
  Deque<StoredMessage> tail_;      // Empty when cold_ is, but for a while.
  std::vector<SeqRun> delivered_;  // Before the start.
  // New places of messages that were moved while they were shifted.
  std::unordered_map<MessageSeq, Relocation> moved_shifted_;

  std::uint64_t next_seq_ = 1;
  std::uint64_t empty_since_ = 1;    // next_seq_ when head_ was last found empty.
  std::uint64_t dropping_from_ = 0;  // Bodies from this seq on leave memory; zero: none does.
  SegmentId last_segment_;
  std::uint64_t size_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t resident_bytes_ = 0;
  std::uint64_t generation_ = 0;  // Grows when all is dropped: reads under way are of no use then.
  bool is_loading_ = false;
};

}  // namespace leveret
