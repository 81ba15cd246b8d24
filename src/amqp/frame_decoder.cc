// SPDX-License-Identifier: Apache-2.0
//
// What a FrameDecoder says about bytes that are no frame: RabbitMQ's words, which show the first
// bytes of the payload in Erlang's notation.

#include "amqp/frame_decoder.h"

#include "amqp/erlang_text.h"

#include <fmt/format.h>

namespace leveret::amqp {
namespace {

constexpr std::size_t snippet_bytes_max = 16;

/// "type 1, first 16 octets = <<...>>"
std::string describe(const Frame& frame) {
  const bool is_all = frame.payload.size() <= snippet_bytes_max;
  std::string text = fmt::format("type {}, {} octets = ", static_cast<int>(frame.type),
                                 is_all ? "all" : "first 16");
  append_erlang_binary(text, is_all ? frame.payload : frame.payload.first(snippet_bytes_max));
  return text;
}

bool has_known_form(const Frame& frame) {
  switch (frame.type) {
    case FrameType::method:
      return frame.payload.size() >= 4;
    case FrameType::header:
      return frame.payload.size() >= 12;
    case FrameType::body:
      return true;
    case FrameType::heartbeat:
      return frame.payload.empty();
  }
  return false;
}

}  // namespace

const Frame* FrameDecoder::refuse_too_large() {
  // RabbitMQ has not read the payload by now and shows none; and it names the payload's limit, not
  // the more lenient one that it applies.
  return stop(ReplyCode::frame_error,
              fmt::format("type {}, all octets = <<>>: {{frame_too_large,{},{}}}",
                          std::to_integer<int>(*at_), number<std::uint32_t>(at_ + 3),
                          payload_bytes_max_ - frame_overhead_bytes));
}

const Frame* FrameDecoder::refuse_end() {
  std::string text = describe(frame_) + ": ";
  append_erlang_pair(text, "invalid_frame_end_marker",
                     std::to_integer<unsigned>(frame_.payload.data()[frame_.payload.size()]));
  return stop(ReplyCode::frame_error, std::move(text));
}

const Frame* FrameDecoder::refuse_implausible() {
  if (!has_known_form(frame_)) {
    return stop(ReplyCode::frame_error, describe(frame_) + ": unknown_frame");
  }
  return stop(ReplyCode::unexpected_frame, describe(frame_));
}

const Frame* FrameDecoder::stop(ReplyCode code, std::string text) {
  error_ = AmqpError{code, std::move(text)};
  end_ = at_;
  return nullptr;
}

}  // namespace leveret::amqp
