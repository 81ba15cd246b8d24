// SPDX-License-Identifier: Apache-2.0
//
// A channel's declarations. What can be said here is checked in RabbitMQ's order (rabbit_channel),
// since a client with several things wrong is told of the first; the rest is the registry's to say.
#include "amqp/field_table.h"
#include "base/log.h"
#include "routing/delayed_exchange.h"
#include "routing/hash_exchange.h"
#include "routing/headers_exchange.h"
#include "routing/message_headers.h"
#include "session/channel.h"
#include "session/connection.h"
#include "vhost/gates.h"
#include "vhost/queue_arguments.h"
#include "vhost/recent_history.h"
#include "vhost/refusals.h"
#include "vhost/reply_addresses.h"

#include <optional>
#include <utility>

namespace leveret {

using amqp::AmqpResult;
using amqp::ReplyCode;

// Helpers.

template <class Reply>
Done<void> Channel::reply_when_done(bool no_wait, amqp::MethodKey method, Reply reply) {
  connection_.ask();
  return [this, no_wait, method, reply = std::move(reply)](AmqpResult<void> result) {
    if (!connection_.answered()) return;
    if (!result) {
      result.error().method = method;
      connection_.conclude(number_, std::move(result));
    } else if (!no_wait) {
      connection_.send(number_, reply);
    }
  };
}

AmqpResult<std::string> Channel::meant_queue(std::string_view name) const {
  if (!name.empty()) return plain_name(name);
  if (!last_declared_queue_.empty()) return last_declared_queue_;
  return amqp::refuse(ReplyCode::not_found, "no previously declared queue");
}

AmqpResult<const QueueHandle*> Channel::find_queue(const std::string& name) {
  const VhostReplica* vhost = connection_.vhost();
  const QueueHandle* queue = vhost ? vhost->find_queue(name) : nullptr;
  if (queue == nullptr) return refuse_no_queue(name, connection_.vhost_name());
  if (queue->is_locked_for(connection_.id())) return refuse_locked(name, connection_.vhost_name());
  return queue;
}

// Exchanges.

Channel::Outcome Channel::on_exchange_declare(const amqp::ExchangeDeclare& method) {
  const std::string name = plain_name(method.exchange);
  if (method.passive) {
    if (Outcome allowed = check_not_default(name); !allowed) return allowed;
    const VhostReplica* vhost = connection_.vhost();
    if (vhost == nullptr || vhost->find_exchange(name) == nullptr) {
      return refuse_no_exchange(name, connection_.vhost_name());
    }
    if (!method.no_wait) connection_.send(number_, amqp::ExchangeDeclareOk{});
    return {};
  }

  const std::optional<ExchangeType> type = parse_exchange_type(method.type);
  if (!type) {
    const bool is_soft = connection_.shard().broker().personality().is_unknown_type_soft;
    return amqp::refuse(is_soft ? ReplyCode::precondition_failed : ReplyCode::command_invalid,
                        fmt::format("{} exchange type '{}'",
                                    method.type.empty() ? "invalid" : "unknown", method.type));
  }
  if (Outcome allowed = check_not_default(name); !allowed) return allowed;
  Access& access = connection_.access();
  if (Outcome may = access.check(Permission::configure, ResourceKind::exchange, name); !may) {
    return may;
  }
  auto arguments = amqp::FieldTable::decode(method.arguments);
  if (!arguments) return std::unexpected(arguments.error());

  const bool is_new = connection_.vhost() && !connection_.vhost()->find_exchange(name);
  const amqp::FieldValue* alternate = arguments->find("alternate-exchange");
  if (is_new) {
    if (Outcome allowed = check_name("exchange", name); !allowed) return allowed;
    const std::string text = resource_text("exchange", name, connection_.vhost_name());
    if (Outcome valid = validate_delayed_exchange(*type, method.arguments); !valid) return valid;
    if (routing_type(*type, method.arguments) == ExchangeType::consistent_hash) {
      if (Outcome valid = validate_hash_arguments(method.arguments, text); !valid) return valid;
    }
    if (*type == ExchangeType::recent_history) {
      if (Outcome valid = validate_history_arguments(method.arguments); !valid) return valid;
    }
    if (Outcome valid = validate_gate_arguments(*type, method.arguments, text); !valid) {
      return valid;
    }
    if (alternate && !alternate->as_string()) {
      return amqp::refuse(ReplyCode::precondition_failed,
                          fmt::format("invalid type '{}' for arg 'alternate-exchange' in {}",
                                      amqp::field_type_name(alternate->type()), text));
    }
    if (alternate) {
      if (Outcome may = access.check(Permission::read, ResourceKind::exchange, name); !may) {
        return may;
      }
      if (Outcome may =
              access.check(Permission::write, ResourceKind::exchange, *alternate->as_string());
          !may) {
        return may;
      }
    }
  }
  ExchangeDeclaration declaration{.vhost = connection_.vhost_name(),
                                  .name = name,
                                  .type = *type,
                                  .is_durable = method.durable,
                                  .is_auto_delete = method.auto_delete,
                                  .is_internal = method.internal,
                                  .arguments = std::move(*arguments),
                                  .connection = connection_.id(),
                                  .by = connection_.user_name()};
  connection_.shard().declare_exchange(
      std::move(declaration),
      reply_when_done(method.no_wait, method.key, amqp::ExchangeDeclareOk{}));
  return {};
}

Channel::Outcome Channel::on_exchange_delete(const amqp::ExchangeDelete& method) {
  const std::string name = plain_name(method.exchange);
  if (Outcome allowed = check_not_default(name); !allowed) return allowed;
  if (name.starts_with("amq.")) {
    return amqp::refuse(ReplyCode::access_refused,
                        "deletion of system " +
                            resource_text("exchange", name, connection_.vhost_name()) +
                            " not allowed");
  }
  if (Outcome may = connection_.access().check(Permission::configure, ResourceKind::exchange, name);
      !may) {
    return may;
  }
  connection_.shard().delete_exchange(
      {.vhost = connection_.vhost_name(),
       .name = name,
       .if_unused = method.if_unused,
       .by = connection_.user_name()},
      reply_when_done(method.no_wait, method.key, amqp::ExchangeDeleteOk{}));
  return {};
}

// Bindings.

Channel::Outcome Channel::on_exchange_bind(const amqp::ExchangeBind& method) {
  return change_binding({.vhost = connection_.vhost_name(),
                         .source = plain_name(method.source),
                         .destination = plain_name(method.destination),
                         .is_to_queue = false,
                         .routing_key = std::string(method.routing_key),
                         .arguments = canonical_arguments(method.arguments)},
                        {.is_unbind = false, .no_wait = method.no_wait, .method = method.key});
}

Channel::Outcome Channel::on_exchange_unbind(const amqp::ExchangeUnbind& method) {
  return change_binding({.vhost = connection_.vhost_name(),
                         .source = plain_name(method.source),
                         .destination = plain_name(method.destination),
                         .is_to_queue = false,
                         .routing_key = std::string(method.routing_key),
                         .arguments = canonical_arguments(method.arguments)},
                        {.is_unbind = true, .no_wait = method.no_wait, .method = method.key});
}

Channel::Outcome Channel::on_queue_bind(const amqp::QueueBind& method) {
  const auto queue = meant_queue(method.queue);
  if (!queue) return std::unexpected(queue.error());
  // With neither queue nor key both mean the queue declared last.
  const bool is_key_meant_too = method.queue.empty() && method.routing_key.empty();
  return change_binding({.vhost = connection_.vhost_name(),
                         .source = plain_name(method.exchange),
                         .destination = *queue,
                         .is_to_queue = true,
                         .routing_key = is_key_meant_too ? *queue : std::string(method.routing_key),
                         .arguments = canonical_arguments(method.arguments)},
                        {.is_unbind = false, .no_wait = method.no_wait, .method = method.key});
}

Channel::Outcome Channel::on_queue_unbind(const amqp::QueueUnbind& method) {
  const auto queue = meant_queue(method.queue);
  if (!queue) return std::unexpected(queue.error());
  const bool is_key_meant_too = method.queue.empty() && method.routing_key.empty();
  return change_binding({.vhost = connection_.vhost_name(),
                         .source = plain_name(method.exchange),
                         .destination = *queue,
                         .is_to_queue = true,
                         .routing_key = is_key_meant_too ? *queue : std::string(method.routing_key),
                         .arguments = canonical_arguments(method.arguments)},
                        {.is_unbind = true, .no_wait = false, .method = method.key});
}

Channel::Outcome Channel::change_binding(BindingProperties binding, BindingChange change) {
  Access& access = connection_.access();
  if (binding.is_to_queue) {
    if (Outcome may = access.check(Permission::write, ResourceKind::queue, binding.destination);
        !may) {
      return may;
    }
    if (Outcome allowed = check_not_default(binding.source); !allowed) return allowed;
  } else {
    if (Outcome allowed = check_not_default(binding.destination); !allowed) return allowed;
    if (Outcome allowed = check_not_default(binding.source); !allowed) return allowed;
    if (Outcome may = access.check(Permission::write, ResourceKind::exchange, binding.destination);
        !may) {
      return may;
    }
  }
  if (Outcome may = access.check(Permission::read, ResourceKind::exchange, binding.source); !may) {
    return may;
  }
  if (auto arguments = amqp::FieldTable::decode(raw_table(binding.arguments)); !arguments) {
    return std::unexpected(arguments.error());
  }
  const VhostReplica* vhost = connection_.vhost();
  const ExchangeProperties* source = vhost ? vhost->find_exchange(binding.source) : nullptr;
  if (!change.is_unbind && source && source->routes_as == ExchangeType::headers) {
    if (Outcome valid = validate_headers_binding(raw_table(binding.arguments)); !valid) {
      return valid;
    }
  }
  if (!change.is_unbind && source && source->routes_as == ExchangeType::consistent_hash) {
    if (Outcome valid = validate_hash_weight(binding.routing_key); !valid) return valid;
  }
  BindingRequest request{std::move(binding), change.is_unbind, connection_.id(),
                         connection_.user_name()};
  const bool is_to_queue = request.binding.is_to_queue;
  Done<void> done =
      is_to_queue && change.is_unbind
          ? reply_when_done(change.no_wait, change.method, amqp::QueueUnbindOk{})
      : is_to_queue      ? reply_when_done(change.no_wait, change.method, amqp::QueueBindOk{})
      : change.is_unbind ? reply_when_done(change.no_wait, change.method, amqp::ExchangeUnbindOk{})
                         : reply_when_done(change.no_wait, change.method, amqp::ExchangeBindOk{});
  connection_.shard().change_binding(std::move(request), std::move(done));
  return {};
}

// Queues.

Channel::Outcome Channel::on_queue_declare(const amqp::QueueDeclare& method) {
  std::string name = plain_name(method.queue);
  if (name == reply_queue_name || is_reply_address(name)) {
    return declare_reply_address(name, method.no_wait);
  }
  if (method.passive) return declare_passively(name, method.no_wait);

  if (name.empty()) {
    name = "amq.gen-" + connection_.random().unique_name();
  } else if (Outcome allowed = check_name("queue", name); !allowed) {
    return allowed;
  }
  Access& access = connection_.access();
  if (Outcome may = access.check(Permission::configure, ResourceKind::queue, name); !may) {
    return may;
  }
  auto arguments = amqp::FieldTable::decode(method.arguments);
  if (!arguments) return std::unexpected(arguments.error());

  const VhostReplica* vhost = connection_.vhost();
  // As if the declaration had said so: it is among the queue's arguments from then on.
  const bool may_be_of_any_type = method.durable && !method.exclusive && !method.auto_delete;
  if (vhost != nullptr && may_be_of_any_type && !vhost->default_queue_type().empty() &&
      arguments->find("x-queue-type") == nullptr) {
    arguments->append("x-queue-type", std::string_view(vhost->default_queue_type()));
  }
  const bool is_new = vhost != nullptr && vhost->find_queue(name) == nullptr;
  if (is_new) {
    const std::string text = resource_text("queue", name, connection_.vhost_name());
    const amqp::FieldValue* dead_letter_exchange = arguments->find("x-dead-letter-exchange");
    if (dead_letter_exchange && !dead_letter_exchange->as_string()) {
      return amqp::refuse(ReplyCode::precondition_failed,
                          fmt::format("invalid type '{}' for arg 'x-dead-letter-exchange' in {}",
                                      amqp::field_type_name(dead_letter_exchange->type()), text));
    }
    if (dead_letter_exchange) {
      if (Outcome may = access.check(Permission::read, ResourceKind::queue, name); !may) return may;
      if (Outcome may = access.check(Permission::write, ResourceKind::exchange,
                                     *dead_letter_exchange->as_string());
          !may) {
        return may;
      }
    }
    const QueueFlags flags{.is_durable = method.durable,
                           .is_exclusive = method.exclusive,
                           .is_auto_delete = method.auto_delete,
                           .is_server_named = plain_name(method.queue).empty()};
    if (Outcome valid = validate_queue_arguments(*arguments, flags, text); !valid) {
      return valid;
    }
  }
  QueueDeclaration declaration{.vhost = connection_.vhost_name(),
                               .name = name,
                               // An exclusive queue goes with its connection: RabbitMQ takes it as
                               // not durable whatever was asked.
                               .is_durable = method.durable && !method.exclusive,
                               .is_exclusive = method.exclusive,
                               .is_auto_delete = method.auto_delete,
                               .arguments = std::move(*arguments),
                               .connection = connection_.id(),
                               .by = connection_.user_name()};
  connection_.ask();
  connection_.shard().declare_queue(
      std::move(declaration), [this, no_wait = method.no_wait](AmqpResult<DeclaredQueue> result) {
        if (!connection_.answered()) return;
        if (!result) {
          result.error().method = amqp::QueueDeclare::key;
          return connection_.conclude(number_, std::unexpected(std::move(result).error()));
        }
        send_declare_ok(*result, no_wait);
      });
  return {};
}

Channel::Outcome Channel::declare_passively(const std::string& name, bool no_wait) {
  const auto queue = find_queue(name);
  if (!queue) return std::unexpected(queue.error());
  connection_.ask();
  connection_.shard().look(**queue, [this, name, no_wait](std::optional<QueueCounts> counts) {
    if (!connection_.answered()) return;
    if (!counts) {
      Outcome gone = refuse_no_queue(name, connection_.vhost_name());
      gone.error().method = amqp::QueueDeclare::key;
      return connection_.conclude(number_, std::move(gone));
    }
    send_declare_ok({name, counts->ready, counts->consumers}, no_wait);
  });
  return {};
}

void Channel::send_declare_ok(const DeclaredQueue& queue, bool no_wait) {
  last_declared_queue_ = queue.name;
  if (no_wait) return;
  connection_.send(
      number_, amqp::QueueDeclareOk{.queue = queue.name,
                                    .message_count = static_cast<std::uint32_t>(queue.ready),
                                    .consumer_count = static_cast<std::uint32_t>(queue.consumers)});
}

Channel::Outcome Channel::on_queue_delete(const amqp::QueueDelete& method) {
  const auto name = meant_queue(method.queue);
  if (!name) return std::unexpected(name.error());
  if (Outcome may = connection_.access().check(Permission::configure, ResourceKind::queue, *name);
      !may) {
    return may;
  }
  connection_.ask();
  connection_.shard().delete_queue(
      {.vhost = connection_.vhost_name(),
       .name = *name,
       .if_unused = method.if_unused,
       .if_empty = method.if_empty,
       .connection = connection_.id(),
       .by = connection_.user_name()},
      [this, no_wait = method.no_wait](AmqpResult<std::uint64_t> result) {
        if (!connection_.answered()) return;
        if (!result) {
          result.error().method = amqp::QueueDelete::key;
          return connection_.conclude(number_, std::unexpected(std::move(result).error()));
        }
        if (no_wait) return;
        connection_.send(number_,
                         amqp::QueueDeleteOk{.message_count = static_cast<std::uint32_t>(*result)});
      });
  return {};
}

Channel::Outcome Channel::on_queue_purge(const amqp::QueuePurge& method) {
  const auto name = meant_queue(method.queue);
  if (!name) return std::unexpected(name.error());
  if (Outcome may = connection_.access().check(Permission::read, ResourceKind::queue, *name);
      !may) {
    return may;
  }
  const auto queue = find_queue(*name);
  if (!queue) return std::unexpected(queue.error());
  if (type_of((*queue)->properties) == QueueType::stream) {
    return refuse_by_stream("queue.purge", resource_text("queue", *name, connection_.vhost_name()));
  }
  connection_.ask();
  connection_.shard().purge(
      **queue, [this, name = *name, no_wait = method.no_wait](std::optional<std::uint64_t> purged) {
        if (!connection_.answered()) return;
        if (!purged) {
          Outcome gone = refuse_no_queue(name, connection_.vhost_name());
          gone.error().method = amqp::QueuePurge::key;
          return connection_.conclude(number_, std::move(gone));
        }
        if (no_wait) return;
        connection_.send(number_,
                         amqp::QueuePurgeOk{.message_count = static_cast<std::uint32_t>(*purged)});
      });
  return {};
}

}  // namespace leveret
