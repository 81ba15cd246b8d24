// SPDX-License-Identifier: Apache-2.0
//
// Permissions: user `wire.limited` may configure `c.*`, write `w.*`, read `r.*`. Permission is
// asked before existence, so the names need not exist; what is asked before permission is told by
// rows whose refusal is another.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

Refusal as_limited(std::string name, std::string bytes, Answer expected) {
  return {.name = std::move(name),
          .bytes = std::move(bytes),
          .expected = std::move(expected),
          .login = {.user = "wire.limited", .password = "wire.limited"}};
}

std::string refused_text(std::string_view kind, std::string_view name) {
  return "ACCESS_REFUSED - access to " + std::string(kind) + " '" + std::string(name) +
         "' in vhost '/' refused for user 'wire.limited'";
}

Answer no_access(std::string_view kind, std::string_view name, MethodKey key) {
  return closes_channel(ReplyCode::access_refused, refused_text(kind, name), key);
}

std::vector<Refusal> queue_access_rows() {
  const auto refused = [](std::string_view name, MethodKey key) {
    return no_access("queue", name, key);
  };
  const auto no_exchange_access = [](std::string_view name, MethodKey key) {
    return no_access("exchange", name, key);
  };
  return {
      as_limited("declare_needs_configure", method(QueueDeclare{.queue = "w.q"}),
                 refused("w.q", QueueDeclare::key)),
      as_limited("declare_is_refused_before_bad_arguments",
                 method(QueueDeclare{.queue = "w.q", .arguments = Fields().int32("x-expires", -1)}),
                 refused("w.q", QueueDeclare::key)),
      as_limited(
          "declare_with_dead_letters_needs_read",
          method(QueueDeclare{.queue = "c.q",
                              .exclusive = true,
                              .arguments = Fields().string("x-dead-letter-exchange", "w.x")}),
          refused("c.q", QueueDeclare::key)),
      as_limited(
          "reserved_name_is_told_before_permission", method(QueueDeclare{.queue = "amq.wire"}),
          closes_channel(ReplyCode::access_refused,
                         "ACCESS_REFUSED - queue name 'amq.wire' contains reserved prefix 'amq.*'",
                         QueueDeclare::key)),
      as_limited(
          "passive_declare_needs_nothing",
          method(QueueDeclare{.queue = "wire.none", .passive = true}),
          closes_channel(ReplyCode::not_found, "NOT_FOUND - no queue 'wire.none' in vhost '/'",
                         QueueDeclare::key)),
      as_limited("declare_of_what_one_may_configure",
                 method(QueueDeclare{.queue = "c.q", .exclusive = true}),
                 answers(QueueDeclareOk::key)),
      as_limited("delete_needs_configure", method(QueueDelete{.queue = "w.q"}),
                 refused("w.q", QueueDelete::key)),
      as_limited("purge_needs_read", method(QueuePurge{.queue = "w.q"}),
                 refused("w.q", QueuePurge::key)),
      as_limited("bind_needs_write_of_the_queue",
                 method(QueueBind{.queue = "c.q", .exchange = "r.x"}),
                 refused("c.q", QueueBind::key)),
      as_limited("bind_needs_read_of_the_exchange",
                 method(QueueBind{.queue = "w.q", .exchange = "c.x"}),
                 no_exchange_access("c.x", QueueBind::key)),
      as_limited("bind_with_neither_names_the_queue",
                 method(QueueBind{.queue = "c.q", .exchange = "c.x"}),
                 refused("c.q", QueueBind::key)),
      as_limited("bind_to_the_default_exchange_needs_write_of_the_queue",
                 method(QueueBind{.queue = "c.q", .exchange = ""}), refused("c.q", QueueBind::key)),
      as_limited("bind_to_the_default_exchange_is_told_before_read_of_it",
                 method(QueueBind{.queue = "w.q", .exchange = ""}),
                 closes_channel(ReplyCode::access_refused,
                                "ACCESS_REFUSED - operation not permitted on the default exchange",
                                QueueBind::key)),
      as_limited("unbind_needs_write_of_the_queue",
                 method(QueueUnbind{.queue = "c.q", .exchange = "r.x"}),
                 refused("c.q", QueueUnbind::key)),
      as_limited("unbind_needs_read_of_the_exchange",
                 method(QueueUnbind{.queue = "w.q", .exchange = "c.x"}),
                 no_exchange_access("c.x", QueueUnbind::key)),
      as_limited("get_needs_read", method(BasicGet{.queue = "w.q"}), refused("w.q", BasicGet::key)),
      as_limited("consume_needs_read", method(BasicConsume{.queue = "w.q"}),
                 refused("w.q", BasicConsume::key)),
  };
}

