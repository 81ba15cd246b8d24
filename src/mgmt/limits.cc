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
#include "vhost/limits.h"

#include "mgmt/answers.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <optional>
#include <utility>

namespace leveret {
namespace {

namespace json = boost::json;

/// The limit that a path names with the value that the body has. Nothing: the call has been
/// answered.
std::optional<LimitsRecord> needed_limit(Call& call, const LimitNames& allowed) {
  const auto body = call.body();
  if (!respond_if_error(call, body)) return std::nullopt;
  const json::value* value = body->if_contains("value");
  if (value == nullptr) {
    call.respond(HttpResponse::bad_request("[{key_missing,value}]"));
    return std::nullopt;
  }
  return needed_limits(call, json::object{{call.name(1), *value}}, allowed);
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

void put_vhost_limit(Call call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!respond_if_error(call, vhost)) return;
  auto limits = needed_limit(call, vhost_limit_names);
  if (!limits) return;
  const std::string name = (*vhost)->record.name;
  change_vhost_limits(std::move(call), name, [added = std::move(*limits)](LimitsRecord& all) {
    for (const auto& [limit, value] : added) all[limit] = value;
  });
}

void delete_vhost_limit(Call call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!respond_if_error(call, vhost)) return;
  const std::string name = (*vhost)->record.name;
  const std::string limit = call.name(1);
  change_vhost_limits(std::move(call), name, [limit](LimitsRecord& all) { all.erase(limit); });
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
  auto limits = needed_limit(call, user_limit_names);
  if (!limits) return;
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
  };
  return routes;
}

}  // namespace leveret
