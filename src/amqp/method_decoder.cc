// SPDX-License-Identifier: Apache-2.0
//
// The refusal of a method that cannot be decoded.

#include "amqp/method_decoder.h"

#include "amqp/limits.h"

#include <fmt/format.h>

namespace leveret::amqp {

AmqpError cannot_decode(MethodKey method, std::span<const std::byte> arguments) {
  // Erlang's ~w: numbers even where the bytes are text, on one line.
  std::string text = "cannot decode <<";
  for (std::size_t i = 0; i < arguments.size() && text.size() <= short_string_bytes_max; ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ",", std::to_integer<unsigned>(arguments[i]));
  }
  text += ">>";
  return {ReplyCode::frame_error, std::move(text), method};
}

}  // namespace leveret::amqp
