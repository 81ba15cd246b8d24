// SPDX-License-Identifier: Apache-2.0
//
// Queues: declaring, binding, purging and deleting them. Their arguments are in
// queue_argument_refusals_test.cc.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

Answer no_queue(std::string_view name, MethodKey key) {
  return closes_channel(ReplyCode::not_found,
                        "NOT_FOUND - no queue '" + std::string(name) + "' in vhost '/'", key);
}

Answer no_exchange(std::string_view name, MethodKey key) {
  return closes_channel(ReplyCode::not_found,
                        "NOT_FOUND - no exchange '" + std::string(name) + "' in vhost '/'", key);
}

Answer none_declared_before(MethodKey key) {
  return closes_channel(ReplyCode::not_found, "NOT_FOUND - no previously declared queue", key);
}

Answer not_on_the_default_exchange(MethodKey key) {
  return closes_channel(ReplyCode::access_refused,
                        "ACCESS_REFUSED - operation not permitted on the default exchange", key);
}

const std::string& declared() {
  static const std::string bytes = method(QueueDeclare{.queue = "wire.q", .exclusive = true});
  return bytes;
}

std::vector<Refusal> queue_declare_rows() {
  const auto inequivalent = [](std::string argument, std::string difference) {
    return closes_channel(ReplyCode::precondition_failed,
                          "PRECONDITION_FAILED - inequivalent arg '" + argument +
                              "' for queue 'wire.q' in vhost '/': " + difference,
                          QueueDeclare::key);
  };
  const std::string shared = method(QueueDeclare{.queue = "wire.q"});
  return {
      {.name = "reserved_name",
       .bytes = method(QueueDeclare{.queue = "amq.wire"}),
       .expected =
           closes_channel(ReplyCode::access_refused,
                          "ACCESS_REFUSED - queue name 'amq.wire' contains reserved prefix 'amq.*'",
                          QueueDeclare::key)},
      {.name = "reserved_name_passively",
       .bytes = method(QueueDeclare{.queue = "amq.wire", .passive = true}),
       .expected = no_queue("amq.wire", QueueDeclare::key)},
      {.name = "missing_passively",
       .bytes = method(QueueDeclare{.queue = "wire.none", .passive = true}),
       .expected = no_queue("wire.none", QueueDeclare::key)},
      {.name = "missing_passively_without_waiting",
       .bytes = method(QueueDeclare{.queue = "wire.none", .passive = true, .no_wait = true}),
       .expected = no_queue("wire.none", QueueDeclare::key)},
      {.name = "unnamed_passively",
       .bytes = method(QueueDeclare{.queue = "", .passive = true}),
       .expected = no_queue("", QueueDeclare::key)},
      {.name = "passive_ignores_the_flags",
       .bytes =
           shared + method(QueueDeclare{
                        .queue = "wire.q", .passive = true, .durable = true, .auto_delete = true}),
       .expected = answers(QueueDeclareOk::key)},
      {.name = "now_durable",
       .bytes = shared + method(QueueDeclare{.queue = "wire.q", .durable = true}),
       .expected = inequivalent("durable", "received 'true' but current is 'false'")},
      {.name = "no_longer_durable",
       .bytes = method(QueueDeclare{.queue = "wire.q", .durable = true}) + shared,
       .expected = inequivalent("durable", "received 'false' but current is 'true'")},
      {.name = "now_auto_delete",
       .bytes = shared + method(QueueDeclare{.queue = "wire.q", .auto_delete = true}),
       .expected = inequivalent("auto_delete", "received 'true' but current is 'false'")},
      {.name = "no_longer_auto_delete",
       .bytes = method(QueueDeclare{.queue = "wire.q", .auto_delete = true}) + shared,
       .expected = inequivalent("auto_delete", "received 'false' but current is 'true'")},
      {.name = "durable_and_auto_delete_differ_names_durable",
       .bytes =
           shared + method(QueueDeclare{.queue = "wire.q", .durable = true, .auto_delete = true}),
       .expected = inequivalent("durable", "received 'true' but current is 'false'")},
      {.name = "name_with_line_breaks_loses_them",
       .bytes = method(QueueDeclare{.queue = "wi\r\nre.q", .exclusive = true}) +
                method(QueuePurge{.queue = "wire.q"}),
       .expected = answers(QueuePurgeOk::key)},
      {.name = "text_longer_than_a_short_string",
       .bytes = method(QueueDeclare{.queue = std::string(255, 'q'), .passive = true}),
       .expected = closes_channel(ReplyCode::not_found,
                                  "NOT_FOUND - no queue '" + std::string(230, 'q') + "...",
                                  QueueDeclare::key)},
  };
}

