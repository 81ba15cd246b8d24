// SPDX-License-Identifier: Apache-2.0
#include "routing/name_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace leveret {

std::uint64_t hash_of_bytes(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  return XXH3_64bits_withSeed(&a, sizeof a, b);
}

}  // namespace leveret
