// SPDX-License-Identifier: Apache-2.0
#include "auth/users.h"

#include "auth/password.h"
#include "base/log.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

std::unexpected<UsersRefusal> refuse(UsersError error, std::string text) {
  return std::unexpected(UsersRefusal{error, std::move(text)});
}

std::unexpected<UsersRefusal> refuse_no_user(std::string_view name) {
  return refuse(UsersError::no_such_user, fmt::format("User \"{}\" does not exist", name));
}

std::unexpected<UsersRefusal> refuse_no_vhost(std::string_view name) {
  return refuse(UsersError::no_such_vhost, fmt::format("Virtual host {} does not exist", name));
}

std::unexpected<UsersRefusal> refuse_empty_name() {
  return refuse(UsersError::invalid_name, "user cannot be an empty string");
}

template <class One>
std::vector<Change> one_change(One change) {
  std::vector<Change> changes;
  changes.emplace_back(std::move(change));
  return changes;
}

}  // namespace

Users::Users(std::vector<UserRecord> users, std::vector<PermissionRecord> permissions,
             VhostExists vhost_exists)
    : vhost_exists_(std::move(vhost_exists)) {
  std::map<std::string, User, std::less<>> read;
  for (UserRecord& record : users) {
    const std::string name = record.name;
    read[name].record = std::move(record);
  }
  for (PermissionRecord& record : permissions) {
    const auto user = read.find(record.user);
    if (user == read.end()) {
      log(LogLevel::error, "auth", "permission_without_user user=\"{}\" vhost=\"{}\"",
          log_safe(record.user), log_safe(record.vhost));
      continue;
    }
    const std::string vhost = record.vhost;
    auto made = UserPermissions::make(record);
    if (!made) {
      log(LogLevel::error, "auth", "permission_refuses_all user=\"{}\" vhost=\"{}\" reason=\"{}\"",
          log_safe(record.user), log_safe(vhost), log_safe(made.error().text()));
    }
    user->second.permissions[vhost] =
        made ? std::move(*made) : UserPermissions::refuse_all(std::move(record));
  }
  for (auto& [name, user] : read) users_[name] = std::make_shared<const User>(std::move(user));
}

UsersChanges Users::add_user(const std::string& name, std::string_view password) {
  if (name.empty()) return refuse_empty_name();
  if (find(name)) {
    return refuse(UsersError::user_exists, fmt::format("User \"{}\" already exists", name));
  }
  SystemRandom random;
  PasswordHash hash = hash_password(password, random);
  UserRecord record{.name = name, .password_hash = std::move(hash.base64)};
  record.hashing_algorithm = std::move(hash.scheme);
  return replace_record(User{}, std::move(record));
}

UsersChanges Users::delete_user(const std::string& name) {
  if (!find(name)) return refuse_no_user(name);
  users_.erase(name);
  snapshot_.reset();
  return one_change(DeleteUser{name});
}

UsersChanges Users::change_password(const std::string& name, std::string_view password) {
  const User* user = find(name);
  if (!user) return refuse_no_user(name);
  SystemRandom random;
  PasswordHash hash = hash_password(password, random);
  UserRecord record = user->record;
  record.password_hash = std::move(hash.base64);
  record.hashing_algorithm = std::move(hash.scheme);
  return replace_record(*user, std::move(record));
}

UsersChanges Users::clear_password(const std::string& name) {
  const User* user = find(name);
  if (!user) return refuse_no_user(name);
  UserRecord record = user->record;
  record.password_hash.clear();
  return replace_record(*user, std::move(record));
}

UsersChanges Users::set_tags(const std::string& name, std::vector<std::string> tags) {
  const User* user = find(name);
  if (!user) return refuse_no_user(name);
  UserRecord record = user->record;
  record.tags = std::move(tags);
  return replace_record(*user, std::move(record));
}

UsersChanges Users::put_user(UserRecord record) {
  if (record.name.empty()) return refuse_empty_name();
  if (record.hashing_algorithm.empty()) {
    record.hashing_algorithm = default_password_scheme().name();
  }
  const PasswordScheme* scheme = find_password_scheme(record.hashing_algorithm);
  if (!scheme) {
    return refuse(UsersError::unknown_hashing_algorithm,
                  fmt::format("user '{}': hashing algorithm '{}' is not known", record.name,
                              record.hashing_algorithm));
  }
  if (!scheme->accepts(record.password_hash)) {
    return refuse(UsersError::invalid_password_hash,
                  fmt::format("user '{}': the password hash is not base64", record.name));
  }
  const User* user = find(record.name);
  if (user) record.limits = user->record.limits;
  return replace_record(user ? *user : User{}, std::move(record));
}