std::vector<Refusal> queue_bind_rows() {
  return {
      {.name = "bind_missing_queue",
       .bytes = method(QueueBind{.queue = "wire.none", .exchange = "amq.direct"}),
       .expected = no_queue("wire.none", QueueBind::key)},
      {.name = "bind_missing_exchange",
       .bytes = declared() + method(QueueBind{.queue = "wire.q", .exchange = "wire.none"}),
       .expected = no_exchange("wire.none", QueueBind::key)},
      {.name = "bind_both_missing_names_the_exchange",
       .bytes = method(QueueBind{.queue = "wire.none", .exchange = "wire.none.x"}),
       .expected = no_exchange("wire.none.x", QueueBind::key)},
      {.name = "bind_default_exchange",
       .bytes = declared() + method(QueueBind{.queue = "wire.q", .exchange = ""}),
       .expected = not_on_the_default_exchange(QueueBind::key)},
      {.name = "bind_missing_queue_to_the_default_exchange",
       .bytes = method(QueueBind{.queue = "wire.none", .exchange = ""}),
       .expected = not_on_the_default_exchange(QueueBind::key)},
      {.name = "bind_unnamed_before_any_declare",
       .bytes = method(QueueBind{.exchange = "amq.direct"}),
       .expected = none_declared_before(QueueBind::key)},
      {.name = "bind_unnamed_means_the_last_declared",
       .bytes = declared() + method(QueueBind{.exchange = "amq.direct"}),
       .expected = answers(QueueBindOk::key)},
      {.name = "bind_twice",
       .bytes = declared() + method(QueueBind{.queue = "wire.q", .exchange = "amq.direct"}) +
                method(QueueBind{.queue = "wire.q", .exchange = "amq.direct"}),
       .expected = answers(QueueBindOk::key)},
      {.name = "bind_to_headers_with_an_unknown_match",
       .bytes = declared() + method(QueueBind{.queue = "wire.q",
                                              .exchange = "amq.headers",
                                              .arguments = Fields().string("x-match", "some")}),
       .expected = closes_channel(
           ReplyCode::precondition_failed,
           "PRECONDITION_FAILED - Invalid x-match field value <<\"some\">>; expected all, any, "
           "all-with-x, or any-with-x",
           QueueBind::key)},
      {.name = "unbind_missing_queue",
       .bytes = method(QueueUnbind{.queue = "wire.none", .exchange = "amq.direct"}),
       .expected = answers(QueueUnbindOk::key)},
      {.name = "unbind_missing_exchange",
       .bytes = declared() + method(QueueUnbind{.queue = "wire.q", .exchange = "wire.none"}),
       .expected = answers(QueueUnbindOk::key)},
      {.name = "unbind_missing_binding",
       .bytes = declared() + method(QueueUnbind{.queue = "wire.q", .exchange = "amq.direct"}),
       .expected = answers(QueueUnbindOk::key)},
      {.name = "unbind_default_exchange",
       .bytes = declared() + method(QueueUnbind{.queue = "wire.q", .exchange = ""}),
       .expected = not_on_the_default_exchange(QueueUnbind::key)},
      {.name = "unbind_unnamed_before_any_declare",
       .bytes = method(QueueUnbind{.exchange = "amq.direct"}),
       .expected = none_declared_before(QueueUnbind::key)},
  };
}

std::vector<Refusal> queue_purge_and_delete_rows() {
  const auto refuses_delete = [](std::string why) {
    return closes_channel(ReplyCode::precondition_failed,
                          "PRECONDITION_FAILED - queue 'wire.q' in vhost '/' " + why,
                          QueueDelete::key);
  };
  const std::string consumed = method(BasicConsume{.queue = "wire.q", .consumer_tag = "c"});
  const std::string filled = publish({.routing_key = "wire.q"});
  return {
      {.name = "purge_missing",
       .bytes = method(QueuePurge{.queue = "wire.none"}),
       .expected = no_queue("wire.none", QueuePurge::key)},
      {.name = "purge_unnamed_before_any_declare",
       .bytes = method(QueuePurge{}),
       .expected = none_declared_before(QueuePurge::key)},
      {.name = "delete_missing",
       .bytes = method(QueueDelete{.queue = "wire.none"}),
       .expected = answers(QueueDeleteOk::key)},
      {.name = "delete_missing_with_conditions",
       .bytes = method(QueueDelete{.queue = "wire.none", .if_unused = true, .if_empty = true}),
       .expected = answers(QueueDeleteOk::key)},
      {.name = "delete_unnamed_before_any_declare",
       .bytes = method(QueueDelete{}),
       .expected = none_declared_before(QueueDelete::key)},
      {.name = "delete_if_unused_but_consumed",
       .bytes = declared() + consumed + method(QueueDelete{.queue = "wire.q", .if_unused = true}),
       .expected = refuses_delete("in use")},
      {.name = "delete_if_empty_but_filled",
       .bytes = declared() + filled + method(QueueDelete{.queue = "wire.q", .if_empty = true}),
       .expected = refuses_delete("not empty")},
      // With a prefetch of one, so that one of two messages is still in the queue when it is asked.
      {.name = "delete_if_both_says_not_empty",
       .bytes = method(BasicQos{.prefetch_count = 1}) + declared() + consumed + filled + filled +
                method(QueueDelete{.queue = "wire.q", .if_unused = true, .if_empty = true}),
       .expected = refuses_delete("not empty")},
      {.name = "a_deleted_queue_is_missing",
       .bytes = declared() + method(QueueDelete{.queue = "wire.q"}) +
                method(QueuePurge{.queue = "wire.q"}),
       .expected = no_queue("wire.q", QueuePurge::key)},
      // The channel remembers the name, not the queue.
      {.name = "unnamed_after_the_last_declared_was_deleted",
       .bytes = declared() + method(QueueDelete{}) + method(QueuePurge{}),
       .expected = no_queue("wire.q", QueuePurge::key)},
  };
}

LEVERET_REFUSALS(QueueDeclare, queue_declare_rows());
LEVERET_REFUSALS(QueueBind, queue_bind_rows());
LEVERET_REFUSALS(QueuePurgeAndDelete, queue_purge_and_delete_rows());

}  // namespace
}  // namespace leveret::wire
