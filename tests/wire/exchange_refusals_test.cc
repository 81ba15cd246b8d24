// SPDX-License-Identifier: Apache-2.0
//
// Exchanges: declaring, deleting, and binding them to one another.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

Answer not_on_the_default_exchange(MethodKey key) {
  return closes_channel(ReplyCode::access_refused,
                        "ACCESS_REFUSED - operation not permitted on the default exchange", key);
}

Answer no_exchange(std::string_view name, MethodKey key) {
  return closes_channel(ReplyCode::not_found,
                        "NOT_FOUND - no exchange '" + std::string(name) + "' in vhost '/'", key);
}

Answer inequivalent(std::string argument, std::string difference) {
  return closes_channel(ReplyCode::precondition_failed,
                        "PRECONDITION_FAILED - inequivalent arg '" + argument +
                            "' for exchange 'wire.x' in vhost '/': " + difference,
                        ExchangeDeclare::key);
}

std::vector<Refusal> exchange_declare_rows() {
  const auto bad_type = [](std::string detail) {
    return closes_connection(ReplyCode::command_invalid, "COMMAND_INVALID - " + detail,
                             ExchangeDeclare::key);
  };
  const auto reserved = [](std::string name) {
    return closes_channel(
        ReplyCode::access_refused,
        "ACCESS_REFUSED - exchange name '" + name + "' contains reserved prefix 'amq.*'",
        ExchangeDeclare::key);
  };
  const std::string declared = method(ExchangeDeclare{.exchange = "wire.x", .type = "direct"});
  const std::string with_alternate =
      method(ExchangeDeclare{.exchange = "wire.x",
                             .type = "direct",
                             .arguments = Fields().string("alternate-exchange", "a")});
  return {
      {.name = "unknown_type",
       .bytes = method(ExchangeDeclare{.exchange = "wire.x", .type = "nosuch"}),
       .expected = bad_type("unknown exchange type 'nosuch'")},
      {.name = "type_in_capitals",
       .bytes = method(ExchangeDeclare{.exchange = "wire.x", .type = "Direct"}),
       .expected = bad_type("unknown exchange type 'Direct'")},
      {.name = "empty_type",
       .bytes = method(ExchangeDeclare{.exchange = "wire.x", .type = ""}),
       .expected = bad_type("invalid exchange type ''")},
      // RabbitMQ says `invalid` for whatever is an atom of its virtual machine, which a word that
      // is loaded with some module may be or not.
      {.name = "type_that_is_an_atom_to_rabbitmq",
       .bytes = method(ExchangeDeclare{.exchange = "wire.x", .type = "queue"}),
       .expected = bad_type("unknown exchange type 'queue'"),
       .rabbitmq_differs = bad_type("invalid exchange type 'queue'")},
      {.name = "unknown_type_is_told_before_the_reserved_name",
       .bytes = method(ExchangeDeclare{.exchange = "amq.wire", .type = "nosuch"}),
       .expected = bad_type("unknown exchange type 'nosuch'")},
      {.name = "reserved_name",
       .bytes = method(ExchangeDeclare{.exchange = "amq.wire", .type = "direct"}),
       .expected = reserved("amq.wire")},
      {.name = "reserved_name_that_exists",
       .bytes =
           method(ExchangeDeclare{.exchange = "amq.direct", .type = "direct", .durable = true}),
       .expected = answers(ExchangeDeclareOk::key)},
      {.name = "default_exchange",
       .bytes = method(ExchangeDeclare{.exchange = "", .type = "direct", .durable = true}),
       .expected = not_on_the_default_exchange(ExchangeDeclare::key)},
      {.name = "default_exchange_passively",
       .bytes = method(ExchangeDeclare{.exchange = "", .type = "direct", .passive = true}),
       .expected = not_on_the_default_exchange(ExchangeDeclare::key)},
      {.name = "missing_passively",
       .bytes = method(ExchangeDeclare{.exchange = "wire.none", .type = "direct", .passive = true}),
       .expected = no_exchange("wire.none", ExchangeDeclare::key)},
      {.name = "missing_passively_without_waiting",
       .bytes = method(ExchangeDeclare{
           .exchange = "wire.none", .type = "direct", .passive = true, .no_wait = true}),
       .expected = no_exchange("wire.none", ExchangeDeclare::key)},
      {.name = "passive_ignores_the_type",
       .bytes =
           method(ExchangeDeclare{.exchange = "amq.direct", .type = "nosuch", .passive = true}),
       .expected = answers(ExchangeDeclareOk::key)},
      {.name = "other_type",
       .bytes = declared + method(ExchangeDeclare{.exchange = "wire.x", .type = "topic"}),
       .expected = inequivalent("type", "received 'topic' but current is 'direct'")},
      {.name = "other_type_and_durability",
       .bytes = declared +
                method(ExchangeDeclare{.exchange = "wire.x", .type = "topic", .durable = true}),
       .expected = inequivalent("type", "received 'topic' but current is 'direct'")},
      {.name = "now_durable",
       .bytes = declared +
                method(ExchangeDeclare{.exchange = "wire.x", .type = "direct", .durable = true}),
       .expected = inequivalent("durable", "received 'true' but current is 'false'")},
      {.name = "no_longer_durable",
       .bytes = method(ExchangeDeclare{.exchange = "wire.x", .type = "direct", .durable = true}) +
                declared,
       .expected = inequivalent("durable", "received 'false' but current is 'true'")},
      {.name = "now_auto_delete",
       .bytes = declared + method(ExchangeDeclare{
                               .exchange = "wire.x", .type = "direct", .auto_delete = true}),
       .expected = inequivalent("auto_delete", "received 'true' but current is 'false'")},
      {.name = "now_internal",
       .bytes = declared +
                method(ExchangeDeclare{.exchange = "wire.x", .type = "direct", .internal = true}),
       .expected = inequivalent("internal", "received 'true' but current is 'false'")},
      {.name = "now_with_an_alternate_exchange",
       .bytes = declared + with_alternate,
       .expected = inequivalent("alternate-exchange",
                                "received the value 'a' of type 'longstr' but current is none")},
      {.name = "no_longer_with_an_alternate_exchange",
       .bytes = with_alternate + declared,
       .expected = inequivalent("alternate-exchange",
                                "received none but current is the value 'a' of type 'longstr'")},
      {.name = "other_alternate_exchange",
       .bytes = with_alternate +
                method(ExchangeDeclare{.exchange = "wire.x",
                                       .type = "direct",
                                       .arguments = Fields().string("alternate-exchange", "b")}),
       .expected = inequivalent("alternate-exchange", "received 'b' but current is 'a'")},
      {.name = "other_unknown_arguments_are_equivalent",
       .bytes = declared + method(ExchangeDeclare{.exchange = "wire.x",
                                                  .type = "direct",
                                                  .arguments = Fields().string("k", "v")}),
       .expected = answers(ExchangeDeclareOk::key)},
      {.name = "alternate_exchange_that_is_no_string",
       .bytes = method(ExchangeDeclare{.exchange = "wire.x",
                                       .type = "direct",
                                       .arguments = Fields().int32("alternate-exchange", 5)}),
       .expected = closes_channel(ReplyCode::precondition_failed,
                                  "PRECONDITION_FAILED - invalid type 'signedint' for arg "
                                  "'alternate-exchange' in exchange 'wire.x' in vhost '/'",
                                  ExchangeDeclare::key)},
      // A text of more than 255 bytes is cut to 252 and three dots.
      {.name = "text_longer_than_a_short_string",
       .bytes =
           method(ExchangeDeclare{.exchange = "amq." + std::string(251, 'x'), .type = "direct"}),
       .expected =
           closes_channel(ReplyCode::access_refused,
                          "ACCESS_REFUSED - exchange name 'amq." + std::string(216, 'x') + "...",
                          ExchangeDeclare::key)},
  };
}

