// SPDX-License-Identifier: Apache-2.0
//
// Reached: what one message has come to so far. Every destination carries the number of the last
// route that reached it, so that asking "already there?" is one comparison and needs no set.
//
// Thread: the table's. Owns: the exchanges still to visit; its memory is used again by the next
// route.

#pragma once

#include "message/ids.h"
#include "routing/binding.h"
#include "routing/exchange.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace leveret {

class Reached {
 public:
  /// A new message comes to `first`. Its queues are appended to `queues`, which must live until the
  /// route is done.
  void begin(const Exchange& first, std::vector<QueueId>& queues) {
    ++route_;
    queues_ = &queues;
    to_visit_.clear();
    add(first);
  }

  /// The next exchange to ask, or null when all were.
  [[nodiscard]] const Exchange* next_exchange() {
    if (to_visit_.empty()) return nullptr;
    const Exchange* next = to_visit_.back();
    to_visit_.pop_back();
    has_matched_ = false;
    return next;
  }
  /// Whether the exchange asked last led anywhere, be it to where the message had been before.
  [[nodiscard]] bool has_matched() const { return has_matched_; }

  void add(const Destination& destination) {
    has_matched_ = true;
    if (std::exchange(destination.reached_by_, route_) == route_) return;
    if (destination.kind() == Destination::Kind::queue) {
      queues_->push_back(static_cast<const QueueDestination&>(destination).id());
    } else {
      to_visit_.push_back(static_cast<const Exchange*>(&destination));
    }
  }
  void add(const BindingList& bindings) {
    for (const BindingList::Entry& entry : bindings) add(*entry.destination);
  }

 private:
  std::uint64_t route_ = 0;
  bool has_matched_ = false;
  std::vector<QueueId>* queues_ = nullptr;  // Not owned: route()'s caller's.
  std::vector<const Exchange*> to_visit_;
};

}  // namespace leveret
