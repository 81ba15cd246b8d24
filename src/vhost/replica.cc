// SPDX-License-Identifier: Apache-2.0
#include "vhost/replica.h"

#include "base/assert.h"
#include "vhost/policies.h"

namespace leveret {
namespace {

/// RabbitMQ: the exchange's own argument goes before its policy.
const std::string& alternate_exchange_in_force(const ExchangeProperties& exchange,
                                               const Policy* policy) {
  if (!exchange.alternate_exchange.empty() || policy == nullptr || !policy->alternate_exchange) {
    return exchange.alternate_exchange;
  }
  return *policy->alternate_exchange;
}

}  // namespace

const QueueHandle* VhostReplica::find_queue(std::string_view name) const {
  const auto found = queues_.find(name);
  return found == queues_.end() ? nullptr : found->second.get();
}

const ExchangeProperties* VhostReplica::find_exchange(std::string_view name) const {
  const auto found = exchanges_.find(name);
  return found == exchanges_.end() ? nullptr : found->second.get();
}

void VhostReplica::add(const ExchangePtr& exchange, const Policy* policy) {
  const std::string& alternate = alternate_exchange_in_force(*exchange, policy);
  const amqp::RawTable arguments = raw_table(exchange->arguments);
  if (exchange->held_back != nullptr) {
    const QueueId held_back = exchange->held_back->properties.id;
    routing_.add_delayed_exchange(exchange->name, exchange->routes_as, alternate, arguments,
                                  held_back);
    queues_by_id_[held_back] = exchange->held_back.get();
  } else if (!exchange->name.empty()) {  // The default exchange is there from the start.
    routing_.add_exchange(exchange->name, exchange->routes_as, alternate, arguments);
  }
  exchanges_.insert_or_assign(exchange->name, exchange);
}

void VhostReplica::change_policy(const ExchangeProperties& exchange, const Policy* policy) {
  routing_.set_alternate_exchange(exchange.name, alternate_exchange_in_force(exchange, policy));
}

void VhostReplica::remove(const ExchangePtr& exchange) {
  routing_.remove_exchange(exchange->name);
  if (exchange->held_back != nullptr) queues_by_id_.erase(exchange->held_back->properties.id);
  exchanges_.erase(exchange->name);
}

void VhostReplica::add(const QueueHandlePtr& queue) {
  routing_.add_queue(queue->properties.name, queue->properties.id);
  queues_by_id_[queue->properties.id] = queue.get();
  queues_.insert_or_assign(queue->properties.name, queue);
}

void VhostReplica::remove(const QueueHandlePtr& queue) {
  routing_.remove_queue(queue->properties.name);
  queues_by_id_.erase(queue->properties.id);
  queues_.erase(queue->properties.name);
}

void VhostReplica::add(const BindingProperties& binding) {
  const amqp::RawTable arguments = raw_table(binding.arguments);
  if (binding.is_to_queue) {
    routing_.bind_queue(binding.source, binding.destination, binding.routing_key, arguments);
  } else {
    routing_.bind_exchange(binding.source, binding.destination, binding.routing_key, arguments);
  }
}

void VhostReplica::remove(const BindingProperties& binding) {
  const amqp::RawTable arguments = raw_table(binding.arguments);
  if (binding.is_to_queue) {
    routing_.unbind_queue(binding.source, binding.destination, binding.routing_key, arguments);
  } else {
    routing_.unbind_exchange(binding.source, binding.destination, binding.routing_key, arguments);
  }
}

void VhostReplica::route(std::string_view exchange, std::string_view routing_key,
                         const PublishedProperties& properties, Routed& routed) {
  route(exchange, std::span(&routing_key, 1), properties, routed);
}

void VhostReplica::route(std::string_view exchange, std::span<const std::string_view> routing_keys,
                         const PublishedProperties& properties, Routed& routed, Gate first) {
  const Exchange* source = routing_.find(exchange);
  LEVERET_ASSERT(source != nullptr, "exchange '{}' is not in the routing table", exchange);
  routed_.clear();
  routing_.route(*source, routing_keys, properties, routed_, first);
  append_routed(routed);
}

void VhostReplica::append_routed(Routed& routed) {
  for (const QueueId id : routed_) {
    const auto found = queues_by_id_.find(id);
    if (found != queues_by_id_.end()) routed.queues.emplace_back(found->second);
  }
  for (const Noted& noted : routing_.noted()) {
    const ExchangePtr& exchange = exchanges_.find(noted.exchange->name())->second;
    (noted.is_gate ? routed.gates : routed.histories).push_back(exchange);
  }
}

const Routed* RouteMemory::find(VhostReplica& vhost, std::string_view exchange,
                                std::string_view routing_key,
                                const PublishedProperties& properties) {
  const bool is_plain =
      (properties.headers.empty() || !vhost.looks_at_headers()) && !vhost.is_unsteady();
  if (is_plain && is_known_ && version_ == vhost.version() && routing_key_ == routing_key &&
      exchange_ == exchange) {
    return &routed_;
  }
  is_known_ = false;
  if (vhost.find_exchange(exchange) == nullptr) return nullptr;
  routed_.clear();
  vhost.route(exchange, routing_key, properties, routed_);
  is_known_ = is_plain;
  if (is_plain) {
    version_ = vhost.version();
    exchange_.assign(exchange);
    routing_key_.assign(routing_key);
  }
  return &routed_;
}

}  // namespace leveret
