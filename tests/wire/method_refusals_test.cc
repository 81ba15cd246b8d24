// SPDX-License-Identifier: Apache-2.0
//
// Methods that are unknown, in the wrong place, or whose arguments do not decode.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

std::vector<Refusal> misplaced_method_rows() {
  const auto not_in_running = [](MethodKey key) {
    return closes_connection(ReplyCode::channel_error,
                             "CHANNEL_ERROR - unexpected method in connection state running", key);
  };
  const auto unimplemented = [](MethodKey key) {
    return closes_connection(ReplyCode::command_invalid, "COMMAND_INVALID - unimplemented method",
                             key);
  };
  // An id that is in no table ends RabbitMQ's reader, and with it the connection, without a word.
  // We answer as for a known method that has no business there.
  const Answer crash = ends();
  return {
      {.name = "unknown_class",
       .bytes = raw_method(1, 99, 10),
       .expected = unimplemented(method_key(99, 10)),
       .rabbitmq_differs = crash},
      {.name = "unknown_method_of_a_known_class",
       .bytes = raw_method(1, 50, 99, "abcdef"),
       .expected = unimplemented(method_key(50, 99)),
       .rabbitmq_differs = crash},
      {.name = "unknown_method_on_channel_0",
       .bytes = raw_method(0, 10, 99),
       .expected = not_in_running(method_key(10, 99)),
       .rabbitmq_differs = crash},
      {.name = "unknown_class_on_an_unopened_channel",
       .bytes = raw_method(7, 99, 10),
       .expected = closes_connection(ReplyCode::channel_error,
                                     "CHANNEL_ERROR - expected 'channel.open'", method_key(99, 10)),
       .rabbitmq_differs = crash},

      {.name = "connection_open_twice",
       .bytes = method(ConnectionOpen{.virtual_host = "/"}, 0),
       .expected = not_in_running(ConnectionOpen::key)},
      {.name = "tune_ok_after_open",
       .bytes = method(ConnectionTuneOk{.channel_max = 2047, .frame_max = 131072}, 0),
       .expected = not_in_running(ConnectionTuneOk::key)},
      {.name = "start_ok_after_open",
       .bytes = start_ok({}),
       .expected = not_in_running(ConnectionStartOk::key)},
      {.name = "secure_ok_without_secure",
       .bytes = method(ConnectionSecureOk{.response = "x"}, 0),
       .expected = not_in_running(ConnectionSecureOk::key)},
      {.name = "connection_start_from_a_client",
       .bytes = method(ConnectionStart{.mechanisms = "PLAIN", .locales = "en_US"}, 0),
       .expected = not_in_running(ConnectionStart::key)},
      {.name = "connection_blocked_from_a_client",
       .bytes = method(ConnectionBlocked{.reason = "x"}, 0),
       .expected = not_in_running(ConnectionBlocked::key)},
      {.name = "connection_close_ok_unasked",
       .bytes = method(ConnectionCloseOk{}, 0),
       .expected = not_in_running(ConnectionCloseOk::key)},
      {.name = "queue_declare_on_channel_0",
       .bytes = method(QueueDeclare{.queue = "wire.q"}, 0),
       .expected = not_in_running(QueueDeclare::key)},
      {.name = "channel_open_on_channel_0",
       .bytes = method(ChannelOpen{}, 0),
       .expected = not_in_running(ChannelOpen::key)},
      {.name = "confirm_select_on_channel_0",
       .bytes = method(ConfirmSelect{}, 0),
       .expected = not_in_running(ConfirmSelect::key)},

      {.name = "connection_close_on_a_channel",
       .bytes = method(ConnectionClose{.reply_code = 200}, 1),
       .expected = unimplemented(ConnectionClose::key)},
      {.name = "connection_open_on_a_channel",
       .bytes = method(ConnectionOpen{.virtual_host = "/"}, 1),
       .expected = unimplemented(ConnectionOpen::key)},
      {.name = "update_secret_on_a_channel",
       .bytes = method(ConnectionUpdateSecret{.new_secret = "x", .reason = "y"}, 1),
       .expected = unimplemented(ConnectionUpdateSecret::key)},
      {.name = "queue_declare_ok_from_a_client",
       .bytes = method(QueueDeclareOk{.queue = "wire.q"}),
       .expected = unimplemented(QueueDeclareOk::key)},
      {.name = "exchange_declare_ok_from_a_client",
       .bytes = method(ExchangeDeclareOk{}),
       .expected = unimplemented(ExchangeDeclareOk::key)},
      {.name = "consume_ok_from_a_client",
       .bytes = method(BasicConsumeOk{.consumer_tag = "c"}),
       .expected = unimplemented(BasicConsumeOk::key)},
      {.name = "confirm_select_ok_from_a_client",
       .bytes = method(ConfirmSelectOk{}),
       .expected = unimplemented(ConfirmSelectOk::key)},
      {.name = "tx_select_ok_from_a_client",
       .bytes = method(TxSelectOk{}),
       .expected = unimplemented(TxSelectOk::key)},
      {.name = "access_request_ok_from_a_client",
       .bytes = method(AccessRequestOk{.ticket = 1}),
       .expected = unimplemented(AccessRequestOk::key)},
      {.name = "basic_deliver_from_a_client_with_its_content",
       .bytes = method(BasicDeliver{.consumer_tag = "c", .delivery_tag = 1}) + content("x"),
       .expected = unimplemented(BasicDeliver::key)},
      {.name = "basic_return_from_a_client_with_its_content",
       .bytes = method(BasicReturn{.reply_code = 312}) + content("x"),
       .expected = unimplemented(BasicReturn::key)},
  };
}

