// SPDX-License-Identifier: Apache-2.0
//
// for_each_world: the same story with 1, 2 and 4 workers, and in twenty orders of events each.
//
//   for_each_world([](TestBroker& broker, World world) { ... });

#pragma once

#include "vhost/testing/test_broker.h"

#include <cstdint>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace leveret::testing {

struct World {
  unsigned workers = 1;
  std::uint64_t seed = 1;

  /// The `index`th of several workers, all of which are used where there are enough.
  [[nodiscard]] unsigned worker(unsigned index) const { return index % workers; }
};

template <class Story>
void for_each_world(Story story) {
  constexpr std::uint64_t seeds = 20;
  for (const unsigned workers : {1U, 2U, 4U}) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      const World world{workers, seed};
      SCOPED_TRACE(fmt::format("{} workers, seed {}", workers, seed));
      TestBroker broker({.workers = workers, .seed = seed});
      story(broker, world);
      if (::testing::Test::HasFailure()) return;  // One order that fails is enough to look at.
    }
  }
}

}  // namespace leveret::testing
