// SPDX-License-Identifier: Apache-2.0
//
//   GET    /api/permissions
//   GET    /api/permissions/{vhost}/{user}
//   PUT    /api/permissions/{vhost}/{user}   {configure, write, read}
//   DELETE /api/permissions/{vhost}/{user}
//   GET    /api/users/{user}/permissions
//   GET    /api/vhosts/{vhost}/permissions
#include "mgmt/answers.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

namespace leveret {
namespace {

namespace json = boost::json;

json::object permission_view(const PermissionRecord& permission) {
  return {{"user", json_text(permission.user)},
          {"vhost", json_text(permission.vhost)},
          {"configure", json_text(permission.configure)},
          {"write", json_text(permission.write)},
          {"read", json_text(permission.read)}};
}

HttpResponse list_answer(const std::vector<PermissionRecord>& permissions) {
  json::array list;
  for (const PermissionRecord& permission : permissions) {
    list.push_back(permission_view(permission));
  }
  return HttpResponse::json(list);
}

void list_permissions(Call call) {
  call.respond(list_answer(call.broker().registry().users().list_permissions()));
}

void list_user_permissions(Call call) {
  const auto list = call.broker().registry().users().list_user_permissions(call.name(0));
  call.respond(list ? list_answer(*list) : HttpResponse::not_found());
}

void list_vhost_permissions(Call call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!respond_if_error(call, vhost)) return;
  call.respond(list_answer(call.broker().registry().users().list_vhost_permissions(call.name(0))));
}

void get_permission(Call call) {
  const auto snapshot = call.broker().registry().users().snapshot();
  const UserPermissions* granted = snapshot->permissions(call.name(1), call.name(0));
  if (granted == nullptr) return call.respond(HttpResponse::not_found());
  call.respond(HttpResponse::json(permission_view(granted->record())));
}

void put_permission(Call call) {
  const auto body = call.body();
  if (!respond_if_error(call, body)) return;
  PermissionRecord record{.user = call.name(1), .vhost = call.name(0)};
  for (const auto& [key, pattern] :
       {std::pair{"configure", &record.configure}, std::pair{"write", &record.write},
        std::pair{"read", &record.read}}) {
    auto text = find_text(*body, key);
    if (!respond_if_error(call, text)) return;
    if (!*text) {
      return call.respond(HttpResponse::bad_request("[{key_missing," + std::string(key) + "}]"));
    }
    *pattern = std::move(**text);
  }
  const Registry& registry = call.broker().registry();
  const auto snapshot = registry.users().snapshot();
  if (!registry.vhosts().contains(record.vhost) || snapshot->find_user(record.user) == nullptr) {
    return call.respond(HttpResponse::bad_request("vhost_or_user_not_found"));
  }
  const int status = snapshot->permissions(record.user, record.vhost) == nullptr ? 201 : 204;
  change_users(std::move(call), status, [record = std::move(record)](Users& users) mutable {
    return users.set_permissions(std::move(record));
  });
}

void delete_permission(Call call) {
  const std::string vhost = call.name(0);
  const std::string user = call.name(1);
  const auto snapshot = call.broker().registry().users().snapshot();
  if (snapshot->permissions(user, vhost) == nullptr) {
    return call.respond(HttpResponse::not_found());
  }
  change_users(std::move(call), 204,
               [user, vhost](Users& users) { return users.clear_permissions(user, vhost); });
}

}  // namespace

std::span<const Route> permission_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/permissions", Need::administrator, list_permissions},
      {"GET", "/api/permissions/{}/{}", Need::administrator, get_permission},
      {"PUT", "/api/permissions/{}/{}", Need::administrator, put_permission},
      {"DELETE", "/api/permissions/{}/{}", Need::administrator, delete_permission},
      {"GET", "/api/users/{}/permissions", Need::administrator, list_user_permissions},
      {"GET", "/api/vhosts/{}/permissions", Need::administrator, list_vhost_permissions},
  };
  return routes;
}

}  // namespace leveret
