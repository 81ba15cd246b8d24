// SPDX-License-Identifier: Apache-2.0
//
//   GET    /api/vhost-limits
//   GET    /api/vhost-limits/{vhost}
//   PUT    /api/vhost-limits/{vhost}/{limit}   {value}
//   DELETE /api/vhost-limits/{vhost}/{limit}
//   GET    /api/user-limits
//   GET    /api/user-limits/{user}
//   PUT    /api/user-limits/{user}/{limit}     {value}
//   DELETE /api/user-limits/{user}/{limit}
//
// What rabbitmqctl's verbs do and RabbitMQ's API does not, several at once:
//
//   POST /api/leveret/set_vhost_limits    {vhost, limits}   These and no others.
//   POST /api/leveret/set_user_limits     {user, limits}    Beside those that there are.
//   POST /api/leveret/clear_user_limits   {user}
#include "vhost/limits.h"

#include "mgmt/answers.h"
#include "mgmt/field_values.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <optional>
#include <utility>

namespace leveret {
namespace {

namespace json = boost::json;

std::string vhost_complaint(const std::string& complaint) {
  return "Validation failed\n\n" + complaint + "\n";
}

/// What a body has under `key`. Nothing: the call has been answered.
std::optional<json::value> needed(Call& call, std::string_view key) {
  const auto body = call.body();
  if (!respond_if_error(call, body)) return std::nullopt;
  const json::value* value = body->if_contains({key.data(), key.size()});
  if (value != nullptr) return *value;
  call.respond(HttpResponse::bad_request("[{key_missing," + std::string(key) + "}]"));
  return std::nullopt;
}
std::optional<json::object> needed_object(Call& call, std::string_view key) {
  const auto value = needed(call, key);
  if (!value) return std::nullopt;
  if (const auto* object = value->if_object()) return *object;
  call.respond(HttpResponse::bad_request(std::string(key) + " should be an object"));
  return std::nullopt;
}
std::optional<std::string> needed_text(Call& call, std::string_view key) {
  const auto value = needed(call, key);
  if (!value) return std::nullopt;
  if (const auto* text = value->if_string()) return std::string(*text);
  call.respond(HttpResponse::bad_request(std::string(key) + " should be a string"));
  return std::nullopt;
}

// Of vhosts.

void respond_vhosts(Call call, bool is_of_one) {
  const auto vhosts = asked_vhosts(call, is_of_one);
  if (!respond_if_error(call, vhosts)) return;
  json::array list;
  for (const auto* vhost : *vhosts) {
    const VhostRecord& record = vhost->record;
    if (record.limits.empty()) continue;
    list.push_back(
        json::object{{"vhost", json_text(record.name)}, {"value", limits_view(record.limits)}});
  }
  call.respond(HttpResponse::json(list));
}
void list_vhost_limits(Call call) { respond_vhosts(std::move(call), false); }
void get_vhost_limits(Call call) { respond_vhosts(std::move(call), true); }

void change_vhost(Call call, const std::string& vhost, LimitsRecord limits) {
  Registry& registry = call.broker().registry();
  registry.set_vhost_limits(
      vhost, std::move(limits),
      [call = std::move(call)](const std::expected<void, AdminRefusal>& done) mutable {
        call.respond(done ? HttpResponse::empty(204) : refusal_answer(done.error()));
      });
}

void put_vhost_limit(Call call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!respond_if_error(call, vhost)) return;
  const auto value = needed(call, "value");
  if (!value) return;
  amqp::FieldTable given;
  given.set(call.name(1), field_value_of(*value));
  const auto read = read_limits(given, vhost_limit_names);
  if (!read) return call.respond(HttpResponse::bad_request(vhost_complaint(read.error())));
  LimitsRecord limits = (*vhost)->record.limits;
  limits[call.name(1)] = read->begin()->second;
  change_vhost(std::move(call), (*vhost)->record.name, std::move(limits));
}

void delete_vhost_limit(Call call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!respond_if_error(call, vhost)) return;
  LimitsRecord limits = (*vhost)->record.limits;
  limits.erase(call.name(1));
  change_vhost(std::move(call), (*vhost)->record.name, std::move(limits));
}

