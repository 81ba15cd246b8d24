// SPDX-License-Identifier: Apache-2.0
//
// Refusals in RabbitMQ 3.10's words. Clients and wrappers search these texts; treat them as part of
// the protocol (tests/wire asks the same of a real rabbitmq-server).
//
// Thread: any.

#pragma once

#include "amqp/amqp_error.h"
#include "base/result.h"
#include "queue/queue.h"

#include <expected>
#include <string_view>

#include <fmt/format.h>

namespace leveret {

using Refusal = std::unexpected<amqp::AmqpError>;

/// "queue 'q' in vhost '/'", as every text names things.
[[nodiscard]] inline std::string resource_text(std::string_view kind, std::string_view name,
                                               std::string_view vhost) {
  return fmt::format("{} '{}' in vhost '{}'", kind, name, vhost);
}

[[nodiscard]] inline Refusal refuse_no_queue(std::string_view name, std::string_view vhost) {
  return amqp::refuse(amqp::ReplyCode::not_found, "no " + resource_text("queue", name, vhost));
}
[[nodiscard]] inline Refusal refuse_no_exchange(std::string_view name, std::string_view vhost) {
  return amqp::refuse(amqp::ReplyCode::not_found, "no " + resource_text("exchange", name, vhost));
}
/// The vhost was deleted while somebody was in it; its connections are being closed.
[[nodiscard]] inline Refusal refuse_no_vhost(std::string_view vhost) {
  return amqp::refuse(amqp::ReplyCode::not_found, fmt::format("no vhost '{}'", vhost));
}
[[nodiscard]] inline Refusal refuse_locked(std::string_view name, std::string_view vhost) {
  return amqp::refuse(
      amqp::ReplyCode::resource_locked,
      "cannot obtain exclusive access to locked " + resource_text("queue", name, vhost) +
          ". It could be originally declared on another connection or the exclusive property value "
          "does not match that of the original declaration.");
}
[[nodiscard]] inline Refusal refuse_queue_limit(std::string_view name, std::string_view vhost,
                                                std::int64_t limit) {
  return amqp::refuse(amqp::ReplyCode::precondition_failed,
                      fmt::format("cannot declare queue '{}': queue limit in vhost '{}' ({}) is "
                                  "reached",
                                  name, vhost, limit));
}
[[nodiscard]] inline Refusal refuse_conditional_delete(std::string_view name,
                                                       std::string_view vhost,
                                                       std::string_view condition) {
  return amqp::refuse(amqp::ReplyCode::not_implemented,
                      fmt::format("cannot delete {}. queue.delete operations with {} flag set are "
                                  "not supported by quorum queues",
                                  resource_text("queue", name, vhost), condition));
}
/// `what` a stream knows not: "basic.get". `resource` as resource_text() has it.
[[nodiscard]] inline Refusal refuse_by_stream(std::string_view what, std::string_view resource) {
  return amqp::refuse(amqp::ReplyCode::not_implemented,
                      fmt::format("{} not supported by stream queues {}", what, resource));
}
[[nodiscard]] inline Refusal refuse_reserved(std::string_view kind, std::string_view name) {
  return amqp::refuse(amqp::ReplyCode::access_refused,
                      fmt::format("{} name '{}' contains reserved prefix 'amq.*'", kind, name));
}
/// `permission`: "configure ", or nothing where it is not told.
[[nodiscard]] inline Refusal refuse_access(std::string_view permission, std::string_view kind,
                                           std::string_view name, std::string_view vhost,
                                           std::string_view user) {
  return amqp::refuse(
      amqp::ReplyCode::access_refused,
      fmt::format("{}access to {} refused for user '{}'", permission,
                  resource_text(kind, name.empty() ? "amq.default" : name, vhost), user));
}
[[nodiscard]] inline Refusal refuse_delete(DeleteRefusal why, std::string_view name,
                                           std::string_view vhost) {
  return amqp::refuse(amqp::ReplyCode::precondition_failed,
                      resource_text("queue", name, vhost) +
                          (why == DeleteRefusal::in_use ? " in use" : " not empty"));
}
[[nodiscard]] inline Refusal refuse_exchange_in_use(std::string_view name, std::string_view vhost) {
  return amqp::refuse(amqp::ReplyCode::precondition_failed,
                      resource_text("exchange", name, vhost) + " in use");
}
/// What was to be made durable could not be written; it has been taken back.
[[nodiscard]] inline Refusal refuse_storage(const Error& error) {
  return amqp::refuse(amqp::ReplyCode::internal_error,
                      "metadata could not be written: " + error.text());
}

}  // namespace leveret
