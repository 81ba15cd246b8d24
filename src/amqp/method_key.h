// SPDX-License-Identifier: Apache-2.0
//
// MethodKey: class and method id in one number, so that methods can be told apart in one switch:
//
//   switch (key) {
//     case BasicPublish::key: ...
//
// Thread: values.

#pragma once

#include <cstdint>

namespace leveret::amqp {

/// class_id << 16 | method_id: the first four bytes of a method frame's payload. 0: no method.
using MethodKey = std::uint32_t;

[[nodiscard]] constexpr MethodKey method_key(std::uint16_t class_id, std::uint16_t method_id) {
  return MethodKey{class_id} << 16 | method_id;
}
[[nodiscard]] constexpr std::uint16_t class_id_of(MethodKey key) {
  return static_cast<std::uint16_t>(key >> 16);
}
[[nodiscard]] constexpr std::uint16_t method_id_of(MethodKey key) {
  return static_cast<std::uint16_t>(key & 0xFFFF);
}

}  // namespace leveret::amqp