UsersChanges Users::set_limits(const std::string& name, const LimitsRecord& limits) {
  const User* user = find(name);
  if (!user) return refuse_no_user(name);
  UserRecord record = user->record;
  for (const auto& [limit, value] : limits) record.limits[limit] = value;
  return replace_record(*user, std::move(record));
}

UsersChanges Users::clear_limit(const std::string& name, const std::string& limit) {
  const User* user = find(name);
  if (!user) return refuse_no_user(name);
  UserRecord record = user->record;
  record.limits.erase(limit);
  return replace_record(*user, std::move(record));
}

UsersChanges Users::clear_limits(const std::string& name) {
  const User* user = find(name);
  if (!user) return refuse_no_user(name);
  UserRecord record = user->record;
  record.limits.clear();
  return replace_record(*user, std::move(record));
}

UsersChanges Users::set_permissions(PermissionRecord permission) {
  auto made = UserPermissions::make(permission);
  if (!made) return refuse(UsersError::invalid_regex, made.error().text());
  const User* user = find(permission.user);
  if (!user) return refuse_no_user(permission.user);
  if (!vhost_exists_ || !vhost_exists_(permission.vhost)) return refuse_no_vhost(permission.vhost);

  auto changed = std::make_shared<User>(*user);
  changed->permissions[permission.vhost] = std::move(*made);
  replace(std::move(changed));
  return one_change(PutPermission{std::move(permission)});
}

UsersChanges Users::clear_permissions(const std::string& name, const std::string& vhost) {
  const User* user = find(name);
  if (!user) return refuse_no_user(name);
  if (!vhost_exists_ || !vhost_exists_(vhost)) return refuse_no_vhost(vhost);

  auto changed = std::make_shared<User>(*user);
  changed->permissions.erase(vhost);
  replace(std::move(changed));
  return one_change(DeletePermission{name, vhost});
}

void Users::remove_vhost(std::string_view vhost) {
  for (auto& [name, user] : users_) {
    const auto granted = user->permissions.find(vhost);
    if (granted == user->permissions.end()) continue;
    auto changed = std::make_shared<User>(*user);
    changed->permissions.erase(granted->first);
    user = std::move(changed);
  }
  snapshot_.reset();
}

std::vector<UserRecord> Users::list_users() const {
  std::vector<UserRecord> records;
  records.reserve(users_.size());
  for (const auto& [name, user] : users_) records.push_back(user->record);
  return records;
}

std::vector<PermissionRecord> Users::list_permissions() const {
  return select_permissions([](const PermissionRecord&) { return true; });
}

std::vector<PermissionRecord> Users::list_vhost_permissions(std::string_view vhost) const {
  return select_permissions(
      [vhost](const PermissionRecord& record) { return record.vhost == vhost; });
}

std::expected<std::vector<PermissionRecord>, UsersRefusal> Users::list_user_permissions(
    std::string_view user) const {
  if (!find(user)) return refuse_no_user(user);
  return select_permissions([user](const PermissionRecord& record) { return record.user == user; });
}

std::vector<PermissionRecord> Users::select_permissions(
    const std::function<bool(const PermissionRecord&)>& is_wanted) const {
  std::vector<PermissionRecord> records;
  for (const auto& [name, user] : users_) {
    for (const auto& [vhost, granted] : user->permissions) {
      if (is_wanted(granted->record())) records.push_back(granted->record());
    }
  }
  std::ranges::sort(records, {}, [](const PermissionRecord& record) {
    return std::tie(record.user, record.vhost);
  });
  return records;
}

void Users::set_loopback_users(std::set<std::string, std::less<>> names) {
  loopback_only_ = std::move(names);
  snapshot_.reset();
}

std::shared_ptr<const AuthSnapshot> Users::snapshot() const {
  if (!snapshot_) {
    AuthSnapshot::UsersByName users;
    users.reserve(users_.size());
    for (const auto& [name, user] : users_) users.emplace(name, user);
    snapshot_ = std::make_shared<const AuthSnapshot>(std::move(users), loopback_only_);
  }
  return snapshot_;
}

const User* Users::find(std::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second.get();
}

UsersChanges Users::replace_record(const User& user, UserRecord record) {
  auto changed = std::make_shared<User>(user);
  changed->record = record;
  replace(std::move(changed));
  return one_change(PutUser{std::move(record)});
}

void Users::replace(UserPtr user) {
  const std::string& name = user->record.name;
  users_.insert_or_assign(name, user);
  snapshot_.reset();
}

}  // namespace leveret
