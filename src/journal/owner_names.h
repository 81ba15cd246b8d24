// SPDX-License-Identifier: Apache-2.0
//
// How queues divide the bits of an OwnerId among themselves.
//
//   bits  0-47  the queue's number, or what is left of its id when it has none
//           53  the queue's seqs come in any order: see journal/ids.h
//        54-61  the priority; 0 in a queue without priorities
//           62  the queue has no number: nothing of it outlives the process
//           63  passing: see journal/ids.h
//
// Thread: values.

#pragma once

#include "journal/ids.h"

#include <cstdint>

namespace leveret {

inline constexpr std::uint64_t owner_number_mask = (std::uint64_t{1} << 48) - 1;
inline constexpr unsigned owner_priority_shift = 54;
inline constexpr std::uint64_t nameless_owner_bit = std::uint64_t{1} << 62;

[[nodiscard]] constexpr OwnerId owner_of_queue(std::uint64_t number) { return OwnerId(number); }
/// Of a queue without a number: `id` is unique on its worker.
[[nodiscard]] constexpr OwnerId owner_of_nameless(std::uint64_t id) {
  return OwnerId(passing_owner_bit | nameless_owner_bit | (id & owner_number_mask));
}
[[nodiscard]] constexpr OwnerId owner_of_priority(OwnerId queue, std::uint8_t priority) {
  return OwnerId(queue.value() | std::uint64_t{priority} << owner_priority_shift);
}

[[nodiscard]] constexpr OwnerId owner_of_unordered(OwnerId queue) {
  return OwnerId(queue.value() | unordered_owner_bit);
}

[[nodiscard]] constexpr std::uint64_t number_of_owner(OwnerId owner) {
  return owner.value() & owner_number_mask;
}
[[nodiscard]] constexpr std::uint8_t priority_of_owner(OwnerId owner) {
  return static_cast<std::uint8_t>(owner.value() >> owner_priority_shift);
}

}  // namespace leveret
