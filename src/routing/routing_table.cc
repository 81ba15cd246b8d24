// SPDX-License-Identifier: Apache-2.0
#include "routing/routing_table.h"

#include "base/assert.h"
#include "routing/delayed_exchange.h"
#include "routing/direct_exchange.h"
#include "routing/fanout_exchange.h"
#include "routing/hash_exchange.h"
#include "routing/headers_exchange.h"
#include "routing/topic_exchange.h"

#include <utility>

#include <boost/container_hash/hash.hpp>

namespace leveret {
namespace {

std::unique_ptr<Exchange> make_exchange(std::string_view name, ExchangeType type,
                                        std::string_view alternate_exchange,
                                        amqp::RawTable arguments) {
  switch (type) {
    case ExchangeType::direct:
      return std::make_unique<DirectExchange>(name, alternate_exchange);
    case ExchangeType::fanout:
    case ExchangeType::message_deduplication:
    case ExchangeType::recent_history:
      return std::make_unique<FanoutExchange>(name, type, alternate_exchange);
    case ExchangeType::topic:
      return std::make_unique<TopicExchange>(name, alternate_exchange);
    case ExchangeType::headers:
      return std::make_unique<HeadersExchange>(name, alternate_exchange);
    case ExchangeType::consistent_hash:
      return std::make_unique<ConsistentHashExchange>(name, alternate_exchange, arguments);
    case ExchangeType::modulus_hash:
      return std::make_unique<ModulusExchange>(name, alternate_exchange);
    case ExchangeType::random:
    case ExchangeType::local_random:
      return std::make_unique<RandomExchange>(name, type, alternate_exchange);
    case ExchangeType::delayed_message:
      break;  // What is behind it is made.
  }
  LEVERET_ASSERT(false, "exchange type {}", static_cast<int>(type));
}

}  // namespace

RoutingTable::RoutingTable() { exchanges_.emplace("", std::make_unique<DefaultExchange>(queues_)); }

RoutingTable::~RoutingTable() {
  // Bindings hang in their ends' lists, and must leave them before either goes.
  for (const auto& [name, exchange] : exchanges_) {
    exchange->outgoing_.clear();
    exchange->incoming_.clear();
  }
  for (const auto& [name, queue] : queues_) queue->incoming_.clear();
}

void RoutingTable::add_exchange(std::string_view name, ExchangeType type,
                                std::string_view alternate_exchange, amqp::RawTable arguments) {
  auto exchange = make_exchange(name, type, alternate_exchange, arguments);
  exchange->is_gate_ = is_deduplicating(type, arguments);
  exchange->is_noted_ = exchange->is_gate_ || type == ExchangeType::recent_history;
  add(std::move(exchange));
}

void RoutingTable::add_delayed_exchange(std::string_view name, ExchangeType behind,
                                        std::string_view alternate_exchange,
                                        amqp::RawTable arguments, QueueId held_back) {
  ++headers_binding_count_;  // Also without a binding.
  auto exchange = std::make_unique<DelayedExchange>(
      make_exchange(name, behind, alternate_exchange, arguments), held_back);
  exchange->is_gate_ = exchange->is_noted_ = is_deduplicating(exchange->type(), arguments);
  add(std::move(exchange));
}

void RoutingTable::add(std::unique_ptr<Exchange> exchange) {
  std::string name = exchange->name();
  const bool is_new = exchanges_.emplace(std::move(name), std::move(exchange)).second;
  LEVERET_ASSERT(is_new, "an exchange of this name is there already");
  ++version_;
}

void RoutingTable::set_alternate_exchange(std::string_view name,
                                          std::string_view alternate_exchange) {
  Exchange* exchange = find_exchange(name);
  if (exchange == nullptr || exchange->alternate_exchange_ == alternate_exchange) return;
  exchange->alternate_exchange_ = alternate_exchange;
  ++version_;
}

void RoutingTable::remove_exchange(std::string_view name) {
  LEVERET_ASSERT(!name.empty(), "the default exchange stays");
  const auto found = exchanges_.find(name);
  if (found == exchanges_.end()) return;
  remove_bindings_from(*found->second);
  remove_bindings_to(*found->second);
  if (found->second->type() == ExchangeType::delayed_message) --headers_binding_count_;
  exchanges_.erase(found);
  ++version_;
}

void RoutingTable::add_queue(std::string_view name, QueueId id) {
  const bool is_new = queues_.emplace(name, std::make_unique<QueueDestination>(name, id)).second;
  LEVERET_ASSERT(is_new, "queue '{}' is there already", name);
  ++version_;
}

void RoutingTable::remove_queue(std::string_view name) {
  const auto found = queues_.find(name);
  if (found == queues_.end()) return;
  remove_bindings_to(*found->second);
  queues_.erase(found);
  ++version_;
}

void RoutingTable::bind_queue(std::string_view exchange, std::string_view queue,
                              std::string_view routing_key, amqp::RawTable arguments) {
  Exchange* const source = find_exchange(exchange);
  QueueDestination* const destination = find_queue(queue);
  LEVERET_ASSERT(source && destination, "exchange '{}' or queue '{}' is missing", exchange, queue);
  bind(*source, *destination, routing_key, arguments);
}

void RoutingTable::bind_exchange(std::string_view source, std::string_view destination,
                                 std::string_view routing_key, amqp::RawTable arguments) {
  Exchange* const from = find_exchange(source);
  Exchange* const to = find_exchange(destination);
  LEVERET_ASSERT(from && to, "exchange '{}' or '{}' is missing", source, destination);
  bind(*from, *to, routing_key, arguments);
}

void RoutingTable::unbind_queue(std::string_view exchange, std::string_view queue,
                                std::string_view routing_key, amqp::RawTable arguments) {
  Exchange* const source = find_exchange(exchange);
  QueueDestination* const destination = find_queue(queue);
  if (source && destination) unbind(*source, *destination, routing_key, arguments);
}

void RoutingTable::unbind_exchange(std::string_view source, std::string_view destination,
                                   std::string_view routing_key, amqp::RawTable arguments) {
  Exchange* const from = find_exchange(source);
  Exchange* const to = find_exchange(destination);
  if (from && to) unbind(*from, *to, routing_key, arguments);
}

const Exchange* RoutingTable::find(std::string_view exchange) const {
  const auto found = exchanges_.find(exchange);
  return found == exchanges_.end() ? nullptr : found->second.get();
}

void RoutingTable::route(const Exchange& exchange, std::string_view routing_key,
                         const PublishedProperties& properties, std::vector<QueueId>& queues,
                         Gate first) {
  route(exchange, std::span(&routing_key, 1), properties, queues, first);
}

void RoutingTable::route(const Exchange& exchange, std::span<const std::string_view> routing_keys,
                         const PublishedProperties& properties, std::vector<QueueId>& queues,
                         Gate first) {
  headers_.reset(properties.headers);
  const Publication publication{
      .routing_keys = routing_keys, .headers = headers_, .properties = properties.properties};
  noted_.clear();
  reached_.begin(exchange, queues);
  while (const Exchange* next = reached_.next_exchange()) {
    if (next->is_noted_) [[unlikely]] {
      const bool is_stop = next->is_gate() && !(next == &exchange && first == Gate::open);
      if (is_stop || next->type() == ExchangeType::recent_history) {
        noted_.push_back({.exchange = next, .is_gate = is_stop});
      }
      if (is_stop) continue;
    }
    next->match(publication, reached_);
    if (reached_.has_matched() || next->alternate_exchange().empty()) continue;
    if (const Exchange* alternate = find(next->alternate_exchange())) reached_.add(*alternate);
  }
}

bool RoutingTable::BindingEqual::operator()(const BindingKey& key,
                                            const OwnedBinding& owned) const {
  const Binding& binding = *owned.binding;
  return key.hash == owned.hash && key.source == &binding.source &&
         key.destination == &binding.destination && key.routing_key == binding.routing_key &&
         key.arguments == binding.arguments;
}

RoutingTable::BindingKey RoutingTable::key_of(const Exchange& source,
                                              const Destination& destination,
                                              std::string_view routing_key,
                                              std::string_view arguments) {
  std::size_t hash = 0;
  boost::hash_combine(hash, &source);
  boost::hash_combine(hash, &destination);
  boost::hash_combine(hash, StringHash{}(routing_key));
  boost::hash_combine(hash, StringHash{}(arguments));
  return {&source, &destination, routing_key, arguments, hash};
}

Exchange* RoutingTable::find_exchange(std::string_view name) {
  const auto found = exchanges_.find(name);
  return found == exchanges_.end() ? nullptr : found->second.get();
}

QueueDestination* RoutingTable::find_queue(std::string_view name) {
  const auto found = queues_.find(name);
  return found == queues_.end() ? nullptr : found->second.get();
}

void RoutingTable::bind(Exchange& source, Destination& destination, std::string_view routing_key,
                        amqp::RawTable arguments) {
  std::string canonical = canonical_arguments(arguments);
  const BindingKey key = key_of(source, destination, routing_key, canonical);
  if (bindings_.contains(key)) return;

  auto binding = std::make_unique<Binding>(source, destination, std::string(routing_key),
                                           std::move(canonical));
  source.add(*binding);
  source.outgoing_.push_back(*binding);
  destination.incoming_.push_back(*binding);
  if (std::size_t* count = count_for(source)) ++*count;
  bindings_.insert(OwnedBinding{std::move(binding), key.hash});
  ++version_;
}

std::size_t* RoutingTable::count_for(const Exchange& source) {
  switch (source.type()) {
    case ExchangeType::headers:
      return &headers_binding_count_;
    case ExchangeType::random:
    case ExchangeType::local_random:
      return &unsteady_binding_count_;
    case ExchangeType::consistent_hash: {
      const auto& hashing = static_cast<const ConsistentHashExchange&>(source);
      if (hashing.looks_at_headers()) return &headers_binding_count_;
      return hashing.looks_at_properties() ? &unsteady_binding_count_ : nullptr;
    }
    case ExchangeType::delayed_message:
      return count_for(static_cast<const DelayedExchange&>(source).behind());
    case ExchangeType::direct:
    case ExchangeType::fanout:
    case ExchangeType::topic:
    case ExchangeType::modulus_hash:
    case ExchangeType::message_deduplication:
    case ExchangeType::recent_history:
      break;
  }
  return nullptr;
}

void RoutingTable::unbind(Exchange& source, Destination& destination, std::string_view routing_key,
                          amqp::RawTable arguments) {
  const std::string canonical = canonical_arguments(arguments);
  const auto found = bindings_.find(key_of(source, destination, routing_key, canonical));
  if (found == bindings_.end()) return;
  remove(*found->binding);
  ++version_;
}

void RoutingTable::remove_bindings_to(Destination& destination) {
  while (!destination.incoming_.empty()) remove(destination.incoming_.front());
}

void RoutingTable::remove_bindings_from(Exchange& source) {
  while (!source.outgoing_.empty()) remove(source.outgoing_.front());
}

void RoutingTable::remove(Binding& binding) {
  Exchange& source = binding.source;
  Destination& destination = binding.destination;
  source.remove(binding);
  source.outgoing_.erase(source.outgoing_.iterator_to(binding));
  destination.incoming_.erase(destination.incoming_.iterator_to(binding));
  if (std::size_t* count = count_for(source)) --*count;
  bindings_.erase(
      bindings_.find(key_of(source, destination, binding.routing_key, binding.arguments)));
  if (bindings_.empty()) bindings_ = {};  // Erasing keeps the memory.
}

}  // namespace leveret
