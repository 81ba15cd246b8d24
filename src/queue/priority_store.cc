// SPDX-License-Identifier: Apache-2.0
#include "queue/priority_store.h"

#include "base/assert.h"
#include "journal/owner_names.h"

#include <algorithm>
#include <utility>

namespace leveret {
namespace {

constexpr unsigned priority_shift = 56;

MessageSeq outer(std::uint8_t priority, MessageSeq seq) {
  return MessageSeq(seq.value() | std::uint64_t{priority} << priority_shift);
}
std::uint8_t priority_of(MessageSeq seq) {
  return static_cast<std::uint8_t>(seq.value() >> priority_shift);
}
MessageSeq inner(MessageSeq seq) {
  return MessageSeq(seq.value() & ((std::uint64_t{1} << priority_shift) - 1));
}
StoredMessage inner(StoredMessage message) {
  message.seq = inner(message.seq);
  return message;
}

}  // namespace

/// One priority: its store, and what that store says translated for the queue.
class PriorityStore::Lane final : public StoreListener {
 public:
  Lane(PriorityStore& of, std::uint8_t number, const ClassicStore::Options& options)
      : store(of.log_, of.limits_, options), all_(of), priority_(number) {
    store.set_listener(*this);
  }

  // StoreListener
  void on_loaded() override { all_.listener_->on_loaded(); }
  void on_damaged(std::uint64_t messages) override { all_.listener_->on_damaged(messages); }
  [[nodiscard]] const StoredMessage* find_shifted(MessageSeq seq) const override {
    return all_.listener_->find_shifted(outer(priority_, seq));
  }
  [[nodiscard]] std::uint8_t priority() const { return priority_; }

  ClassicStore store;

 private:
  PriorityStore& all_;
  const std::uint8_t priority_;
};

PriorityStore::PriorityStore(MessageLog* log, const StoreLimits& limits,
                             const ClassicStore::Options& options, std::uint8_t priority_max)
    : log_(log), limits_(limits), options_(options), lanes_(std::size_t{priority_max} + 1) {}

PriorityStore::~PriorityStore() = default;

PriorityStore::Lane& PriorityStore::lane(std::uint8_t priority) {
  std::unique_ptr<Lane>& found = lanes_[priority];
  if (found == nullptr) {
    ClassicStore::Options options = options_;
    options.owner = owner_of_priority(options_.owner, priority);
    found = std::make_unique<Lane>(*this, priority, options);
  }
  return *found;
}

PriorityStore::Lane* PriorityStore::highest() const {
  for (std::size_t i = lanes_.size(); i-- > 0;) {
    if (lanes_[i] && lanes_[i]->store.size() > 0) return lanes_[i].get();
  }
  return nullptr;
}

void PriorityStore::recover(std::uint8_t priority, RecoveredOwner recovered, bool is_clean) {
  lane(priority).store.recover(std::move(recovered), is_clean);
}

void PriorityStore::set_listener(StoreListener& listener) { listener_ = &listener; }

void PriorityStore::set_durability(Durability durability) {
  options_.durability = durability;
  for (const auto& one : lanes_) {
    if (one) one->store.set_durability(durability);
  }
}

MessageStore::Taken PriorityStore::push(MessagePtr message, std::uint64_t expires_ms,
                                        PublishToken token) {
  const auto priority =
      static_cast<std::uint8_t>(std::min<std::size_t>(message->priority(), lanes_.size() - 1));
  return lane(priority).store.push(std::move(message), expires_ms, token);
}

const StoredMessage* PriorityStore::first() {
  Lane* from = highest();
  const StoredMessage* found = from ? from->store.first() : nullptr;
  if (found == nullptr) return nullptr;
  front_ = *found;
  front_.seq = outer(from->priority(), found->seq);
  return &front_;
}

StoredMessage PriorityStore::shift() {
  Lane* from = highest();
  LEVERET_DEBUG_ASSERT(from != nullptr);
  front_ = {};
  StoredMessage taken = from->store.shift();
  taken.seq = outer(from->priority(), taken.seq);
  return taken;
}

void PriorityStore::settle(const StoredMessage& message) {
  lane(priority_of(message.seq)).store.settle(inner(message));
}

MessageStore::Taken PriorityStore::await_settled(PublishToken token) {
  return lane(0).store.await_settled(token);  // All are in one journal.
}

void PriorityStore::requeue(StoredMessage message) {
  Lane& to = lane(priority_of(message.seq));
  to.store.requeue(inner(std::move(message)));
}

std::uint64_t PriorityStore::purge() {
  front_ = {};
  std::uint64_t purged = 0;
  for (const auto& one : lanes_) {
    if (one) purged += one->store.purge();
  }
  return purged;
}

std::vector<StoredMessage> PriorityStore::of_lane(const std::vector<StoredMessage>& shifted,
                                                  std::uint8_t priority) const {
  std::vector<StoredMessage> own;
  own.reserve(shifted.size());
  for (const StoredMessage& message : shifted) {
    if (priority_of(message.seq) == priority) own.push_back(inner(message));
  }
  return own;
}

std::uint64_t PriorityStore::close(const std::vector<StoredMessage>& shifted) {
  front_ = {};
  std::uint64_t dropped = 0;
  for (const auto& one : lanes_) {
    if (one) dropped += one->store.close(of_lane(shifted, one->priority()));
  }
  return dropped;
}

void PriorityStore::collect_delivered(const std::vector<StoredMessage>& shifted,
                                      std::vector<SeqRun>& delivered) const {
  for (const auto& one : lanes_) {
    if (one) one->store.collect_delivered(of_lane(shifted, one->priority()), delivered);
  }
}

std::uint64_t PriorityStore::sum(std::uint64_t (ClassicStore::*of)() const) const {
  std::uint64_t total = 0;
  for (const auto& one : lanes_) {
    if (one) total += (one->store.*of)();
  }
  return total;
}

std::uint64_t PriorityStore::size() const { return sum(&ClassicStore::size); }
std::uint64_t PriorityStore::body_bytes() const { return sum(&ClassicStore::body_bytes); }
std::uint64_t PriorityStore::resident_bytes() const { return sum(&ClassicStore::resident_bytes); }

}  // namespace leveret
