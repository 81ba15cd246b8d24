// SPDX-License-Identifier: Apache-2.0
//
// LogWorld: a journal over a disk that can be cut off, and the log of whoever keeps messages in it;
// it lives many lives.
//
// Thread: the test's.

#pragma once

#include "base/clock.h"
#include "journal/journal.h"
#include "journal/recovery.h"
#include "journal/testing/manual_lane.h"
#include "journal/testing/simulated_file_system.h"
#include "queue/message_log.h"
#include "queue/store_limits.h"
#include "queue/testing/quiet_host.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::testing {

/// Which stories a model tells: from the first to the last. LEVERET_STORE_SEED=n looks at one of
/// them, LEVERET_STORE_SEEDS=n at so many. Sanitizers take their time, and find in a few what they
/// find at all.
struct Seeds {
  std::uint64_t first;
  std::uint64_t last;

  [[nodiscard]] static Seeds wanted(std::uint64_t count) {
#ifdef LEVERET_SANITIZED
    count = count / 10 + 1;
#endif
    const auto number = [](const char* name, std::uint64_t otherwise) {
      const char* text = std::getenv(name);
      return text ? std::strtoull(text, nullptr, 10) : otherwise;
    };
    const std::uint64_t one = number("LEVERET_STORE_SEED", 0);
    if (one != 0) return {one, one};
    return {1, number("LEVERET_STORE_SEEDS", count)};
  }
};

class LogWorld : public JournalHost, public QuietHost {
 public:
  explicit LogWorld(std::uint64_t seed) : files_(seed) {
    EXPECT_TRUE(files_.make_directory(directory_));
    EXPECT_TRUE(files_.sync_directory("/"));
    limits.resident_bytes_max = 2048;
    limits.places_max = 16;
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
  /// Spoils a segment behind its header; its index is as it was.
  void spoil(SegmentId segment) {
    constexpr std::uint64_t behind_header = 64;
    const auto path = directory_ / segment_file_name(segment);
    const auto file = files_.open(path, OpenMode::read);
    ASSERT_TRUE(file);
    files_.flip_bits(path, behind_header, (*file)->size().value() - behind_header);
  }
  [[nodiscard]] Journal& journal() { return *journal_; }
  [[nodiscard]] MessageLog& message_log() { return *log_; }

  // QueueHost
  void confirm(PublishToken token, bool is_accepted) override {
    EXPECT_TRUE(is_accepted);
    confirmed.insert(token.sequence);
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
  std::set<std::uint64_t> confirmed;  // Tokens' sequences, of this life.

 protected:
  /// Whoever keeps messages makes himself of what a start found, before the journal goes on.
  virtual void begin_life(Recovered& recovered) = 0;
  /// He goes before his log does.
  virtual void end_life() = 0;

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
    begin_life(*recovered);
    journal_->start(std::move(recovered->segments), recovered->next_segment);
  }
  void stop_in_order(const std::vector<SeqRun>& delivered) {
    writing_.run_untold();
    reading_.run_untold();
    const auto closed = journal_->close(delivered);
    EXPECT_TRUE(closed) << (closed ? "" : closed.error().text());
    forget();
  }

 private:
  void forget() {
    end_life();
    log_.reset();
    journal_.reset();
    writing_.drop();
    reading_.drop();
    confirmed.clear();
  }

  const std::filesystem::path directory_ = "/journal";
  SimulatedFileSystem files_;
  ManualClock clock_;
  ManualLane writing_, reading_;
  std::optional<Journal> journal_;
  std::optional<MessageLog> log_;
};

}  // namespace leveret::testing
