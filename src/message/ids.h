// SPDX-License-Identifier: Apache-2.0
//
// The names by which one worker speaks of things that live on another. Each is unique for the life
// of the process and never reused, so a name that outlives its thing finds nothing instead of
// something else. Zero names nothing.
//
// Thread: values.

#pragma once

#include "base/executor.h"
#include "base/strong_type.h"

#include <cstdint>

namespace leveret {

using QueueId = StrongType<std::uint64_t, struct QueueIdName>;
using ConnectionId = StrongType<std::uint64_t, struct ConnectionIdName>;
using ChannelId = StrongType<std::uint64_t, struct ChannelIdName>;
using ConsumerId = StrongType<std::uint64_t, struct ConsumerIdName>;

/// A message's place in its queue: given at enqueue, growing, kept when it is requeued.
using MessageSeq = StrongType<std::uint64_t, struct MessageSeqName>;

/// Ids carry their home worker in the top 16 bits, so that whoever holds one knows where to post.
template <class Id>
[[nodiscard]] constexpr WorkerId home_of(Id id) {
  return WorkerId(static_cast<std::uint16_t>(id.value() >> 48));
}

/// Hands out ids of one kind on one worker.
template <class Id>
class IdSource {
 public:
  explicit IdSource(WorkerId home) : next_(static_cast<std::uint64_t>(home.value()) << 48) {}
  [[nodiscard]] Id next() { return Id(++next_); }

 private:
  std::uint64_t next_;
};

}  // namespace leveret
