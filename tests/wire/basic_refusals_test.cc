// SPDX-License-Identifier: Apache-2.0
//
// Publishing, getting, consuming and settling.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

const std::string& declared() {
  static const std::string bytes = method(QueueDeclare{.queue = "wire.q", .exclusive = true});
  return bytes;
}

std::vector<Refusal> publish_rows() {
  const auto refused = [](ReplyCode code, std::string text) {
    return closes_channel(code, std::move(text), BasicPublish::key);
  };
  const auto invalid = [&](std::string detail) {
    return refused(ReplyCode::precondition_failed, "PRECONDITION_FAILED - " + detail);
  };
  const Answer no_immediate = closes_connection(
      ReplyCode::not_implemented, "NOT_IMPLEMENTED - immediate=true", BasicPublish::key);
  const auto publish_with = [](const Properties& properties) {
    return publish({.routing_key = "wire.none"}, properties);
  };
  const std::string sync = method(BasicQos{});
  const Answer accepted = answers(BasicQosOk::key);
  return {
      {.name = "to_a_missing_exchange",
       .bytes = publish({.exchange = "wire.none", .routing_key = "k"}),
       .expected =
           refused(ReplyCode::not_found, "NOT_FOUND - no exchange 'wire.none' in vhost '/'")},
      {.name = "nothing_to_a_missing_exchange",
       .bytes = method(BasicPublish{.exchange = "wire.none"}) + content(""),
       .expected =
           refused(ReplyCode::not_found, "NOT_FOUND - no exchange 'wire.none' in vhost '/'")},
      {.name = "to_an_internal_exchange",
       .bytes = publish({.exchange = "wire.internal", .routing_key = "k"}),
       .expected = refused(
           ReplyCode::access_refused,
           "ACCESS_REFUSED - cannot publish to internal exchange 'wire.internal' in vhost '/'")},
      {.name = "immediate", .bytes = publish({.immediate = true}), .expected = no_immediate},
      {.name = "immediate_to_a_missing_exchange",
       .bytes = publish({.exchange = "wire.none", .immediate = true}),
       .expected = no_immediate},
      {.name = "mandatory_and_unroutable",
       .bytes = publish({.routing_key = "wire.none", .mandatory = true}),
       .expected = answers(BasicReturn::key)},
      {.name = "user_id_of_somebody_else",
       .bytes = publish_with(with_user_id("somebody")),
       .expected =
           invalid("user_id property set to 'somebody' but authenticated user was 'guest'")},
      {.name = "own_user_id",
       .bytes = publish_with(with_user_id("guest")) + sync,
       .expected = accepted},
      {.name = "expiration_with_a_unit",
       .bytes = publish_with(with_expiration("1s")),
       .expected = invalid("invalid expiration '1s': {leftover_string,\"s\"}")},
      {.name = "expiration_with_a_space",
       .bytes = publish_with(with_expiration("1 ")),
       .expected = invalid("invalid expiration '1 ': {leftover_string,\" \"}")},
      {.name = "expiration_that_is_no_number",
       .bytes = publish_with(with_expiration("soon")),
       .expected = invalid("invalid expiration 'soon': no_integer")},
      {.name = "expiration_empty",
       .bytes = publish_with(with_expiration("")),
       .expected = invalid("invalid expiration '': no_integer")},
      {.name = "expiration_negative",
       .bytes = publish_with(with_expiration("-1")),
       .expected = invalid("invalid expiration '-1': {value_negative,-1}")},
      {.name = "expiration_above_ten_years",
       .bytes = publish_with(with_expiration("315360000001")),
       .expected = invalid("invalid expiration '315360000001': {value_too_large,315360000001}")},
      {.name = "expiration_of_ten_years",
       .bytes = publish_with(with_expiration("315360000000")) + sync,
       .expected = accepted},
      {.name = "delivery_mode_3",
       .bytes = publish_with(with_delivery_mode(3)),
       .expected = invalid("invalid message: {delivery_mode_unknown,3}")},
      {.name = "cc_that_is_no_array",
       .bytes = publish_with(with_headers(Fields().string("CC", "x"))),
       .expected = invalid("invalid message: {unacceptable_type_in_header,\"CC\",longstr}")},
      {.name = "bcc_that_is_no_array",
       .bytes = publish_with(with_headers(Fields().int32("BCC", 5))),
       .expected = invalid("invalid message: {unacceptable_type_in_header,\"BCC\",signedint}")},
      {.name = "reply_to_the_channel_without_a_reply_consumer",
       .bytes = publish_with(with_reply_to("amq.rabbitmq.reply-to")),
       .expected = invalid("fast reply consumer does not exist")},
  };
}

