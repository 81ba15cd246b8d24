// SPDX-License-Identifier: Apache-2.0
#include "queue/message_log.h"

#include <cstring>
#include <utility>

namespace leveret {
namespace {

struct DataHead {
  std::uint32_t properties_bytes;
  std::uint8_t exchange_bytes;
  std::uint8_t routing_key_bytes;
  std::uint8_t is_persistent;
  std::uint8_t version;
};
static_assert(sizeof(DataHead) == 8);
constexpr std::uint8_t version_plain = 1;
constexpr std::uint8_t version_expiring = 2;

/// The head, and behind it when the message expires if it does.
struct ExpiringHead {
  DataHead head;
  std::uint64_t expires_ms;
};
static_assert(sizeof(ExpiringHead) == 16);

}  // namespace

BatchId MessageLog::append(OwnerId owner, StoredMessage& stored, Durability durability) {
  const Message& message = *stored.message;
  Journal::Appended appended;
  if (last_.message == stored.message && last_.expires_ms == stored.expires_ms &&
      journal_.may_refer(last_.appended)) {
    appended = journal_.append_reference(owner, stored.seq.value(), last_.appended, durability);
    stored.on_disk.is_reference = true;
  } else {
    const bool expires = stored.expires_ms != 0;
    const ExpiringHead head{{static_cast<std::uint32_t>(message.properties().size()),
                             static_cast<std::uint8_t>(message.exchange().size()),
                             static_cast<std::uint8_t>(message.routing_key().size()),
                             static_cast<std::uint8_t>(message.is_persistent()),
                             expires ? version_expiring : version_plain},
                            stored.expires_ms};
    appended = journal_.append(
        owner, stored.seq.value(), static_cast<std::uint32_t>(message.body_bytes()), durability,
        std::as_bytes(std::span(&head, 1)).first(expires ? sizeof head : sizeof head.head),
        message.content());
    last_ = {stored.message, stored.expires_ms, appended};
  }
  stored.location = appended.location;
  stored.record_bytes = appended.bytes;
  return appended.batch;
}

LoggedStore* MessageLog::find_store(OwnerId owner) const {
  const auto found = stores_.find(owner);
  return found == stores_.end() ? nullptr : found->second;
}

void MessageLog::settle(OwnerId owner, const StoredMessage& stored) {
  journal_.settle(owner, stored.seq.value(), stored.location, stored.share());
}

void MessageLog::drop(const StoredMessage& stored) {
  journal_.drop(stored.location.segment, 1, stored.share());
}

MessageLog::Decoded MessageLog::decode(std::span<const std::byte> data) {
  DataHead head;
  std::uint64_t expires_ms = 0;
  if (data.size() < sizeof head) return {};
  std::memcpy(&head, data.data(), sizeof head);
  const std::size_t route = std::size_t{2} + head.exchange_bytes + head.routing_key_bytes;
  data = data.subspan(sizeof head);
  if (head.version == version_expiring) {
    if (data.size() < sizeof expires_ms) return {};
    std::memcpy(&expires_ms, data.data(), sizeof expires_ms);
    data = data.subspan(sizeof expires_ms);
  } else if (head.version != version_plain) {
    return {};
  }
  if (data.size() < route + head.properties_bytes) return {};
  const auto* chars = reinterpret_cast<const char*>(data.data());
  if (static_cast<std::uint8_t>(chars[0]) != head.exchange_bytes ||
      static_cast<std::uint8_t>(chars[head.exchange_bytes + 1]) != head.routing_key_bytes) {
    return {};
  }
  // How long it was to live is in when it ends.
  return {make_message({chars + 1, head.exchange_bytes},
                       {chars + head.exchange_bytes + 2, head.routing_key_bytes},
                       data.subspan(route, head.properties_bytes),
                       data.subspan(route + head.properties_bytes), head.is_persistent == 1),
          expires_ms};
}

void MessageLog::remove(OwnerId owner) {
  const auto found = stores_.find(owner);
  if (found == stores_.end()) return;
  if (waiting_stores_ != 0) {
    for (Waiting& waiting : waiting_) {
      if (waiting.store == found->second) waiting.store = nullptr;
    }
  }
  stores_.erase(found);
}

void MessageLog::on_durable(BatchId upto) {
  while (!waiting_.empty() && waiting_.front().batch <= upto) {
    const Waiting waiting = waiting_.front();
    waiting_.pop_front();
    if (waiting.token) [[likely]] {
      host_.confirm(waiting.token, true);
    } else {
      --waiting_stores_;
      if (waiting.store != nullptr) waiting.store->on_durable(waiting.batch);
    }
  }
}

void MessageLog::on_poisoned() {
  waiting_stores_ = 0;
  for (const Waiting& waiting : std::exchange(waiting_, {})) {
    if (waiting.token) host_.confirm(waiting.token, false);
  }
}

}  // namespace leveret
