// SPDX-License-Identifier: Apache-2.0
//
// The x-arguments of queue.declare: their types, their ranges, those that classic queues do not
// have, and what a redeclaration compares.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

std::string declare(const Fields& arguments) {
  return method(QueueDeclare{.queue = "wire.q", .exclusive = true, .arguments = arguments});
}

std::vector<Refusal> invalid_argument_rows() {
  const auto invalid = [](std::string argument, std::string why) {
    return closes_channel(ReplyCode::precondition_failed,
                          "PRECONDITION_FAILED - invalid arg '" + argument +
                              "' for queue 'wire.q' in vhost '/': " + why,
                          QueueDeclare::key);
  };
  constexpr std::int64_t milliseconds_max = 315'360'000'000;  // Ten years of 365 days.
  const std::string wants_integer = "\"expected integer, got longstr\"";
  const std::string unacceptable = "{unacceptable_type,signedint}";
  const Answer accepted = answers(QueueDeclareOk::key);
  return {
      {.name = "message_ttl_negative",
       .bytes = declare(Fields().int32("x-message-ttl", -1)),
       .expected = invalid("x-message-ttl", "{value_negative,-1}")},
      {.name = "message_ttl_string",
       .bytes = declare(Fields().string("x-message-ttl", "1")),
       .expected = invalid("x-message-ttl", wants_integer)},
      {.name = "message_ttl_double",
       .bytes = declare(Fields().float64("x-message-ttl", 1.5)),
       .expected = invalid("x-message-ttl", "\"expected integer, got double\"")},
      {.name = "message_ttl_boolean",
       .bytes = declare(Fields().boolean("x-message-ttl", true)),
       .expected = invalid("x-message-ttl", "\"expected integer, got bool\"")},
      {.name = "message_ttl_zero",
       .bytes = declare(Fields().int32("x-message-ttl", 0)),
       .expected = accepted},
      {.name = "message_ttl_largest",
       .bytes = declare(Fields().int64("x-message-ttl", milliseconds_max)),
       .expected = accepted},
      {.name = "message_ttl_too_large",
       .bytes = declare(Fields().int64("x-message-ttl", milliseconds_max + 1)),
       .expected = invalid("x-message-ttl", "{value_too_large,315360000001}")},
      {.name = "expires_zero",
       .bytes = declare(Fields().int32("x-expires", 0)),
       .expected = invalid("x-expires", "{value_zero,0}")},
      {.name = "expires_negative",
       .bytes = declare(Fields().int32("x-expires", -5)),
       .expected = invalid("x-expires", "{value_negative,-5}")},
      {.name = "expires_string",
       .bytes = declare(Fields().string("x-expires", "1")),
       .expected = invalid("x-expires", wants_integer)},
      {.name = "expires_too_large",
       .bytes = declare(Fields().int64("x-expires", milliseconds_max + 1)),
       .expected = invalid("x-expires", "{value_too_large,315360000001}")},
      {.name = "max_length_negative",
       .bytes = declare(Fields().int32("x-max-length", -1)),
       .expected = invalid("x-max-length", "{value_negative,-1}")},
      {.name = "max_length_string",
       .bytes = declare(Fields().string("x-max-length", "1")),
       .expected = invalid("x-max-length", wants_integer)},
      {.name = "max_length_bytes_negative",
       .bytes = declare(Fields().int32("x-max-length-bytes", -1)),
       .expected = invalid("x-max-length-bytes", "{value_negative,-1}")},
      {.name = "max_length_bytes_string",
       .bytes = declare(Fields().string("x-max-length-bytes", "1")),
       .expected = invalid("x-max-length-bytes", wants_integer)},
      {.name = "overflow_unknown",
       .bytes = declare(Fields().string("x-overflow", "nosuch")),
       .expected = invalid("x-overflow", "invalid_overflow")},
      {.name = "overflow_integer",
       .bytes = declare(Fields().int32("x-overflow", 1)),
       .expected = invalid("x-overflow", unacceptable)},
      {.name = "dead_letter_exchange_integer",
       .bytes = declare(Fields().int32("x-dead-letter-exchange", 5)),
       .expected = closes_channel(ReplyCode::precondition_failed,
                                  "PRECONDITION_FAILED - invalid type 'signedint' for arg "
                                  "'x-dead-letter-exchange' in queue 'wire.q' in vhost '/'",
                                  QueueDeclare::key)},
      {.name = "dead_letter_routing_key_without_exchange",
       .bytes = declare(Fields().string("x-dead-letter-routing-key", "k")),
       .expected = invalid("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined")},
      {.name = "dead_letter_routing_key_integer",
       .bytes = declare(
           Fields().string("x-dead-letter-exchange", "a").int32("x-dead-letter-routing-key", 5)),
       .expected = invalid("x-dead-letter-routing-key", unacceptable)},
      {.name = "max_priority_negative",
       .bytes = declare(Fields().int32("x-max-priority", -1)),
       .expected = invalid("x-max-priority", "{value_negative,-1}")},
      {.name = "max_priority_256",
       .bytes = declare(Fields().int32("x-max-priority", 256)),
       .expected = invalid("x-max-priority", "{max_value_exceeded,256}")},
      {.name = "max_priority_string",
       .bytes = declare(Fields().string("x-max-priority", "1")),
       .expected = invalid("x-max-priority", wants_integer)},
      {.name = "max_priority_zero",
       .bytes = declare(Fields().int32("x-max-priority", 0)),
       .expected = accepted},
      {.name = "queue_mode_unknown",
       .bytes = declare(Fields().string("x-queue-mode", "nosuch")),
       .expected = invalid("x-queue-mode", "\"unsupported queue mode 'nosuch'\"")},
      {.name = "queue_mode_integer",
       .bytes = declare(Fields().int32("x-queue-mode", 1)),
       .expected = invalid("x-queue-mode", unacceptable)},
      {.name = "queue_version_3",
       .bytes = declare(Fields().int32("x-queue-version", 3)),
       .expected = invalid("x-queue-version", "\"unsupported queue version '3'\"")},
      {.name = "queue_version_string",
       .bytes = declare(Fields().string("x-queue-version", "1")),
       .expected = invalid("x-queue-version", wants_integer)},
      {.name = "queue_type_unknown",
       .bytes = declare(Fields().string("x-queue-type", "nosuch")),
       .expected = invalid("x-queue-type", "\"unsupported queue type 'nosuch'\"")},
      {.name = "queue_type_integer",
       .bytes = declare(Fields().int32("x-queue-type", 1)),
       .expected = invalid("x-queue-type", unacceptable)},
      {.name = "single_active_consumer_integer",
       .bytes = declare(Fields().int32("x-single-active-consumer", 1)),
       .expected = invalid("x-single-active-consumer", unacceptable)},
      {.name = "single_active_consumer_string",
       .bytes = declare(Fields().string("x-single-active-consumer", "true")),
       .expected = invalid("x-single-active-consumer", "{unacceptable_type,longstr}")},
      {.name = "unknown_arguments_are_kept",
       .bytes = declare(Fields().string("x-nosuch", "v").int32("k", 1)),
       .expected = accepted},
  };
}