std::vector<Refusal> consume_rows() {
  const auto missing = [](MethodKey key) {
    return closes_channel(ReplyCode::not_found, "NOT_FOUND - no queue 'wire.none' in vhost '/'",
                          key);
  };
  const auto none_declared = [](MethodKey key) {
    return closes_channel(ReplyCode::not_found, "NOT_FOUND - no previously declared queue", key);
  };
  const Answer in_exclusive_use = closes_channel(
      ReplyCode::access_refused, "ACCESS_REFUSED - queue 'wire.q' in vhost '/' in exclusive use",
      BasicConsume::key);
  const Answer reused_tag = closes_connection(
      ReplyCode::not_allowed, "NOT_ALLOWED - attempt to reuse consumer tag 'c'", BasicConsume::key);
  const auto precondition = [](std::string detail) {
    return closes_channel(ReplyCode::precondition_failed, "PRECONDITION_FAILED - " + detail,
                          BasicConsume::key);
  };
  const auto consume = [](std::string_view tag, bool exclusive = false) {
    return method(BasicConsume{.queue = "wire.q", .consumer_tag = tag, .exclusive = exclusive});
  };
  const auto reply_consume = [](std::string_view tag, bool no_ack) {
    return method(
        BasicConsume{.queue = "amq.rabbitmq.reply-to", .consumer_tag = tag, .no_ack = no_ack});
  };
  return {
      {.name = "get_from_missing",
       .bytes = method(BasicGet{.queue = "wire.none"}),
       .expected = missing(BasicGet::key)},
      {.name = "get_unnamed_before_any_declare",
       .bytes = method(BasicGet{}),
       .expected = none_declared(BasicGet::key)},
      {.name = "consume_from_missing",
       .bytes = method(BasicConsume{.queue = "wire.none"}),
       .expected = missing(BasicConsume::key)},
      {.name = "consume_from_missing_without_waiting",
       .bytes = method(BasicConsume{.queue = "wire.none", .consumer_tag = "c", .no_wait = true}),
       .expected = missing(BasicConsume::key)},
      {.name = "consume_unnamed_before_any_declare",
       .bytes = method(BasicConsume{}),
       .expected = none_declared(BasicConsume::key)},
      {.name = "consumer_tag_twice",
       .bytes = declared() + consume("c") + consume("c"),
       .expected = reused_tag},
      {.name = "consumer_tag_twice_is_told_before_the_missing_queue",
       .bytes = declared() + consume("c") +
                method(BasicConsume{.queue = "wire.none", .consumer_tag = "c"}),
       .expected = reused_tag},
      {.name = "empty_consumer_tags_are_made_up",
       .bytes = declared() + consume("") + consume(""),
       .expected = answers(BasicConsumeOk::key)},
      {.name = "exclusive_beside_another",
       .bytes = declared() + consume("c") + consume("d", true),
       .expected = in_exclusive_use},
      {.name = "another_beside_an_exclusive",
       .bytes = declared() + consume("c", true) + consume("d"),
       .expected = in_exclusive_use},
      {.name = "exclusive_with_single_active_consumer",
       .bytes =
           method(QueueDeclare{.queue = "wire.q",
                               .exclusive = true,
                               .arguments = Fields().boolean("x-single-active-consumer", true)}) +
           consume("c", true),
       .expected = in_exclusive_use},
      {.name = "priority_that_is_no_integer",
       .bytes = declared() + method(BasicConsume{.queue = "wire.q",
                                                 .arguments = Fields().string("x-priority", "1")}),
       .expected = precondition("invalid arg 'x-priority' for queue 'wire.q' in vhost '/': "
                                "\"expected integer, got longstr\"")},
      {.name = "stream_offset_of_a_classic_queue",
       .bytes = declared() +
                method(BasicConsume{.queue = "wire.q",
                                    .arguments = Fields().string("x-stream-offset", "first")}),
       .expected = precondition("invalid arg 'x-stream-offset' for queue 'wire.q' in vhost '/' "
                                "of queue type rabbit_classic_queue")},
      {.name = "reply_consumer_that_acknowledges",
       .bytes = reply_consume("c", false),
       .expected = precondition("reply consumer cannot acknowledge")},
      {.name = "second_reply_consumer",
       .bytes = reply_consume("c", true) + reply_consume("d", true),
       .expected = precondition("reply consumer already set")},
      {.name = "get_from_the_reply_queue",
       .bytes = method(BasicGet{.queue = "amq.rabbitmq.reply-to"}),
       .expected = closes_channel(ReplyCode::not_found,
                                  "NOT_FOUND - no queue 'amq.rabbitmq.reply-to' in vhost '/'",
                                  BasicGet::key)},
      {.name = "cancel_of_an_unknown_consumer",
       .bytes = method(BasicCancel{.consumer_tag = "nosuch"}),
       .expected = answers(BasicCancelOk::key)},
      {.name = "prefetch_size",
       .bytes = method(BasicQos{.prefetch_size = 1}),
       .expected = closes_connection(ReplyCode::not_implemented,
                                     "NOT_IMPLEMENTED - prefetch_size!=0 (1)", BasicQos::key)},
  };
}

