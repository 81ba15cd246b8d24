// SPDX-License-Identifier: Apache-2.0
//
// StoreWorld: a store over a journal over a disk that can be cut off; it lives many lives.
//
// Thread: the test's.

#pragma once

#include "base/clock.h"
#include "journal/journal.h"
#include "journal/recovery.h"
#include "journal/testing/manual_lane.h"
#include "journal/testing/simulated_file_system.h"
#include "queue/classic_store.h"
#include "queue/message_log.h"
#include "queue/message_store.h"
#include "queue/testing/quiet_host.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::testing {

class StoreWorld : public JournalHost, public QuietHost, public StoreListener {
 public:
  /// Makes the store of a life, with what a start found.
  using Make =
      std::function<std::unique_ptr<MessageStore>(MessageLog&, const StoreLimits&, Recovered&)>;

  StoreWorld(std::uint64_t seed, Make make) : files_(seed), make_(std::move(make)) {
    EXPECT_TRUE(files_.make_directory(directory_));
    EXPECT_TRUE(files_.sync_directory("/"));
    limits.resident_bytes_max = 2048;
    limits.places_max = 16;
    start();
  }

  void start() {
    Result<Recovered> recovered = recover(files_, directory_, 0);
    ASSERT_TRUE(recovered) << recovered.error().text();
    EXPECT_TRUE(recovered->report.damages.empty());
    journal_.emplace(Journal::Deps{.files = &files_,
                                   .writing = &writing_,
                                   .reading = &reading_,
                                   .host = this,
                                   .clock = &clock_},
                     Journal::Options{.directory = directory_, .segment_bytes = 8 * 1024});
    log_.emplace(*journal_, static_cast<QueueHost&>(*this));
    store = make_(*log_, limits, *recovered);
    store->set_listener(*this);
    journal_->start(std::move(recovered->segments), recovered->next_segment);
  }
  void stop_in_order() {
    std::vector<StoredMessage> held;
    held.reserve(shifted.size());
    for (const auto& [seq, message] : shifted) held.push_back(message);
    std::vector<SeqRun> delivered;
    store->collect_delivered(held, delivered);
    writing_.run_untold();
    reading_.run_untold();
    const auto closed = journal_->close(delivered);
    EXPECT_TRUE(closed) << (closed ? "" : closed.error().text());
    forget();
  }
  void lose_power(std::uint64_t seed) {
    files_.power_loss(seed);
    forget();
    files_.restart();
  }
  void be_killed() {
    files_.kill();
    forget();
    files_.restart();
  }

  /// Lets the lanes do `count` jobs at most; any, as the engine has it. False: there was none.
  bool step(std::mt19937_64& engine) {
    journal_->flush();
    return engine() % 2 == 0 ? writing_.step() || reading_.step()
                             : reading_.step() || writing_.step();
  }
  void step_all(std::mt19937_64& engine) {
    while (step(engine)) continue;
  }
  [[nodiscard]] Journal& journal() { return *journal_; }

  // QueueHost
  void confirm(PublishToken token, bool is_accepted) override {
    EXPECT_TRUE(is_accepted);
    confirmed.insert(token.sequence);
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
  // JournalHost
  void on_durable(BatchId upto) override { log_->on_durable(upto); }
  void on_stalled(const Error& why) override { ADD_FAILURE() << why.text(); }
  void on_resumed() override {}
  void on_poisoned(const Error& why) override { ADD_FAILURE() << why.text(); }
  void find_alive(OwnerId of, SegmentId segment, std::span<const IndexEntry> entries,
                  std::vector<IndexEntry>& alive) override {
    if (auto* found = log_->find_store(of)) found->find_alive(of, segment, entries, alive);
  }
  void relocate(OwnerId of, SegmentId segment, std::span<Relocation> relocations) override {
    if (auto* found = log_->find_store(of)) found->relocate(of, segment, relocations);
  }

  StoreLimits limits;
  std::unique_ptr<MessageStore> store;
  std::map<MessageSeq, StoredMessage> shifted;
  std::set<std::uint64_t> confirmed;  // Tokens' sequences, of this life.

 private:
  void forget() {
    store.reset();
    log_.reset();
    journal_.reset();
    writing_.drop();
    reading_.drop();
    shifted.clear();
    confirmed.clear();
  }

  const std::filesystem::path directory_ = "/journal";
  SimulatedFileSystem files_;
  const Make make_;
  ManualClock clock_;
  ManualLane writing_, reading_;
  std::optional<Journal> journal_;
  std::optional<MessageLog> log_;
};

}  // namespace leveret::testing
