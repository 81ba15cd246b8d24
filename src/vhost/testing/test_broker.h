// SPDX-License-Identifier: Apache-2.0
//
// TestBroker: a whole broker on one thread. Its workers' tasks, the ends of their turns and what
// their connections do are interleaved in an order that a seed decides, so that a race between
// workers is a test with a number.
//
// Only the metadata store has a thread of its own. settle() waits for it by a barrier, never by
// time.
//
// Thread: the test's. Owns: everything but the participants, which leave before they go.

#pragma once

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/testing/stepping_executor.h"
#include "metadata/metadata_store.h"
#include "vhost/alarms.h"
#include "vhost/broker.h"
#include "vhost/registry.h"
#include "vhost/shard.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leveret::testing {

/// Somebody who acts in a worker's turns: a connection.
class TurnParticipant {
 public:
  virtual ~TurnParticipant() = default;
  /// Takes in what has come. True: it did something.
  virtual bool begin_turn() = 0;
  /// Says what was gathered. True: it did something.
  virtual bool end_turn() = 0;
};

class TestBroker {
 public:
  struct Options {
    unsigned workers = 1;
    std::uint64_t seed = 1;
    std::filesystem::path metadata_file = ":memory:";
    const Personality* personality = personalities().data();
  };

  TestBroker() : TestBroker(Options{}) {}
  explicit TestBroker(Options options)
      : executor_(options.workers, options.seed),
        engine_(options.seed),
        participants_(options.workers) {
    set_log_level(LogLevel::none);  // A test looks at state; what is logged is for people.
    auto metadata = MetadataStore::open(options.metadata_file);
    LEVERET_ASSERT(metadata.has_value(), "{}", metadata.error().text());
    metadata_ = std::move(*metadata);
    auto broker = Broker::open({.executor = &executor_,
                                .metadata = metadata_.get(),
                                .clock = &clock_,
                                .node_name = "leveret@test",
                                .personality = options.personality});
    LEVERET_ASSERT(broker.has_value(), "{}", broker.error().text());
    broker_ = std::move(*broker);
  }
  ~TestBroker() {
    settle();  // What is on its way may own things of the broker.
    metadata_.reset();
  }

  [[nodiscard]] unsigned worker_count() const { return executor_.worker_count(); }
  [[nodiscard]] Shard& shard(unsigned worker) const { return broker_->shard(id(worker)); }
  [[nodiscard]] Registry& registry() const { return broker_->registry(); }
  [[nodiscard]] MetadataStore& metadata() const { return *metadata_; }
  [[nodiscard]] Alarms& alarms() const { return broker_->alarms(); }
  /// The workers hear of it in the steps that follow, each at its own time.
  void raise_alarm(std::string_view name, std::string_view reason) {
    as(0, [&] { broker_->alarms().raise(name, reason, "used=2 limit=1"); });
  }
  void clear_alarm(std::string_view name) {
    as(0, [&] { broker_->alarms().clear(name, "used=0 limit=1"); });
  }
  [[nodiscard]] ManualClock& clock() { return clock_; }

  void add(unsigned worker, TurnParticipant& participant) {
    participants_[worker].push_back(&participant);
  }
  void remove(TurnParticipant& participant) {
    for (auto& of_worker : participants_) std::erase(of_worker, &participant);
  }

  template <class Act>
  void as(unsigned worker, Act act) {
    executor_.as(id(worker), std::move(act));
  }

  /// Begins something and steps until its answer came: `ask` is given the function to answer with.
  template <class Answer, class Ask>
  Answer ask(unsigned worker, Ask ask) {
    std::optional<Answer> answer;
    as(worker, [&] { ask([&answer](Answer given) { answer.emplace(std::move(given)); }); });
    settle();
    LEVERET_ASSERT(answer.has_value(), "a question was never answered");
    return std::move(*answer);
  }

