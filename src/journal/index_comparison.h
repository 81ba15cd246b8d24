// SPDX-License-Identifier: Apache-2.0
//
// compare_index: an index held against the segment that it stands beside.
//
// Thread: any; a pure function.

#pragma once

#include "journal/segment_index.h"

#include <cstdint>
#include <string>
#include <vector>

namespace leveret {

struct IndexComparison {
  /// Empty: it says nothing else than its segment.
  std::string contradiction;
  /// Entries that it names and that the segment has lost.
  std::uint64_t lost_entries = 0;
};

/// `scanned` is what can be read of the segment now. Where that has holes that the index does not
/// know of, the index may say more; everywhere else it must say the same.
[[nodiscard]] IndexComparison compare_index(const BuiltIndex& index, const BuiltIndex& scanned);

}  // namespace leveret
