// SPDX-License-Identifier: Apache-2.0
//
// Hashes that are the same in every process: what exchanges that hash go by.
//
// Thread: any.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace leveret {

[[nodiscard]] std::uint64_t hash_of_bytes(std::span<const std::byte> bytes);
[[nodiscard]] inline std::uint64_t hash_of_name(std::string_view name) {
  return hash_of_bytes(std::as_bytes(std::span(name.data(), name.size())));
}
/// One hash of two.
[[nodiscard]] std::uint64_t mix(std::uint64_t a, std::uint64_t b);

}  // namespace leveret
