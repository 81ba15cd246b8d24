// SPDX-License-Identifier: Apache-2.0
//
// The registry's queues: declare, delete, and the exclusive ones that go with their connection.
#include "base/assert.h"
#include "queue/queue.h"
#include "vhost/equivalence.h"
#include "vhost/limits.h"
#include "vhost/queue_arguments.h"
#include "vhost/refusals.h"
#include "vhost/registry.h"
#include "vhost/shard.h"

#include <utility>

namespace leveret {
namespace {

/// Enough for a second transaction to be rare, and for 2^63 to outlast any number of starts.
constexpr std::uint64_t queue_number_block = 1'000'000;

}  // namespace

void Registry::declare_queue(QueueDeclaration declaration, Done<DeclaredQueue> done) {
  VhostEntry* vhost = find_vhost(declaration.vhost);
  if (vhost == nullptr || vhost->is_being_deleted) return done(refuse_no_vhost(declaration.vhost));

  const auto found = vhost->queues.find(declaration.name);
  if (found == vhost->queues.end()) {
    return add_new_queue(*vhost, std::move(declaration), std::move(done));
  }
  QueueEntry& entry = found->second;
  if (entry.is_being_deleted) {
    entry.after_deletion.emplace_back(
        [this, declaration = std::move(declaration), done = std::move(done)]() mutable {
          declare_queue(std::move(declaration), std::move(done));
        });
    return;
  }
  const QueueHandle& existing = *entry.handle;
  const ConnectionId owner = declaration.is_exclusive ? declaration.connection : ConnectionId();
  if (existing.properties.exclusive_owner != owner) {
    return done(refuse_locked(existing.properties.name, existing.properties.vhost));
  }
  if (auto same = check_equivalent(existing.properties, declaration); !same) {
    return done(std::unexpected(std::move(same).error()));
  }
  answer_existing_queue(existing, std::move(declaration), std::move(done));
}

void Registry::answer_existing_queue(const QueueHandle& queue, QueueDeclaration declaration,
                                     Done<DeclaredQueue> done) {
  // The queue may have come a moment ago and not be on disk yet; its declare-ok must not be
  // earlier.
  auto answer = [this, handle = QueueHandlePtr(&queue), declaration = std::move(declaration),
                 done = std::move(done)]() mutable {
    broker_.here().look(
        *handle, [this, handle, declaration = std::move(declaration),
                  done = std::move(done)](std::optional<QueueCounts> counts) mutable {
          // Deleted meanwhile, or taken back since its own first write failed.
          if (!counts) return declare_queue(std::move(declaration), std::move(done));
          done(DeclaredQueue{handle->properties.name, counts->ready, counts->consumers});
        });
  };
  if (!queue.properties.is_durable) return answer();
  commit({}, {}, [answer = std::move(answer)](Result<void>) mutable { answer(); });
}

void Registry::reserve_queue_numbers(std::move_only_function<void(Result<void>)> then) {
  waiting_for_queue_numbers_.push_back(std::move(then));
  if (waiting_for_queue_numbers_.size() > 1) return;  // They are on their way.
  const std::uint64_t up_to = last_queue_number_ + queue_number_block;
  std::vector<Change> durable;
  durable.emplace_back(ReserveQueueNumbers{up_to});
  commit({}, std::move(durable), [this, up_to](const Result<void>& written) {
    if (written) queue_numbers_reserved_ = up_to;
    for (auto& waiting : std::exchange(waiting_for_queue_numbers_, {})) waiting(written);
  });
}

void Registry::add_new_queue(VhostEntry& vhost, QueueDeclaration declaration,
                             Done<DeclaredQueue> done) {
  const std::int64_t most = limit_of(vhost.record.limits, max_queues);
  if (most >= 0 && std::cmp_greater_equal(vhost.queues.size(), most)) {
    return done(refuse_queue_limit(declaration.name, declaration.vhost, most));
  }
  const bool is_kept = declaration.is_durable && !declaration.is_exclusive;
  if (is_kept && last_queue_number_ == queue_numbers_reserved_) {
    return reserve_queue_numbers([this, declaration = std::move(declaration),
                                  done = std::move(done)](const Result<void>& reserved) mutable {
      if (!reserved) return done(refuse_storage(reserved.error()));
      declare_queue(std::move(declaration), std::move(done));  // Anew: much may have happened.
    });
  }
  QueueProperties properties;
  if (is_kept) properties.number = ++last_queue_number_;
  properties.id = next_queue_id(home_of(declaration.connection));
  properties.vhost = declaration.vhost;
  properties.name = declaration.name;
  properties.is_durable = declaration.is_durable;
  properties.is_auto_delete = declaration.is_auto_delete;
  if (declaration.is_exclusive) properties.exclusive_owner = declaration.connection;
  properties.arguments = encoded_table(declaration.arguments);
  properties.journal = home_of(properties.id).value();
  const QueueHandlePtr handle(new QueueHandle(std::move(properties)));

  QueueEntry& entry = vhost.queues[declaration.name];
  entry.handle = handle;
  entry.policy = vhost.policies->match_queue(declaration.name, type_of(handle->properties));
  if (handle->is_exclusive()) {
    exclusive_by_connection_[declaration.connection].insert(handle->properties.id);
    exclusive_queues_[handle->properties.id] = handle;
  }
  std::vector<Change> durable;
  if (is_kept) {
    durable.emplace_back(
        PutQueue{{.vhost = handle->properties.vhost,
                  .name = handle->properties.name,
                  .auto_delete = handle->properties.is_auto_delete,
                  .arguments = handle->properties.arguments,
                  .type = std::string(queue_type_name(type_of(handle->properties))),
                  .number = handle->properties.number,
                  .journal = handle->properties.journal}});
  }
  commit_and_tell(
      {QueueAdded{handle, is_kept, entry.policy.in_force}}, std::move(durable),
      std::move(declaration.by),
      [this, is_kept, handle, done = std::move(done)](Result<void> written) mutable {
        // Also when it was not written: what waits at home sees the deletion that follows.
        if (is_kept) tell_committed(*handle);
        if (written) return done(DeclaredQueue{handle->properties.name, 0, 0});
        delete_queue({.vhost = handle->properties.vhost,
                      .name = handle->properties.name,
                      .connection = handle->properties.exclusive_owner},
                     [done = std::move(done), error = std::move(written).error()](
                         amqp::AmqpResult<std::uint64_t>) mutable { done(refuse_storage(error)); });
      });
}

void Registry::tell_committed(const QueueHandle& queue) {
  broker_.executor().post(queue.home(), [&broker = broker_, id = queue.properties.id] {
    broker.here().on_queue_committed(id);
  });
}

void Registry::delete_queue(QueueDeletion deletion, Done<std::uint64_t> done) {
  VhostEntry* vhost = find_vhost(deletion.vhost);
  if (vhost == nullptr) return done(refuse_no_vhost(deletion.vhost));
  const auto found = vhost->queues.find(deletion.name);
  if (found == vhost->queues.end()) return done(std::uint64_t{0});
  QueueEntry& entry = found->second;
  if (entry.handle->is_locked_for(deletion.connection)) {
    return done(refuse_locked(deletion.name, deletion.vhost));
  }
  const bool has_condition = deletion.if_unused || deletion.if_empty;
  if (has_condition && type_of(entry.handle->properties) == QueueType::quorum) {
    return done(refuse_conditional_delete(deletion.name, deletion.vhost,
                                          deletion.if_unused ? "if-unused" : "if-empty"));
  }
  if (entry.is_being_deleted) {
    entry.after_deletion.emplace_back(
        [this, deletion = std::move(deletion), done = std::move(done)]() mutable {
          delete_queue(std::move(deletion), std::move(done));
        });
    return;
  }
  remove_queue(entry.handle, std::move(deletion), std::move(done));
}

void Registry::remove_queue(const QueueHandlePtr& handle, QueueDeletion deletion,
                            Done<std::uint64_t> done) {
  VhostEntry& vhost = *find_vhost(handle->properties.vhost);
  vhost.queues.find(handle->properties.name)->second.is_being_deleted = true;
  const bool if_unused = deletion.if_unused;
  const bool if_empty = deletion.if_empty;
  // The queue itself decides, at home, and from its yes on it takes nothing more. A vhost is not
  // taken out of the books while one of its queues is on this way (delete_vhost waits), so names
  // are safe.
  auto decided = [this, handle, by = std::move(deletion.by), done = std::move(done)](
                     std::expected<std::uint64_t, DeleteRefusal> said) mutable {
    VhostEntry* world = find_vhost(handle->properties.vhost);
    LEVERET_ASSERT(world != nullptr);
    const std::string& name = handle->properties.name;
    QueueEntry& entry = world->queues.find(name)->second;
    if (!said) {
      entry.is_being_deleted = false;
      for (auto& waiting : std::exchange(entry.after_deletion, {})) waiting();
      return done(refuse_delete(said.error(), name, handle->properties.vhost));
    }
    Removal removal;
    auto waiting = std::exchange(entry.after_deletion, {});
    take_out_queue(*world, name, removal);
    commit_and_tell(std::move(removal.topology), std::move(removal.durable), std::move(by),
                    [done = std::move(done), count = *said](Result<void> written) mutable {
                      if (!written) return done(refuse_storage(written.error()));
                      done(count);
                    });
    for (auto& next : waiting) next();
  };
  broker_.here().delete_at_home(*handle, if_unused, if_empty, std::move(decided));
}

void Registry::delete_exclusive_queues(ConnectionId connection, Done<void> done) {
  const auto owned = exclusive_by_connection_.find(connection);
  if (owned == exclusive_by_connection_.end()) return done({});
  struct Join {
    std::size_t left;
    Done<void> done;
  };
  const std::set<QueueId> queues = owned->second;
  auto join = std::make_shared<Join>(queues.size(), std::move(done));
  for (const QueueId id : queues) {
    const QueueProperties& properties = exclusive_queues_.at(id)->properties;
    delete_queue({.vhost = properties.vhost, .name = properties.name, .connection = connection},
                 [join](amqp::AmqpResult<std::uint64_t>) {
                   if (--join->left == 0) join->done({});
                 });
  }
}

void Registry::delete_unused_queue(QueueHandlePtr queue) {
  VhostEntry* vhost = find_vhost(queue->properties.vhost);
  if (vhost == nullptr) return;
  const auto found = vhost->queues.find(queue->properties.name);
  if (found == vhost->queues.end() || found->second.handle != queue) return;
  if (found->second.is_being_deleted) return;
  remove_queue(queue, {.if_unused = true}, [](amqp::AmqpResult<std::uint64_t>) {});
}

void Registry::take_out_queue(VhostEntry& vhost, const std::string& name, Removal& removal) {
  const auto found = vhost.queues.find(name);
  LEVERET_ASSERT(found != vhost.queues.end());
  const QueueHandlePtr handle = found->second.handle;
  for (const BindingPtr& binding : std::set(found->second.as_destination)) {
    take_out_binding(vhost, binding, removal);
  }
  removal.topology.emplace_back(QueueRemoved{handle});
  if (handle->is_exclusive()) {
    const auto owned = exclusive_by_connection_.find(handle->properties.exclusive_owner);
    owned->second.erase(handle->properties.id);
    if (owned->second.empty()) exclusive_by_connection_.erase(owned);
    exclusive_queues_.erase(handle->properties.id);
  } else if (handle->properties.is_durable) {
    removal.durable.emplace_back(DeleteQueue{handle->properties.vhost, handle->properties.name});
  }
  vhost.queues.erase(found);
}

}  // namespace leveret
