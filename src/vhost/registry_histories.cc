// SPDX-License-Identifier: Apache-2.0
//
// The registry's histories: what went through exchanges of type x-recent-history, given to who is
// bound to them.
//
// A binding has the history as it stands when it is decided, before any message comes by the
// binding itself. Other workers learn of it later, and what they route until then is neither in
// that history nor goes by the binding: it is given when it arrives here, before the binding's
// answer. What a worker knew is told by the version of its replica, which changes with every change
// and is the same on every worker after the same ones.
#include "vhost/registry.h"
#include "vhost/shard.h"

#include <algorithm>

namespace leveret {

void Registry::keep_in_histories(std::span<const ExchangePtr> exchanges, const MessagePtr& message,
                                 std::uint64_t version) {
  for (const ExchangePtr& exchange : exchanges) {
    if (!has_exchange(*exchange)) continue;  // Deleted meanwhile.
    find_vhost(exchange->vhost)->exchanges.find(exchange->name)->second.history->add(message);
    for (const NewBinding& binding : new_bindings_) {
      if (binding.source == exchange && version <= binding.version_before) {
        give_history(*binding.binding, message);
      }
    }
  }
}

void Registry::give_history(const VhostEntry& vhost, const BindingPtr& binding) {
  const ExchangeEntry& source = vhost.exchanges.find(binding->source)->second;
  if (source.history == nullptr) return;
  // What is given may come back to the same history.
  const Deque<MessagePtr> messages = source.history->messages();
  for (const MessagePtr& message : messages) give_history(*binding, message);
  const VhostReplica* here = broker_.shard(Broker::control).find_vhost(binding->vhost);
  new_bindings_.push_back({binding, source.exchange, here->version()});
}

void Registry::give_history(const BindingProperties& binding, const MessagePtr& message) {
  Shard& here = broker_.shard(Broker::control);
  VhostReplica* vhost = here.find_vhost(binding.vhost);
  if (vhost == nullptr) return;
  if (!binding.is_to_queue) {
    if (vhost->find_exchange(binding.destination)) {
      here.publish_to(*vhost, binding.destination, message);
    }
    return;
  }
  if (const QueueHandle* queue = vhost->find_queue(binding.destination)) {
    here.publish(*queue, message, {});
  }
}

void Registry::end_history(const BindingPtr& binding) {
  std::erase_if(new_bindings_,
                [&binding](const NewBinding& one) { return one.binding == binding; });
}

}  // namespace leveret
