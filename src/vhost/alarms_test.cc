// SPDX-License-Identifier: Apache-2.0
#include "vhost/alarms.h"

#include "vhost/shard.h"
#include "vhost/testing/test_broker.h"

#include <string>

#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

std::string reason_on(const TestBroker& broker, unsigned worker) {
  return broker.shard(worker).alarms().reason();
}

TEST(Alarms, say_what_there_is_too_little_of_as_rabbitmq_does) {
  struct Row {
    std::vector<Alarm> on;
    std::string reason;
  };
  const Row rows[] = {
      {{}, ""},
      {{{"memory", "low on memory"}}, "low on memory"},
      {{{"disk", "low on disk"}}, "low on disk"},
      {{{"disk", "low on disk"}, {"memory", "low on memory"}}, "low on disk & memory"},
      {{{"disk", "low on disk"}, {"journal", "low on disk"}}, "low on disk"},
      {{{"journal", "the journal has failed"}}, "the journal has failed"},
      {{{"journal", "the journal has failed"}, {"memory", "low on memory"}},
       "low on memory; the journal has failed"},
  };
  for (const Row& row : rows) EXPECT_EQ(AlarmSet(row.on).reason(), row.reason);
}

TEST(Alarms, reach_every_worker_and_leave_every_worker) {
  TestBroker broker({.workers = 3});
  broker.raise_alarm("memory", "low on memory");
  broker.raise_alarm("disk", "low on disk");
  broker.settle();
  for (unsigned worker = 0; worker < 3; ++worker) {
    EXPECT_EQ(reason_on(broker, worker), "low on disk & memory");
    EXPECT_TRUE(broker.shard(worker).alarms().contains("disk"));
    EXPECT_FALSE(broker.shard(worker).alarms().contains("journal"));
  }
  broker.clear_alarm("memory");
  broker.settle();
  for (unsigned worker = 0; worker < 3; ++worker) {
    EXPECT_EQ(reason_on(broker, worker), "low on disk");
  }
  broker.clear_alarm("disk");
  broker.settle();
  for (unsigned worker = 0; worker < 3; ++worker) {
    EXPECT_TRUE(broker.shard(worker).alarms().is_empty());
  }
}

TEST(Alarms, are_told_when_they_change_and_not_when_they_do_not) {
  TestBroker broker;
  broker.clear_alarm("memory");
  broker.settle();
  const AlarmSet* before = &broker.shard(0).alarms();
  broker.clear_alarm("memory");
  broker.settle();
  EXPECT_EQ(&broker.shard(0).alarms(), before) << "there was nothing to clear";

  broker.raise_alarm("journal", "low on disk");
  broker.settle();
  before = &broker.shard(0).alarms();
  broker.raise_alarm("journal", "low on disk");
  broker.settle();
  EXPECT_EQ(&broker.shard(0).alarms(), before) << "it was on for this reason";

  broker.raise_alarm("journal", "the journal has failed");
  broker.settle();
  EXPECT_EQ(reason_on(broker, 0), "the journal has failed");
}

}  // namespace
}  // namespace leveret::testing
