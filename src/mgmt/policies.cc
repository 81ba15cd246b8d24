// SPDX-License-Identifier: Apache-2.0
//
//   GET    /api/policies
//   GET    /api/policies/{vhost}
//   GET    /api/policies/{vhost}/{name}
//   PUT    /api/policies/{vhost}/{name}   {pattern, definition, priority, apply-to}
//   DELETE /api/policies/{vhost}/{name}
//
// and /api/operator-policies likewise. RabbitMQ lets policymakers change what is in vhosts that
// they see, but of an operator's policies only administrators.
#include "amqp/erlang_text.h"
#include "mgmt/answers.h"
#include "mgmt/field_values.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

namespace leveret {
namespace {

namespace json = boost::json;
using amqp::FieldTable;

json::object policy_view(const PolicyRecord& policy) {
  return {{"vhost", json_text(policy.vhost)},
          {"name", json_text(policy.name)},
          {"pattern", json_text(policy.pattern)},
          {"apply-to", json_text(policy.apply_to)},
          {"definition", table_view(policy.definition)},
          {"priority", policy.priority}};
}

// Of both kinds of policies, `IsOperator` says which.

template <bool IsOperator>
void respond_list(Call call, bool is_of_one_vhost) {
  const auto vhosts = asked_vhosts(call, is_of_one_vhost);
  if (!respond_if_error(call, vhosts)) return;
  json::array list;
  for (const auto* vhost : *vhosts) {
    for (const PolicyPtr& policy : vhost->policies->all(IsOperator)) {
      list.push_back(policy_view(policy->record));
    }
  }
  call.respond(HttpResponse::json(list));
}

template <bool IsOperator>
void list_policies(Call call) {
  respond_list<IsOperator>(std::move(call), false);
}
template <bool IsOperator>
void list_vhost_policies(Call call) {
  respond_list<IsOperator>(std::move(call), true);
}

/// Errors: the answer to give (401, 404).
std::expected<PolicyPtr, HttpResponse> find_policy(const Call& call, bool is_operator) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!vhost) return std::unexpected(vhost.error());
  PolicyPtr policy = (*vhost)->policies->find(call.name(1), is_operator);
  if (policy == nullptr) return std::unexpected(HttpResponse::not_found());
  return policy;
}

template <bool IsOperator>
void get_policy(Call call) {
  const auto policy = find_policy(call, IsOperator);
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
          amqp::erlang_term(field_value_of(*priority)) + "\n"));
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
  return AskedPolicy{std::move(record), field_table_of(definition->as_object())};
}

template <bool IsOperator>
void put_policy(Call call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!respond_if_error(call, vhost)) return;
  auto asked = read_policy(call);
  if (!respond_if_error(call, asked)) return;
  asked->record.is_operator = IsOperator;
  const bool is_new = (*vhost)->policies->find(asked->record.name, IsOperator) == nullptr;
  const int status = is_new ? 201 : 204;
  Registry& registry = call.broker().registry();
  std::string by = call.identity().by();
  registry.set_policy(
      std::move(asked->record), asked->definition,
      [call = std::move(call), status](const std::expected<void, AdminRefusal>& done) mutable {
        call.respond(done ? HttpResponse::empty(status) : refusal_answer(done.error()));
      },
      std::move(by));
}

template <bool IsOperator>
void delete_policy(Call call) {
  const auto policy = find_policy(call, IsOperator);
  if (!respond_if_error(call, policy)) return;
  Registry& registry = call.broker().registry();
  const std::string vhost = call.name(0);
  const std::string name = call.name(1);
  std::string by = call.identity().by();
  registry.clear_policy(
      vhost, name, IsOperator,
      [call = std::move(call)](const std::expected<void, AdminRefusal>& done) mutable {
        call.respond(done ? HttpResponse::empty(204) : refusal_answer(done.error()));
      },
      std::move(by));
}

}  // namespace

std::span<const Route> policy_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/policies", Need::management, list_policies<false>},
      {"GET", "/api/policies/{}", Need::management, list_vhost_policies<false>},
      {"GET", "/api/policies/{}/{}", Need::management, get_policy<false>},
      {"PUT", "/api/policies/{}/{}", Need::policymaker, put_policy<false>},
      {"DELETE", "/api/policies/{}/{}", Need::policymaker, delete_policy<false>},
      {"GET", "/api/operator-policies", Need::management, list_policies<true>},
      {"GET", "/api/operator-policies/{}", Need::management, list_vhost_policies<true>},
      {"GET", "/api/operator-policies/{}/{}", Need::management, get_policy<true>},
      {"PUT", "/api/operator-policies/{}/{}", Need::administrator, put_policy<true>},
      {"DELETE", "/api/operator-policies/{}/{}", Need::administrator, delete_policy<true>},
  };
  return routes;
}

}  // namespace leveret