std::vector<Refusal> settle_rows() {
  const auto unknown_tag = [](int tag, MethodKey key) {
    return closes_channel(ReplyCode::precondition_failed,
                          "PRECONDITION_FAILED - unknown delivery tag " + std::to_string(tag), key);
  };
  const auto no_requeue_false = [](MethodKey key) {
    return closes_connection(ReplyCode::not_implemented, "NOT_IMPLEMENTED - requeue=false", key);
  };
  const std::string sync = method(BasicQos{});
  const Answer accepted = answers(BasicQosOk::key);
  const std::string one = publish({.routing_key = "wire.q"});
  const std::string get = method(BasicGet{.queue = "wire.q"});
  const auto ack = [](std::uint64_t tag, bool multiple = false) {
    return method(BasicAck{.delivery_tag = tag, .multiple = multiple});
  };
  return {
      {.name = "ack_unknown", .bytes = ack(5), .expected = unknown_tag(5, BasicAck::key)},
      {.name = "ack_0", .bytes = ack(0), .expected = unknown_tag(0, BasicAck::key)},
      {.name = "ack_everything_of_nothing", .bytes = ack(0, true) + sync, .expected = accepted},
      {.name = "ack_up_to_an_unknown",
       .bytes = declared() + one + one + get + get + ack(3, true),
       .expected = unknown_tag(3, BasicAck::key)},
      {.name = "ack_twice",
       .bytes = declared() + one + get + ack(1) + ack(1),
       .expected = unknown_tag(1, BasicAck::key)},
      {.name = "ack_below_what_was_acked_with_multiple",
       .bytes = declared() + one + one + get + get + ack(2, true) + ack(1),
       .expected = unknown_tag(1, BasicAck::key)},
      {.name = "ack_of_a_get_that_needed_none",
       .bytes = declared() + one + method(BasicGet{.queue = "wire.q", .no_ack = true}) + ack(1),
       .expected = unknown_tag(1, BasicAck::key)},
      {.name = "ack_of_a_delivery_that_needed_none",
       .bytes = declared() + one + method(BasicConsume{.queue = "wire.q", .no_ack = true}) + ack(1),
       .expected = unknown_tag(1, BasicAck::key)},
      {.name = "ack_of_another_channel",
       .bytes = declared() + one + get + method(BasicAck{.delivery_tag = 1}, 2),
       .expected = unknown_tag(1, BasicAck::key),
       .channel = 2},
      {.name = "reject_unknown",
       .bytes = method(BasicReject{.delivery_tag = 5, .requeue = true}),
       .expected = unknown_tag(5, BasicReject::key)},
      {.name = "reject_what_was_acked",
       .bytes = declared() + one + get + ack(1) + method(BasicReject{.delivery_tag = 1}),
       .expected = unknown_tag(1, BasicReject::key)},
      {.name = "nack_unknown",
       .bytes = method(BasicNack{.delivery_tag = 5, .requeue = true}),
       .expected = unknown_tag(5, BasicNack::key)},
      {.name = "nack_0",
       .bytes = method(BasicNack{.delivery_tag = 0}),
       .expected = unknown_tag(0, BasicNack::key)},
      {.name = "nack_everything_of_nothing",
       .bytes = method(BasicNack{.delivery_tag = 0, .multiple = true}) + sync,
       .expected = accepted},
      {.name = "nack_up_to_an_unknown",
       .bytes = method(BasicNack{.delivery_tag = 7, .multiple = true}),
       .expected = unknown_tag(7, BasicNack::key)},
      {.name = "recover_without_requeue",
       .bytes = method(BasicRecover{.requeue = false}),
       .expected = no_requeue_false(BasicRecover::key)},
      {.name = "recover_async_without_requeue",
       .bytes = method(BasicRecoverAsync{.requeue = false}),
       .expected = no_requeue_false(BasicRecoverAsync::key)},
      {.name = "recover",
       .bytes = method(BasicRecover{.requeue = true}),
       .expected = answers(BasicRecoverOk::key)},
  };
}

LEVERET_REFUSALS(Publish, publish_rows());
LEVERET_REFUSALS(Consume, consume_rows());
LEVERET_REFUSALS(Settle, settle_rows());

}  // namespace
}  // namespace leveret::wire
