// SPDX-License-Identifier: Apache-2.0
//
// MessageStore: where a queue's ready messages lie. The seam between the queue, which decides, and
// what keeps: the classic store with its journal here, a replicated log in a cluster.
//
// A message is *pushed* at the tail, *shifted* from the head to be delivered, and then either
// *settled* (never comes back) or *requeued* (to its old place, by its seq). Between shift and
// settle the store still answers for it: a journal gives it back after a crash.
//
// Thread: the queue's home worker.

#pragma once

#include "journal/ids.h"
#include "journal/journal.h"
#include "journal/segment_format.h"
#include "message/ids.h"
#include "message/message.h"
#include "queue/queue_host.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace leveret {

/// In one byte, which is copied at once.
struct StoredOnDisk {
  bool is_reference : 1 = false;  ///< Another entry brought its data to the disk.
  bool is_passing : 1 = false;    ///< Only since memory was short; no start asks for it.
};

struct StoredMessage {
  MessageSeq seq;
  MessagePtr message;            ///< Null inside a store: on disk only.
  Location location;             ///< Nowhere: in memory only.
  std::uint64_t expires_ms = 0;  ///< Wall time, since 1970; 0: never.
  std::uint32_t record_bytes = 0;
  /// How often it came back, since the start; not counted beyond the most.
  static constexpr std::uint16_t return_count_max = UINT16_MAX;
  std::uint16_t return_count = 0;
  bool redelivered = false;  ///< It was delivered before and came back.
  StoredOnDisk on_disk;

  /// What its segment may forget when it is settled.
  [[nodiscard]] std::uint32_t share() const {
    return on_disk.is_reference ? reference_bytes : record_bytes;
  }
};
static_assert(sizeof(StoredMessage) == 40);

/// Told by a store.
class StoreListener {
 public:
  virtual ~StoreListener() = default;
  /// first() may have an answer that it had not before.
  virtual void on_loaded() = 0;
  /// So many messages could not be read back and are not in the store any more. Where they lay has
  /// been logged.
  virtual void on_damaged(std::uint64_t messages) = 0;
  /// The message, if it has been shifted and neither settled nor requeued; else null.
  [[nodiscard]] virtual const StoredMessage* find_shifted(MessageSeq seq) const = 0;
};

class MessageStore {
 public:
  virtual ~MessageStore() = default;

  /// Before anything else. Borrows the listener.
  virtual void set_listener(StoreListener& listener) = 0;

  /// How safe messages that come from now on are before they are confirmed.
  virtual void set_durability(Durability durability) = 0;

  enum class Taken {
    safe,     ///< As safe as it will be.
    waiting,  ///< The token's owner is told when it is, through QueueHost::confirm().
    refused,  ///< The store cannot keep it and has not taken it.
  };
  /// Appends at the tail. `expires_ms` is kept with it.
  [[nodiscard]] virtual Taken push(MessagePtr message, std::uint64_t expires_ms,
                                   PublishToken token) = 0;
  /// The message with the lowest seq. Null: there is none, or it is on its way from the disk
  /// (size() tells), and on_loaded() will be called. Valid until the next call that changes the
  /// store.
  [[nodiscard]] virtual const StoredMessage* first() = 0;
  /// Takes first() out to be delivered. Requires: first() is not null.
  [[nodiscard]] virtual StoredMessage shift() = 0;
  /// A shifted message is done with.
  virtual void settle(const StoredMessage& message) = 0;
  /// What was settled so far shall be as safe as a message would be. As push(), without a message.
  [[nodiscard]] virtual Taken await_settled(PublishToken token) = 0;
  /// A shifted message comes back to its old place.
  virtual void requeue(StoredMessage message) = 0;
  /// What only a store does that finds each of its messages (sorted_store.h).
  ///
  /// Takes a ready message out wherever it stands, as shift() does; its message may be null.
  /// nullopt: it is not there.
  [[nodiscard]] virtual std::optional<StoredMessage> extract(MessageSeq) { return std::nullopt; }
  /// A ready message that has expired by then, with its message, wherever it stands. Null: none is
  /// known, or it is on its way from the disk, and on_loaded() will be called.
  [[nodiscard]] virtual const StoredMessage* first_expired(std::uint64_t) { return nullptr; }
  /// No ready message expires before; nullopt: none is known to.
  [[nodiscard]] virtual std::optional<std::uint64_t> next_expiry_ms() { return std::nullopt; }
  /// Drops all that is ready. Returns how many.
  virtual std::uint64_t purge() = 0;
  /// The queue is deleted: drops all that is ready, and `shifted`. Returns how many were ready.
  virtual std::uint64_t close(const std::vector<StoredMessage>& shifted) = 0;
  /// Before a stop in good order: adds what has to be marked redelivered after the start.
  virtual void collect_delivered(const std::vector<StoredMessage>& shifted,
                                 std::vector<SeqRun>& delivered) const = 0;

  /// Ready messages, and their body bytes.
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  [[nodiscard]] virtual std::uint64_t body_bytes() const = 0;
  /// Bytes of the blocks that are in memory.
  [[nodiscard]] virtual std::uint64_t resident_bytes() const = 0;
};

}  // namespace leveret
