// SPDX-License-Identifier: Apache-2.0
//
//   GET    /api/policies
//   GET    /api/policies/{vhost}
//   GET    /api/policies/{vhost}/{name}
//   PUT    /api/policies/{vhost}/{name}   {pattern, definition, priority, apply-to}
//   DELETE /api/policies/{vhost}/{name}
//
// RabbitMQ lets policymakers change what is in vhosts that they see.
#include "amqp/erlang_text.h"
#include "mgmt/answers.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

namespace leveret {
namespace {

namespace json = boost::json;
using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;

json::object policy_view(const PolicyRecord& policy) {
  return {{"vhost", json_text(policy.vhost)},
          {"name", json_text(policy.name)},
          {"pattern", json_text(policy.pattern)},
          {"apply-to", json_text(policy.apply_to)},
          {"definition", table_view(policy.definition)},
          {"priority", policy.priority}};
}

FieldTable table_of(const json::object& object);

/// Of a number that no integer type of AMQP holds, or that is none, a double.
FieldValue value_of(const json::value& value) {
  if (const auto* text = value.if_string()) return FieldValue(std::string_view(*text));
  if (const auto* flag = value.if_bool()) return FieldValue(*flag);
  if (const auto* number = value.if_int64()) return FieldValue(*number);
  if (value.is_number()) return FieldValue(value.to_number<double>());
  if (const auto* object = value.if_object()) return FieldValue(table_of(*object));
  if (const auto* array = value.if_array()) {
    FieldArray list;
    list.values.reserve(array->size());
    for (const json::value& one : *array) list.values.push_back(value_of(one));
    return FieldValue(std::move(list));
  }
  return {};
}

FieldTable table_of(const json::object& object) {
  FieldTable table;
  for (const auto& [key, value] : object) table.set(key, value_of(value));
  return table;
}

void respond_list(Call call, bool is_of_one_vhost) {
  const auto vhosts = asked_vhosts(call, is_of_one_vhost);
  if (!respond_if_error(call, vhosts)) return;
  json::array list;
  for (const auto* vhost : *vhosts) {
    for (const PolicyPtr& policy : vhost->policies->all()) {
      list.push_back(policy_view(policy->record));
    }
  }
  call.respond(HttpResponse::json(list));
}

void list_policies(Call call) { respond_list(std::move(call), false); }
void list_vhost_policies(Call call) { respond_list(std::move(call), true); }

/// Errors: the answer to give (401, 404).
std::expected<PolicyPtr, HttpResponse> find_policy(const Call& call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!vhost) return std::unexpected(vhost.error());
  PolicyPtr policy = (*vhost)->policies->find(call.name(1));
  if (policy == nullptr) return std::unexpected(HttpResponse::not_found());
  return policy;
}

void get_policy(Call call) {
  const auto policy = find_policy(call);
  if (!respond_if_error(call, policy)) return;
  call.respond(HttpResponse::json(policy_view((*policy)->record)));
}

struct AskedPolicy {
  PolicyRecord record;
  FieldTable definition;
};

/// Errors: the answer to give (400).
std::expected<AskedPolicy, HttpResponse> read_policy(const Call& call) {
  const auto body = call.body();
  if (!body) return std::unexpected(body.error());
  PolicyRecord record{.vhost = call.name(0), .name = call.name(1)};
  auto pattern = find_text(*body, "pattern");
  if (!pattern) return std::unexpected(pattern.error());
  if (!*pattern) return std::unexpected(HttpResponse::bad_request("[{key_missing,pattern}]"));
  record.pattern = std::move(**pattern);
  const auto apply_to = find_text(*body, "apply-to");
  if (!apply_to) return std::unexpected(apply_to.error());
  record.apply_to = apply_to->value_or("all");
  if (const json::value* priority = body->if_contains("priority")) {
    const auto* number = priority->if_int64();
    if (number == nullptr) {
      return std::unexpected(HttpResponse::bad_request(
          "Validation failed\n\npriority should be a number, actually was " +
          amqp::erlang_term(value_of(*priority)) + "\n"));
    }
    record.priority = *number;
  }
  const json::value* definition = body->if_contains("definition");
  if (definition == nullptr) {
    return std::unexpected(HttpResponse::bad_request("[{key_missing,definition}]"));
  }
  if (!definition->is_object()) {
    return std::unexpected(HttpResponse::bad_request("definition should be an object"));
  }
  return AskedPolicy{std::move(record), table_of(definition->as_object())};
}

void put_policy(Call call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!respond_if_error(call, vhost)) return;
  auto asked = read_policy(call);
  if (!respond_if_error(call, asked)) return;
  const int status = (*vhost)->policies->find(asked->record.name) == nullptr ? 201 : 204;
  Registry& registry = call.broker().registry();
  registry.set_policy(
      std::move(asked->record), asked->definition,
      [call = std::move(call), status](const std::expected<void, AdminRefusal>& done) mutable {
        call.respond(done ? HttpResponse::empty(status) : refusal_answer(done.error()));
      });
}

void delete_policy(Call call) {
  const auto policy = find_policy(call);
  if (!respond_if_error(call, policy)) return;
  Registry& registry = call.broker().registry();
  const std::string vhost = call.name(0);
  const std::string name = call.name(1);
  registry.clear_policy(
      vhost, name, [call = std::move(call)](const std::expected<void, AdminRefusal>& done) mutable {
        call.respond(done ? HttpResponse::empty(204) : refusal_answer(done.error()));
      });
}

}  // namespace

std::span<const Route> policy_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/policies", Need::management, list_policies},
      {"GET", "/api/policies/{}", Need::management, list_vhost_policies},
      {"GET", "/api/policies/{}/{}", Need::management, get_policy},
      {"PUT", "/api/policies/{}/{}", Need::policymaker, put_policy},
      {"DELETE", "/api/policies/{}/{}", Need::policymaker, delete_policy},
  };
  return routes;
}

}  // namespace leveret
