// SPDX-License-Identifier: Apache-2.0
//
// The registry's policies: set, cleared, and given to the queues and exchanges that they match.
#include "vhost/registry.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace leveret {

void Registry::set_policy(PolicyRecord record, const amqp::FieldTable& definition, AdminDone done,
                          std::string by) {
  VhostEntry* vhost = find_vhost(record.vhost);
  if (vhost == nullptr || vhost->is_being_deleted) return done(refuse_no_such_vhost(record.vhost));
  auto read = Policy::read(std::move(record), definition);
  if (!read) {
    return done(std::unexpected(
        AdminRefusal{AdminError::invalid, fmt::format("Validation failed\n\n{}\n", read.error())}));
  }
  PolicyPtr policy = std::make_shared<const Policy>(std::move(*read));
  PutPolicy durable{policy->record};
  change_policies(
      *vhost, std::move(durable),
      [policy = std::move(policy)](Policies& policies) { policies.put(policy); }, std::move(done),
      std::move(by));
}

void Registry::clear_policy(const std::string& vhost_name, const std::string& name,
                            bool is_operator, AdminDone done, std::string by) {
  VhostEntry* vhost = find_vhost(vhost_name);
  if (vhost == nullptr || vhost->is_being_deleted) return done(refuse_no_such_vhost(vhost_name));
  if (!vhost->policies->find(name, is_operator)) {
    return done(
        std::unexpected(AdminRefusal{AdminError::no_such_policy, "Parameter does not exist"}));
  }
  change_policies(
      *vhost, DeletePolicy{vhost_name, name, is_operator},
      [name, is_operator](Policies& policies) { policies.remove(name, is_operator); },
      std::move(done), std::move(by));
}

void Registry::change_policies(VhostEntry& vhost, Change durable,
                               std::move_only_function<void(Policies&)> change, AdminDone done,
                               std::string by) {
  std::vector<Event> told = policy_events(durable, by);
  std::vector<Change> changes;
  changes.push_back(std::move(durable));
  commit({}, std::move(changes),
         [this, name = vhost.record.name, policies = vhost.policies, change = std::move(change),
          by = std::move(by), told = std::move(told),
          done = std::move(done)](Result<void> written) mutable {
           if (!written) return done(to_admin(written));
           change(*policies);
           VhostEntry* there = find_vhost(name);
           // Gone meanwhile, on disk as well; perhaps there is another of that name.
           if (there == nullptr || there->policies != policies) return done({});
           std::vector<TopologyChange> topology;
           assign_exchange_policies(*there, topology);
           assign_queue_policies(*there, topology);
           broadcast(topology, [this, topology, by = std::move(by), told = std::move(told),
                                done = std::move(done)]() mutable {
             tell(topology, by);
             tell(told);
             done({});
           });
         });
}

void Registry::assign_exchange_policies(VhostEntry& vhost, std::vector<TopologyChange>& topology) {
  for (auto& [name, entry] : vhost.exchanges) {
    PolicyPtr policy = vhost.policies->match_exchange(name);
    if (entry.policy == policy) continue;
    entry.policy = policy;
    topology.emplace_back(ExchangePolicyChanged{entry.exchange, std::move(policy)});
  }
}

void Registry::assign_queue_policies(VhostEntry& vhost, std::vector<TopologyChange>& topology) {
  for (auto& [name, entry] : vhost.queues) {
    QueuePolicy policy = vhost.policies->match_queue(name, type_of(entry.handle->properties));
    if (entry.policy.is_same_as(policy)) continue;
    entry.policy = std::move(policy);
    topology.emplace_back(QueuePolicyChanged{entry.handle, entry.policy.in_force});
  }
}

}  // namespace leveret
