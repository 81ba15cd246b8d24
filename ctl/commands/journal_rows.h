// SPDX-License-Identifier: Apache-2.0
//
// What is in a journal, as rows for the formatters.
//
// Thread: one.

#pragma once

#include "ctl/output.h"
#include "journal/ids.h"
#include "journal/journal_survey.h"
#include "metadata/queue_names.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>

namespace leveret::ctl {

using QueueNames = std::unordered_map<std::uint64_t, QueueName>;

[[nodiscard]] std::span<const Column> segment_columns();
[[nodiscard]] boost::json::array segment_rows(const JournalSurvey& survey);

/// What is alive, by owner and segment.
[[nodiscard]] std::span<const Column> owner_columns();
[[nodiscard]] boost::json::array owner_rows(const JournalSurvey& survey, const QueueNames& names);

/// Every record of a segment whose bytes these are, and the holes between them.
[[nodiscard]] std::span<const Column> record_columns();
[[nodiscard]] boost::json::array record_rows(std::span<const std::byte> bytes,
                                             std::uint16_t journal, SegmentId segment,
                                             const QueueNames& names);

[[nodiscard]] std::span<const Column> finding_columns();
[[nodiscard]] boost::json::array finding_rows(const JournalSurvey& survey);

}  // namespace leveret::ctl
