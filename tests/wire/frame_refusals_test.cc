// SPDX-License-Identifier: Apache-2.0
//
// Frames that are wrong as frames, whatever they carry. The texts print the payload as an Erlang
// binary, because RabbitMQ does and its users search logs for them.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

std::vector<Refusal> frame_rows() {
  const auto frame_error = [](std::string detail) {
    return closes_connection(ReplyCode::frame_error, "FRAME_ERROR - " + detail, 0);
  };
  const auto unexpected = [](std::string detail) {
    return closes_connection(ReplyCode::unexpected_frame, "UNEXPECTED_FRAME - " + detail, 0);
  };
  const std::string bad_publish = method(BasicPublish{.routing_key = "wire.none"});
  return {
      {.name = "method_frame_with_a_wrong_end",
       .bytes = frame(method_frame, 1, u16(20) + u16(10) + short_string(""), '\0'),
       .expected =
           frame_error("type 1, all octets = <<0,20,0,10,0>>: {invalid_frame_end_marker,0}"),
       .keeps_framing = false},
      {.name = "body_frame_with_a_wrong_end",
       .bytes = frame(body_frame, 1, "abc", '\xCD'),
       .expected = frame_error("type 3, all octets = <<\"abc\">>: {invalid_frame_end_marker,205}"),
       .keeps_framing = false},
      {.name = "heartbeat_with_a_wrong_end",
       .bytes = frame(heartbeat_frame, 0, "", '\0'),
       .expected = frame_error("type 8, all octets = <<>>: {invalid_frame_end_marker,0}"),
       .keeps_framing = false},
      // A payload may have frame_max bytes, not only frame_max less the frame's own eight.
      {.name = "payload_of_frame_max",
       .bytes = method(BasicPublish{.routing_key = "wire.none"}) + header(131072) +
                body(std::string(131072, 'x')) + method(BasicQos{}),
       .expected = answers(BasicQosOk::key)},
      // Refused by its first seven bytes; the payload need not come.
      {.name = "payload_one_above_frame_max",
       .bytes = u8(3) + u16(1) + u32(131073),
       .expected = frame_error("type 3, all octets = <<>>: {frame_too_large,131073,131064}"),
       .keeps_framing = false},
      {.name = "payload_above_a_negotiated_frame_max",
       .bytes = u8(1) + u16(1) + u32(4097),
       .expected = frame_error("type 1, all octets = <<>>: {frame_too_large,4097,4088}"),
       .login = {.frame_max = 4096},
       .keeps_framing = false},
      {.name = "payload_of_four_gigabytes",
       .bytes = u8(1) + u16(0) + u32(0xFFFFFFFF) + "abc",
       .expected = frame_error("type 1, all octets = <<>>: {frame_too_large,4294967295,131064}"),
       .keeps_framing = false},
      {.name = "frame_type_0",
       .bytes = frame(0, 1, "abc"),
       .expected = frame_error("type 0, all octets = <<\"abc\">>: unknown_frame")},
      // AMQP 0-9-1 §4.2.3 has heartbeats as type 4 in one place and as 8 in the constants.
      {.name = "frame_type_4",
       .bytes = frame(4, 0, ""),
       .expected = frame_error("type 4, all octets = <<>>: unknown_frame")},
      {.name = "frame_type_255_on_an_unopened_channel",
       .bytes = frame('\xFF', 7, "abc"),
       .expected = frame_error("type 255, all octets = <<\"abc\">>: unknown_frame")},
      {.name = "empty_method_frame",
       .bytes = frame(method_frame, 1, ""),
       .expected = frame_error("type 1, all octets = <<>>: unknown_frame")},
      {.name = "method_frame_without_a_method_id",
       .bytes = frame(method_frame, 1, u16(20)),
       .expected = frame_error("type 1, all octets = <<0,20>>: unknown_frame")},
      {.name = "method_frame_with_half_a_method_id_on_channel_0",
       .bytes = frame(method_frame, 0, u16(10) + '\0'),
       .expected = frame_error("type 1, all octets = <<0,10,0>>: unknown_frame")},
      {.name = "header_frame_shorter_than_a_header",
       .bytes = bad_publish + frame(header_frame, 1, u16(60) + u16(0)),
       .expected = frame_error("type 2, all octets = <<0,60,0,0>>: unknown_frame")},
      {.name = "empty_header_frame",
       .bytes = bad_publish + frame(header_frame, 1, ""),
       .expected = frame_error("type 2, all octets = <<>>: unknown_frame")},
      {.name = "heartbeat_with_a_payload",
       .bytes = frame(heartbeat_frame, 0, "abc"),
       .expected = frame_error("type 8, all octets = <<\"abc\">>: unknown_frame")},
      {.name = "heartbeat_on_a_channel",
       .bytes = frame(heartbeat_frame, 1, ""),
       .expected = unexpected("type 8, all octets = <<>>")},
      {.name = "heartbeat_on_an_unopened_channel",
       .bytes = frame(heartbeat_frame, 7, ""),
       .expected = unexpected("type 8, all octets = <<>>")},
      {.name = "heartbeat_although_none_were_agreed",
       .bytes = frame(heartbeat_frame, 0, "") + method(BasicQos{}),
       .expected = answers(BasicQosOk::key)},
      {.name = "header_on_channel_0",
       .bytes = header(5, {}, 0),
       .expected = unexpected("type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0,5,0,0>>")},
      {.name = "body_on_channel_0",
       .bytes = body("abc", 0),
       .expected = unexpected("type 3, all octets = <<\"abc\">>")},
  };
}

LEVERET_REFUSALS(Frame, frame_rows());

}  // namespace
}  // namespace leveret::wire
