// SPDX-License-Identifier: Apache-2.0
//
// StoreWorld: a store over a journal over a disk that can be cut off; it lives many lives.
//
// Thread: the test's.

#pragma once

#include "queue/message_store.h"
#include "queue/testing/log_world.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace leveret::testing {

class StoreWorld : public LogWorld, public StoreListener {
 public:
  /// Makes the store of a life, with what a start found.
  using Make =
      std::function<std::unique_ptr<MessageStore>(MessageLog&, const StoreLimits&, Recovered&)>;

  StoreWorld(std::uint64_t seed, Make make) : LogWorld(seed), make_(std::move(make)) { start(); }

  using LogWorld::start;
  void stop_in_order() {
    std::vector<StoredMessage> held;
    held.reserve(shifted.size());
    for (const auto& [seq, message] : shifted) held.push_back(message);
    std::vector<SeqRun> delivered;
    store->collect_delivered(held, delivered);
    LogWorld::stop_in_order(delivered);
  }

  // StoreListener
  void on_loaded() override {}
  void on_damaged(std::uint64_t messages) override {
    ADD_FAILURE() << messages << " messages are damaged";
  }
  [[nodiscard]] const StoredMessage* find_shifted(MessageSeq seq) const override {
    const auto found = shifted.find(seq);
    return found == shifted.end() ? nullptr : &found->second;
  }

  std::unique_ptr<MessageStore> store;
  std::map<MessageSeq, StoredMessage> shifted;

 protected:
  void begin_life(Recovered& recovered) override {
    store = make_(message_log(), limits, recovered);
    store->set_listener(*this);
  }
  void end_life() override {
    store.reset();
    shifted.clear();
  }

 private:
  const Make make_;
};

}  // namespace leveret::testing
