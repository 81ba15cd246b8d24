// SPDX-License-Identifier: Apache-2.0
#include "vhost/removals.h"

#include "queue/queue.h"
#include "vhost/shard.h"

#include <utility>

namespace leveret {

Removals::Removals(Shard& shard) : shard_(shard), channel_(shard.next_channel_id()) {
  shard_.add_channel(channel_, *this);
}

Removals::~Removals() { shard_.remove_channel(channel_); }

void Removals::remove(Queue* queue, MessageSeq seq, std::move_only_function<void(Outcome)> done) {
  if (queue == nullptr || !queue->remove(seq)) return done(Outcome::not_there);
  const std::uint64_t sequence = ++last_sequence_;
  waiting_[sequence] = std::move(done);
  queue->await_settled({channel_, sequence});
}

void Removals::on_confirmed(std::uint64_t first_sequence, std::uint32_t count, bool is_accepted) {
  for (std::uint64_t sequence = first_sequence; sequence < first_sequence + count; ++sequence) {
    const auto found = waiting_.find(sequence);
    if (found == waiting_.end()) continue;
    auto done = std::move(found->second);
    waiting_.erase(found);
    done(is_accepted ? Outcome::removed : Outcome::unsafe);
  }
}

}  // namespace leveret
