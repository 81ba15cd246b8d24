// SPDX-License-Identifier: Apache-2.0
//
// Access: what this connection's user may do, and which names may be used. Remembers verdicts until
// the book of users changes, since a publisher asks the same thing a million times.
//
// Thread: the connection's worker.
// Spec: RabbitMQ: access-control.

#pragma once

#include "amqp/amqp_error.h"
#include "auth/auth_snapshot.h"
#include "base/string_map.h"
#include "vhost/shard.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace leveret {

enum class ResourceKind : std::uint8_t { exchange, queue };

class Access {
 public:
  explicit Access(const Shard& shard) : shard_(shard) {}
  void log_in(std::string user, std::string vhost);

  /// Errors: access_refused, with RabbitMQ's text.
  [[nodiscard]] amqp::AmqpResult<void> check(Permission permission, ResourceKind kind,
                                             std::string_view name);
  /// May publish with somebody else's user_id (the tag `impersonator`).
  [[nodiscard]] bool may_impersonate() const;

 private:
  using Verdicts = StringMap<bool>;

  const Shard& shard_;
  std::string user_;
  std::string vhost_;
  std::uint64_t version_ = 0;
  Verdicts verdicts_[3];  // By Permission; queues and exchanges of one name share their patterns.
};

/// The name without CR and LF, as RabbitMQ takes names.
[[nodiscard]] std::string plain_name(std::string_view name);

/// Errors: access_refused when `name` has the prefix that only the broker may use.
[[nodiscard]] amqp::AmqpResult<void> check_name(std::string_view kind, std::string_view name);

/// Errors: access_refused when `name` is the default exchange, which nobody may change.
[[nodiscard]] amqp::AmqpResult<void> check_not_default(std::string_view exchange);

}  // namespace leveret
