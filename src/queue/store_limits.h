// SPDX-License-Identifier: Apache-2.0
//
// StoreLimits: how much of a queue may be in memory.
//
// Thread: values; those of a worker change on it.

#pragma once

#include <cstddef>
#include <cstdint>

namespace leveret {

/// How much of a queue may be in memory. Shared by the queues of a worker; may change at any time.
struct StoreLimits {
  /// Blocks of messages that are on disk as well: beyond this they leave memory.
  std::uint64_t resident_bytes_max = 16 * 1024 * 1024;
  /// Memory is short: messages that are nowhere else go to disk beyond the same limit.
  bool is_memory_short = false;
  /// Places kept before and behind the cold pages.
  std::size_t places_max = 32 * 1024;

  [[nodiscard]] static StoreLimits for_short_memory() {
    return {.resident_bytes_max = 1024 * 1024, .is_memory_short = true, .places_max = 32 * 1024};
  }
};

}  // namespace leveret
