// SPDX-License-Identifier: Apache-2.0
#include "vhost/gates.h"

#include "amqp/basic_properties.h"
#include "routing/name_hash.h"
#include "vhost/dead_letter.h"
#include "vhost/shard.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

constexpr std::int64_t cache_size_max = 10'000'000;

/// A number, also one in letters, as the plugin takes it.
std::optional<std::int64_t> number_of(const amqp::FieldValueView& value) {
  if (const auto number = value.as_integer()) return number;
  const auto text = value.as_string();
  std::int64_t number = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

DeduplicationRules rules_of(amqp::RawTable arguments) {
  DeduplicationRules rules{.holds = DeduplicationRules::Holds::last,
                           .ids_max = DeduplicationRules::last_ids_max};
  // What they are was looked at when the exchange was declared.
  if (const auto size = arguments.find("x-cache-size")) {
    rules.ids_max = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(number_of(*size).value_or(1), 1, cache_size_max));
  }
  if (const auto ttl = arguments.find("x-cache-ttl")) {
    rules.ttl_ms = static_cast<std::uint64_t>(number_of(*ttl).value_or(1));
  }
  if (const auto header = arguments.find("x-deduplication-header")) {
    rules.header = header->as_string().value_or("");
  }
  return rules;
}

bool is_gate(const ExchangeProperties& exchange) {
  return is_deduplicating(exchange.type, raw_table(exchange.arguments));
}

}  // namespace

Gates::Gates(Shard& shard) : shard_(shard), channel_(shard.next_channel_id()) {
  shard_.add_channel(channel_, *this);
}

Gates::~Gates() { shard_.remove_channel(channel_); }

WorkerId Gates::keeper_of(const ExchangeProperties& gate) const {
  const std::uint64_t hash = mix(hash_of_name(gate.vhost), hash_of_name(gate.name));
  return WorkerId(static_cast<std::uint16_t>(hash % shard_.broker().worker_count()));
}

void Gates::add(const ExchangePtr& exchange) {
  if (!is_gate(*exchange) || keeper_of(*exchange) != shard_.home()) return;
  kept_[exchange] = std::make_unique<Kept>(rules_of(raw_table(exchange->arguments)));
}

void Gates::remove(const ExchangePtr& exchange) { kept_.erase(exchange); }

void Gates::remove_vhost(std::string_view vhost) {
  boost::unordered::erase_if(kept_, [vhost](const auto& one) { return one.first->vhost == vhost; });
}

void Gates::send(Passage passage) {
  passage.from = shard_.home();
  const WorkerId keeper = keeper_of(*passage.gate);
  if (keeper == shard_.home()) return let_in(std::move(passage));
  shard_.count_publish_to(keeper, passage.message->block_bytes());
  auto boxed = std::make_unique<Passage>(std::move(passage));
  shard_.broker().executor().post(keeper,
                                  [&broker = shard_.broker(), boxed = std::move(boxed)]() mutable {
                                    broker.here().gates().let_in(std::move(*boxed));
                                  });
}

void Gates::let_in(Passage passage) {
  const Listener sender{passage.token, passage.from, passage.message->block_bytes()};
  const auto found = kept_.find(passage.gate);
  VhostReplica* vhost = shard_.find_vhost(passage.gate->vhost);
  if (found == kept_.end() || vhost == nullptr) {  // Deleted on the way.
    lead_nowhere(passage);
    return answer(sender, true);
  }
  Kept& kept = *found->second;
  // What comes back from a queue in which it died came once, and must not be dropped as the second.
  const std::optional<Deduplication::Id> id =
      passage.token.is_move() ? std::nullopt : kept.ids.id_of(*passage.message);
  if (id && is_duplicate(kept, *id, passage)) {
    ++deduplicated_;
    return lead_nowhere(passage);
  }

  const amqp::RawTable headers =
      amqp::peek_headers(passage.message->properties()).value_or(amqp::RawTable());
  std::vector<std::string_view> keys(passage.routing_keys.begin(), passage.routing_keys.end());
  if (keys.empty()) keys.push_back(passage.message->routing_key());
  Routed behind;
  vhost->route(passage.gate->name, keys, {headers, passage.message->properties()}, behind,
               Gate::open);
  passage.passed.push_back(passage.gate);
  std::erase_if(behind.gates, [&passage](const ExchangePtr& gate) {
    return std::ranges::find(passage.passed, gate) != passage.passed.end();
  });
  if (passage.drops_cycles) {
    std::erase_if(behind.queues, [&headers](const QueueHandlePtr& queue) {
      return !queue->properties.is_held_back && is_in_cycle(headers, queue->properties.name);
    });
  }
  shard_.keep_in_histories(*vhost, behind.histories, passage.message);
  if (behind.is_nowhere()) {
    lead_nowhere(passage);
    return answer(sender, true);
  }
  // A dead letter stays one: a full queue that turns it away has answered for it.
  const std::uint64_t sequence =
      ++last_sequence_ | (passage.token.is_move() ? PublishToken::move_bit : 0);
  if (id) {
    kept.ids.hold(*id, shard_.now_ms());
    kept.on_the_way.insert_or_assign(id->hash, sequence);
  }
  on_the_way_[sequence] = {
      .gate = passage.gate, .id = id, .unanswered = behind.answers(), .listeners = {sender}};
  pass_on(passage, behind, sequence);
}

