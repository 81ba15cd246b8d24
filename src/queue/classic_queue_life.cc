// SPDX-License-Identifier: Apache-2.0
//
// What a queue does by itself: messages that are too old or too many die, publishes that are too
// many are refused or have come before, and a queue that nobody uses says so.
#include "amqp/basic_properties.h"
#include "amqp/delay_header.h"
#include "base/assert.h"
#include "queue/classic_queue.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace leveret {
namespace {

/// More do not die at once by themselves: they are in memory until their dead letters are safe.
constexpr std::size_t dying_max = 4096;
/// A full queue hands out so many before it says again that it is full.
constexpr std::uint32_t room_messages_max = 1024;

std::uint64_t sum(std::uint64_t time_ms, std::uint64_t span_ms) {
  return span_ms > QueueRules::unlimited - time_ms ? QueueRules::unlimited : time_ms + span_ms;
}

}  // namespace

void ClassicQueue::set_rules(const QueueRules& rules) {
  rules_ = rules;
  note_rules();
}

void ClassicQueue::note_rules() {
  takes_all_ = !deduplication_ && rules_.overflow == Overflow::drop_head &&
               rules_.message_ttl_ms == QueueRules::unlimited;
  // What was found on disk may have to expire; what is in memory has been looked at.
  is_ruled_ = is_ruled_ || rules_.has_limit() || rules_.expires_ms != QueueRules::unlimited ||
              store_->size() > 0;
  note_use();
  if (is_ruled_) want_dispatch();
}

bool ClassicQueue::makes_room_for(const Message& message) {
  if (!is_full_for(message)) return true;
  // A consumer that waits would have had what came before by now, had it not come in this turn.
  return deliver(room_messages_max) > 0 && !is_full_for(message);
}

void ClassicQueue::refuse(const MessagePtr& message, PublishToken token) {
  ++totals_.refused;
  if (rules_.overflow == Overflow::reject_publish_dlx && rules_.has_dead_letter_exchange) {
    host_.dead_letter_refused(*this, message);
  }
  if (token) host_.confirm(token, token.is_move());
}

void ClassicQueue::take_once(MessagePtr message, PublishToken token) {
  const std::optional<Deduplication::Id> id = deduplication_->id_of(*message);
  if (id && deduplication_->is_held(*id, host_.now_ms())) {
    ++totals_.deduplicated;
    // The first may still be on its way to the disk.
    if (token) await_settled(token);
    return;
  }
  if (take(std::move(message), token) && id) deduplication_->hold(*id, host_.now_ms());
}

void ClassicQueue::forget_gone_ids() {
  std::vector<MessagePtr> present;
  for (const StoredMessage& stored : unacked_.all()) present.push_back(stored.message);
  deduplication_->on_left_but(present, host_.now_ms());
}

std::uint64_t ClassicQueue::expiry_of(const Message& message) const {
  if (rules_.is_holding_back) {
    const amqp::RawTable headers =
        amqp::peek_headers(message.properties()).value_or(amqp::RawTable());
    return sum(host_.now_ms(), amqp::peek_delay_ms(headers));
  }
  return sum(host_.now_ms(), std::min(message.ttl_ms(), rules_.message_ttl_ms));
}

// Only the first is looked at, unless the rules say otherwise: RabbitMQ's order, in which a message
// that lives long holds back those behind it.
void ClassicQueue::apply_rules() {
  has_enough_dying_ = false;
  const StoredMessage* first = store_->first();
  for (; first != nullptr; first = store_->first()) {
    const bool is_over = rules_.is_over(store_->size(), store_->body_bytes());
    const bool is_expired = first->expires_ms != 0 && first->expires_ms <= host_.now_ms();
    if (!is_over && !is_expired) break;
    if (rules_.has_dead_letter_exchange && dying_.size() >= dying_max) {
      has_enough_dying_ = true;
      break;
    }
    const bool is_older = is_expired && first->expires_ms < host_.now_ms();
    die(store_->shift(), is_over && !is_older ? Death::maxlen : Death::expired);
  }
  if (first != nullptr && first->expires_ms != 0 && !has_enough_dying_) wake_by(first->expires_ms);
  if (rules_.expires_anywhere) expire_anywhere();
  LEVERET_DEBUG_ASSERT(is_balanced(), "queue {} has lost count", id().value());
  const bool can_expire = rules_.expires_ms != QueueRules::unlimited;
  if (can_expire && dispatcher_.size() == 0) wake_by(sum(last_used_ms_, rules_.expires_ms));
  // Nothing in it, and nothing that holds for what comes: the next that expires will say so.
  if (store_->size() == 0 && !rules_.has_limit() && !can_expire) is_ruled_ = false;
}

