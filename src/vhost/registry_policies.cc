// SPDX-License-Identifier: Apache-2.0
//
// The registry's policies: set, cleared, and given to the queues that they match.
#include "vhost/registry.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace leveret {

void Registry::set_policy(PolicyRecord record, AdminDone done) {
  VhostEntry* vhost = find_vhost(record.vhost);
  if (vhost == nullptr || vhost->is_being_deleted) return done(refuse_no_such_vhost(record.vhost));
  auto policy = Policy::read(std::move(record));
  if (!policy) {
    return done(std::unexpected(AdminRefusal{
        AdminError::invalid, fmt::format("Validation failed\n\n{}\n", policy.error())}));
  }
  const auto shared = std::make_shared<const Policy>(std::move(*policy));
  Policies changed = vhost->policies;
  changed.put(shared);
  change_policies(*vhost, std::move(changed), PutPolicy{shared->record}, std::move(done));
}

void Registry::clear_policy(const std::string& vhost_name, const std::string& name,
                            AdminDone done) {
  VhostEntry* vhost = find_vhost(vhost_name);
  if (vhost == nullptr || vhost->is_being_deleted) return done(refuse_no_such_vhost(vhost_name));
  if (!vhost->policies.find(name)) {
    return done(
        std::unexpected(AdminRefusal{AdminError::no_such_policy, "Parameter does not exist"}));
  }
  Policies changed = vhost->policies;
  changed.remove(name);
  change_policies(*vhost, std::move(changed), DeletePolicy{vhost_name, name}, std::move(done));
}

void Registry::change_policies(VhostEntry& vhost, Policies changed, Change durable,
                               AdminDone done) {
  Policies before = std::exchange(vhost.policies, std::move(changed));
  std::vector<Change> changes;
  changes.push_back(std::move(durable));
  commit(assign_policies(vhost), std::move(changes),
         [this, name = vhost.record.name, before = std::move(before),
          done = std::move(done)](Result<void> written) mutable {
           // What others changed since falls with it: they wait for the same disk.
           if (VhostEntry* there = written ? nullptr : find_vhost(name)) {
             there->policies = std::move(before);
             broadcast(assign_policies(*there), [] {});
           }
           done(to_admin(written));
         });
}

std::vector<TopologyChange> Registry::assign_policies(VhostEntry& vhost) {
  std::vector<TopologyChange> topology;
  for (auto& [name, entry] : vhost.queues) {
    PolicyPtr policy = vhost.policies.match_queue(name);
    if (entry.policy == policy) continue;
    entry.policy = policy;
    topology.emplace_back(QueuePolicyChanged{entry.handle, std::move(policy)});
  }
  return topology;
}

}  // namespace leveret
