// SPDX-License-Identifier: Apache-2.0
//
// Schema: the tables of the metadata file, and how an older file becomes one of today.
//
// The file says whose it is (PRAGMA application_id, "LVRT") and which version it has (PRAGMA
// user_version). Versions are numbered from 1; a step leads from each to the next and is never
// edited once released. A golden file of each version stays in testdata/ and must open.
//
// Every text is a BLOB, since names in AMQP hold any bytes. Each table is its own index (WITHOUT
// ROWID), begun by the vhost, so that a vhost's things lie together.
//
// Thread: as Database.

#pragma once

#include "base/result.h"
#include "metadata/database.h"

#include <cstdint>

namespace leveret {

inline constexpr std::int64_t metadata_application_id = 0x4c565254;  // "LVRT"
inline constexpr std::int64_t metadata_version = 5;

/// Brings `database` to metadata_version, in one transaction.
/// Errors: not ours; newer than we are; the file is damaged or cannot be written.
[[nodiscard]] Result<void> bring_up_to_date(Database& database);

}  // namespace leveret