std::vector<Refusal> exchange_delete_rows() {
  const auto system_exchange = [](std::string name) {
    return closes_channel(
        ReplyCode::access_refused,
        "ACCESS_REFUSED - deletion of system exchange '" + name + "' in vhost '/' not allowed",
        ExchangeDelete::key);
  };
  const std::string bound =
      method(ExchangeDeclare{.exchange = "wire.x", .type = "direct"}) +
      method(QueueDeclare{.queue = "wire.q", .exclusive = true}) +
      method(QueueBind{.queue = "wire.q", .exchange = "wire.x", .routing_key = "k"});
  return {
      {.name = "missing",
       .bytes = method(ExchangeDelete{.exchange = "wire.none"}),
       .expected = answers(ExchangeDeleteOk::key)},
      {.name = "default_exchange",
       .bytes = method(ExchangeDelete{.exchange = ""}),
       .expected = not_on_the_default_exchange(ExchangeDelete::key)},
      {.name = "predeclared",
       .bytes = method(ExchangeDelete{.exchange = "amq.direct"}),
       .expected = system_exchange("amq.direct")},
      {.name = "reserved_name_that_does_not_exist",
       .bytes = method(ExchangeDelete{.exchange = "amq.wire"}),
       .expected = system_exchange("amq.wire")},
      {.name = "if_unused_but_bound",
       .bytes = bound + method(ExchangeDelete{.exchange = "wire.x", .if_unused = true}),
       .expected = closes_channel(ReplyCode::precondition_failed,
                                  "PRECONDITION_FAILED - exchange 'wire.x' in vhost '/' in use",
                                  ExchangeDelete::key)},
  };
}

