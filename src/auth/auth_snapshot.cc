// SPDX-License-Identifier: Apache-2.0
#include "auth/auth_snapshot.h"

#include "auth/password.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

using Reason = LoginRefusal::Reason;

std::unexpected<LoginRefusal> refuse_login(Reason reason, std::string text) {
  return std::unexpected(LoginRefusal{reason, std::move(text)});
}

/// A hash that no password has, for users that do not exist: asking for them takes as long as for
/// those that do, and says nothing about who is here.
constexpr std::string_view nobodys_hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

}  // namespace

// UserPermissions

UserPermissions::UserPermissions(PermissionRecord record, Patterns patterns)
    : record_(std::move(record)), patterns_(std::move(patterns)) {}

std::expected<std::shared_ptr<const UserPermissions>, InvalidPattern> UserPermissions::make(
    PermissionRecord record) {
  Patterns patterns{ResourcePattern::nothing(), ResourcePattern::nothing(),
                    ResourcePattern::nothing()};
  const std::string* texts[] = {&record.configure, &record.write, &record.read};
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    auto compiled = ResourcePattern::compile(*texts[i]);
    if (!compiled) return std::unexpected(std::move(compiled).error());
    patterns[i] = std::move(*compiled);
  }
  return std::shared_ptr<const UserPermissions>(
      new UserPermissions(std::move(record), std::move(patterns)));
}

std::shared_ptr<const UserPermissions> UserPermissions::refuse_all(PermissionRecord record) {
  return std::shared_ptr<const UserPermissions>(new UserPermissions(
      std::move(record),
      {ResourcePattern::nothing(), ResourcePattern::nothing(), ResourcePattern::nothing()}));
}

bool UserPermissions::may(Permission permission, std::string_view name) const {
  return patterns_[static_cast<std::size_t>(permission)].matches(
      name.empty() ? default_exchange_resource : name);
}

// User

bool User::has_tag(std::string_view tag) const {
  return std::ranges::find(record.tags, tag) != record.tags.end();
}

// AuthSnapshot

AuthSnapshot::AuthSnapshot(UsersByName users, std::set<std::string, std::less<>> loopback_only)
    : users_(std::move(users)), loopback_only_(std::move(loopback_only)) {}

std::expected<const User*, LoginRefusal> AuthSnapshot::authenticate(
    std::string_view name, std::string_view password) const {
  const User* user = find_user(name);
  // RabbitMQ: a blank password never logs in, whatever is kept.
  if (password.empty()) {
    return refuse_login(Reason::blank_password,
                        fmt::format("user '{}' attempted to log in with a blank password", name));
  }
  if (!user) {
    (void)default_password_scheme().verify(password, nobodys_hash);
    return refuse_login(Reason::unknown_user,
                        fmt::format("user '{}' - invalid credentials: no such user", name));
  }
  if (user->record.password_hash.empty()) {
    return refuse_login(
        Reason::passwordless,
        fmt::format("user '{}' - invalid credentials: the user has no password", name));
  }
  const PasswordScheme* scheme = find_password_scheme(user->record.hashing_algorithm);
  if (!scheme) {
    return refuse_login(Reason::unknown_scheme,
                        fmt::format("user '{}' - its password is kept by '{}', which is not known",
                                    name, user->record.hashing_algorithm));
  }
  if (!scheme->verify(password, user->record.password_hash)) {
    return refuse_login(Reason::wrong_password,
                        fmt::format("user '{}' - invalid credentials: wrong password", name));
  }
  return user;
}

bool AuthSnapshot::is_loopback_only(std::string_view user) const {
  return loopback_only_.contains(user);
}

bool AuthSnapshot::may_access_vhost(std::string_view user, std::string_view vhost) const {
  return permissions(user, vhost) != nullptr;
}

bool AuthSnapshot::check(std::string_view user, std::string_view vhost, Permission permission,
                         std::string_view name) const {
  const UserPermissions* granted = permissions(user, vhost);
  return granted && granted->may(permission, name);
}

const UserPermissions* AuthSnapshot::permissions(std::string_view user,
                                                 std::string_view vhost) const {
  const User* found = find_user(user);
  if (!found) return nullptr;
  const auto granted = found->permissions.find(vhost);
  return granted == found->permissions.end() ? nullptr : granted->second.get();
}

const User* AuthSnapshot::find_user(std::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second.get();
}

}  // namespace leveret