std::vector<Refusal> foreign_argument_rows() {
  const auto foreign = [](std::string argument) {
    return closes_channel(ReplyCode::precondition_failed,
                          "PRECONDITION_FAILED - invalid arg '" + argument +
                              "' for queue 'wire.q' in vhost '/' of queue type "
                              "rabbit_classic_queue",
                          QueueDeclare::key);
  };
  return {
      {.name = "max_age",
       .bytes = declare(Fields().string("x-max-age", "1D")),
       .expected = foreign("x-max-age")},
      {.name = "quorum_initial_group_size",
       .bytes = declare(Fields().int32("x-quorum-initial-group-size", 3)),
       .expected = foreign("x-quorum-initial-group-size")},
      {.name = "max_in_memory_length",
       .bytes = declare(Fields().int32("x-max-in-memory-length", 3)),
       .expected = foreign("x-max-in-memory-length")},
      {.name = "stream_max_segment_size",
       .bytes = declare(Fields().int32("x-stream-max-segment-size-bytes", 3)),
       .expected = foreign("x-stream-max-segment-size-bytes")},
      {.name = "dead_letter_strategy",
       .bytes = declare(Fields().string("x-dead-letter-strategy", "at-least-once")),
       .expected = foreign("x-dead-letter-strategy")},
      {.name = "queue_leader_locator",
       .bytes = declare(Fields().string("x-queue-leader-locator", "balanced")),
       .expected = foreign("x-queue-leader-locator")},
  };
}

std::vector<Refusal> compared_argument_rows() {
  const auto inequivalent = [](std::string argument, std::string difference) {
    return closes_channel(ReplyCode::precondition_failed,
                          "PRECONDITION_FAILED - inequivalent arg '" + argument +
                              "' for queue 'wire.q' in vhost '/': " + difference,
                          QueueDeclare::key);
  };
  const Answer accepted = answers(QueueDeclareOk::key);
  const std::string plain = declare({});
  const std::string with_ttl = declare(Fields().int32("x-message-ttl", 1000));
  return {
      {.name = "added",
       .bytes = plain + with_ttl,
       .expected = inequivalent(
           "x-message-ttl", "received the value '1000' of type 'signedint' but current is none")},
      {.name = "added_as_a_long",
       .bytes = plain + declare(Fields().int64("x-message-ttl", 1000)),
       .expected = inequivalent("x-message-ttl",
                                "received the value '1000' of type 'long' but current is none")},
      {.name = "taken_away",
       .bytes = with_ttl + plain,
       .expected = inequivalent(
           "x-message-ttl", "received none but current is the value '1000' of type 'signedint'")},
      {.name = "changed",
       .bytes = with_ttl + declare(Fields().int32("x-message-ttl", 2000)),
       .expected = inequivalent("x-message-ttl", "received '2000' but current is '1000'")},
      {.name = "same_number_of_another_width",
       .bytes = with_ttl + declare(Fields().int64("x-message-ttl", 1000)),
       .expected = accepted},
      {.name = "dead_letter_exchange_changed",
       .bytes = declare(Fields().string("x-dead-letter-exchange", "a")) +
                declare(Fields().string("x-dead-letter-exchange", "b")),
       .expected = inequivalent("x-dead-letter-exchange", "received 'b' but current is 'a'")},
      {.name = "max_length_changed",
       .bytes =
           declare(Fields().int32("x-max-length", 1)) + declare(Fields().int32("x-max-length", 2)),
       .expected = inequivalent("x-max-length", "received '2' but current is '1'")},
      {.name = "classic_queue_type_is_the_absent_one",
       .bytes = plain + declare(Fields().string("x-queue-type", "classic")),
       .expected = accepted},
      {.name = "unknown_arguments_are_not_compared",
       .bytes = plain + declare(Fields().string("k", "v")),
       .expected = accepted},
  };
}

LEVERET_REFUSALS(InvalidArgument, invalid_argument_rows());
LEVERET_REFUSALS(ForeignArgument, foreign_argument_rows());
LEVERET_REFUSALS(ComparedArgument, compared_argument_rows());

}  // namespace
}  // namespace leveret::wire
