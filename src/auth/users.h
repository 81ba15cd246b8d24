// SPDX-License-Identifier: Apache-2.0
//
// Users: the book of users and permissions, as it is decided upon.
//
// A change is made here at once and returns what to submit to the metadata store; snapshot() is
// then what to show to the workers. The caller says in which order. When the store could not write,
// the caller takes the change back by putting back a copy of the book made before: users are shared
// between copies, so that a copy costs a pointer per user.
//
// Thread: control worker, every method. Spec: RabbitMQ: access-control, passwords.

#pragma once

#include "auth/auth_snapshot.h"
#include "base/random.h"
#include "metadata/change.h"
#include "metadata/records.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

enum class UsersError : std::uint8_t {
  user_exists,
  no_such_user,
  no_such_vhost,
  invalid_name,
  invalid_regex,
  invalid_password_hash,
  unknown_hashing_algorithm,
};

/// Why a change was not made; the book is as it was.
struct UsersRefusal {
  UsersError error;
  std::string text;  ///< As rabbitmqctl prints it.
};

/// What to submit, all in one; or why not.
using UsersChanges = std::expected<std::vector<Change>, UsersRefusal>;

/// The registry is asked: it is the authority on vhosts.
using VhostExists = std::function<bool(const std::string& name)>;

class Users {
 public:
  /// Nobody.
  Users() = default;
  /// What the metadata store held. Records that cannot be obeyed (a pattern that does not compile,
  /// permissions of nobody) grant nothing and are logged as errors.
  /// Borrows what `vhost_exists` refers to, which outlives the book.
  Users(std::vector<UserRecord> users, std::vector<PermissionRecord> permissions,
        VhostExists vhost_exists);

  // Errors: user_exists, invalid_name.
  [[nodiscard]] UsersChanges add_user(const std::string& name, std::string_view password);
  // Errors of the next four: no_such_user.
  [[nodiscard]] UsersChanges delete_user(const std::string& name);
  [[nodiscard]] UsersChanges change_password(const std::string& name, std::string_view password);
  [[nodiscard]] UsersChanges clear_password(const std::string& name);
  [[nodiscard]] UsersChanges set_tags(const std::string& name, std::vector<std::string> tags);
  /// The user as given, new or not: definitions, and passwords that come as hashes. An empty
  /// algorithm is the default one. Keeps the permissions and the limits.
  /// Errors: invalid_name, unknown_hashing_algorithm, invalid_password_hash.
  [[nodiscard]] UsersChanges put_user(UserRecord user);

  /// In place of those of the same names, beside the others.
  /// Errors: no_such_user, as of the next two. A limit that is not set is no error.
  [[nodiscard]] UsersChanges set_limits(const std::string& name, const LimitsRecord& limits);
  [[nodiscard]] UsersChanges clear_limit(const std::string& name, const std::string& limit);
  [[nodiscard]] UsersChanges clear_limits(const std::string& name);

  /// Errors: invalid_regex, no_such_user, no_such_vhost; the first that applies, in this order.
  [[nodiscard]] UsersChanges set_permissions(PermissionRecord permission);
  /// Errors: no_such_user, no_such_vhost. No permissions to clear is no error.
  [[nodiscard]] UsersChanges clear_permissions(const std::string& user, const std::string& vhost);

  /// The vhost is deleted, and what was granted in it; DeleteVhost deletes that from the store.
  void remove_vhost(std::string_view vhost);

  // Each ordered by name.
  [[nodiscard]] std::vector<UserRecord> list_users() const;
  [[nodiscard]] std::vector<PermissionRecord> list_permissions() const;
  [[nodiscard]] std::vector<PermissionRecord> list_vhost_permissions(std::string_view vhost) const;
  /// Errors: no_such_user.
  [[nodiscard]] std::expected<std::vector<PermissionRecord>, UsersRefusal> list_user_permissions(
      std::string_view user) const;

  /// Users that may come from this machine only. Default: guest.
  void set_loopback_users(std::set<std::string, std::less<>> names);

  /// The book as it is. The same object until the next change.
  /// Complexity: one pointer per user, after a change.
  [[nodiscard]] std::shared_ptr<const AuthSnapshot> snapshot() const;

 private:
  using UserPtr = std::shared_ptr<const User>;

  [[nodiscard]] const User* find(std::string_view name) const;
  /// Replaces the user's record and says how to store that.
  UsersChanges replace_record(const User& user, UserRecord record);
  void replace(UserPtr user);
  [[nodiscard]] std::vector<PermissionRecord> select_permissions(
      const std::function<bool(const PermissionRecord&)>& is_wanted) const;

  std::map<std::string, UserPtr, std::less<>> users_;
  std::set<std::string, std::less<>> loopback_only_{"guest"};
  VhostExists vhost_exists_;
  mutable std::shared_ptr<const AuthSnapshot> snapshot_;  // Null: to be made anew.
};

}  // namespace leveret
