// SPDX-License-Identifier: Apache-2.0
//
// Content frames out of order or out of shape: publish, then one header, then bodies up to the size
// that it announced, and nothing of this channel in between.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

constexpr MethodKey no_method = 0;

std::vector<Refusal> content_rows() {
  const auto unexpected = [](std::string detail, MethodKey key) {
    return closes_connection(ReplyCode::unexpected_frame, "UNEXPECTED_FRAME - " + detail, key);
  };
  const Answer wants_method =
      unexpected("expected method frame, got non method frame instead", no_method);
  const Answer wants_header =
      unexpected("expected content header for class 60, got non content header frame instead",
                 BasicPublish::key);
  const Answer wants_body =
      unexpected("expected content body, got non content body frame instead", BasicPublish::key);
  // RabbitMQ has no text for properties that do not decode: its channel crashes, and this is what
  // its users see.
  const Answer undecodable =
      closes_connection(ReplyCode::internal_error, "INTERNAL_ERROR", no_method);
  const std::string begun = method(BasicPublish{.routing_key = "wire.none"});
  const std::string sync = method(BasicQos{});
  const auto properties = [&](unsigned flags, std::string list) {
    return begun + content("", {static_cast<std::uint16_t>(flags), std::move(list)});
  };
  constexpr std::uint64_t message_bytes_max = 134217728;
  constexpr std::size_t body_frame_bytes = 131064;
  std::string too_large = begun + header(message_bytes_max + 1);
  const std::string full_frame = body(std::string(body_frame_bytes, 'x'));
  for (std::size_t i = 0; i < message_bytes_max / body_frame_bytes; ++i) too_large += full_frame;
  too_large += body(std::string(message_bytes_max % body_frame_bytes + 1, 'x'));

  return {
      {.name = "header_without_publish", .bytes = header(5), .expected = wants_method},
      {.name = "body_without_publish", .bytes = body("abc"), .expected = wants_method},
      {.name = "header_on_an_unopened_channel",
       .bytes = header(5, {}, 7),
       .expected = wants_method},
      {.name = "body_on_an_unopened_channel", .bytes = body("abc", 7), .expected = wants_method},
      {.name = "method_instead_of_header",
       .bytes = begun + method(BasicQos{}),
       .expected = wants_header},
      {.name = "publish_instead_of_header", .bytes = begun + begun, .expected = wants_header},
      {.name = "channel_close_instead_of_header",
       .bytes = begun + method(ChannelClose{.reply_code = 200}),
       .expected = wants_header},
      {.name = "body_instead_of_header", .bytes = begun + body("a"), .expected = wants_header},
      {.name = "header_with_a_weight",
       .bytes = begun + header(0, {}, 1, 60, 7),
       .expected = wants_header},
      {.name = "header_of_class_queue",
       .bytes = begun + header(2, {}, 1, 50),
       .expected = unexpected("expected content header for class 60, got one for class 50 instead",
                              BasicPublish::key)},
      {.name = "header_of_an_unknown_class",
       .bytes = begun + header(2, {}, 1, 99),
       .expected = unexpected("expected content header for class 60, got one for class 99 instead",
                              BasicPublish::key)},
      {.name = "second_header", .bytes = begun + header(5) + header(5), .expected = wants_body},
      {.name = "method_instead_of_body",
       .bytes = begun + header(5) + begun,
       .expected = wants_body},
      {.name = "method_in_the_middle_of_the_body",
       .bytes = begun + header(5) + body("ab") + method(BasicQos{}),
       .expected = wants_body},
      {.name = "header_in_the_middle_of_the_body",
       .bytes = begun + header(5) + body("ab") + header(5),
       .expected = wants_body},
      // RabbitMQ tells when the next frame comes, we at once; so both get one more.
      {.name = "body_longer_than_announced",
       .bytes = begun + header(2) + body("abc") + sync,
       .expected = wants_body},
      {.name = "second_body_longer_than_what_is_missing",
       .bytes = begun + header(4) + body("abc") + body("de") + sync,
       .expected = wants_body},
      {.name = "body_after_the_last",
       .bytes = begun + header(2) + body("ab") + body("c"),
       .expected = wants_method},
      {.name = "empty_body_of_an_empty_message",
       .bytes = begun + header(0) + body(""),
       .expected = wants_method},
      {.name = "empty_body_in_the_middle",
       .bytes = begun + header(2) + body("") + body("ab") + sync,
       .expected = answers(BasicQosOk::key)},
      {.name = "content_of_two_channels_interleaved",
       .bytes = method(BasicPublish{.routing_key = "wire.none"}, 1) +
                method(BasicPublish{.routing_key = "wire.none"}, 2) + header(2, {}, 1) +
                header(2, {}, 2) + body("ab", 2) + body("ab", 1) + sync,
       .expected = answers(BasicQosOk::key)},
      {.name = "properties_announced_but_absent",
       .bytes = properties(0xFFF8, ""),
       .expected = undecodable},
      {.name = "properties_with_a_string_past_the_end",
       .bytes = properties(0x8000,
                           "\x09"
                           "ab"),
       .expected = undecodable},
      {.name = "properties_with_a_malformed_headers_table",
       .bytes = properties(0x2000, long_string("\x05"
                                               "ab")),
       .expected = undecodable},
      {.name = "properties_with_a_headers_table_past_the_end",
       .bytes = properties(0x2000, u32(99) + "ab"),
       .expected = undecodable},
      {.name = "properties_with_bytes_left_over",
       .bytes = properties(0, "abc"),
       .expected = undecodable},
      // RabbitMQ looks when the whole body has come, we when the header has; so both get it whole.
      {.name = "message_above_the_maximum_size",
       .bytes = std::move(too_large),
       .expected = closes_channel(ReplyCode::precondition_failed,
                                  "PRECONDITION_FAILED - message size 134217729 is larger than "
                                  "configured max size 134217728",
                                  BasicPublish::key)},
  };
}

LEVERET_REFUSALS(Content, content_rows());

}  // namespace
}  // namespace leveret::wire
