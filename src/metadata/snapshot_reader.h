// SPDX-License-Identifier: Apache-2.0
//
// Reads everything in the metadata file, each table once from its beginning to its end.
//
// Thread: as Database.

#pragma once

#include "base/result.h"
#include "metadata/database.h"
#include "metadata/records.h"

namespace leveret {

/// Errors: the file is damaged or cannot be read.
[[nodiscard]] Result<Snapshot> read_snapshot(Database& database);

}  // namespace leveret