void ClassicQueue::expire_anywhere() {
  while (!has_enough_dying_) {
    const StoredMessage* old = store_->first_expired(host_.now_ms());
    if (old == nullptr) break;
    has_enough_dying_ = rules_.has_dead_letter_exchange && dying_.size() >= dying_max;
    if (!has_enough_dying_) die(*store_->extract(old->seq), Death::expired);
  }
  const auto next_ms = store_->next_expiry_ms();
  if (next_ms && !has_enough_dying_) wake_by(std::max(*next_ms, host_.now_ms() + 1));
}

// Who looks into a queue finds it as it will be at the end of the turn. Where somebody waits for
// messages, who gets them is not known before.
void ClassicQueue::apply_rules_before_a_look() {
  if (is_ruled_ && dispatcher_.next() == nullptr) apply_rules();
}

void ClassicQueue::die(StoredMessage message, Death death) {
  const MessageSeq seq = message.seq;
  if (rules_.has_dead_letter_exchange) {
    // Its letter may be back in a moment.
    if (deduplication_) [[unlikely]]
      deduplication_->on_dead_lettered(*message.message);
    dying_.emplace(seq, message);
    if (host_.dead_letter(*this, message, death)) return;
    dying_.erase(seq);
  }
  switch (death) {
    case Death::rejected:
    case Death::delivery_limit:
      ++totals_.rejected;
      break;
    case Death::expired:
      ++totals_.expired;
      break;
    case Death::maxlen:
      ++totals_.dropped;
      break;
  }
  let_go(message);
}

void ClassicQueue::on_dead_lettered(MessageSeq seq) {
  const auto found = dying_.find(seq);
  if (found == dying_.end()) return;
  ++totals_.dead_lettered;
  store_->settle(found->second);
  dying_.erase(found);
  if (has_enough_dying_ && dying_.size() <= dying_max / 2) want_dispatch();
}

QueueCounts ClassicQueue::look() {
  note_use();
  apply_rules_before_a_look();
  return counts();
}

void ClassicQueue::note_use() {
  if (rules_.expires_ms != QueueRules::unlimited) last_used_ms_ = host_.now_ms();
}

void ClassicQueue::wake_by(std::uint64_t time_ms) {
  if (wake_ms_ != 0 && wake_ms_ <= time_ms) return;
  wake_ms_ = time_ms;
  host_.wake_at(*this, time_ms);
}

void ClassicQueue::on_wake() {
  if (wake_ms_ == 0 || host_.now_ms() < wake_ms_) return;  // Another was asked for before this one.
  wake_ms_ = 0;
  const bool is_idle =
      dispatcher_.size() == 0 && sum(last_used_ms_, rules_.expires_ms) <= host_.now_ms();
  if (is_idle && rules_.expires_ms != QueueRules::unlimited) {
    host_.is_unused(*this);
    note_use();  // If it is still there after as long again, it is said again.
  }
  want_dispatch();
}

const StoredMessage* ClassicQueue::find_shifted(MessageSeq seq) const {
  const auto dying = dying_.find(seq);
  return dying != dying_.end() ? &dying->second : unacked_.find(seq);
}

std::vector<StoredMessage> ClassicQueue::shifted() const {
  std::vector<StoredMessage> all = unacked_.all();
  all.reserve(all.size() + dying_.size());
  for (const auto& [seq, message] : dying_) all.push_back(message);
  return all;
}

}  // namespace leveret
