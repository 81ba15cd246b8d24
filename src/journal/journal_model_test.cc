// SPDX-License-Identifier: Apache-2.0
//
// Random programs against a journal on a simulated disk, many lives from one seed. What it owes
// after each death is in testing/journal_model.h. A seed that fails is printed; this repeats it:
//
//   LEVERET_JOURNAL_SEED=123 build/release/bin/journal_test --gtest_filter='JournalModel.*'
//
// LEVERET_JOURNAL_SEEDS says how many there are, for who has more time.
#include "journal/testing/journal_model.h"

#include "base/log.h"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using testing::Death;
using testing::JournalModel;

/// What owners do, by chance.
class Program {
 public:
  Program(JournalModel& model, std::uint64_t seed) : model_(model), random_(seed) {
    mood_ = pick(4);
  }

  void live(std::uint64_t steps) {
    while (steps-- > 0 && !model_.is_dead()) step();
  }
  void die() {
    const Death how = pick(3) == 0 ? Death::kill : Death::power_loss;
    if (!model_.is_dead() && !model_.is_poisoned() && pick(5) == 0) {
      model_.close(some_runs(), how);
    } else {
      model_.die(how);
    }
  }
  /// Whether the process is to die in some operation of the disk rather than between two.
  void plan() {
    mood_ = pick(4);
    if (pick(2) == 0) model_.die_at(pick(150), pick(3) == 0 ? Death::kill : Death::power_loss);
  }
  void start() {
    do {
      if (pick(4) == 0) model_.die_at(pick(25), pick(3) == 0 ? Death::kill : Death::power_loss);
    } while (!model_.start() && !::testing::Test::HasFailure());
    model_.disk.on_operation({});
  }
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

 private:
  OwnerId some_owner() {
    const std::uint64_t owner = pick(9);
    return owner == 0 ? OwnerId(passing_owner_bit | 1) : OwnerId(first_owner_ + owner % 4);
  }
  std::uint32_t some_size() {
    const std::uint64_t kind = pick(40);
    if (kind < 6) return static_cast<std::uint32_t>(pick(9));
    if (kind == 6) return static_cast<std::uint32_t>(3000 + pick(12'000));
    return static_cast<std::uint32_t>(pick(kind < 30 ? 300 : 1200));
  }
  std::vector<SeqRun> some_runs() {
    std::vector<SeqRun> runs(pick(2) == 0 ? pick(5) : pick(300));
    for (SeqRun& run : runs) {
      run = {.owner = OwnerId(first_owner_ + pick(4)),
             .first = pick(1000),
             .count = static_cast<std::uint32_t>(1 + pick(5)),
             .segment = {}};
    }
    return runs;
  }
  Durability some_durability() { return pick(4) == 0 ? Durability::os : Durability::fsync; }

  void step() {
    const std::uint64_t what = pick(100);
    if (what < 30) {
      const std::uint64_t copies = pick(10) == 0 ? pick(4) : 0;
      if (model_.append(some_owner(), some_size(), some_durability())) {
        for (std::uint64_t i = 0; i < copies; ++i) model_.append_reference(some_owner());
      }
    } else if (what < 50) {
      settle();
    } else if (what < 64) {
      model_.flush();
    } else if (what < 82) {
      model_.writing.step();
    } else if (what < 92) {
      model_.reading.step();
    } else if (what < 95) {
      read();
    } else if (what < 96) {
      model_.journal().reclaim();
    } else if (what < 97) {
      model_.journal().retry();
    } else if (what < 98) {
      model_.barrier(some_durability());
    } else if (what < 99 && pick(20) == 0) {
      model_.drop_owner(OwnerId(first_owner_));
      ++first_owner_;
    } else {
      model_.quiesce();
    }
  }
  void settle() {
    const std::vector<JournalModel::Key> alive = model_.alive();
    // In some moods owners keep up, in others they fall behind.
    if (alive.empty() || alive.size() < mood_ * mood_ * 10) return;
    const std::uint64_t times = 1 + pick(4);
    if (pick(12) == 0) {
      const JournalModel::Key key = alive[pick(alive.size())];
      if (!is_passing(key.first)) return model_.settle_range(key);
    }
    for (std::uint64_t i = 0; i < times; ++i) {
      const JournalModel::Key key = alive[pick(alive.size())];
      if (model_.entries().contains(key) && !model_.entries().at(key).settle) model_.settle(key);
    }
  }
  void read() {
    const std::vector<JournalModel::Key> alive = model_.alive();
    if (alive.empty()) return;
    std::vector<JournalModel::Key> keys;
    for (std::uint64_t i = 1 + pick(5); i > 0; --i) keys.push_back(alive[pick(alive.size())]);
    std::ranges::sort(keys);
    model_.read(keys);
  }

  JournalModel& model_;
  std::mt19937_64 random_;
  std::uint64_t first_owner_ = 1;
  std::uint64_t mood_ = 0;
};

void run_lives(std::uint64_t seed) {
  SCOPED_TRACE("LEVERET_JOURNAL_SEED=" + std::to_string(seed));
  JournalModel model({.seed = seed, .segment_bytes = seed % 2 == 0 ? 8u * 1024 : 3u * 1024});
  Program program(model, seed);
  program.start();
  for (int life = 0; life < 8 && !::testing::Test::HasFailure(); ++life) {
    program.plan();
    program.live(program.pick(700));
    program.die();
    program.start();
  }
}

TEST(JournalModel, keeps_its_promises_through_many_lives) {
  set_log_level(LogLevel::none);
  const auto given = [](const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
  };
  const std::uint64_t first = given("LEVERET_JOURNAL_SEED", 0);
  const std::uint64_t count =
      given("LEVERET_JOURNAL_SEEDS", std::getenv("LEVERET_JOURNAL_SEED") != nullptr ? 1 : 300);
  for (std::uint64_t seed = first; seed < first + count && !HasFailure(); ++seed) run_lives(seed);
  set_log_level(LogLevel::info);
}

}  // namespace
}  // namespace leveret
