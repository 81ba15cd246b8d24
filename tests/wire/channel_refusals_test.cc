// SPDX-License-Identifier: Apache-2.0
//
// Channels: opened twice, not opened, too many, and flow.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

std::vector<Refusal> channel_rows() {
  const auto not_open = [](MethodKey key) {
    return closes_connection(ReplyCode::channel_error, "CHANNEL_ERROR - expected 'channel.open'",
                             key);
  };
  const auto too_many = closes_connection(
      ReplyCode::not_allowed,
      "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)", 0);
  return {
      {.name = "open_twice",
       .bytes = method(ChannelOpen{}),
       .expected =
           closes_connection(ReplyCode::channel_error, "CHANNEL_ERROR - second 'channel.open' seen",
                             ChannelOpen::key)},
      {.name = "method_on_an_unopened_channel",
       .bytes = method(QueueDeclare{.queue = "wire.q"}, 7),
       .expected = not_open(QueueDeclare::key)},
      {.name = "close_of_an_unopened_channel",
       .bytes = method(ChannelClose{.reply_code = 200}, 7),
       .expected = not_open(ChannelClose::key)},
      {.name = "close_ok_of_an_unopened_channel",
       .bytes = method(ChannelCloseOk{}, 7),
       .expected = not_open(ChannelCloseOk::key)},
      {.name = "connection_method_on_an_unopened_channel",
       .bytes = method(ConnectionClose{.reply_code = 200}, 7),
       .expected = not_open(ConnectionClose::key)},
      {.name = "publish_on_an_unopened_channel",
       .bytes = publish({.routing_key = "wire.none"}, {}, 7),
       .expected = not_open(BasicPublish::key)},
      {.name = "method_on_channel_65535",
       .bytes = method(BasicQos{}, 65535),
       .expected = not_open(BasicQos::key)},
      // channel_max counts open channels; it does not bound their numbers.
      {.name = "number_above_channel_max",
       .bytes = method(ChannelOpen{}, 2048),
       .expected = answers(ChannelOpenOk::key),
       .channel = 2048},
      {.name = "one_channel_too_many",
       .bytes = method(ChannelOpen{}, 3),
       .expected = too_many,
       .login = {.channel_max = 2}},
      {.name = "any_method_on_one_channel_too_many",
       .bytes = method(QueueDeclare{.queue = "wire.q"}, 9),
       .expected = too_many,
       .login = {.channel_max = 2}},
      {.name = "close_ok_unasked",
       .bytes = method(ChannelCloseOk{}),
       .expected =
           closes_connection(ReplyCode::command_invalid, "COMMAND_INVALID - unimplemented method",
                             ChannelCloseOk::key)},
      {.name = "open_ok_from_a_client",
       .bytes = method(ChannelOpenOk{}),
       .expected = closes_connection(ReplyCode::command_invalid,
                                     "COMMAND_INVALID - unimplemented method", ChannelOpenOk::key)},
      {.name = "flow_off",
       .bytes = method(ChannelFlow{.active = false}),
       .expected = closes_connection(ReplyCode::not_implemented, "NOT_IMPLEMENTED - active=false",
                                     ChannelFlow::key)},
      {.name = "flow_on",
       .bytes = method(ChannelFlow{.active = true}),
       .expected = answers(ChannelFlowOk::key)},
      {.name = "flow_ok_unasked",
       .bytes = method(ChannelFlowOk{.active = true}),
       .expected = closes_connection(ReplyCode::command_invalid,
                                     "COMMAND_INVALID - unimplemented method", ChannelFlowOk::key)},
      {.name = "access_request",
       .bytes = method(AccessRequest{.realm = "/data", .active = true, .write = true}),
       .expected = answers(AccessRequestOk::key)},
  };
}

LEVERET_REFUSALS(Channel, channel_rows());

}  // namespace
}  // namespace leveret::wire
