// SPDX-License-Identifier: Apache-2.0
//
// Dispatcher: a queue's consumers, and which of them is next.
//
// Consumers with the highest priority come first; inside one priority they take turns, one message
// each. A consumer that cannot take a message (its prefetch is full, or its sink said so) leaves
// the ring until it can, so that choosing the next is O(1) however many wait. RabbitMQ:
// consumer-priority, consumer-prefetch.
//
// Thread: the queue's home worker. Owns: the Consumers; borrows their sinks (their owner detaches
// the consumer before the sink goes).

#pragma once

#include "message/ids.h"
#include "queue/consumer_spec.h"
#include "queue/delivery_sink.h"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

struct Consumer {
  ConsumerSpec spec;
  DeliverySink* sink = nullptr;  // Not owned: its channel detaches the consumer before it goes.
  std::uint32_t unacked = 0;
  bool is_stalled = false;  // The sink said it was not ready; resume() clears it.
  bool is_waiting = false;  // Another is the single active one.
  std::uint64_t order = 0;  // Who came first.
  bool is_in_ring = false;
  std::list<Consumer*>::iterator place;

  [[nodiscard]] bool may_take() const {
    return !is_stalled && !is_waiting &&
           (spec.no_ack || spec.prefetch == 0 || unacked < spec.prefetch);
  }
};

class Dispatcher {
 public:
  /// `is_single_active`: one consumer gets all, until it goes; then the one with the highest
  /// priority, of several the first that came. RabbitMQ: consumers#single-active-consumer.
  explicit Dispatcher(bool is_single_active = false) : is_single_active_(is_single_active) {}

  /// Requires: no consumer with this id.
  void add(const ConsumerSpec& spec, DeliverySink& sink);
  /// Returns false when there is no such consumer.
  bool remove(ConsumerId id);
  [[nodiscard]] Consumer* find(ConsumerId id);

  /// The consumer whose turn it is, or nullptr when none may take a message.
  [[nodiscard]] Consumer* next();
  /// `consumer` took one: the turn goes to its neighbour. Requires: it was next().
  void took_one(Consumer& consumer);
  /// Takes the consumer out of, or back into, the ring, as may_take() has become.
  void refresh(Consumer& consumer);

  [[nodiscard]] std::size_t size() const { return consumers_.size(); }
  /// Zero: nobody is there, or all may be active.
  [[nodiscard]] ConsumerId single_active() const { return active_; }
  [[nodiscard]] bool has_exclusive() const { return exclusive_.value() != 0; }
  [[nodiscard]] std::vector<ConsumerId> ids() const;
  void clear();

 private:
  using Ring = std::list<Consumer*>;

  void activate_next();

  boost::unordered_flat_map<ConsumerId, std::unique_ptr<Consumer>, std::hash<ConsumerId>>
      consumers_;
  std::map<std::int32_t, Ring, std::greater<>> rings_;  // By priority; none is empty.
  ConsumerId exclusive_;
  const bool is_single_active_;
  ConsumerId active_;
  std::uint64_t next_order_ = 0;
};

}  // namespace leveret
