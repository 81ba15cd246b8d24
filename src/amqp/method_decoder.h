// SPDX-License-Identifier: Apache-2.0
//
// From a method frame's payload to the method's struct, with RabbitMQ's refusal where that fails.
//
//   switch (method_key_of(frame.payload)) {
//     case QueueDeclare::key: {
//       LEVERET_TRY(const auto declare, decode_method<QueueDeclare>(frame.payload));
//
// Thread: any. The struct's views are into the payload.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/method_key.h"
#include "amqp/wire_reader.h"

#include <cstddef>
#include <span>

namespace leveret::amqp {

/// 0 when the payload is too short to have one.
[[nodiscard]] inline MethodKey method_key_of(std::span<const std::byte> payload) {
  return WireReader(payload).u32();
}

/// RabbitMQ's answer to arguments that are not a method's: 501 `cannot decode <<0,0>>`, with the
/// arguments in Erlang's notation.
[[nodiscard]] AmqpError cannot_decode(MethodKey method, std::span<const std::byte> arguments);

/// Requires: `payload` begins with Method::key.
/// Errors: 501 (arguments missing or left over).
template <class Method>
[[nodiscard]] AmqpResult<Method> decode_method(std::span<const std::byte> payload) {
  WireReader reader(payload);
  reader.u32();
  Method method;
  if (!method.decode(reader)) [[unlikely]] {
    return std::unexpected(cannot_decode(Method::key, payload.subspan(sizeof(MethodKey))));
  }
  return method;
}

}  // namespace leveret::amqp
