// SPDX-License-Identifier: Apache-2.0
#include "vhost/events.h"

#include "amqp/basic_properties.h"
#include "amqp/erlang_text.h"
#include "auth/auth_snapshot.h"
#include "routing/header_value_text.h"
#include "vhost/alarms.h"
#include "vhost/pid_text.h"
#include "vhost/policies.h"
#include "vhost/queue_arguments.h"

#include <utility>

#include <fmt/ranges.h>

namespace leveret {
namespace {

using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;

FieldTable done_by(std::string_view by) { return {{"user_who_performed_action", by}}; }

void append_name(FieldTable& headers, std::string_view name, std::string_view vhost) {
  headers.append("name", name);
  headers.append("vhost", vhost);
}

// Exchanges, queues, bindings.

Event exchange_created(const ExchangeAdded& added, std::string_view by) {
  const ExchangeProperties& exchange = *added.exchange;
  FieldTable headers = done_by(by);
  headers.append("policy", std::string_view(added.policy ? added.policy->record.name : ""));
  headers.append("arguments", event_arguments(raw_table(exchange.arguments)));
  headers.append("internal", exchange.is_internal);
  headers.append("auto_delete", exchange.is_auto_delete);
  headers.append("durable", exchange.is_durable);
  headers.append("type", exchange_type_name(exchange.type));
  append_name(headers, exchange.name, exchange.vhost);
  return {"exchange.created", std::move(headers)};
}

Event queue_created(const QueueProperties& queue, const EventSource& source) {
  FieldTable headers = done_by(source.by);
  const bool is_exclusive = queue.exclusive_owner.value() != 0;
  const QueueType type = type_of(queue);
  if (type == QueueType::classic) {
    headers.append("exclusive", is_exclusive);
    headers.append("owner_pid",
                   std::string_view(is_exclusive ? pid_text(source.node, queue.exclusive_owner)
                                                 : std::string()));
  }
  const std::string type_text = fmt::format("rabbit_{}_queue", queue_type_name(type));
  if (type == QueueType::stream) headers.append("type", type_text);
  headers.append("arguments", event_arguments(raw_table(queue.arguments)));
  if (type == QueueType::quorum) {
    headers.append("type", type_text);
    headers.append("exclusive", is_exclusive);
  }
  headers.append("auto_delete", queue.is_auto_delete);
  headers.append("durable", queue.is_durable);
  append_name(headers, queue.name, queue.vhost);
  return {"queue.created", std::move(headers)};
}

Event deleted(std::string_view event, std::string_view name, std::string_view vhost,
              std::string_view by) {
  FieldTable headers = done_by(by);
  append_name(headers, name, vhost);
  return {event, std::move(headers)};
}

Event binding_event(std::string_view event, const BindingProperties& binding, std::string_view by) {
  FieldTable headers = done_by(by);
  headers.append("vhost", std::string_view(binding.vhost));
  headers.append("arguments", event_arguments(raw_table(binding.arguments)));
  headers.append("routing_key", std::string_view(binding.routing_key));
  headers.append("destination_kind", binding.is_to_queue ? "queue" : "exchange");
  headers.append("destination_name", std::string_view(binding.destination));
  headers.append("source_kind", "exchange");
  headers.append("source_name", std::string_view(binding.source));
  return {event, std::move(headers)};
}

// Policies.

void append_policy(FieldTable& headers, const PolicyRecord& policy) {
  headers.append("apply-to", std::string_view(policy.apply_to));
  headers.append("priority", policy.priority);
  headers.append("definition",
                 FieldTable::decode(raw_table(policy.definition)).value_or(FieldTable()));
  headers.append("pattern", std::string_view(policy.pattern));
}

Event queue_policy_changed(const QueuePolicyChanged& changed, std::string_view by) {
  const QueueProperties& queue = changed.queue->properties;
  FieldTable headers;
  if (changed.policy) append_policy(headers, changed.policy->record);
  headers.append("user_who_performed_action", by);
  headers.append("type", fmt::format("rabbit_{}_queue", queue_type_name(type_of(queue))));
  headers.append("vhost", std::string_view(queue.vhost));
  headers.append("name", std::string_view(queue.name));
  return {changed.policy ? "queue.policy.updated" : "queue.policy.cleared", std::move(headers)};
}

// Parameters, which is what RabbitMQ keeps limits and operators' policies as.

constexpr std::string_view operator_component = "operator_policy";

FieldTable table_of(const LimitsRecord& limits) {
  FieldTable table;
  for (const auto& [name, value] : limits) table.append(name, value);
  return table;
}

/// `value` nothing: it was taken away.
Event parameter_event(std::optional<FieldValue> value, std::string_view component,
                      std::string_view name, std::string_view vhost, std::string_view by) {
  FieldTable headers = done_by(by);
  const bool is_set = value.has_value();
  if (is_set) headers.append("value", std::move(*value));
  headers.append("name", name);
  headers.append("component", component);
  headers.append("vhost", vhost);
  return {is_set ? "parameter.set" : "parameter.cleared", std::move(headers)};
}

}  // namespace

MessagePtr message_of(const Event& event, std::uint64_t now_ms) {
  FieldTable headers = event.headers;
  headers.append("timestamp_in_ms", static_cast<std::int64_t>(now_ms));
  const std::vector<std::byte> encoded = headers.to_raw();
  const amqp::BasicProperties properties{.headers = amqp::RawTable(encoded),
                                         .delivery_mode = amqp::delivery_mode_persistent,
                                         .timestamp = now_ms / 1000};
  return make_message(event_exchange, event.name, properties.to_raw(), {}, /*is_persistent=*/true);
}

FieldArray event_arguments(amqp::RawTable table) {
  FieldArray array;
  for (const std::string& entry : header_entry_texts(table)) {
    array.values.emplace_back(std::string_view(entry));
  }
  return array;
}

std::optional<Event> event_of(const TopologyChange& change, const EventSource& source) {
  struct Tell {
    const EventSource& source;
    std::optional<Event> operator()(const ExchangeAdded& added) const {
      return exchange_created(added, source.by);
    }
    std::optional<Event> operator()(const ExchangeRemoved& removed) const {
      return deleted("exchange.deleted", removed.exchange->name, removed.exchange->vhost,
                     source.by);
    }
    std::optional<Event> operator()(const QueueAdded& added) const {
      return queue_created(added.queue->properties, source);
    }
    std::optional<Event> operator()(const QueueRemoved& removed) const {
      const QueueProperties& queue = removed.queue->properties;
      return deleted("queue.deleted", queue.name, queue.vhost, source.by);
    }
    std::optional<Event> operator()(const QueuePolicyChanged& changed) const {
      return queue_policy_changed(changed, source.by);
    }
    std::optional<Event> operator()(const BindingAdded& added) const {
      return binding_event("binding.created", *added.binding, source.by);
    }
    std::optional<Event> operator()(const BindingRemoved& removed) const {
      return binding_event("binding.deleted", *removed.binding, source.by);
    }
    // What is told of these needs more than the change says.
    std::optional<Event> operator()(const VhostAdded&) const { return std::nullopt; }
    std::optional<Event> operator()(const VhostChanged&) const { return std::nullopt; }
    std::optional<Event> operator()(const VhostTracingChanged&) const { return std::nullopt; }
    std::optional<Event> operator()(const VhostRemoved&) const { return std::nullopt; }
    std::optional<Event> operator()(const ExchangePolicyChanged&) const { return std::nullopt; }
    std::optional<Event> operator()(const AuthChanged&) const { return std::nullopt; }
  };
  return std::visit(Tell{source}, change);
}

// Virtual hosts.

Event vhost_event(std::string_view event, const VhostRecord& vhost, const EventSource& source) {
  FieldArray tags;
  for (const std::string& tag : vhost.tags) tags.values.emplace_back(std::string_view(tag));
  std::string metadata = "#{description => ";
  amqp::append_erlang_binary(metadata, std::as_bytes(std::span(vhost.description)),
                             amqp::ErlangLayout::one_line);
  metadata += fmt::format(",tags => [{}]}}", fmt::join(vhost.tags, ","));
  const std::string& type = vhost.default_queue_type;
  FieldTable headers{{"tags", std::move(tags)},
                     {"description", std::string_view(vhost.description)},
                     {"user_who_performed_action", source.by}};
  headers.append("cluster_state", FieldTable{{std::string(source.node), "running"}});
  headers.append("tracing", false);
  headers.append("metadata", std::string_view(metadata));
  headers.append("default_queue_type", std::string_view(type.empty() ? "undefined" : type));
  headers.append("name", std::string_view(vhost.name));
  return {event, std::move(headers)};
}

Event vhost_deleted(std::string_view vhost, std::string_view by) {
  FieldTable headers = done_by(by);
  headers.append("name", vhost);
  return {"vhost.deleted", std::move(headers)};
}

std::vector<Event> vhost_changes(const VhostRecord& before, const VhostRecord& after,
                                 const EventSource& source) {
  std::vector<Event> events;
  if (before.limits != after.limits) {
    const bool is_set = !after.limits.empty();
    const FieldTable limits = table_of(after.limits);
    events.push_back(parameter_event(is_set ? std::optional<FieldValue>(limits) : std::nullopt,
                                     "vhost-limits", "limits", after.name, source.by));
    FieldTable headers = limits;
    headers.append("user_who_performed_action", source.by);
    headers.append("name", "limits");
    events.push_back({is_set ? "vhost.limits.set" : "vhost.limits.cleared", std::move(headers)});
  }
  VhostRecord same = before;
  same.limits = after.limits;
  if (same != after) events.push_back(vhost_event("vhost.updated", after, source));
  return events;
}

// Users.

namespace {

Event user_event(std::string_view event, std::string_view user, std::string_view by) {
  FieldTable headers = done_by(by);
  headers.append("name", user);
  return {event, std::move(headers)};
}

Event user_limits_event(const LimitsRecord& before, const UserRecord& after, std::string_view by) {
  FieldTable headers;
  for (const auto& [name, value] : after.limits) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != value) headers.append(name, value);
  }
  const bool is_set = !headers.empty();
  headers.append("username", std::string_view(after.name));
  headers.append("user_who_performed_action", by);
  headers.append("name", "limits");
  return {is_set ? "user.limits.set" : "user.limits.cleared", std::move(headers)};
}

