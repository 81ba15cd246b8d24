// SPDX-License-Identifier: Apache-2.0
//
// What a worker does with each change that the registry sends to all of them.
#include "base/assert.h"
#include "vhost/shard.h"

#include <memory>
#include <string>
#include <variant>

namespace leveret {

void Shard::apply(const TopologyChange& change) {
  struct Apply {
    Shard& shard;
    VhostReplica& vhost(const std::string& name) const {
      VhostReplica* found = shard.find_vhost(name);
      LEVERET_ASSERT(found != nullptr, "a change for the unknown vhost '{}'", name);
      return *found;
    }
    void operator()(const VhostAdded& added) {
      shard.vhosts_.emplace(added.name, std::make_unique<VhostReplica>(added));
      ++shard.vhosts_version_;
    }
    void operator()(const VhostChanged& changed) { vhost(changed.name).change(changed); }
    void operator()(const VhostTracingChanged& changed) {
      shard.set_traced(vhost(changed.name), changed.is_traced);
    }
    void operator()(const VhostRemoved& removed) {
      shard.set_traced(vhost(removed.name), false);
      if (removed.name == shard.broker_.event_vhost()) shard.event_binding_count_ = 0;
      shard.gates_.remove_vhost(removed.name);
      shard.vhosts_.erase(removed.name);
      ++shard.vhosts_version_;
    }
    void operator()(const ExchangeAdded& added) {
      vhost(added.exchange->vhost).add(added.exchange, added.policy.get());
      shard.gates_.add(added.exchange);
      shard.add_exchange_here(added);
    }
    void operator()(const ExchangeRemoved& removed) {
      vhost(removed.exchange->vhost).remove(removed.exchange);
      shard.gates_.remove(removed.exchange);
      shard.remove_exchange_here(*removed.exchange);
    }
    void operator()(const ExchangePolicyChanged& changed) {
      vhost(changed.exchange->vhost).change_policy(*changed.exchange, changed.policy.get());
    }
    void operator()(const QueueAdded& added) {
      const QueueProperties& properties = added.queue->properties;
      vhost(properties.vhost).add(added.queue);
      if (added.queue->home() != shard.home_) return;
      shard.add_queue_here(added);
    }
    void operator()(const QueueRemoved& removed) {
      vhost(removed.queue->properties.vhost).remove(removed.queue);
    }
    void operator()(const QueuePolicyChanged& changed) {
      if (changed.queue->home() == shard.home_) shard.change_policy(*changed.queue, changed.policy);
    }
    void operator()(const BindingAdded& added) {
      vhost(added.binding->vhost).add(*added.binding);
      shard.count_event_binding(*added.binding, 1);
    }
    void operator()(const BindingRemoved& removed) {
      vhost(removed.binding->vhost).remove(*removed.binding);
      shard.count_event_binding(*removed.binding, -1);
    }
    void operator()(const AuthChanged& changed) {
      shard.auth_ = changed.auth;
      ++shard.auth_version_;
    }
  };
  std::visit(Apply{*this}, change);
}

}  // namespace leveret
