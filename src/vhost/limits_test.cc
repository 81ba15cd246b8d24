// SPDX-License-Identifier: Apache-2.0
//
// Texts are those of RabbitMQ 3.10.8.
#include "vhost/limits.h"

#include "metadata/testing/file_size_limit.h"
#include "metadata/testing/temporary_directory.h"
#include "vhost/testing/test_broker.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldTable;

std::string complaint(const FieldTable& given, const LimitNames& allowed) {
  const auto read = read_limits(given, allowed);
  return read ? "" : read.error();
}

TEST(Limits, are_read_or_it_is_said_what_is_wrong) {
  const auto read = read_limits(
      FieldTable{{"max-connections", std::int32_t{3}}, {"max-queues", std::int64_t{-1}}},
      vhost_limit_names);
  EXPECT_EQ(*read, (LimitsRecord{{"max-connections", 3}, {"max-queues", -1}}));
  EXPECT_EQ(limit_of(*read, max_connections), 3);
  EXPECT_EQ(limit_of({}, max_connections), -1);
  EXPECT_EQ(complaint({{"foo", std::int64_t{1}}}, vhost_limit_names),
            "Validation failed\n\nUnrecognised terms [{<<\"foo\">>,1}] in limits\n");
  EXPECT_EQ(complaint({{"max-queues", std::int64_t{1}}}, user_limit_names),
            "Unrecognised terms [{<<\"max-queues\">>,1}] in user-limits");
  EXPECT_EQ(complaint({{"max-queues", "x"}}, vhost_limit_names),
            "Validation failed\n\nmax-queues should be a number, actually was <<\"x\">>\n");
}

using Outcome = std::expected<void, AdminRefusal>;

Outcome limit(TestBroker& broker, const LimitsRecord& limits) {
  return broker.ask<Outcome>(0, [&](auto answer) {
    broker.registry().change_vhost_limits(
        "/", [&](LimitsRecord& all) { all = limits; }, std::move(answer));
  });
}
const LimitsRecord& limits_of(const TestBroker& broker) {
  return broker.registry().vhosts().find("/")->second.record.limits;
}

TEST(VhostLimits, survive_a_restart) {
  const TemporaryDirectory directory;
  {
    TestBroker broker({.metadata_file = directory / "metadata.db"});
    ASSERT_TRUE(limit(broker, {{"max-queues", 7}}));
    ASSERT_TRUE(limit(broker, {{"max-connections", 0}}));
  }
  TestBroker broker({.workers = 2, .metadata_file = directory / "metadata.db"});
  EXPECT_EQ(limits_of(broker), (LimitsRecord{{"max-connections", 0}}));
  EXPECT_EQ(broker.shard(1).find_vhost("/")->connections_max(), 0);
}

TEST(VhostLimits, that_could_not_be_written_never_were) {
  const TemporaryDirectory directory;
  TestBroker broker({.workers = 2, .metadata_file = directory / "metadata.db"});
  ASSERT_TRUE(limit(broker, {{"max-connections", 5}}));
  {
    const FileSizeLimit full(0);
    EXPECT_EQ(limit(broker, {{"max-connections", 1}}).error().error, AdminError::storage_failed);
  }
  EXPECT_EQ(limits_of(broker), (LimitsRecord{{"max-connections", 5}}));
  broker.settle();
  for (const unsigned worker : {0U, 1U}) {
    EXPECT_EQ(broker.shard(worker).find_vhost("/")->connections_max(), 5);
  }
}

TEST(VhostLimits, that_are_changed_at_once_are_each_taken_back_alone) {
  const TemporaryDirectory directory;
  TestBroker broker({.workers = 2, .metadata_file = directory / "metadata.db"});
  ASSERT_TRUE(limit(broker, {{"max-queues", 1}}));
  std::vector<bool> done;
  const auto add = [&](const char* name, std::int64_t value) {
    broker.registry().change_vhost_limits(
        "/", [name, value](LimitsRecord& all) { all[name] = value; },
        [&](const Outcome& outcome) { done.push_back(outcome.has_value()); });
  };
  {
    const FileSizeLimit full(0);
    broker.as(0, [&] {
      add("max-queues", 2);
      add("max-connections", 3);
    });
    broker.settle();
  }
  EXPECT_EQ(done, (std::vector<bool>{false, false}));
  EXPECT_EQ(limits_of(broker), (LimitsRecord{{"max-queues", 1}}));
  broker.as(0, [&] {
    add("max-queues", 4);
    add("max-connections", 5);
  });
  broker.settle();
  EXPECT_EQ(limits_of(broker), (LimitsRecord{{"max-connections", 5}, {"max-queues", 4}}));
  EXPECT_EQ(broker.shard(1).find_vhost("/")->connections_max(), 5);
}

}  // namespace
}  // namespace leveret::testing
