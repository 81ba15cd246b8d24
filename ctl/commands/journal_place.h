// SPDX-License-Identifier: Apache-2.0
//
// Which journals a path means: those of a data directory, of its folder `journal`, one of them, or
// a single segment.
//
// Thread: any.

#pragma once

#include "ctl/exit_code.h"
#include "journal/ids.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace leveret::ctl {

struct JournalPlace {
  std::filesystem::path directory;
  std::optional<std::uint16_t> journal;  ///< By the folder's name.
  std::optional<SegmentId> only;         ///< The path is this segment, or its index.
};

struct JournalPlaces {
  std::vector<JournalPlace> journals;
  std::filesystem::path metadata;  ///< The file with the queues' names; empty: none is near.
};

/// Errors: no_input, the path is none of these, or cannot be read.
[[nodiscard]] Outcome<JournalPlaces> find_journals(const std::filesystem::path& path);

}  // namespace leveret::ctl
