// SPDX-License-Identifier: Apache-2.0
//
//   GET    /api/whoami
//   GET    /api/users
//   GET    /api/users/{user}
//   PUT    /api/users/{user}   {tags, password | password_hash [, hashing_algorithm]}
//   DELETE /api/users/{user}
#include "auth/password.h"
#include "base/random.h"
#include "mgmt/answers.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <string_view>

namespace leveret {
namespace {

namespace json = boost::json;

json::object user_view(const UserRecord& user) {
  return {{"name", json_text(user.name)},
          {"password_hash", user.password_hash},
          {"hashing_algorithm", user.hashing_algorithm},
          {"tags", texts_view(user.tags)},
          {"limits", limits_view(user.limits)}};
}

void whoami(Call call) {
  call.respond(HttpResponse::json(json::object{{"name", json_text(call.identity().user())},
                                               {"tags", texts_view(call.identity().tags())}}));
}

void list_users(Call call) {
  json::array list;
  for (const UserRecord& user : call.broker().registry().users().list_users()) {
    list.push_back(user_view(user));
  }
  call.respond(HttpResponse::json(list));
}

void get_user(Call call) {
  const auto snapshot = call.broker().registry().users().snapshot();
  const User* user = snapshot->find_user(call.name(0));
  if (user == nullptr) return call.respond(HttpResponse::not_found());
  call.respond(HttpResponse::json(user_view(user->record)));
}

void put_user(Call call) {
  const auto body = call.body();
  if (!respond_if_error(call, body)) return;
  const auto tags = find_tags(*body);
  if (!respond_if_error(call, tags)) return;
  if (!*tags) return call.respond(HttpResponse::bad_request("tags_not_present"));
  const auto password = find_text(*body, "password");
  if (!respond_if_error(call, password)) return;
  const auto hash = find_text(*body, "password_hash");
  if (!respond_if_error(call, hash)) return;
  const auto algorithm = find_text(*body, "hashing_algorithm");
  if (!respond_if_error(call, algorithm)) return;

  UserRecord record{.name = call.name(0),
                    .password_hash = hash->value_or(""),
                    .hashing_algorithm = algorithm->value_or(""),
                    .tags = **tags};
  if (*password) {
    if (*hash) {
      return call.respond(HttpResponse::bad_request("both password and password_hash are present"));
    }
    SystemRandom random;
    PasswordHash made = hash_password(**password, random);
    record.password_hash = std::move(made.base64);
    record.hashing_algorithm = std::move(made.scheme);
  }
  const auto snapshot = call.broker().registry().users().snapshot();
  const int status = snapshot->find_user(record.name) == nullptr ? 201 : 204;
  change_users(std::move(call), status, [record = std::move(record)](Users& users) mutable {
    return users.put_user(std::move(record));
  });
}

void delete_user(Call call) {
  const std::string name = call.name(0);
  const auto snapshot = call.broker().registry().users().snapshot();
  if (snapshot->find_user(name) == nullptr) return call.respond(HttpResponse::not_found());
  change_users(std::move(call), 204, [name](Users& users) { return users.delete_user(name); });
}

}  // namespace

std::span<const Route> user_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/whoami", Need::management, whoami},
      {"GET", "/api/users", Need::administrator, list_users},
      {"GET", "/api/users/{}", Need::administrator, get_user},
      {"PUT", "/api/users/{}", Need::administrator, put_user},
      {"DELETE", "/api/users/{}", Need::administrator, delete_user},
  };
  return routes;
}

}  // namespace leveret