void set_vhost_limits(Call call) {
  const auto vhost = needed_text(call, "vhost");
  if (!vhost) return;
  const auto given = needed_object(call, "limits");
  if (!given) return;
  auto limits = read_limits(field_table_of(*given), vhost_limit_names);
  if (!limits) return call.respond(HttpResponse::bad_request(vhost_complaint(limits.error())));
  change_vhost(std::move(call), *vhost, std::move(*limits));
}

// Of users.

json::object view_of(const UserRecord& user) {
  return {{"user", json_text(user.name)}, {"value", limits_view(user.limits)}};
}

void list_user_limits(Call call) {
  json::array list;
  for (const UserRecord& user : call.broker().registry().users().list_users()) {
    if (!user.limits.empty()) list.push_back(view_of(user));
  }
  call.respond(HttpResponse::json(list));
}

void get_user_limits(Call call) {
  const auto snapshot = call.broker().registry().users().snapshot();
  const User* user = snapshot->find_user(call.name(0));
  if (user == nullptr) return call.respond(HttpResponse::not_found());
  json::array list;
  if (!user->record.limits.empty()) list.push_back(view_of(user->record));
  call.respond(HttpResponse::json(list));
}

void put_user_limit(Call call) {
  const auto value = needed(call, "value");
  if (!value) return;
  amqp::FieldTable given;
  given.set(call.name(1), field_value_of(*value));
  auto limits = read_limits(given, user_limit_names);
  if (!limits) return call.respond(HttpResponse::bad_request(limits.error()));
  const std::string name = call.name(0);
  change_users(std::move(call), 204, [name, limits = std::move(*limits)](Users& users) {
    return users.set_limits(name, limits);
  });
}

void delete_user_limit(Call call) {
  const std::string name = call.name(0);
  const std::string limit = call.name(1);
  change_users(std::move(call), 204,
               [name, limit](Users& users) { return users.clear_limit(name, limit); });
}

void set_user_limits(Call call) {
  const auto user = needed_text(call, "user");
  if (!user) return;
  const auto given = needed_object(call, "limits");
  if (!given) return;
  auto limits = read_limits(field_table_of(*given), user_limit_names);
  if (!limits) return call.respond(HttpResponse::bad_request(limits.error()));
  change_users(std::move(call), 204, [name = *user, limits = std::move(*limits)](Users& users) {
    return users.set_limits(name, limits);
  });
}

void clear_user_limits(Call call) {
  const auto user = needed_text(call, "user");
  if (!user) return;
  change_users(std::move(call), 204,
               [name = *user](Users& users) { return users.clear_limits(name); });
}

}  // namespace

std::span<const Route> limit_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/vhost-limits", Need::management, list_vhost_limits},
      {"GET", "/api/vhost-limits/{}", Need::management, get_vhost_limits},
      {"PUT", "/api/vhost-limits/{}/{}", Need::administrator, put_vhost_limit},
      {"DELETE", "/api/vhost-limits/{}/{}", Need::administrator, delete_vhost_limit},
      {"GET", "/api/user-limits", Need::administrator, list_user_limits},
      {"GET", "/api/user-limits/{}", Need::administrator, get_user_limits},
      {"PUT", "/api/user-limits/{}/{}", Need::administrator, put_user_limit},
      {"DELETE", "/api/user-limits/{}/{}", Need::administrator, delete_user_limit},
      {"POST", "/api/leveret/set_vhost_limits", Need::administrator, set_vhost_limits},
      {"POST", "/api/leveret/set_user_limits", Need::administrator, set_user_limits},
      {"POST", "/api/leveret/clear_user_limits", Need::administrator, clear_user_limits},
  };
  return routes;
}

}  // namespace leveret
