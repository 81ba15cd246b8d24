// SPDX-License-Identifier: Apache-2.0
#include "queue/stream_queue.h"

#include "amqp/basic_properties.h"
#include "base/assert.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace leveret {
namespace {

/// A reader gets so many, then it is another's turn.
constexpr std::uint32_t turn_messages_max = 64;
/// So many that a reader does not want are passed over for one that it may be given.
constexpr std::uint32_t passed_over_factor = 16;
/// Smaller pages than that would cost more than what they hold.
constexpr std::uint64_t page_bytes_min = 64 * 1024;

}  // namespace

StreamQueue::StreamQueue(QueueId id, const QueueRules& rules, QueueHost& host,
                         std::unique_ptr<StreamLog> log)
    : Queue(id, host), log_(std::move(log)) {
  log_->set_listener(*this);
  totals_.recovered = log_->size();
  set_rules(rules);
}

void StreamQueue::publish(MessagePtr message, PublishToken token) {
  const MessageStore::Taken taken = log_->push(*message, host_.now_ms(), token);
  if (taken == MessageStore::Taken::refused) [[unlikely]] {
    ++totals_.refused;
    if (token) host_.confirm(token, false);
    return;
  }
  ++totals_.published;
  if (token && taken == MessageStore::Taken::safe) host_.confirm(token, true);
  want_dispatch();
}

// Readers.

std::expected<void, AttachRefusal> StreamQueue::attach(const ConsumerSpec& spec,
                                                       DeliverySink& sink) {
  LEVERET_DEBUG_ASSERT(spec.prefetch != 0 && !spec.no_ack);
  readers_.push_back(std::unique_ptr<Reader>(
      new Reader{.spec = spec, .sink = &sink, .cursor{*log_, *this, spec.stream_start}}));
  want_dispatch();
  return {};
}

StreamQueue::Reader* StreamQueue::find(ConsumerId id) const {
  const auto found =
      std::ranges::find(readers_, id, [](const auto& reader) { return reader->spec.id; });
  return found == readers_.end() ? nullptr : found->get();
}

void StreamQueue::detach(ConsumerId id) {
  std::erase_if(readers_, [id](const auto& reader) { return reader->spec.id == id; });
}

void StreamQueue::resume(ConsumerId id) {
  Reader* reader = find(id);
  if (reader == nullptr) return;
  reader->is_stalled = false;
  want_dispatch();
}

void StreamQueue::settle(ChannelId channel, std::span<const MessageSeq> messages,
                         Settlement settlement) {
  const auto of_channel = unacked_.find(channel);
  if (of_channel == unacked_.end()) return;
  Reader* reader = nullptr;
  for (const MessageSeq delivery : messages) {
    const auto found = of_channel->second.find(delivery);
    if (found == of_channel->second.end()) continue;
    if (settlement == Settlement::acked) ++totals_.acked;
    const ConsumerId consumer = found->second.consumer;
    of_channel->second.erase(found);
    if (reader == nullptr || reader->spec.id != consumer) reader = find(consumer);
    if (reader == nullptr) continue;
    --reader->unacked;
    want_dispatch();
  }
  if (of_channel->second.empty()) unacked_.erase(of_channel);
}

void StreamQueue::undo_delivery(ChannelId channel, MessageSeq delivery) {
  const auto of_channel = unacked_.find(channel);
  if (of_channel == unacked_.end()) return;
  const auto found = of_channel->second.find(delivery);
  if (found == of_channel->second.end()) return;
  const Delivered undone = found->second;
  of_channel->second.erase(found);
  --totals_.delivered;
  Reader* reader = find(undone.consumer);
  if (reader == nullptr) return;
  --reader->unacked;
  reader->is_stalled = true;
  reader->cursor.go_back(undone.seq);
}

void StreamQueue::release(ChannelId channel) {
  const auto of_channel = unacked_.find(channel);
  if (of_channel == unacked_.end()) return;
  for (const auto& [delivery, delivered] : of_channel->second) {
    if (Reader* reader = find(delivered.consumer)) --reader->unacked;
  }
  unacked_.erase(of_channel);
}

