// SPDX-License-Identifier: Apache-2.0
//
// MessageLog: a journal as queues use it: of messages, and of publishers who wait to hear that
// theirs is safe.
//
//   data of an entry    0  4  bytes of the properties
//                       4  1  bytes of the exchange's name
//                       5  1  bytes of the routing key
//                       6  1  1: the message is persistent
//                       7  1  version: 1, or 2: the message expires
//                      (8  8  when, in milliseconds since 1970; in version 2 only. In a
//                             stream, which keeps what has expired: when the message came)
//                       8     exchange and routing key as short strings, properties, body
//   weight              bytes of the body
//
// A message that goes to many queues of the worker, one after the other, is stored once.
//
// Thread: the home worker. Owns: nothing. Borrows: journal and host.

#pragma once

#include "journal/journal.h"
#include "message/message.h"
#include "queue/message_store.h"
#include "queue/queue_host.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace leveret {

/// A store with entries in the log, as the journal asks for it when it moves them.
class LoggedStore {
 public:
  virtual ~LoggedStore() = default;
  /// See JournalHost.
  virtual void find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                          std::vector<IndexEntry>& alive) = 0;
  virtual void relocate(OwnerId owner, SegmentId segment, std::span<Relocation> relocations) = 0;
  /// A batch that it awaited, and every one before, is durable.
  virtual void on_durable(BatchId) {}
};

class MessageLog {
 public:
  MessageLog(Journal& journal, QueueHost& host) : journal_(journal), host_(host) {}

  [[nodiscard]] Journal& journal() const { return journal_; }

  /// Entries of `owner` are the store's, until remove(). Borrows the store.
  void add(OwnerId owner, LoggedStore& store) { stores_[owner] = &store; }
  void remove(OwnerId owner);
  /// Null: the owner has gone, and nothing of his is alive.
  [[nodiscard]] LoggedStore* find_store(OwnerId owner) const;

  /// Appends the message for `owner` and says in `stored` where it lies. Returns the batch after
  /// which it is as durable as asked for. Requires: the journal is not poisoned.
  BatchId append(OwnerId owner, StoredMessage& stored, Durability durability);
  /// The token's owner is told when the batch is durable, or that it will never be.
  void await(BatchId batch, PublishToken token) { waiting_.push_back({batch, token, nullptr}); }
  /// `store` is told when the batch is durable; not when it will never be. Requires: it is in the
  /// log.
  void await(BatchId batch, LoggedStore& store) {
    waiting_.push_back({batch, {}, &store});
    ++waiting_stores_;
  }
  /// Requires: stored.location.
  void settle(OwnerId owner, const StoredMessage& stored);
  /// As settle(), for a queue that is deleted.
  void drop(const StoredMessage& stored);

  struct Decoded {
    MessagePtr message;  ///< Null: these bytes are none.
    std::uint64_t expires_ms = 0;
  };
  /// The message that was appended.
  [[nodiscard]] static Decoded decode(std::span<const std::byte> data);

  // What the journal tells its host.
  void on_durable(BatchId upto);
  void on_poisoned();
  /// Ends what is only for the turn.
  void end_turn() { last_ = {}; }

  [[nodiscard]] std::size_t waiting_count() const { return waiting_.size(); }

 private:
  struct Waiting {
    BatchId batch;
    PublishToken token;
    LoggedStore* store;  // Null: it was the token's owner who waits.
  };
  struct Last {
    MessagePtr message;  // Held, so that no other message can have its address.
    std::uint64_t expires_ms = 0;
    Journal::Appended appended;
  };

  Journal& journal_;
  QueueHost& host_;
  std::deque<Waiting> waiting_;     // Batches grow.
  std::size_t waiting_stores_ = 0;  // Of those, how many are stores.
  Last last_;
  std::unordered_map<OwnerId, LoggedStore*> stores_;
};

}  // namespace leveret
