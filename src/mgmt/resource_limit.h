// SPDX-License-Identifier: Apache-2.0
//
// ResourceLimit: how much memory may be used, or how much of the disk has to be free, as operators
// give it: in bytes, or as a share of the memory that there is. RabbitMQ: alarms, memory,
// disk-alarms.
//
// Thread: values.

#pragma once

#include "base/result.h"

#include <cstdint>
#include <string_view>
#include <variant>

namespace leveret {

/// A multiple of the memory that there is.
struct MemoryShare {
  double share = 0;
  friend bool operator==(const MemoryShare&, const MemoryShare&) = default;
};
/// Bytes, or a MemoryShare.
using ResourceLimit = std::variant<std::uint64_t, MemoryShare>;

/// Units: bytes.
[[nodiscard]] std::uint64_t bytes_of(const ResourceLimit& limit, std::uint64_t memory_total);

/// "1000", "512MiB", "1GB": k, M, G, T and P, alone, with i or with iB are powers of 1024, with B
/// powers of 1000; K is k. Errors: what would be valid.
[[nodiscard]] Result<std::uint64_t> parse_byte_count(std::string_view text);

/// "0.4". Errors: no number, or below zero or above `max`; says what would be valid.
[[nodiscard]] Result<double> parse_share(std::string_view text, double max);

}  // namespace leveret
