// SPDX-License-Identifier: Apache-2.0
//
// PriorityStore: a classic store for each priority; the first message is that of the highest which
// has any. RabbitMQ: priority (x-max-priority).
//
// A store is made when its priority is first used. To the queue a seq carries its priority in the
// highest byte, so that seqs of two stores differ; each store knows its own without.
//
// Thread: the queue's home worker. Owns: the stores. Complexity: O(priorities) to find the first.

#pragma once

#include "queue/classic_store.h"
#include "queue/message_store.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace leveret {

class PriorityStore final : public MessageStore {
 public:
  /// `options.owner` is the queue's; each priority has its own of it. Borrows log and limits.
  PriorityStore(MessageLog* log, const StoreLimits& limits, const ClassicStore::Options& options,
                std::uint8_t priority_max);
  ~PriorityStore() override;

  /// Takes over what a start found of one priority. Before anything is pushed.
  void recover(std::uint8_t priority, RecoveredOwner recovered, bool is_clean);

  // MessageStore
  void set_listener(StoreListener& listener) override;
  void set_durability(Durability durability) override;
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
  [[nodiscard]] std::uint64_t size() const override;
  [[nodiscard]] std::uint64_t body_bytes() const override;
  [[nodiscard]] std::uint64_t resident_bytes() const override;

 private:
  class Lane;

  [[nodiscard]] Lane& lane(std::uint8_t priority);
  [[nodiscard]] Lane* highest() const;
  [[nodiscard]] std::vector<StoredMessage> of_lane(const std::vector<StoredMessage>& shifted,
                                                   std::uint8_t priority) const;
  [[nodiscard]] std::uint64_t sum(std::uint64_t (ClassicStore::*of)() const) const;

  MessageLog* const log_;
  const StoreLimits& limits_;
  ClassicStore::Options options_;  // Of the next store that is made.
  StoreListener* listener_ = nullptr;
  std::vector<std::unique_ptr<Lane>> lanes_;  // By priority; null: it has not been used.
  StoredMessage front_;                       // first(), with the seq that the queue knows.
};

}  // namespace leveret
