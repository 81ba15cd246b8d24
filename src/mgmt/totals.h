// SPDX-License-Identifier: Apache-2.0
//
// Totals: what a worker has in all, for overview and metrics.
//
// Thread: values; collect_totals() the worker of the shard.

#pragma once

#include "queue/queue.h"
#include "vhost/queue_journals.h"

#include <cstdint>
#include <vector>

namespace leveret {

class Shard;

struct Totals {
  QueueCounts counts;
  QueueTotals queues;
  std::uint64_t delayed = 0;  ///< Messages that exchanges hold back.
  std::uint64_t connections = 0;
  std::uint64_t channels = 0;
  std::uint64_t held_publish_bytes = 0;
  std::uint64_t dropped_publishes = 0;
  std::uint64_t dropped_replies = 0;
  std::uint64_t deduplicated_by_exchanges = 0;
  Journal::Counts journals;
};

/// Appends the shard's own, for gather().
void collect_totals(Shard& shard, std::vector<Totals>& all);
[[nodiscard]] Totals sum_of(const std::vector<Totals>& all);

}  // namespace leveret
