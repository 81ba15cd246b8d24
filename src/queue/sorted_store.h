// SPDX-License-Identifier: Apache-2.0
//
// SortedStore: messages in the order of their seqs, out of which any can be taken. Where a classic
// store only knows its head, this one finds every message: a schedule, whose messages come in any
// order (Order::due), and a queue whose messages expire anywhere (Order::arrival).
//
// What a seq is:
//
//   due       bits 22-63  when the message is due, in milliseconds since 1970
//                   0-21  counts the messages as they come; after the highest, and after a start
//                         with none, from 0
//   arrival   bits 56-63  how far its priority is below the highest
//                   0-55  counts the messages as they come, from 1
//
// So of a schedule the journal's indexes know when each message is due, and a start reads no
// message. Of the other, a start reads them through, in lumps, to learn when they expire.
//
// Places are in memory, some 150 bytes each. Bodies are, too, of the first, as many as the limits
// let be resident; those of later ones leave as soon as they are on disk, and come back in lumps
// before their time:
//
//   first [b b b b b b b b . . . . . . . . . . . . . . . . . . . .] last
//                         ^ resident_end_
//
// Messages that need not be kept are in memory alone, until limits say that memory is short.
//
// Thread: the queue's home worker. Borrows: log and limits. Complexity: O(log n) a message.

#pragma once

#include "journal/recovery.h"
#include "queue/expiry_wheel.h"
#include "queue/message_log.h"
#include "queue/message_store.h"
#include "queue/store_limits.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace leveret {

class SortedStore final : public MessageStore, private LoggedStore {
 public:
  enum class Order : std::uint8_t { arrival, due };
  struct Options {
    OwnerId owner;  ///< In the journal; unordered.
    Order order = Order::arrival;
    bool is_durable = false;
    bool keeps_all = false;  ///< When durable: messages that are not persistent as well.
    Durability durability = Durability::fsync;  ///< Of persistent messages, when durable; at first.
    std::uint8_t priority_max = 0;              ///< By arrival: x-max-priority.
  };

  /// `log` null: everything is in memory.
  SortedStore(MessageLog* log, const StoreLimits& limits, const Options& options);
  ~SortedStore() override;

  /// Takes over what a start found. Before anything is pushed.
  void recover(const RecoveredOwner& recovered, bool is_clean);

  // MessageStore
  void set_listener(StoreListener& listener) override { listener_ = &listener; }
  void set_durability(Durability durability) override { durability_ = durability; }
  /// Requires, by due: `expires_ms`, when the message is due, is not 0 and before the year 2100.
  Taken push(MessagePtr message, std::uint64_t expires_ms, PublishToken token) override;
  [[nodiscard]] const StoredMessage* first() override;
  [[nodiscard]] StoredMessage shift() override;
  void settle(const StoredMessage& message) override;
  Taken await_settled(PublishToken token) override;
  void requeue(StoredMessage message) override;
  [[nodiscard]] std::optional<StoredMessage> extract(MessageSeq seq) override;
  [[nodiscard]] const StoredMessage* first_expired(std::uint64_t now_ms) override;
  [[nodiscard]] std::optional<std::uint64_t> next_expiry_ms() override;
  std::uint64_t purge() override;
  std::uint64_t close(const std::vector<StoredMessage>& shifted) override;
  void collect_delivered(const std::vector<StoredMessage>& shifted,
                         std::vector<SeqRun>& delivered) const override;
  [[nodiscard]] std::uint64_t size() const override { return waiting_.size(); }
  [[nodiscard]] std::uint64_t body_bytes() const override { return body_bytes_; }
  [[nodiscard]] std::uint64_t resident_bytes() const override { return resident_bytes_; }

  /// The first `count` of those with a higher seq than `after`, with their messages, or fewer where
  /// these are long; without those that could not be read. None: no more is there. `done` is called
  /// once, perhaps before this returns; never when the journal is destroyed before.
  void list(MessageSeq after, std::size_t count,
            std::move_only_function<void(std::vector<StoredMessage>)> done) const;

  /// By due.
  [[nodiscard]] static std::uint64_t due_ms_of(MessageSeq seq) { return seq.value() >> order_bits; }

 private:
  // LoggedStore
  void find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                  std::vector<IndexEntry>& alive) override;
  void relocate(OwnerId owner, SegmentId segment, std::span<Relocation> relocations) override;

  static constexpr unsigned order_bits = 22;
  static constexpr std::uint64_t order_mask = (std::uint64_t{1} << order_bits) - 1;
  static constexpr unsigned priority_shift = 56;

  struct Place : ExpiryWheel::Entry {
    StoredMessage stored;
    std::uint32_t body_bytes = 0;
    bool is_expiry_unknown = false;  ///< Until it is read.
  };
  using Waiting = std::map<MessageSeq, Place>;

  [[nodiscard]] OwnerId passing_owner() const {
    return OwnerId(options_.owner.value() | passing_owner_bit);
  }
  [[nodiscard]] bool is_of(const StoredMessage& stored, OwnerId owner) const {
    return (stored.on_disk.is_passing ? passing_owner() : options_.owner) == owner;
  }
  [[nodiscard]] bool is_persistent(const Message& message) const {
    return options_.is_durable && log_ != nullptr && durability_ != Durability::memory &&
           (options_.keeps_all || message.is_persistent());
  }
  [[nodiscard]] MessageSeq next_seq(const Message& message, std::uint64_t expires_ms);
  Taken put_on_disk(StoredMessage& stored, PublishToken token);
  Place& put(StoredMessage stored, std::uint32_t body_bytes);
  StoredMessage take_out(Waiting::iterator at);
  void note_expiry(Place& place);
  void limit_resident();
  void leave_memory(StoredMessage& stored);
  void read_first();
  void read_due();
  void read_unknown();
  void read(std::vector<MessageSeq> seqs, std::vector<Extent> extents);
  void on_bodies(const std::vector<MessageSeq>& seqs, const ReadData& data);
  void take_new_place(StoredMessage& stored);
  void forget(StoredMessage stored, bool is_dropped);
  std::uint64_t forget_all(bool is_dropped);

  MessageLog* const log_;
  const StoreLimits& limits_;
  const Options options_;
  Durability durability_;
  StoreListener* listener_ = nullptr;
  std::shared_ptr<SortedStore*> self_;  // Emptied by the destructor: reads find nobody then.

  ExpiryWheel wheel_;  // By arrival. Before the places, which unlink themselves.
  Waiting waiting_;
  MessageSeq resident_end_{UINT64_MAX};  // Bodies from here on are to leave memory.
  std::deque<MessageSeq> unwritten_;     // Of those, what was not on disk yet when it came.
  std::deque<MessageSeq> unknown_;       // Whose expiry is still to be read; some have gone.
  // New places of messages that were moved while they were shifted.
  std::unordered_map<MessageSeq, Relocation> moved_shifted_;

  std::uint64_t next_count_ = 1;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t resident_bytes_ = 0;
  std::uint64_t generation_ = 0;  // Grows when all is dropped: reads under way are of no use then.
  bool is_loading_ = false;
};

}  // namespace leveret