/// `before` null: there was no such user.
void append_user_events(std::vector<Event>& events, const User* before, const UserRecord& after,
                        std::string_view by) {
  static const UserRecord none;
  const UserRecord& old = before ? before->record : none;
  if (before == nullptr) {
    events.push_back(user_event("user.created", after.name, by));
  } else if (old.password_hash != after.password_hash) {
    events.push_back(
        user_event(after.password_hash.empty() ? "user.password.cleared" : "user.password.changed",
                   after.name, by));
  }
  if (old.tags != after.tags) {
    FieldArray tags;
    for (const std::string& tag : after.tags) tags.values.emplace_back(std::string_view(tag));
    FieldTable headers = done_by(by);
    headers.append("tags", std::move(tags));
    headers.append("name", std::string_view(after.name));
    events.push_back({"user.tags.set", std::move(headers)});
  }
  if (old.limits != after.limits) events.push_back(user_limits_event(old.limits, after, by));
}

}  // namespace

Event permission_deleted(std::string_view user, std::string_view vhost, std::string_view by) {
  FieldTable headers = done_by(by);
  headers.append("vhost", vhost);
  headers.append("user", user);
  return {"permission.deleted", std::move(headers)};
}

std::vector<Event> user_events(const AuthSnapshot& before, std::span<const Change> changes,
                               std::string_view by) {
  std::vector<Event> events;
  for (const Change& change : changes) {
    if (const auto* user = std::get_if<PutUser>(&change)) {
      append_user_events(events, before.find_user(user->user.name), user->user, by);
    } else if (const auto* gone = std::get_if<DeleteUser>(&change)) {
      events.push_back(user_event("user.deleted", gone->name, by));
    } else if (const auto* granted = std::get_if<PutPermission>(&change)) {
      const PermissionRecord& permission = granted->permission;
      FieldTable headers = done_by(by);
      headers.append("read", std::string_view(permission.read));
      headers.append("write", std::string_view(permission.write));
      headers.append("configure", std::string_view(permission.configure));
      headers.append("vhost", std::string_view(permission.vhost));
      headers.append("user", std::string_view(permission.user));
      events.push_back({"permission.created", std::move(headers)});
    } else if (const auto* revoked = std::get_if<DeletePermission>(&change)) {
      events.push_back(permission_deleted(revoked->user, revoked->vhost, by));
    }
  }
  return events;
}