bool Gates::is_duplicate(Kept& kept, const Deduplication::Id& id, const Passage& passage) {
  if (!kept.ids.is_held(id, shard_.now_ms())) return false;
  const Listener sender{passage.token, passage.from, passage.message->block_bytes()};
  const auto first = kept.on_the_way.find(id.hash);
  const bool waits_downwards = std::ranges::any_of(
      passage.passed, [&](const ExchangePtr& gate) { return gate->name > passage.gate->name; });
  if (first == kept.on_the_way.end() || !passage.token) {
    answer(sender, true);
  } else if (waits_downwards) {
    answer(sender, false);
  } else {
    on_the_way_.at(first->second).listeners.push_back(sender);
  }
  return true;
}

void Gates::pass_on(const Passage& passage, const Routed& behind, std::uint64_t sequence) {
  const PublishToken token{channel_, sequence};
  MandatoryPtr mandatory = behind.queues.empty() ? passage.mandatory : nullptr;
  if (mandatory) {  // Several gates stand for this one.
    const auto more = static_cast<std::uint32_t>(behind.gates.size()) - 1;
    mandatory->gates_left.fetch_add(more, std::memory_order_relaxed);
  }
  for (const QueueHandlePtr& queue : behind.queues) shard_.publish(*queue, passage.message, token);
  for (const ExchangePtr& gate : behind.gates) {
    send({.gate = gate,
          .message = passage.message,
          .routing_keys = passage.routing_keys,
          .token = token,
          .mandatory = mandatory,
          .drops_cycles = passage.drops_cycles,
          .passed = passage.passed});
  }
}

void Gates::lead_nowhere(const Passage& passage) {
  if (!passage.mandatory) return;
  if (passage.mandatory->gates_left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  shard_.give_back(passage.mandatory->channel, passage.message);
}

void Gates::answer(const Listener& listener, bool is_accepted) {
  if (listener.from != shard_.home()) shard_.note_publish_taken(listener.from, listener.bytes);
  if (listener.token) shard_.confirm(listener.token, is_accepted);
}

void Gates::on_confirmed(std::uint64_t first_sequence, std::uint32_t count, bool is_accepted) {
  for (std::uint64_t sequence = first_sequence; sequence < first_sequence + count; ++sequence) {
    const auto found = on_the_way_.find(sequence);
    if (found == on_the_way_.end()) continue;
    found->second.has_failed |= !is_accepted;
    if (--found->second.unanswered != 0) continue;
    const Moving moved = std::move(found->second);
    on_the_way_.erase(found);
    if (const auto kept = kept_.find(moved.gate); moved.id && kept != kept_.end()) {
      auto& on_the_way = kept->second->on_the_way;
      const auto current = on_the_way.find(moved.id->hash);
      if (current != on_the_way.end() && current->second == sequence) {
        on_the_way.erase(current);
        if (moved.has_failed) kept->second->ids.forget(*moved.id);
      }
    }
    for (const Listener& listener : moved.listeners) answer(listener, !moved.has_failed);
  }
}

amqp::AmqpResult<void> validate_gate_arguments(ExchangeType type, amqp::RawTable arguments,
                                               std::string_view resource) {
  const auto refuse = [](std::string text) {
    return amqp::refuse(amqp::ReplyCode::precondition_failed, std::move(text));
  };
  const auto wanted = arguments.find("x-message-deduplication");
  if (wanted && !wanted->as_bool()) {
    return refuse("Invalid argument, 'x-message-deduplication' must be true or false");
  }
  if (!is_deduplicating(type, arguments)) return {};
  const auto size = arguments.find("x-cache-size");
  const auto ids = size ? number_of(*size) : std::nullopt;
  const bool needs_size = type == ExchangeType::message_deduplication;
  if ((size || needs_size) && !(ids && *ids > 0)) {
    return refuse("Missing or invalid argument, 'x-cache-size' must be an integer greater than 0");
  }
  if (ids && *ids > cache_size_max) {
    return refuse(fmt::format("Invalid argument, 'x-cache-size' must not be greater than {}",
                              cache_size_max));
  }
  const auto ttl = arguments.find("x-cache-ttl");
  if (ttl && number_of(*ttl).value_or(0) <= 0) {
    return refuse("Invalid argument, 'x-cache-ttl' must be an integer greater than 0");
  }
  const auto header = arguments.find("x-deduplication-header");
  if (header && !header->as_string()) {
    return refuse("Invalid argument, 'x-deduplication-header' must be a string");
  }
  const auto persistence = arguments.find("x-cache-persistence");
  if (!persistence || persistence->as_string() == "memory") return {};
  if (persistence->as_string() != "disk") {
    return refuse("Invalid argument, 'x-cache-persistence' must be either 'disk' or 'memory'");
  }
  return amqp::refuse(
      amqp::ReplyCode::not_implemented,
      fmt::format("'x-cache-persistence' is 'disk' for {}: ids are kept in memory alone",
                  resource));
}

}  // namespace leveret
