// SPDX-License-Identifier: Apache-2.0
//
// The registry's exchanges and bindings.
#include "base/assert.h"
#include "routing/delayed_exchange.h"
#include "vhost/equivalence.h"
#include "vhost/refusals.h"
#include "vhost/registry.h"
#include "vhost/shard.h"

#include <string>
#include <utility>
#include <variant>

namespace leveret {

void Registry::hold_back_at(ExchangeProperties& exchange, WorkerId home, std::uint64_t number,
                            std::uint16_t journal) {
  exchange.held_back = QueueHandlePtr(new QueueHandle({.id = next_queue_id(home),
                                                       .vhost = exchange.vhost,
                                                       .name = exchange.name,
                                                       .is_durable = exchange.is_durable,
                                                       .exclusive_owner = {},
                                                       .arguments = {},
                                                       .number = number,
                                                       .journal = journal,
                                                       .is_held_back = true}));
}

void Registry::declare_exchange(ExchangeDeclaration declaration, Done<void> done) {
  VhostEntry* vhost = find_vhost(declaration.vhost);
  if (vhost == nullptr || vhost->is_being_deleted) return done(refuse_no_vhost(declaration.vhost));
  const auto found = vhost->exchanges.find(declaration.name);
  if (found != vhost->exchanges.end()) {
    auto same = check_equivalent(*found->second.exchange, declaration);
    if (!same || !found->second.exchange->is_durable) return done(std::move(same));
    auto exchange = found->second.exchange;
    return commit({}, {},
                  [this, exchange = std::move(exchange), declaration = std::move(declaration),
                   done = std::move(done)](Result<void>) mutable {
                    // Deleted meanwhile, or taken back since its own first write failed.
                    if (!has_exchange(*exchange)) {
                      return declare_exchange(std::move(declaration), std::move(done));
                    }
                    done({});
                  });
  }
  if (has_reserved_prefix(declaration.name)) {
    return done(refuse_reserved("exchange", declaration.name));
  }
  const std::string arguments = encoded_table(declaration.arguments);
  // The channel looked at its worker's replica, in which one of this name may have been still.
  if (auto valid = validate_delayed_exchange(declaration.type, raw_table(arguments)); !valid) {
    return done(std::move(valid));
  }
  const bool is_delayed = is_delayed_exchange(declaration.type, raw_table(arguments));
  const bool is_numbered = is_delayed && declaration.is_durable;
  if (is_numbered && last_queue_number_ == queue_numbers_reserved_) {
    return reserve_queue_numbers([this, declaration = std::move(declaration),
                                  done = std::move(done)](const Result<void>& reserved) mutable {
      if (!reserved) return done(refuse_storage(reserved.error()));
      declare_exchange(std::move(declaration), std::move(done));  // Anew: much may have happened.
    });
  }
  auto exchange = std::make_shared<ExchangeProperties>();
  exchange->vhost = declaration.vhost;
  exchange->name = declaration.name;
  exchange->type = declaration.type;
  exchange->is_durable = declaration.is_durable;
  exchange->is_auto_delete = declaration.is_auto_delete;
  exchange->is_internal = declaration.is_internal;
  exchange->arguments = arguments;
  exchange->alternate_exchange = alternate_exchange_of(raw_table(arguments));
  exchange->routes_as = *routing_type(declaration.type, raw_table(arguments));
  if (is_delayed) {
    const WorkerId home = home_of(declaration.connection);
    hold_back_at(*exchange, home, is_numbered ? ++last_queue_number_ : 0, home.value());
  }

  ExchangeEntry& entry = vhost->exchanges.emplace(declaration.name, exchange).first->second;
  entry.policy = vhost->policies->match_exchange(declaration.name);
  std::vector<Change> durable;
  if (exchange->is_durable) {
    durable.emplace_back(PutExchange{{.vhost = exchange->vhost,
                                      .name = exchange->name,
                                      .type = std::string(exchange_type_name(exchange->type)),
                                      .auto_delete = exchange->is_auto_delete,
                                      .internal = exchange->is_internal,
                                      .arguments = exchange->arguments}});
    if (is_numbered) {
      ExchangeRecord& record = std::get<PutExchange>(durable.back()).exchange;
      record.held_back_number = exchange->held_back->properties.number;
      record.held_back_journal = exchange->held_back->properties.journal;
    }
  }
  commit_and_tell(
      {ExchangeAdded{exchange, is_numbered, entry.policy}}, std::move(durable),
      std::move(declaration.by),
      [this, exchange, is_numbered, done = std::move(done)](Result<void> written) mutable {
        if (is_numbered) tell_committed(*exchange->held_back);
        if (written) return done({});
        if (has_exchange(*exchange)) {
          Removal removal;
          take_out_exchange(*find_vhost(exchange->vhost), exchange->name, removal);
          commit(std::move(removal.topology), {}, [](Result<void>) {});
        }
        done(refuse_storage(written.error()));
      });
}

bool Registry::has_exchange(const ExchangeProperties& exchange) {
  const VhostEntry* vhost = find_vhost(exchange.vhost);
  if (vhost == nullptr) return false;
  const auto found = vhost->exchanges.find(exchange.name);
  return found != vhost->exchanges.end() && found->second.exchange.get() == &exchange;
}

void Registry::delete_exchange(ExchangeDeletion deletion, Done<void> done) {
  VhostEntry* vhost = find_vhost(deletion.vhost);
  if (vhost == nullptr) return done(refuse_no_vhost(deletion.vhost));
  const auto found = vhost->exchanges.find(deletion.name);
  if (found == vhost->exchanges.end()) return done({});
  if (deletion.if_unused && !found->second.as_source.empty()) {
    return done(refuse_exchange_in_use(deletion.name, deletion.vhost));
  }
  Removal removal;
  take_out_exchange(*vhost, deletion.name, removal);
  commit_and_tell(std::move(removal.topology), std::move(removal.durable), std::move(deletion.by),
                  [done = std::move(done)](Result<void> written) mutable {
                    if (!written) return done(refuse_storage(written.error()));
                    done({});
                  });
}

void Registry::change_binding(BindingRequest request, Done<void> done) {
  BindingProperties& binding = request.binding;
  VhostEntry* vhost = find_vhost(binding.vhost);
  if (vhost == nullptr || vhost->is_being_deleted) return done(refuse_no_vhost(binding.vhost));

  const bool has_source = vhost->exchanges.contains(binding.source);
  const auto queue = vhost->queues.find(binding.destination);
  const bool has_queue = queue != vhost->queues.end() && !queue->second.is_being_deleted;
  const bool has_destination =
      binding.is_to_queue ? has_queue : vhost->exchanges.contains(binding.destination);
  if (request.is_unbind && !(has_source && has_destination)) return done({});
  if (!has_source) return done(refuse_no_exchange(binding.source, binding.vhost));
  if (!has_destination) {
    return done(binding.is_to_queue ? refuse_no_queue(binding.destination, binding.vhost)
                                    : refuse_no_exchange(binding.destination, binding.vhost));
  }
  const auto existing = vhost->bindings.find(binding);
  const bool is_there = existing != vhost->bindings.end();
  const bool is_nothing_to_unbind = request.is_unbind && !is_there;
  if (!is_nothing_to_unbind && binding.is_to_queue &&
      queue->second.handle->is_locked_for(request.connection)) {
    return done(refuse_locked(binding.destination, binding.vhost));
  }

  Removal change;
  if (request.is_unbind && is_there) {
    take_out_binding(*vhost, existing->second, change);
  } else if (!request.is_unbind && !is_there) {
    const BindingPtr added = put_in_binding(*vhost, std::move(binding));
    change.topology.emplace_back(BindingAdded{added});
    if (is_durable(*vhost, *added)) {
      change.durable.emplace_back(PutBinding{{.vhost = added->vhost,
                                              .source = added->source,
                                              .destination = added->destination,
                                              .destination_is_queue = added->is_to_queue,
                                              .routing_key = added->routing_key,
                                              .arguments = added->arguments}});
    }
    give_history(*vhost, added);
    commit_and_tell(std::move(change.topology), std::move(change.durable), std::move(request.by),
                    [this, added, done = std::move(done)](Result<void> written) mutable {
                      end_history(added);
                      if (written) return done({});
                      VhostEntry* world = find_vhost(added->vhost);
                      if (world && world->bindings.contains(*added)) {
                        Removal removal;
                        take_out_binding(*world, added, removal);
                        commit(std::move(removal.topology), {}, [](Result<void>) {});
                      }
                      done(refuse_storage(written.error()));
                    });
    return;
  } else if (!is_there || !is_durable(*vhost, binding)) {
    return done({});
  }
  commit_and_tell(std::move(change.topology), std::move(change.durable), std::move(request.by),
                  [done = std::move(done)](Result<void> written) mutable {
                    if (!written) return done(refuse_storage(written.error()));
                    done({});
                  });
}

BindingPtr Registry::put_in_binding(VhostEntry& vhost, BindingProperties properties) {
  auto binding = std::make_shared<const BindingProperties>(std::move(properties));
  vhost.bindings[*binding] = binding;
  vhost.exchanges.find(binding->source)->second.as_source.insert(binding);
  if (binding->is_to_queue) {
    vhost.queues.find(binding->destination)->second.as_destination.insert(binding);
  } else {
    vhost.exchanges.find(binding->destination)->second.as_destination.insert(binding);
  }
  return binding;
}

bool Registry::is_durable(const VhostEntry& vhost, const BindingProperties& binding) const {
  const auto source = vhost.exchanges.find(binding.source);
  if (source == vhost.exchanges.end() || !source->second.exchange->is_durable) return false;
  if (binding.is_to_queue) {
    const QueueHandle& queue = *vhost.queues.find(binding.destination)->second.handle;
    return queue.properties.is_durable && !queue.is_exclusive();
  }
  return vhost.exchanges.find(binding.destination)->second.exchange->is_durable;
}

void Registry::take_out_binding(VhostEntry& vhost, BindingPtr binding, Removal& removal) {
  if (is_durable(vhost, *binding)) {
    removal.durable.emplace_back(DeleteBinding{{.vhost = binding->vhost,
                                                .source = binding->source,
                                                .destination = binding->destination,
                                                .destination_is_queue = binding->is_to_queue,
                                                .routing_key = binding->routing_key,
                                                .arguments = binding->arguments}});
  }
  removal.topology.emplace_back(BindingRemoved{binding});
  if (binding->is_to_queue) {
    vhost.queues.find(binding->destination)->second.as_destination.erase(binding);
  } else {
    vhost.exchanges.find(binding->destination)->second.as_destination.erase(binding);
  }
  const auto source = vhost.exchanges.find(binding->source);
  source->second.as_source.erase(binding);
  vhost.bindings.erase(*binding);
  // RabbitMQ: an auto-delete exchange goes when its last binding as a source goes.
  if (source->second.exchange->is_auto_delete && source->second.as_source.empty()) {
    take_out_exchange(vhost, binding->source, removal);
  }
}

void Registry::take_out_exchange(VhostEntry& vhost, std::string name, Removal& removal) {
  const auto found = vhost.exchanges.find(name);
  if (found == vhost.exchanges.end()) return;
  const ExchangePtr exchange = found->second.exchange;
  const std::set<BindingPtr> as_source = found->second.as_source;
  const std::set<BindingPtr> as_destination = found->second.as_destination;
  // An auto-delete exchange may go by its own last binding: then it is no longer there below.
  for (const BindingPtr& binding : as_source) {
    if (vhost.bindings.contains(*binding)) take_out_binding(vhost, binding, removal);
  }
  for (const BindingPtr& binding : as_destination) {
    if (vhost.bindings.contains(*binding)) take_out_binding(vhost, binding, removal);
  }
  if (vhost.exchanges.erase(name) == 0) return;
  removal.topology.emplace_back(ExchangeRemoved{exchange});
  if (exchange->is_durable) {
    removal.durable.emplace_back(DeleteExchange{exchange->vhost, exchange->name});
  }
}

}  // namespace leveret