std::vector<Refusal> exchange_access_rows() {
  const auto refused = [](std::string_view name, MethodKey key) {
    return no_access("exchange", name, key);
  };
  return {
      as_limited("declare_needs_configure",
                 method(ExchangeDeclare{.exchange = "w.x", .type = "direct"}),
                 refused("w.x", ExchangeDeclare::key)),
      as_limited("declare_with_an_alternate_needs_read",
                 method(ExchangeDeclare{.exchange = "c.x",
                                        .type = "direct",
                                        .arguments = Fields().string("alternate-exchange", "w.x")}),
                 refused("c.x", ExchangeDeclare::key)),
      as_limited("unknown_type_is_told_before_permission",
                 method(ExchangeDeclare{.exchange = "w.x", .type = "nosuch"}),
                 closes_connection(ReplyCode::command_invalid,
                                   "COMMAND_INVALID - unknown exchange type 'nosuch'",
                                   ExchangeDeclare::key)),
      as_limited(
          "passive_declare_needs_nothing",
          method(ExchangeDeclare{.exchange = "amq.direct", .type = "direct", .passive = true}),
          answers(ExchangeDeclareOk::key)),
      as_limited("delete_needs_configure", method(ExchangeDelete{.exchange = "w.x"}),
                 refused("w.x", ExchangeDelete::key)),
      as_limited("predeclared_is_told_before_permission",
                 method(ExchangeDelete{.exchange = "amq.direct"}),
                 closes_channel(ReplyCode::access_refused,
                                "ACCESS_REFUSED - deletion of system exchange 'amq.direct' in "
                                "vhost '/' not allowed",
                                ExchangeDelete::key)),
      as_limited("bind_needs_write_of_the_destination",
                 method(ExchangeBind{.destination = "c.x", .source = "r.x"}),
                 refused("c.x", ExchangeBind::key)),
      as_limited("bind_needs_read_of_the_source",
                 method(ExchangeBind{.destination = "w.x", .source = "c.x"}),
                 refused("c.x", ExchangeBind::key)),
      as_limited("unbind_needs_write_of_the_destination",
                 method(ExchangeUnbind{.destination = "c.x", .source = "r.x"}),
                 refused("c.x", ExchangeUnbind::key)),
      as_limited("unbind_needs_read_of_the_source",
                 method(ExchangeUnbind{.destination = "w.x", .source = "c.x"}),
                 refused("c.x", ExchangeUnbind::key)),
      as_limited("publish_needs_write", publish({.exchange = "amq.direct"}),
                 refused("amq.direct", BasicPublish::key)),
      as_limited("publish_by_the_default_exchange_calls_it_amq_default",
                 publish({.routing_key = "w.q"}), refused("amq.default", BasicPublish::key)),
      as_limited("publish_is_refused_before_the_missing_exchange",
                 publish({.exchange = "wire.none"}), refused("wire.none", BasicPublish::key)),
      as_limited("publish_is_refused_before_the_wrong_user_id",
                 publish({.exchange = "amq.direct"}, with_user_id("somebody")),
                 refused("amq.direct", BasicPublish::key)),
      as_limited("publish_is_refused_before_the_internal_exchange",
                 publish({.exchange = "wire.internal"}),
                 refused("wire.internal", BasicPublish::key)),
      as_limited("immediate_is_told_before_permission",
                 publish({.exchange = "amq.direct", .immediate = true}),
                 closes_connection(ReplyCode::not_implemented, "NOT_IMPLEMENTED - immediate=true",
                                   BasicPublish::key)),
  };
}

LEVERET_REFUSALS(QueueAccess, queue_access_rows());
LEVERET_REFUSALS(ExchangeAccess, exchange_access_rows());

}  // namespace
}  // namespace leveret::wire
