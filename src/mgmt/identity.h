// SPDX-License-Identifier: Apache-2.0
//
// Identity: on whose behalf a request comes, and what that allows.
//
// Thread: values; the AuthSnapshot is immutable and shared.

#pragma once

#include "auth/auth_snapshot.h"
#include "mgmt/http_message.h"
#include "vhost/requests.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

/// What a path asks of whoever comes.
enum class Need : std::uint8_t {
  management,     ///< Any tag that opens the management API.
  policymaker,    ///< Policies of vhosts that he sees.
  administrator,  ///< Changes, and what is secret.
};

class Identity {
 public:
  /// The owner of the broker's process: an administrator, and no user of the broker.
  [[nodiscard]] static Identity owner();
  /// Whoever the header `Authorization` proves.
  /// Errors: the answer to give (401).
  [[nodiscard]] static std::expected<Identity, HttpResponse> of(
      std::string_view authorization, bool is_loopback, std::shared_ptr<const AuthSnapshot> auth);

  [[nodiscard]] bool has(Need need) const;
  /// All vhosts, and everybody's connections.
  [[nodiscard]] bool sees_all() const { return is_administrator_ || is_monitoring_; }
  [[nodiscard]] bool sees_vhost(std::string_view vhost) const;
  [[nodiscard]] bool sees_connection_of(std::string_view user) const;

  /// Empty for the owner of the process.
  [[nodiscard]] const std::string& user() const { return user_; }
  /// Who did what is asked, for events.
  [[nodiscard]] std::string by() const { return user_.empty() ? std::string(by_owner) : user_; }
  [[nodiscard]] const std::vector<std::string>& tags() const { return tags_; }

 private:
  std::string user_;
  std::vector<std::string> tags_;
  std::shared_ptr<const AuthSnapshot> auth_;  // Null for the owner.
  bool is_administrator_ = false;
  bool is_monitoring_ = false;
  bool is_policymaker_ = false;
  bool is_management_ = false;
};

/// What the header carries: "Basic " and base64 of user:password. Nothing when it is something
/// else.
struct BasicCredentials {
  std::string user;
  std::string password;
};
[[nodiscard]] std::optional<BasicCredentials> parse_basic(std::string_view authorization);

}  // namespace leveret
