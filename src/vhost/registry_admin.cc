// SPDX-License-Identifier: Apache-2.0
//
// What administrators ask of the registry: vhosts, users, permissions.
#include "base/assert.h"
#include "vhost/limits.h"
#include "vhost/ports.h"
#include "vhost/registry.h"
#include "vhost/shard.h"

#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

namespace leveret {

std::expected<void, AdminRefusal> to_admin(const Result<void>& written) {
  if (written) return {};
  return std::unexpected(AdminRefusal{AdminError::storage_failed, written.error().text()});
}

std::unexpected<AdminRefusal> refuse_no_such_vhost(const std::string& name) {
  return std::unexpected(AdminRefusal{AdminError::no_such_vhost,
                                      fmt::format("Virtual host '{}' does not exist", name)});
}

void Registry::add_vhost(VhostRecord vhost, AdminDone done, std::string by) {
  const std::string name = vhost.name;
  if (VhostEntry* existing = find_vhost(name)) {
    if (existing->is_being_deleted) {
      existing->after_deletion.emplace_back(
          [this, vhost = std::move(vhost), done = std::move(done), by = std::move(by)]() mutable {
            add_vhost(std::move(vhost), std::move(done), std::move(by));
          });
      return;
    }
    return done({});  // RabbitMQ: adding a vhost that is there is no error.
  }
  std::vector<TopologyChange> topology;
  put_in_vhost(vhost, topology);
  std::vector<Change> durable;
  durable.emplace_back(PutVhost{vhost});
  commit_and_tell(
      std::move(topology), std::move(durable), by,
      [this, vhost = std::move(vhost), by, done = std::move(done)](Result<void> written) mutable {
        if (written) {
          broker_.here().tell(vhost_event("vhost.created", vhost, {broker_.node_name(), by}));
        } else {
          // Nobody has been told of it and nobody has a permission in it.
          vhosts_.erase(vhost.name);
          broadcast({VhostRemoved{vhost.name}}, [] {});
        }
        done(to_admin(written));
      });
}

// What is taken back when it could not be written is then one's own change and no other's.

void Registry::in_turn(std::move_only_function<bool()> begin) {
  turns_.push_back(std::move(begin));
  begin_next_turns();
}

void Registry::in_turn_is_over() {
  has_turn_ = false;
  begin_next_turns();
}

void Registry::begin_next_turns() {
  while (!has_turn_ && !turns_.empty()) {
    auto begin = std::move(turns_.front());
    turns_.pop_front();
    has_turn_ = true;
    if (!begin()) has_turn_ = false;
  }
}

void Registry::change_vhost_limits(std::string vhost,
                                   std::move_only_function<void(LimitsRecord&)> change,
                                   AdminDone done, std::string by) {
  change_vhost(
      std::move(vhost),
      [change = std::move(change)](VhostRecord& record) mutable { change(record.limits); },
      std::move(done), std::move(by));
}

void Registry::change_vhost(std::string vhost, std::move_only_function<void(VhostRecord&)> change,
                            AdminDone done, std::string by) {
  in_turn([this, vhost = std::move(vhost), change = std::move(change), done = std::move(done),
           by = std::move(by)]() mutable { return begin_vhost_change(vhost, change, done, by); });
}

bool Registry::begin_vhost_change(const std::string& name,
                                  std::move_only_function<void(VhostRecord&)>& change,
                                  AdminDone& done, std::string by) {
  VhostEntry* vhost = find_vhost(name);
  if (vhost == nullptr || vhost->is_being_deleted) {
    done(refuse_no_such_vhost(name));
    return false;
  }
  const auto changed_to = [](const VhostRecord& record) {
    return VhostChanged{record.name, limit_of(record.limits, max_connections),
                        record.default_queue_type};
  };
  VhostRecord before = vhost->record;
  change(vhost->record);
  std::vector<Change> durable;
  durable.emplace_back(PutVhost{vhost->record});
  commit({changed_to(vhost->record)}, std::move(durable),
         [this, changed_to, before = std::move(before), after = vhost->record,
          policies = vhost->policies, by = std::move(by),
          done = std::move(done)](Result<void> written) mutable {
           VhostEntry* there = find_vhost(before.name);
           if (written) {
             tell(vhost_changes(before, after, {broker_.node_name(), by}));
           } else if (there != nullptr && there->policies == policies) {
             there->record = std::move(before);
             broadcast({changed_to(there->record)}, [] {});
           }
           done(to_admin(written));
           in_turn_is_over();
         });
  return true;
}

void Registry::set_tracing(std::string name, bool is_traced, AdminDone done) {
  VhostEntry* vhost = find_vhost(name);
  if (vhost == nullptr || vhost->is_being_deleted) return done(refuse_no_such_vhost(name));
  vhost->is_traced = is_traced;
  broadcast({VhostTracingChanged{std::move(name), is_traced}},
            [done = std::move(done)]() mutable { done({}); });
}

void Registry::delete_vhost(std::string name, AdminDone done, std::string by) {
  VhostEntry* vhost = find_vhost(name);
  if (vhost == nullptr || vhost->is_being_deleted) {
    return done(refuse_no_such_vhost(name));
  }
  vhost->is_being_deleted = true;  // Nothing is declared in it any more.
  close_connections(&ConnectionPort::vhost_name, name, fmt::format("vhost '{}' is deleted", name));

  struct Join {
    std::size_t left = 1;
    std::move_only_function<void()> then;
    void one_done() {
      if (--left == 0) then();
    }
  };
  auto join = std::make_shared<Join>();
  join->then = [this, name, by, done = std::move(done)]() mutable {
    finish_vhost_deletion(name, std::move(done), std::move(by));
  };
  std::vector<QueueHandlePtr> queues;
  for (const auto& [queue_name, entry] : vhost->queues) queues.push_back(entry.handle);
  join->left += queues.size();
  for (const QueueHandlePtr& queue : queues) {
    const auto remove = [this, queue, by, join] {
      remove_queue(queue, {.by = by},
                   [join](amqp::AmqpResult<std::uint64_t>) { join->one_done(); });
    };
    QueueEntry& entry = vhost->queues.find(queue->properties.name)->second;
    if (entry.is_being_deleted) {
      // On a condition, perhaps, that does not hold: then the queue is there still.
      entry.after_deletion.emplace_back([this, name, queue, join, remove] {
        if (find_vhost(name)->queues.contains(queue->properties.name)) return remove();
        join->one_done();
      });
      continue;
    }
    remove();
  }
  join->one_done();
}

void Registry::finish_vhost_deletion(const std::string& name, AdminDone done, std::string by) {
  VhostEntry& vhost = vhosts_.find(name)->second;
  LEVERET_ASSERT(vhost.queues.empty(), "vhost '{}' still has queues", name);
  auto waiting = std::move(vhost.after_deletion);
  std::vector<TopologyChange> topology;
  std::vector<TopologyChange> exchanges;
  for (const auto& [exchange, entry] : vhost.exchanges) {
    exchanges.emplace_back(ExchangeRemoved{entry.exchange});
    // What it holds back goes with it.
    if (entry.exchange->held_back) topology.emplace_back(ExchangeRemoved{entry.exchange});
  }
  vhosts_.erase(name);
  const std::vector<PermissionRecord> granted = users_.list_vhost_permissions(name);
  users_.remove_vhost(name);
  topology.emplace_back(VhostRemoved{name});
  topology.push_back(auth_change());
  std::vector<Change> durable;
  durable.emplace_back(DeleteVhost{name});
  commit(std::move(topology), std::move(durable),
         [this, name, by = std::move(by), exchanges = std::move(exchanges), granted,
          done = std::move(done)](Result<void> written) mutable {
           if (written) {
             for (const PermissionRecord& permission : granted) {
               broker_.here().tell(permission_deleted(permission.user, name, by));
             }
             tell(exchanges, by);
             broker_.here().tell(vhost_deleted(name, by));
           }
           done(to_admin(written));
         });
  for (auto& next : waiting) next();
}

void Registry::close_connections(NameOf whose, const std::string& name, const std::string& text) {
  struct Closing {
    std::string name;
    std::string text;
  };
  // Shared by the workers, none of which changes it.
  const auto closing = std::make_shared<const Closing>(Closing{name, text});
  for (unsigned worker = 0; worker < broker_.worker_count(); ++worker) {
    broker_.executor().post(
        WorkerId(static_cast<std::uint16_t>(worker)), [&broker = broker_, whose, closing] {
          for (ConnectionPort* connection : broker.here().connections()) {
            if ((connection->*whose)() != closing->name) continue;
            connection->force_close(amqp::ReplyCode::connection_forced, closing->text);
          }
        });
  }
}

void Registry::change_users(UsersChange change, AdminDone done, std::string by) {
  in_turn([this, change = std::move(change), done = std::move(done), by = std::move(by)]() mutable {
    return begin_users_change(change, done, by);
  });
}

bool Registry::begin_users_change(UsersChange& change, AdminDone& done, std::string_view by) {
  Users before = users_;
  auto changes = change(users_);
  if (!changes) {
    done(std::unexpected(std::move(changes).error()));
    return false;
  }
  std::vector<std::string> deleted;
  for (const Change& one : *changes) {
    if (const auto* deletion = std::get_if<DeleteUser>(&one)) deleted.push_back(deletion->name);
  }
  // Begun while nobody listens, it is not told.
  std::vector<Event> events;
  if (broker_.here().has_event_listener()) events = user_events(*before.snapshot(), *changes, by);
  commit({auth_change()}, std::move(*changes),
         [this, before = std::move(before), deleted = std::move(deleted),
          events = std::move(events), done = std::move(done)](Result<void> written) mutable {
           // Every worker knows by now: who is not found here cannot have logged in since.
           if (written) {
             tell(events);
             for (const std::string& user : deleted) {
               close_connections(&ConnectionPort::user_name, user,
                                 fmt::format("user '{}' is deleted", user));
             }
           } else {
             users_ = std::move(before);
             // A vhost that was deleted meanwhile has taken its permissions with it.
             for (const PermissionRecord& permission : users_.list_permissions()) {
               if (!vhosts_.contains(permission.vhost)) users_.remove_vhost(permission.vhost);
             }
             broadcast({auth_change()}, [] {});
           }
           done(to_admin(written));
           in_turn_is_over();
         });
  return true;
}

}  // namespace leveret
