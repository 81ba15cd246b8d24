// SPDX-License-Identifier: Apache-2.0
#include "mgmt/identity.h"

#include "auth/base64.h"
#include "base/log.h"

#include <algorithm>
#include <utility>

namespace leveret {
namespace {

bool is_equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

HttpResponse refuse_login(bool was_asked_with_credentials) {
  HttpResponse response = was_asked_with_credentials
                              ? HttpResponse::error(401, "not_authorized", "Login failed")
                              : HttpResponse::empty(401);
  response.headers.emplace_back("www-authenticate", "Basic realm=\"RabbitMQ Management\"");
  return response;
}

}  // namespace

std::optional<BasicCredentials> parse_basic(std::string_view authorization) {
  constexpr std::string_view scheme = "Basic ";
  if (authorization.size() < scheme.size() ||
      !is_equal_ignoring_case(authorization.substr(0, scheme.size()), scheme)) {
    return std::nullopt;
  }
  authorization.remove_prefix(scheme.size());
  const auto decoded = decode_base64(authorization);
  if (!decoded) return std::nullopt;
  const std::size_t colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return BasicCredentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

Identity Identity::owner() {
  Identity identity;
  identity.tags_ = {"administrator"};
  identity.is_administrator_ = identity.is_monitoring_ = true;
  identity.is_policymaker_ = identity.is_management_ = true;
  return identity;
}

std::expected<Identity, HttpResponse> Identity::of(std::string_view authorization, bool is_loopback,
                                                   std::shared_ptr<const AuthSnapshot> auth) {
  if (authorization.empty()) return std::unexpected(refuse_login(false));
  const auto credentials = parse_basic(authorization);
  if (!credentials) return std::unexpected(refuse_login(true));
  const auto user = auth->authenticate(credentials->user, credentials->password);
  if (!user) {
    log(LogLevel::warn, "mgmt", "login_refused user={} reason={}", log_safe(credentials->user),
        user.error().text);
    return std::unexpected(refuse_login(true));
  }
  if (!is_loopback && auth->is_loopback_only(credentials->user)) {
    log(LogLevel::warn, "mgmt", "login_refused user={} reason=loopback_only",
        log_safe(credentials->user));
    return std::unexpected(
        HttpResponse::error(401, "not_authorised", "User can only log in via localhost"));
  }
  Identity identity;
  identity.user_ = credentials->user;
  identity.tags_ = (*user)->record.tags;
  const auto is_tagged = [&](std::string_view tag) {
    return std::ranges::find(identity.tags_, tag) != identity.tags_.end();
  };
  identity.is_administrator_ = is_tagged("administrator");
  identity.is_monitoring_ = is_tagged("monitoring");
  identity.is_policymaker_ = identity.is_administrator_ || is_tagged("policymaker");
  identity.is_management_ =
      identity.is_policymaker_ || identity.is_monitoring_ || is_tagged("management");
  identity.auth_ = std::move(auth);
  if (!identity.is_management_) {
    return std::unexpected(HttpResponse::error(401, "not_authorised", "Not management user"));
  }
  return identity;
}

bool Identity::has(Need need) const {
  switch (need) {
    case Need::management:
      return is_management_;
    case Need::policymaker:
      return is_policymaker_;
    case Need::administrator:
      return is_administrator_;
  }
  return false;
}

bool Identity::sees_vhost(std::string_view vhost) const {
  return sees_all() || auth_->may_access_vhost(user_, vhost);
}

bool Identity::sees_connection_of(std::string_view user) const {
  return sees_all() || user == user_;
}

}  // namespace leveret
