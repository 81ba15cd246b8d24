// SPDX-License-Identifier: Apache-2.0
#include "session/access.h"

#include "vhost/refusals.h"
#include "vhost/registry.h"

#include <algorithm>
#include <utility>

namespace leveret {

void Access::log_in(std::string user, std::string vhost) {
  user_ = std::move(user);
  vhost_ = std::move(vhost);
  version_ = 0;
}

amqp::AmqpResult<void> Access::check(Permission permission, ResourceKind kind,
                                     std::string_view name) {
  constexpr std::size_t remembered_max = 1024;
  Verdicts& verdicts = verdicts_[static_cast<int>(permission)];
  if (version_ != shard_.auth_version() || verdicts.size() > remembered_max) {
    for (Verdicts& old : verdicts_) old.clear();
    version_ = shard_.auth_version();
  }
  auto known = verdicts.find(name);
  if (known == verdicts.end()) {
    const bool may = shard_.auth()->check(user_, vhost_, permission, name);
    known = verdicts.emplace(name, may).first;
  }
  if (known->second) return {};
  std::string_view asked;
  if (shard_.broker().personality().names_refused_permission) {
    asked = permission == Permission::configure ? "configure "
            : permission == Permission::write   ? "write "
                                                : "read ";
  }
  return refuse_access(asked, kind == ResourceKind::queue ? "queue" : "exchange", name, vhost_,
                       user_);
}

bool Access::may_impersonate() const {
  const User* user = shard_.auth()->find_user(user_);
  return user && user->has_tag("impersonator");
}

std::string plain_name(std::string_view name) {
  std::string plain(name);
  std::erase_if(plain, [](char c) { return c == '\r' || c == '\n'; });
  return plain;
}

amqp::AmqpResult<void> check_name(std::string_view kind, std::string_view name) {
  if (has_reserved_prefix(name)) return refuse_reserved(kind, name);
  return {};
}

amqp::AmqpResult<void> check_not_default(std::string_view exchange) {
  if (exchange.empty()) {
    return amqp::refuse(amqp::ReplyCode::access_refused,
                        "operation not permitted on the default exchange");
  }
  return {};
}

}  // namespace leveret
