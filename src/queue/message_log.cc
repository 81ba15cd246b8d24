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
constexpr std::uint8_t data_version = 1;

}  // namespace

BatchId MessageLog::append(OwnerId owner, StoredMessage& stored, Durability durability) {
  const Message& message = *stored.message;
  Journal::Appended appended;
  if (last_.message == stored.message && journal_.may_refer(last_.appended)) {
    appended = journal_.append_reference(owner, stored.seq.value(), last_.appended, durability);
    stored.is_reference = true;
  } else {
    const DataHead head{static_cast<std::uint32_t>(message.properties().size()),
                        static_cast<std::uint8_t>(message.exchange().size()),
                        static_cast<std::uint8_t>(message.routing_key().size()),
                        static_cast<std::uint8_t>(message.is_persistent()), data_version};
    appended =
        journal_.append(owner, stored.seq.value(), static_cast<std::uint32_t>(message.body_bytes()),
                        durability, std::as_bytes(std::span(&head, 1)), message.content());
    last_ = {stored.message, appended};
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

MessagePtr MessageLog::decode(std::span<const std::byte> data) {
  DataHead head;
  if (data.size() < sizeof head) return {};
  std::memcpy(&head, data.data(), sizeof head);
  const std::size_t route = std::size_t{2} + head.exchange_bytes + head.routing_key_bytes;
  data = data.subspan(sizeof head);
  if (head.version != data_version || data.size() < route + head.properties_bytes) return {};
  const auto* chars = reinterpret_cast<const char*>(data.data());
  if (static_cast<std::uint8_t>(chars[0]) != head.exchange_bytes ||
      static_cast<std::uint8_t>(chars[head.exchange_bytes + 1]) != head.routing_key_bytes) {
    return {};
  }
  return make_message({chars + 1, head.exchange_bytes},
                      {chars + head.exchange_bytes + 2, head.routing_key_bytes},
                      data.subspan(route, head.properties_bytes),
                      data.subspan(route + head.properties_bytes), head.is_persistent == 1);
}

void MessageLog::on_durable(BatchId upto) {
  while (!waiting_.empty() && waiting_.front().batch <= upto) {
    host_.confirm(waiting_.front().token, true);
    waiting_.pop_front();
  }
}

void MessageLog::on_poisoned() {
  for (const Waiting& waiting : std::exchange(waiting_, {})) host_.confirm(waiting.token, false);
}

}  // namespace leveret
