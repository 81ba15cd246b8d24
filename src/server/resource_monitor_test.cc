// SPDX-License-Identifier: Apache-2.0
#include "server/resource_monitor.h"

#include "vhost/shard.h"
#include "vhost/testing/test_broker.h"

#include <system_error>

#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

/// Says what the test says.
class FakeProbe final : public ResourceProbe {
 public:
  [[nodiscard]] std::uint64_t memory_total() override { return total; }
  [[nodiscard]] std::uint64_t memory_used() override { return used; }
  [[nodiscard]] Result<std::uint64_t> disk_free() override {
    if (is_broken) return failure(std::make_error_code(std::errc::io_error), "free space");
    return free;
  }

  std::uint64_t total = 10'000;
  std::uint64_t used = 100;
  std::uint64_t free = 100'000;
  bool is_broken = false;
};

class ResourceMonitorTest : public ::testing::Test {
 protected:
  ResourceMonitorTest() {
    broker_.as(0, [&] { monitor_ = std::make_unique<ResourceMonitor>(deps()); });
  }
  ResourceMonitor::Deps deps() {
    return {.alarms = &broker_.alarms(),
            .probe = &probe_,
            .give_memory_back = [this] { ++times_given_back_; },
            .tell_memory_short = [this](bool is_short) { told_short_.push_back(is_short); },
            .memory_limit = MemoryShare{0.4},
            .disk_free_limit = std::uint64_t{50'000}};
  }
  /// What is on, as the other worker has heard it: "low on memory"; empty: nothing.
  std::string look() {
    broker_.as(0, [&] { monitor_->look(); });
    return heard();
  }
  std::string heard() {
    broker_.settle();
    return broker_.shard(1).alarms().reason();
  }

  TestBroker broker_{{.workers = 2}};
  FakeProbe probe_;
  std::unique_ptr<ResourceMonitor> monitor_;
  int times_given_back_ = 0;
  std::vector<bool> told_short_;
};

TEST_F(ResourceMonitorTest, tells_while_memory_is_short_and_once_when_it_is_not) {
  probe_.used = 2000;  // Half of the limit.
  look();
  EXPECT_TRUE(told_short_.empty());
  probe_.used = 2001;
  look();
  probe_.used = 1950;  // Less, and not by a twentieth.
  look();
  EXPECT_EQ(told_short_, std::vector<bool>({true, true}));
  probe_.used = 1900;
  look();
  look();
  EXPECT_EQ(told_short_, std::vector<bool>({true, true, false}));
}

TEST_F(ResourceMonitorTest, raises_above_the_memory_limit_and_clears_well_below_it) {
  probe_.used = 4000;  // Of a limit of 4000.
  EXPECT_EQ(look(), "");
  probe_.used = 4001;
  EXPECT_EQ(look(), "low on memory");
  probe_.used = 3900;
  EXPECT_EQ(look(), "low on memory") << "within a twentieth of the limit it stays";
  probe_.used = 3801;
  EXPECT_EQ(look(), "low on memory");
  probe_.used = 3800;
  EXPECT_EQ(look(), "");
  probe_.used = 3999;
  EXPECT_EQ(look(), "");
}

TEST_F(ResourceMonitorTest, raises_below_the_disk_limit_and_clears_well_above_it) {
  probe_.free = 50'000;
  EXPECT_EQ(look(), "");
  probe_.free = 49'999;
  EXPECT_EQ(look(), "low on disk");
  probe_.free = 52'499;
  EXPECT_EQ(look(), "low on disk");
  probe_.free = 52'500;
  EXPECT_EQ(look(), "");
}

TEST_F(ResourceMonitorTest, has_two_alarms_that_are_independent) {
  probe_.used = 9000;
  probe_.free = 0;
  EXPECT_EQ(look(), "low on disk & memory");
  probe_.used = 0;
  EXPECT_EQ(look(), "low on disk");
  probe_.free = 100'000;
  EXPECT_EQ(look(), "");
}

TEST_F(ResourceMonitorTest, wants_freed_memory_back_while_there_is_too_little) {
  EXPECT_EQ(look(), "");
  EXPECT_EQ(times_given_back_, 0);
  probe_.used = 4001;
  look();
  look();
  EXPECT_EQ(times_given_back_, 2);
  probe_.used = 0;
  look();
  EXPECT_EQ(times_given_back_, 2);
}

TEST_F(ResourceMonitorTest, obeys_a_new_limit_at_once_and_exactly) {
  broker_.as(0, [&] { monitor_->set_memory_limit(MemoryShare{0}); });
  EXPECT_EQ(heard(), "low on memory");
  EXPECT_EQ(monitor_->readings().memory_limit, 0u);
  broker_.as(0, [&] { monitor_->set_memory_limit(std::uint64_t{100}); });
  EXPECT_EQ(heard(), "") << "used is 100, which is not above the limit";
  broker_.as(0, [&] { monitor_->set_disk_free_limit(std::uint64_t{100'001}); });
  EXPECT_EQ(heard(), "low on disk");
  broker_.as(0, [&] { monitor_->set_disk_free_limit(MemoryShare{10}); });
  EXPECT_EQ(monitor_->readings().disk_free_limit, 100'000u);
  EXPECT_EQ(heard(), "");
}

TEST_F(ResourceMonitorTest, never_has_a_limit_above_the_memory_that_there_is) {
  broker_.as(0, [&] { monitor_->set_memory_limit(std::uint64_t{99'999}); });
  EXPECT_EQ(monitor_->readings().memory_limit, 10'000u);
  EXPECT_EQ(monitor_->readings().memory_setting, ResourceLimit(std::uint64_t{99'999}));
}

TEST_F(ResourceMonitorTest, believes_an_operator_about_the_memory_that_there_is) {
  ResourceMonitor::Deps told = deps();
  told.memory_total = 500;
  const ResourceMonitor monitor(std::move(told));
  EXPECT_EQ(monitor.readings().memory_limit, 200u);
}

TEST_F(ResourceMonitorTest, leaves_the_disk_alarm_as_it_is_when_the_disk_cannot_be_asked) {
  probe_.is_broken = true;
  EXPECT_EQ(look(), "");
  EXPECT_FALSE(monitor_->readings().disk_free.has_value());
  probe_.is_broken = false;
  probe_.free = 0;
  EXPECT_EQ(look(), "low on disk");
  probe_.is_broken = true;
  EXPECT_EQ(look(), "low on disk");
  probe_.is_broken = false;
  probe_.free = 100'000;
  EXPECT_EQ(look(), "");
}

}  // namespace
}  // namespace leveret::testing