  /// One worker's turn, without the tasks that others have sent it. True: it did something.
  bool turn(unsigned worker) {
    bool has_worked = false;
    as(worker, [&] {
      // A copy: a participant may leave in its turn.
      const std::vector<TurnParticipant*> here = participants_[worker];
      for (TurnParticipant* participant : here) has_worked |= participant->begin_turn();
      has_worked |= shard(worker).wake_queues();
      has_worked |= shard(worker).finish_turn();
      for (TurnParticipant* participant : here) has_worked |= participant->end_turn();
      shard(worker).end_turn();
    });
    return has_worked;
  }

  /// One task, or one worker's turn, as the seed has it. False: nothing was there to do.
  bool step() {
    if (engine_() % 3 == 0 && turn(static_cast<unsigned>(engine_() % worker_count()))) return true;
    if (executor_.step()) return true;
    bool has_worked = false;
    for (unsigned worker = 0; worker < worker_count(); ++worker) has_worked |= turn(worker);
    return has_worked;
  }
  /// Steps `count` times at most: something is left on its way.
  void run_steps(int count) {
    while (count-- > 0 && step()) continue;
  }
  /// Steps until nothing is left to do, the metadata thread's answers included.
  void settle() {
    do {
      while (step()) continue;
      wait_for_metadata();
    } while (step());
  }

  /// Queues at home on any worker, messages in them, and who holds what.
  [[nodiscard]] QueueCounts totals() const {
    QueueCounts totals;
    for (unsigned worker = 0; worker < worker_count(); ++worker) {
      for (const QueueSnapshot& queue : shard(worker).queue_snapshots()) {
        totals.ready += queue.counts.ready;
        totals.unacked += queue.counts.unacked;
        totals.consumers += queue.counts.consumers;
      }
    }
    return totals;
  }
  [[nodiscard]] std::size_t queue_count() const {
    std::size_t count = 0;
    for (unsigned worker = 0; worker < worker_count(); ++worker) {
      count += shard(worker).queue_snapshots().size();
    }
    return count;
  }
  [[nodiscard]] std::size_t connection_count() const {
    std::size_t count = 0;
    for (unsigned worker = 0; worker < worker_count(); ++worker) {
      count += shard(worker).connections().size();
    }
    return count;
  }
  /// Every worker knows such a queue (or no worker does; anything between is a bug).
  [[nodiscard]] bool has_queue(const std::string& name, const std::string& vhost = "/") const {
    return everywhere([&](const VhostReplica& world) { return world.find_queue(name) != nullptr; },
                      vhost);
  }
  [[nodiscard]] bool has_exchange(const std::string& name, const std::string& vhost = "/") const {
    return everywhere(
        [&](const VhostReplica& world) { return world.find_exchange(name) != nullptr; }, vhost);
  }

 private:
  static WorkerId id(unsigned worker) { return WorkerId(static_cast<std::uint16_t>(worker)); }

  /// After this, what the metadata thread was asked before has been answered and can be stepped.
  void wait_for_metadata() {
    std::promise<void> answered;
    metadata_->barrier([&answered](Result<void>) { answered.set_value(); });
    answered.get_future().wait();
  }

  template <class Has>
  bool everywhere(Has has, const std::string& vhost) const {
    unsigned count = 0;
    for (unsigned worker = 0; worker < worker_count(); ++worker) {
      const VhostReplica* world = shard(worker).find_vhost(vhost);
      if (world && has(*world)) ++count;
    }
    LEVERET_ASSERT(count == 0 || count == worker_count(), "{} workers of {} know of it", count,
                   worker_count());
    return count != 0;
  }

  SteppingExecutor executor_;
  std::mt19937_64 engine_;
  ManualClock clock_;
  std::unique_ptr<MetadataStore> metadata_;
  std::unique_ptr<Broker> broker_;
  std::vector<std::vector<TurnParticipant*>> participants_;
};

}  // namespace leveret::testing