std::vector<Refusal> exchange_bind_rows() {
  const auto bad_match = [](std::string detail) {
    return closes_channel(ReplyCode::precondition_failed, "PRECONDITION_FAILED - " + detail,
                          ExchangeBind::key);
  };
  const auto match = [](const Fields& arguments) {
    return method(
        ExchangeBind{.destination = "amq.fanout", .source = "amq.headers", .arguments = arguments});
  };
  return {
      {.name = "bind_from_missing",
       .bytes = method(ExchangeBind{.destination = "amq.direct", .source = "wire.none"}),
       .expected = no_exchange("wire.none", ExchangeBind::key)},
      {.name = "bind_to_missing",
       .bytes = method(ExchangeBind{.destination = "wire.none", .source = "amq.direct"}),
       .expected = no_exchange("wire.none", ExchangeBind::key)},
      {.name = "bind_both_missing_names_the_source",
       .bytes = method(ExchangeBind{.destination = "wire.none.d", .source = "wire.none.s"}),
       .expected = no_exchange("wire.none.s", ExchangeBind::key)},
      {.name = "bind_from_the_default_exchange",
       .bytes = method(ExchangeBind{.destination = "amq.direct", .source = ""}),
       .expected = not_on_the_default_exchange(ExchangeBind::key)},
      {.name = "bind_to_the_default_exchange",
       .bytes = method(ExchangeBind{.destination = "", .source = "amq.direct"}),
       .expected = not_on_the_default_exchange(ExchangeBind::key)},
      {.name = "unbind_from_the_default_exchange",
       .bytes = method(ExchangeUnbind{.destination = "amq.direct", .source = ""}),
       .expected = not_on_the_default_exchange(ExchangeUnbind::key)},
      {.name = "unbind_from_missing",
       .bytes = method(ExchangeUnbind{.destination = "amq.direct", .source = "wire.none"}),
       .expected = answers(ExchangeUnbindOk::key)},
      {.name = "unbind_to_missing",
       .bytes = method(ExchangeUnbind{.destination = "wire.none", .source = "amq.direct"}),
       .expected = answers(ExchangeUnbindOk::key)},
      {.name = "unbind_missing_binding",
       .bytes = method(ExchangeUnbind{
           .destination = "amq.fanout", .source = "amq.direct", .routing_key = "wire.none"}),
       .expected = answers(ExchangeUnbindOk::key)},
      {.name = "headers_with_an_unknown_match",
       .bytes = match(Fields().string("x-match", "some")),
       .expected = bad_match("Invalid x-match field value <<\"some\">>; expected all, any, "
                             "all-with-x, or any-with-x")},
      {.name = "headers_with_a_match_that_is_no_string",
       .bytes = match(Fields().int32("x-match", 5)),
       .expected = bad_match("Invalid x-match field type signedint (value 5); expected longstr")},
  };
}

LEVERET_REFUSALS(ExchangeDeclare, exchange_declare_rows());
LEVERET_REFUSALS(ExchangeDelete, exchange_delete_rows());
LEVERET_REFUSALS(ExchangeBind, exchange_bind_rows());

}  // namespace
}  // namespace leveret::wire