// Policies.

std::vector<Event> policy_events(const Change& change, std::string_view by) {
  std::vector<Event> events;
  if (const auto* put = std::get_if<PutPolicy>(&change)) {
    const PolicyRecord& policy = put->policy;
    FieldTable headers;
    append_policy(headers, policy);
    if (policy.is_operator) {
      events.push_back(parameter_event(headers, operator_component, policy.name, policy.vhost, by));
    }
    headers.append("user_who_performed_action", by);
    headers.append("vhost", std::string_view(policy.vhost));
    headers.append("name", std::string_view(policy.name));
    events.push_back({"policy.set", std::move(headers)});
  } else if (const auto* gone = std::get_if<DeletePolicy>(&change)) {
    if (gone->is_operator) {
      events.push_back(
          parameter_event(std::nullopt, operator_component, gone->name, gone->vhost, by));
    }
    FieldTable headers = done_by(by);
    headers.append("vhost", std::string_view(gone->vhost));
    headers.append("name", std::string_view(gone->name));
    events.push_back(
        {gone->is_operator ? "operator.policy.cleared" : "policy.cleared", std::move(headers)});
  }
  return events;
}

// Alarms.

Event alarm_event(bool is_on, std::string_view alarm, std::string_view node) {
  return {is_on ? "alarm.set" : "alarm.cleared", {{"node", node}, {"source", alarm}}};
}

}  // namespace leveret