std::vector<Refusal> argument_rows() {
  const auto cannot_decode = [](std::string octets, MethodKey key) {
    return closes_connection(ReplyCode::frame_error,
                             "FRAME_ERROR - cannot decode <<" + octets + ">>", key);
  };
  const Answer not_utf8 =
      closes_connection(ReplyCode::frame_error, "FRAME_ERROR - Malformed UTF-8 in shortstr", 0);
  const std::string named_x = u16(0) + short_string("x");
  const auto declare_with = [](const Fields& arguments) {
    return method(QueueDeclare{.queue = "x", .exclusive = true, .arguments = arguments});
  };
  // A table whose inside is malformed ends RabbitMQ's reader without a word. We answer as for any
  // other arguments that do not decode.
  const Answer crash = ends();
  return {
      {.name = "no_arguments",
       .bytes = raw_method(1, 50, 10),
       .expected = cannot_decode("", QueueDeclare::key)},
      {.name = "arguments_cut_short",
       .bytes = raw_method(1, 50, 10, named_x),
       .expected = cannot_decode("0,0,1,120", QueueDeclare::key)},
      {.name = "arguments_with_bytes_left_over",
       .bytes = raw_method(1, 50, 10, named_x + u8(0) + u32(0) + "zz"),
       .expected = cannot_decode("0,0,1,120,0,0,0,0,0,122,122", QueueDeclare::key)},
      {.name = "short_string_past_the_end",
       .bytes = raw_method(1, 50, 10,
                           u16(0) + "\xFF"
                                    "abc"),
       .expected = cannot_decode("0,0,255,97,98,99", QueueDeclare::key)},
      {.name = "table_past_the_end",
       .bytes = raw_method(1, 50, 10, named_x + u8(0) + u32(99) + "abc"),
       .expected = cannot_decode("0,0,1,120,0,0,0,0,99,97,98,99", QueueDeclare::key)},
      {.name = "delivery_tag_cut_short",
       .bytes = raw_method(1, 60, 80, u32(1)),
       .expected = cannot_decode("0,0,0,1", BasicAck::key)},
      {.name = "publish_cut_short",
       .bytes = raw_method(1, 60, 40, u16(0) + u8(0)) + header(0),
       .expected = cannot_decode("0,0,0", BasicPublish::key)},
      {.name = "bytes_after_a_method_without_arguments",
       .bytes = raw_method(1, 90, 10, "z"),
       .expected = cannot_decode("122", TxSelect::key)},
      {.name = "table_with_an_entry_cut_short",
       .bytes = raw_method(1, 50, 10,
                           named_x + u8(0) +
                               long_string("\x05"
                                           "ab")),
       .expected = cannot_decode("0,0,1,120,0,0,0,0,3,5,97,98", QueueDeclare::key),
       .rabbitmq_differs = crash},
      {.name = "table_with_an_unknown_type",
       .bytes = raw_method(1, 50, 10, named_x + u8(0) + long_string(short_string("k") + "Zz")),
       .expected = cannot_decode("0,0,1,120,0,0,0,0,4,1,107,90,122", QueueDeclare::key),
       .rabbitmq_differs = crash},
      {.name = "table_within_a_table_cut_short",
       .bytes =
           raw_method(1, 50, 10, named_x + u8(0) + long_string(short_string("k") + 'F' + u32(9))),
       .expected = cannot_decode("0,0,1,120,0,0,0,0,7,1,107,70,0,0,0,9", QueueDeclare::key),
       .rabbitmq_differs = crash},
      {.name = "array_past_the_end_of_its_table",
       .bytes =
           raw_method(1, 50, 10, named_x + u8(0) + long_string(short_string("k") + 'A' + u32(9))),
       .expected = cannot_decode("0,0,1,120,0,0,0,0,7,1,107,65,0,0,0,9", QueueDeclare::key),
       .rabbitmq_differs = crash},
      {.name = "the_same_key_twice",
       .bytes = declare_with(Fields().int32("k", 1).int32("k", 2)),
       .expected = answers(QueueDeclareOk::key)},
      {.name = "queue_name_that_is_not_utf8",
       .bytes = method(QueueDeclare{.queue = "\xFF\xFE"}),
       .expected = not_utf8},
      {.name = "exchange_name_that_is_not_utf8",
       .bytes = method(ExchangeDeclare{.exchange = "\xFF", .type = "direct"}),
       .expected = not_utf8},
      {.name = "consumer_tag_that_is_not_utf8",
       .bytes = method(BasicConsume{.queue = "wire.none", .consumer_tag = "\xFF"}),
       .expected = not_utf8},
      {.name = "binding_key_that_is_not_utf8",
       .bytes =
           method(QueueBind{.queue = "wire.none", .exchange = "amq.direct", .routing_key = "\xFF"}),
       .expected = not_utf8},
      {.name = "routing_key_of_a_message_may_be_any_bytes",
       .bytes = publish({.routing_key = "\xFF"}) + method(BasicQos{}),
       .expected = answers(BasicQosOk::key)},
  };
}

LEVERET_REFUSALS(MisplacedMethod, misplaced_method_rows());
LEVERET_REFUSALS(MethodArguments, argument_rows());

}  // namespace
}  // namespace leveret::wire
