// SPDX-License-Identifier: Apache-2.0
//
// Unacked: what a queue has delivered and not yet heard of, by the channel that answers for it. The
// queue, not the channel, is the truth: whatever happens to a channel or to a command on its way
// between workers, release() of the channel brings every message back.
//
// Thread: the queue's home worker.

#pragma once

#include "message/ids.h"
#include "queue/message_store.h"

#include <cstdint>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

struct UnackedMessage {
  StoredMessage stored;
  ConsumerId consumer;  ///< Zero for basic.get.
};

class Unacked {
 public:
  void add(ChannelId channel, UnackedMessage message);
  /// Takes one out; nullopt when the channel does not hold it (any more).
  [[nodiscard]] std::optional<UnackedMessage> take(ChannelId channel, MessageSeq seq);
  /// Takes all that the channel holds, in no particular order.
  [[nodiscard]] std::vector<UnackedMessage> take_all(ChannelId channel);

  /// Null: no channel holds it. Valid until the next change.
  [[nodiscard]] const StoredMessage* find(MessageSeq seq) const;
  /// All that any channel holds, in no particular order.
  [[nodiscard]] std::vector<StoredMessage> all() const;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }

 private:
  using BySeq = boost::unordered_flat_map<MessageSeq, UnackedMessage, std::hash<MessageSeq>>;

  void count_out(const UnackedMessage& message);

  boost::unordered_flat_map<ChannelId, BySeq, std::hash<ChannelId>> by_channel_;
  std::uint64_t size_ = 0;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace leveret
