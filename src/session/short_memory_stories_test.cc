// SPDX-License-Identifier: Apache-2.0
//
// Memory is short, and not yet so short that anybody is blocked.
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

TEST(ShortMemory, slows_who_feeds_a_heavy_queue_and_nobody_else) {
  for (const unsigned workers : {1U, 2U}) {
    SCOPED_TRACE(workers);
    TestBroker broker({.workers = workers});
    Guest heavy(broker, 0);
    Guest light(broker, workers - 1);
    const std::string much(1024 * 1024, 'x');
    heavy.declare("heavy");
    light.declare("light");
    for (int i = 0; i < 5; ++i) heavy.publish(1, {.routing_key = "heavy"}, much);
    light.publish(1, {.routing_key = "light"}, "x");
    broker.settle();
    const auto tell = [&](bool is_short) {
      for (unsigned worker = 0; worker < workers; ++worker) {
        broker.as(worker, [&] { broker.shard(worker).on_memory_short(is_short); });
      }
    };
    const auto state = [&](unsigned worker, std::size_t connection) {
      return broker.shard(worker).connections()[connection]->info().state;
    };
    tell(true);

    Guest late(broker, 0);
    late.publish(1, {.routing_key = "heavy"}, "slow");
    light.publish(1, {.routing_key = "light"}, "y");
    broker.settle();
    EXPECT_TRUE(broker.shard(0).has_slowed());
    EXPECT_EQ(broker.totals().ready, 8u);
    late.publish(1, {.routing_key = "heavy"}, "later");
    light.publish(1, {.routing_key = "light"}, "z");
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 9u);
    std::multiset<std::string> states;
    for (std::size_t i = 0; i < broker.shard(0).connections().size(); ++i) {
      states.insert(state(0, i));
    }
    EXPECT_EQ(states.count("flow"), 1u);

    broker.as(0, [&] { broker.shard(0).tick_slowed(); });
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 10u);
    tell(false);
    broker.as(0, [&] { broker.shard(0).tick_slowed(); });
    late.publish(1, {.routing_key = "heavy"}, "fast");
    broker.settle();
    EXPECT_EQ(broker.totals().ready, 11u);
    EXPECT_FALSE(broker.shard(0).has_slowed());
  }
}

}  // namespace
}  // namespace leveret::testing
