// SPDX-License-Identifier: Apache-2.0
//
// Events: what the exchange amq.rabbitmq.event hears of what happens in the broker. An event is a
// message without a body; its name is the routing key, its headers say what happened to what.
//
//   exchange.created, .deleted    binding.created, .deleted     queue.created, .deleted
//   vhost.created, .updated, .deleted                           vhost.limits.set, .cleared
//   policy.set, .cleared          operator.policy.cleared       queue.policy.updated, .cleared
//   parameter.set, .cleared       (limits of vhosts and operators' policies, once more)
//   user.created, .deleted        user.password.changed, .cleared
//   user.tags.set                 user.limits.set, .cleared     permission.created, .deleted
//   alarm.set, .cleared
//
// and those of connections: session/session_events.h. Names, order and types of headers are
// RabbitMQ 3.10's. An event is told when what it tells of is true on every worker and, for durable
// things, on disk; and only when somebody listens (Shard::has_event_listener()). RabbitMQ:
// event-exchange.
//
// Thread: values and pure functions; any.

#pragma once

#include "amqp/field_table.h"
#include "amqp/raw_table.h"
#include "message/message.h"
#include "metadata/change.h"
#include "metadata/records.h"
#include "vhost/topology.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

class AuthSnapshot;

inline constexpr std::string_view event_exchange = "amq.rabbitmq.event";

struct Event {
  std::string_view name;  ///< Of a constant.
  amqp::FieldTable headers;
};

/// The message that tells of it, at this time.
[[nodiscard]] MessagePtr message_of(const Event& event, std::uint64_t now_ms);

/// A table as events have it: an array with each of its entries in Erlang's notation.
[[nodiscard]] amqp::FieldArray event_arguments(amqp::RawTable table);

/// Who asked, and the node where.
struct EventSource {
  std::string_view node;
  std::string_view by;
};

/// Nothing: of such a change nobody is told by itself.
[[nodiscard]] std::optional<Event> event_of(const TopologyChange& change,
                                            const EventSource& source);

/// "vhost.created" or "vhost.updated".
[[nodiscard]] Event vhost_event(std::string_view event, const VhostRecord& vhost,
                                const EventSource& source);
[[nodiscard]] Event vhost_deleted(std::string_view vhost, std::string_view by);
/// Of what is said of a vhost, its limits and the rest.
[[nodiscard]] std::vector<Event> vhost_changes(const VhostRecord& before, const VhostRecord& after,
                                               const EventSource& source);
/// Of changes of users and permissions; `before`: the users as they were. What is set to what it
/// was is no event.
[[nodiscard]] std::vector<Event> user_events(const AuthSnapshot& before,
                                             std::span<const Change> changes, std::string_view by);
[[nodiscard]] Event permission_deleted(std::string_view user, std::string_view vhost,
                                       std::string_view by);
/// Of a PutPolicy or DeletePolicy.
[[nodiscard]] std::vector<Event> policy_events(const Change& change, std::string_view by);
[[nodiscard]] Event alarm_event(bool is_on, std::string_view alarm, std::string_view node);

}  // namespace leveret
