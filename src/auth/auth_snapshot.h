// SPDX-License-Identifier: Apache-2.0
//
// AuthSnapshot: users and permissions as they are at one moment, for every worker to ask. A change
// makes a new snapshot; what an old one gave out stays valid while somebody holds it.
//
// Thread: immutable after construction. Made by Users.
// Spec: RabbitMQ: access-control.

#pragma once

#include "auth/resource_pattern.h"
#include "base/string_map.h"
#include "base/use_count.h"
#include "metadata/records.h"

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace leveret {

enum class Permission : std::uint8_t { configure, write, read };

/// The name by which permissions know the default exchange, whose own name is empty.
inline constexpr std::string_view default_exchange_resource = "amq.default";

/// What one user may do in one vhost.
class UserPermissions {
 public:
  [[nodiscard]] static std::expected<std::shared_ptr<const UserPermissions>, InvalidPattern> make(
      PermissionRecord record);
  /// For a record whose patterns do not compile: the record, and may() says no to everything.
  [[nodiscard]] static std::shared_ptr<const UserPermissions> refuse_all(PermissionRecord record);

  /// May the user do that with the queue or exchange `name`? The empty name is the default
  /// exchange.
  [[nodiscard]] bool may(Permission permission, std::string_view name) const;

  [[nodiscard]] const PermissionRecord& record() const { return record_; }

 private:
  using Patterns = std::array<ResourcePattern, 3>;  // By Permission.
  UserPermissions(PermissionRecord record, Patterns patterns);

  PermissionRecord record_;
  Patterns patterns_;
};

struct User {
  UserRecord record;
  /// Who has logged in as this user, whatever its record says by now.
  std::shared_ptr<UseCount> connections = std::make_shared<UseCount>();
  std::shared_ptr<UseCount> channels = std::make_shared<UseCount>();
  StringMap<std::shared_ptr<const UserPermissions>> permissions;  ///< By vhost.

  [[nodiscard]] bool has_tag(std::string_view tag) const;
};

/// Why a login was refused. For the log only: the peer is not told which of them it was.
struct LoginRefusal {
  enum class Reason : std::uint8_t {
    unknown_user,
    wrong_password,
    blank_password,  ///< The peer sent none.
    passwordless,    ///< The user has none, and logs in by other means.
    unknown_scheme,  ///< Its password is kept in a way that we cannot read.
  };
  Reason reason;
  std::string text;
};

class AuthSnapshot {
 public:
  using UsersByName = StringMap<std::shared_ptr<const User>>;

  AuthSnapshot(UsersByName users, std::set<std::string, std::less<>> loopback_only);

  /// The user is valid while the snapshot lives.
  [[nodiscard]] std::expected<const User*, LoginRefusal> authenticate(
      std::string_view user, std::string_view password) const;

  /// True for a user who may come from this machine only, however right the password.
  [[nodiscard]] bool is_loopback_only(std::string_view user) const;

  /// True when the user has permissions in the vhost, be it to nothing.
  [[nodiscard]] bool may_access_vhost(std::string_view user, std::string_view vhost) const;

  /// As permissions(user, vhost)->may(); false without them.
  [[nodiscard]] bool check(std::string_view user, std::string_view vhost, Permission permission,
                           std::string_view name) const;

  /// For who asks often. Null when there are none; valid while the snapshot lives.
  [[nodiscard]] const UserPermissions* permissions(std::string_view user,
                                                   std::string_view vhost) const;

  /// Null when there is none; valid while the snapshot lives.
  [[nodiscard]] const User* find_user(std::string_view name) const;

 private:
  const UsersByName users_;
  const std::set<std::string, std::less<>> loopback_only_;
};

}  // namespace leveret
