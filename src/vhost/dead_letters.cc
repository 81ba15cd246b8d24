// SPDX-License-Identifier: Apache-2.0
#include "vhost/dead_letters.h"

#include "amqp/basic_properties.h"
#include "base/log.h"
#include "vhost/dead_letter.h"
#include "vhost/due_message.h"
#include "vhost/shard.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace leveret {
namespace {

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

DeadLetters::DeadLetters(Shard& shard)
    : shard_(shard), channel_(shard.next_channel_id()), next_sequence_(PublishToken::move_bit) {
  shard_.add_channel(channel_, *this);
}

DeadLetters::~DeadLetters() { shard_.remove_channel(channel_); }

bool DeadLetters::send(const Source& source, const DeadLetterRoute& route,
                       const MessagePtr& message, Death death) {
  const QueueProperties& properties = source.queue.properties;
  VhostReplica* vhost = shard_.find_vhost(properties.vhost);
  if (vhost == nullptr || vhost->find_exchange(route.exchange) == nullptr) return false;
  const DeadLetter letter = make_dead_letter(
      *message, {.queue = properties.name,
                 .death = death,
                 .seconds = shard_.now_ms() / 1000,
                 .exchange = route.exchange,
                 .routing_key = route.routing_key ? &*route.routing_key : nullptr,
                 .tells_last_death = shard_.broker().personality().tells_last_death});
  const amqp::RawTable headers =
      amqp::peek_headers(letter.message->properties()).value_or(amqp::RawTable());
  Routed targets = take_targets();
  vhost->route(route.exchange, views(letter.routing_keys), {headers, letter.message->properties()},
               targets);
  const bool drops_cycles = death != Death::rejected;
  if (drops_cycles) {
    std::erase_if(targets.queues, [&](const QueueHandlePtr& target) {
      return !target->properties.is_held_back && is_in_cycle(headers, target->properties.name);
    });
  }
  shard_.keep_in_histories(*vhost, targets.histories, letter.message);
  return publish(source, letter.message, letter.routing_keys, std::move(targets), drops_cycles);
}

bool DeadLetters::send_due(const Source& source, const Message& message) {
  const QueueProperties& properties = source.queue.properties;
  VhostReplica* vhost = shard_.find_vhost(properties.vhost);
  if (vhost == nullptr || vhost->find_exchange(properties.name) == nullptr) return false;
  const DueMessage due = make_due(message);
  const amqp::RawTable headers =
      amqp::peek_headers(due.message->properties()).value_or(amqp::RawTable());
  Routed targets = take_targets();
  vhost->route(properties.name, views(due.routing_keys), {headers, due.message->properties()},
               targets);
  shard_.keep_in_histories(*vhost, targets.histories, due.message);
  return publish(source, due.message, due.routing_keys, std::move(targets),
                 /*drops_cycles=*/false);
}

/// For as long as they are used: a publish may end in another send().
Routed DeadLetters::take_targets() {
  Routed targets = std::exchange(targets_, {});
  targets.clear();
  return targets;
}

bool DeadLetters::publish(const Source& source, const MessagePtr& message,
                          const std::vector<std::string>& routing_keys, Routed targets,
                          bool drops_cycles) {
  const bool has_target = !targets.is_nowhere();
  if (has_target) {
    const std::uint64_t sequence = next_sequence_++;
    on_the_way_[sequence] = {
        .source = source.queue.properties.id, .seq = source.seq, .unanswered = targets.answers()};
    for (const QueueHandlePtr& target : targets.queues) {
      shard_.publish(*target, message, {channel_, sequence});
    }
    for (const ExchangePtr& gate : targets.gates) {
      shard_.gates().send({.gate = gate,
                           .message = message,
                           .routing_keys = routing_keys,
                           .token = {channel_, sequence},
                           .drops_cycles = drops_cycles});
    }
  }
  targets.clear();
  targets_ = std::move(targets);
  return has_target;
}

void DeadLetters::on_confirmed(std::uint64_t first_sequence, std::uint32_t count,
                               bool is_accepted) {
  for (std::uint64_t sequence = first_sequence; sequence < first_sequence + count; ++sequence) {
    const auto found = on_the_way_.find(sequence);
    if (found == on_the_way_.end()) continue;
    found->second.has_failed = found->second.has_failed || !is_accepted;
    if (--found->second.unanswered != 0) continue;
    const Moving moved = found->second;
    on_the_way_.erase(found);
    if (moved.has_failed || moved.seq == MessageSeq()) continue;
    if (Queue* source = shard_.find_queue_here(moved.source)) source->on_dead_lettered(moved.seq);
  }
}

}  // namespace leveret