bool StreamQueue::dispatch(std::uint32_t messages_max) {
  begin_dispatch();
  std::uint32_t delivered = 0;
  // Rounds, until nobody takes anything.
  for (bool is_going_on = true; is_going_on && delivered < messages_max;) {
    is_going_on = false;
    for (std::size_t i = 0; i < readers_.size() && delivered < messages_max; ++i) {
      if (++next_reader_ >= readers_.size()) next_reader_ = 0;
      const std::uint32_t taken = deliver_to(*readers_[next_reader_],
                                             std::min(turn_messages_max, messages_max - delivered));
      delivered += taken;
      is_going_on = is_going_on || taken != 0;
    }
  }
  retain();
  LEVERET_DEBUG_ASSERT(is_balanced(), "queue {} has lost count", id().value());
  return delivered >= messages_max && goes_on_dispatching();
}

/// How many it was given, or passed over.
std::uint32_t StreamQueue::deliver_to(Reader& reader, std::uint32_t messages_max) {
  std::uint32_t looked_at = 0;
  std::uint32_t delivered = 0;
  while (delivered < messages_max && reader.may_take()) {
    const StoredMessage* next = reader.cursor.first();
    if (next == nullptr) break;
    if (reader.spec.stream_filter && !is_wanted(reader, *next)) {
      reader.cursor.advance();
      if (++looked_at == messages_max * passed_over_factor) return messages_max;
      continue;
    }
    if (reader.sink->readiness() != Readiness::ready) {
      reader.is_stalled = true;
      break;
    }
    StoredMessage shown = *next;
    shown.seq = MessageSeq(++last_delivery_);
    unacked_[reader.spec.channel].emplace(shown.seq, Delivered{reader.spec.id, next->seq.value()});
    ++totals_.delivered;
    ++reader.unacked;
    reader.sink->deliver(shown);
    reader.cursor.advance();
    ++delivered;
  }
  return delivered;
}

bool StreamQueue::is_wanted(const Reader& reader, const StoredMessage& message) {
  const auto headers = amqp::peek_headers(message.message->properties());
  const auto value = headers ? headers->find("x-stream-filter-value") : std::nullopt;
  const auto text = value ? value->as_string() : std::nullopt;
  if (!text) return reader.spec.stream_filter->takes_unfiltered;
  return std::ranges::find(reader.spec.stream_filter->values, *text) !=
         reader.spec.stream_filter->values.end();
}

// What is kept.

void StreamQueue::set_rules(const QueueRules& rules) {
  rules_ = rules;
  log_->set_page_bytes_max(std::max(rules.page_bytes_max, page_bytes_min));
  want_dispatch();
}

void StreamQueue::retain() {
  if (rules_.body_bytes_max == QueueRules::unlimited && rules_.max_age_ms == QueueRules::unlimited)
    return;
  const StreamLog::Dropped dropped =
      log_->retain(rules_.body_bytes_max, rules_.max_age_ms, host_.now_ms());
  totals_.dropped += dropped.too_many;
  totals_.expired += dropped.too_old;
  const auto next_ms = log_->next_age_ms(rules_.max_age_ms);
  if (!next_ms || (wake_ms_ != 0 && wake_ms_ <= *next_ms)) return;
  wake_ms_ = *next_ms;
  host_.wake_at(*this, wake_ms_);
}

void StreamQueue::on_wake() {
  if (wake_ms_ == 0 || host_.now_ms() < wake_ms_) return;  // Another was asked for before this one.
  wake_ms_ = 0;
  want_dispatch();
}

std::expected<void, DeleteRefusal> StreamQueue::may_delete(bool if_unused, bool if_empty) {
  if (if_empty && log_->size() > 0) return std::unexpected(DeleteRefusal::not_empty);
  if (if_unused && !readers_.empty()) return std::unexpected(DeleteRefusal::in_use);
  return {};
}

std::uint64_t StreamQueue::close() {
  for (const auto& reader : readers_) reader->sink->on_cancelled();
  readers_.clear();
  return log_->close();
}

// Numbers.

bool StreamQueue::is_balanced() const {
  return totals_.in() == totals_.dropped + totals_.expired + log_->size();
}

std::vector<ConsumerId> StreamQueue::consumers() const {
  std::vector<ConsumerId> ids;
  ids.reserve(readers_.size());
  for (const auto& reader : readers_) ids.push_back(reader->spec.id);
  return ids;
}

QueueCounts StreamQueue::counts() const {
  return {
      .ready = log_->size(), .consumers = readers_.size(), .ready_body_bytes = log_->body_bytes()};
}

}  // namespace leveret
