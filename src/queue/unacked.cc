// SPDX-License-Identifier: Apache-2.0
#include "queue/unacked.h"

#include "base/assert.h"

#include <utility>

namespace leveret {

void Unacked::add(ChannelId channel, UnackedMessage message) {
  ++size_;
  body_bytes_ += message.stored.message->body_bytes();
  const MessageSeq seq = message.stored.seq;
  [[maybe_unused]] const bool is_new = by_channel_[channel].emplace(seq, std::move(message)).second;
  LEVERET_DEBUG_ASSERT(is_new, "message {} delivered twice", seq.value());
}

std::optional<UnackedMessage> Unacked::take(ChannelId channel, MessageSeq seq) {
  const auto holder = by_channel_.find(channel);
  if (holder == by_channel_.end()) return std::nullopt;
  const auto found = holder->second.find(seq);
  if (found == holder->second.end()) return std::nullopt;
  UnackedMessage message = std::move(found->second);
  holder->second.erase(found);
  // A hash table keeps its size when it empties; one that was large gives its memory back.
  constexpr std::size_t kept_slots_max = 4096;
  if (holder->second.empty() && holder->second.bucket_count() > kept_slots_max) {
    by_channel_.erase(holder);
  }
  count_out(message);
  return message;
}

std::vector<UnackedMessage> Unacked::take_all(ChannelId channel) {
  std::vector<UnackedMessage> messages;
  const auto holder = by_channel_.find(channel);
  if (holder == by_channel_.end()) return messages;
  messages.reserve(holder->second.size());
  for (auto& [seq, message] : holder->second) {
    count_out(message);
    messages.push_back(std::move(message));
  }
  by_channel_.erase(holder);
  return messages;
}

void Unacked::count_out(const UnackedMessage& message) {
  --size_;
  body_bytes_ -= message.stored.message->body_bytes();
}

const StoredMessage* Unacked::find(MessageSeq seq) const {
  for (const auto& [channel, held] : by_channel_) {
    const auto found = held.find(seq);
    if (found != held.end()) return &found->second.stored;
  }
  return nullptr;
}

std::vector<StoredMessage> Unacked::all() const {
  std::vector<StoredMessage> messages;
  messages.reserve(size_);
  for (const auto& [channel, held] : by_channel_) {
    for (const auto& [seq, message] : held) messages.push_back(message.stored);
  }
  return messages;
}

}  // namespace leveret
