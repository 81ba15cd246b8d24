// SPDX-License-Identifier: Apache-2.0
//
// The names by which the journal speaks of what it keeps.
//
// Thread: values.

#pragma once

#include "base/strong_type.h"

#include <compare>
#include <cstdint>

namespace leveret {

/// A segment of one journal; growing, never reused in it.
using SegmentId = StrongType<std::uint32_t, struct SegmentIdName>;

/// Whose an entry is. Chosen by who appends, and never reused by them: an entry of a forgotten
/// owner is garbage. Zero owns nothing.
using OwnerId = StrongType<std::uint64_t, struct OwnerIdName>;

/// Entries of such owners are not meant to outlive the process: recovery drops them. They are what
/// did not fit into memory.
inline constexpr std::uint64_t passing_owner_bit = std::uint64_t{1} << 63;
[[nodiscard]] constexpr bool is_passing(OwnerId owner) {
  return (owner.value() & passing_owner_bit) != 0;
}

/// The seqs of such owners come in any order. Recovery names each of their entries.
inline constexpr std::uint64_t unordered_owner_bit = std::uint64_t{1} << 53;
[[nodiscard]] constexpr bool is_unordered(OwnerId owner) {
  return (owner.value() & unordered_owner_bit) != 0;
}

/// Where a record begins. Segment 0 does not exist, so a default Location is nowhere.
struct Location {
  SegmentId segment;
  std::uint32_t offset = 0;

  explicit operator bool() const { return segment.value() != 0; }
  friend auto operator<=>(const Location&, const Location&) = default;
};

/// What is written and synced together, numbered from 1 since the journal was opened.
using BatchId = StrongType<std::uint64_t, struct BatchIdName>;

}  // namespace leveret
