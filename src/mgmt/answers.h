// SPDX-License-Identifier: Apache-2.0
//
// What the resources' handlers have in common: finding a vhost that the caller may see, changing
// users, and telling what came of a change.
//
// Thread: worker 0.

#pragma once

#include "mgmt/call.h"
#include "vhost/limits.h"
#include "vhost/registry.h"
#include "vhost/shard.h"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace leveret {

/// Errors: the answer to give: 404; 401 when the caller may not see it.
[[nodiscard]] std::expected<const Registry::VhostEntry*, HttpResponse> find_vhost(
    const Call& call, const std::string& name);

/// The vhosts that the caller may see, by name.
[[nodiscard]] std::vector<const Registry::VhostEntry*> seen_vhosts(const Call& call);

/// The vhosts that a path asks for: its first name's, or all where it has none.
/// Errors: as find_vhost().
[[nodiscard]] std::expected<std::vector<const Registry::VhostEntry*>, HttpResponse> asked_vhosts(
    const Call& call, bool has_name);

/// The first of the errors becomes the answer of the call; true: there was none.
template <class Value>
[[nodiscard]] bool respond_if_error(Call& call, const std::expected<Value, HttpResponse>& value) {
  if (value) return true;
  call.respond(value.error());
  return false;
}

/// The answer to a change that was refused: {"error": "no_such_user", "reason": "User ..."}.
[[nodiscard]] HttpResponse refusal_answer(const AdminRefusal& refusal);
/// An AMQP refusal as RabbitMQ's API gives it: 400, reason "406 PRECONDITION_FAILED - ...".
[[nodiscard]] HttpResponse refusal_answer(const amqp::AmqpError& error);

/// Limits as they were given. Nothing: they make no sense, and the call has been answered.
[[nodiscard]] std::optional<LimitsRecord> needed_limits(Call& call,
                                                        const boost::json::object& given,
                                                        const LimitNames& allowed);
/// Changes a vhost's limits and answers 204, or why not.
void change_vhost_limits(Call call, const std::string& vhost,
                         std::move_only_function<void(LimitsRecord&)> change);

/// Makes a change of users or permissions and answers `status`, or why not.
void change_users(Call call, int status, std::move_only_function<UsersChanges(Users&)> change);

/// Every worker's queues in numbers, for gather().
inline void collect_queues(Shard& shard, std::vector<QueueSnapshot>& queues) {
  queues = shard.queue_snapshots();
}
/// Every worker's connections, for gather().
inline void collect_connections(Shard& shard, std::vector<ConnectionInfo>& connections) {
  for (const ConnectionPort* port : shard.connections()) connections.push_back(port->info());
}

}  // namespace leveret
