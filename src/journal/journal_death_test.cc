// SPDX-License-Identifier: Apache-2.0
//
// One life of a journal, with all that happens in one, ended at each step that its disk takes; and
// the start after that, ended at each of its own.
#include "base/log.h"
#include "journal/testing/journal_model.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using testing::Death;
using testing::JournalModel;

constexpr OwnerId orders{1};
constexpr OwnerId bills{2};
constexpr std::uint64_t powers = 3;

/// Segments that end, are moved and go; a stop in good order, a start, and more of it.
class Scenario {
 public:
  explicit Scenario(JournalModel& model) : model_(model) {}

  void run() {
    if (!model_.start()) return;
    work(40);
    if (model_.is_dead()) return;
    model_.close({{.owner = orders, .first = 5, .count = 3, .segment = {}}});
    if (model_.has_died_at() || !model_.start()) return;
    work(25);
  }

 private:
  void work(int turns) {
    for (int turn = 1; turn <= turns && !model_.is_dead(); ++turn) {
      const auto first = model_.append(orders, 300);
      model_.append_reference(bills);
      model_.append(orders, turn % 7 == 0 ? 5000 : 500, Durability::os);
      model_.flush();
      // One in eight stays.
      for (const JournalModel::Key& key : model_.alive()) {
        if (key.second % 8 != 0 && model_.entries().at(key).number + 6 < newest(first)) {
          model_.settle(key);
        }
      }
      if (turn % 3 == 0) model_.quiesce();
    }
  }
  std::uint64_t newest(const std::optional<JournalModel::Key>& first) const {
    return first ? model_.entries().at(*first).number : 0;
  }

  JournalModel& model_;
};

JournalModel::Options with(std::uint64_t seed) { return {.seed = seed, .segment_bytes = 4096}; }

class JournalDeath : public ::testing::Test {
 protected:
  JournalDeath() { set_log_level(LogLevel::none); }
  ~JournalDeath() override { set_log_level(LogLevel::info); }

  static std::uint64_t steps_of_scenario() {
    JournalModel model(with(0));
    Scenario(model).run();
    EXPECT_GT(model.journal().counts().segments_moved, 0u);
    return model.disk.steps();
  }
  static void run_until(JournalModel& model, std::uint64_t step, Death how) {
    model.die_at(step - model.disk.steps(), how);
    Scenario(model).run();
    model.die(how);
  }
};

TEST_F(JournalDeath, at_any_step_costs_nothing_that_was_promised) {
  const std::uint64_t steps = steps_of_scenario();
  for (std::uint64_t step = 1; step < steps && !HasFailure(); ++step) {
    for (std::uint64_t power = 0; power <= powers; ++power) {
      SCOPED_TRACE("step " + std::to_string(step) + " power " + std::to_string(power));
      JournalModel model(with(step * 10 + power));
      run_until(model, step, power == powers ? Death::kill : Death::power_loss);
      EXPECT_TRUE(model.start());
      model.die(Death::power_loss);
      EXPECT_TRUE(model.start());
    }
  }
}

TEST_F(JournalDeath, while_starting_at_any_step_costs_nothing_either) {
  const std::uint64_t steps = steps_of_scenario();
  for (std::uint64_t step = 1; step < steps && !HasFailure(); step += 5) {
    bool has_died = true;
    for (std::uint64_t inner = 0; has_died && !HasFailure(); ++inner) {
      SCOPED_TRACE("step " + std::to_string(step) + " and then " + std::to_string(inner));
      JournalModel model(with(step * 100 + inner));
      run_until(model, step, step % 2 == 0 ? Death::kill : Death::power_loss);
      model.die_at(inner, inner % 3 == 0 ? Death::kill : Death::power_loss);
      has_died = !model.start();
      EXPECT_TRUE(!has_died || model.start());
    }
  }
}

}  // namespace
}  // namespace leveret
