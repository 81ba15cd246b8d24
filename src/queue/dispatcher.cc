// SPDX-License-Identifier: Apache-2.0
#include "queue/dispatcher.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace leveret {

void Dispatcher::add(const ConsumerSpec& spec, DeliverySink& sink) {
  auto consumer = std::make_unique<Consumer>();
  consumer->spec = spec;
  consumer->sink = &sink;
  Consumer& added = *consumer;
  const bool is_new = consumers_.emplace(spec.id, std::move(consumer)).second;
  LEVERET_ASSERT(is_new, "consumer {} subscribed twice", spec.id.value());
  if (spec.is_exclusive) exclusive_ = spec.id;
  added.order = next_order_++;
  if (is_single_active_) {
    added.is_waiting = active_.value() != 0;
    if (!added.is_waiting) active_ = spec.id;
  }
  refresh(added);
}

bool Dispatcher::remove(ConsumerId id) {
  const auto found = consumers_.find(id);
  if (found == consumers_.end()) return false;
  found->second->is_stalled = true;
  refresh(*found->second);
  if (exclusive_ == id) exclusive_ = {};
  consumers_.erase(found);
  if (active_ == id) activate_next();
  return true;
}

void Dispatcher::activate_next() {
  active_ = {};
  const auto rank = [](const auto& entry) {
    return std::pair(-std::int64_t{entry.second->spec.priority}, entry.second->order);
  };
  const auto next = std::ranges::min_element(consumers_, {}, rank);
  if (next == consumers_.end()) return;
  active_ = next->first;
  next->second->is_waiting = false;
  refresh(*next->second);
}

Consumer* Dispatcher::find(ConsumerId id) {
  const auto found = consumers_.find(id);
  return found == consumers_.end() ? nullptr : found->second.get();
}

Consumer* Dispatcher::next() { return rings_.empty() ? nullptr : rings_.begin()->second.front(); }

void Dispatcher::took_one(Consumer& consumer) {
  if (!consumer.may_take()) {
    refresh(consumer);
    return;
  }
  Ring& ring = rings_.begin()->second;
  LEVERET_DEBUG_ASSERT(ring.front() == &consumer);
  ring.splice(ring.end(), ring, ring.begin());
}

void Dispatcher::refresh(Consumer& consumer) {
  const bool belongs_in_ring = consumer.may_take();
  if (belongs_in_ring == consumer.is_in_ring) return;
  if (belongs_in_ring) {
    Ring& ring = rings_[consumer.spec.priority];
    consumer.place = ring.insert(ring.end(), &consumer);
  } else {
    const auto ring = rings_.find(consumer.spec.priority);
    ring->second.erase(consumer.place);
    if (ring->second.empty()) rings_.erase(ring);
  }
  consumer.is_in_ring = belongs_in_ring;
}

std::vector<ConsumerId> Dispatcher::ids() const {
  std::vector<ConsumerId> ids;
  ids.reserve(consumers_.size());
  for (const auto& [id, consumer] : consumers_) ids.push_back(id);
  return ids;
}

void Dispatcher::clear() {
  rings_.clear();
  consumers_.clear();
  exclusive_ = {};
  active_ = {};
}

}  // namespace leveret
