// SPDX-License-Identifier: Apache-2.0
#include "mgmt/totals.h"

#include "vhost/shard.h"

namespace leveret {
namespace {

void add(QueueCounts& sum, const QueueCounts& more) {
  sum.ready += more.ready;
  sum.unacked += more.unacked;
  sum.dying += more.dying;
  sum.consumers += more.consumers;
  sum.ready_body_bytes += more.ready_body_bytes;
  sum.unacked_body_bytes += more.unacked_body_bytes;
}

void add(QueueTotals& sum, const QueueTotals& more) {
  sum.published += more.published;
  sum.delivered += more.delivered;
  sum.auto_acked += more.auto_acked;
  sum.got += more.got;
  sum.acked += more.acked;
  sum.rejected += more.rejected;
  sum.expired += more.expired;
  sum.dropped += more.dropped;
  sum.dead_lettered += more.dead_lettered;
  sum.requeued += more.requeued;
  sum.redelivered += more.redelivered;
  sum.purged += more.purged;
  sum.recovered += more.recovered;
  sum.refused += more.refused;
  sum.deduplicated += more.deduplicated;
  sum.damaged += more.damaged;
}

void add(Journal::Counts& sum, const Journal::Counts& more) {
  sum.segments += more.segments;
  sum.used_bytes += more.used_bytes;
  sum.live_bytes += more.live_bytes;
  sum.batches += more.batches;
  sum.syncs += more.syncs;
  sum.bytes_written += more.bytes_written;
  sum.segments_moved += more.segments_moved;
  sum.damaged_segments += more.damaged_segments;
}

}  // namespace

void collect_totals(Shard& shard, std::vector<Totals>& all) {
  Totals totals;
  for (const QueueSnapshot& queue : shard.queue_snapshots()) {
    add(totals.counts, queue.counts);
    add(totals.queues, queue.totals);
  }
  for (const QueueSnapshot& held_back : shard.held_back_snapshots()) {
    totals.delayed += held_back.counts.ready;
  }
  for (const ConnectionPort* port : shard.connections()) {
    ++totals.connections;
    totals.channels += port->info().channels.size();
  }
  totals.held_publish_bytes = shard.held_publish_bytes();
  totals.dropped_publishes = shard.dropped_publishes();
  totals.dropped_replies = shard.dropped_replies();
  totals.deduplicated_by_exchanges = shard.gates().deduplicated();
  for (const JournalSnapshot& journal : shard.journals().snapshots()) {
    add(totals.journals, journal.counts);
  }
  all.push_back(totals);
}

Totals sum_of(const std::vector<Totals>& all) {
  Totals sum;
  for (const Totals& each : all) {
    add(sum.counts, each.counts);
    add(sum.queues, each.queues);
    add(sum.journals, each.journals);
    sum.delayed += each.delayed;
    sum.connections += each.connections;
    sum.channels += each.channels;
    sum.held_publish_bytes += each.held_publish_bytes;
    sum.dropped_publishes += each.dropped_publishes;
    sum.dropped_replies += each.dropped_replies;
    sum.deduplicated_by_exchanges += each.deduplicated_by_exchanges;
  }
  return sum;
}

}  // namespace leveret
