// SPDX-License-Identifier: Apache-2.0
//
// survey_journal: what is in a journal's directory and what is wrong with it, for people. Only
// reads, and may be done while the journal is open.
//
// A survey of everything reads each segment and each index from their beginning to their end, holds
// every checksum against its bytes and every index against its segment. What it calls damage was
// synced and is not there any more; a start would say so too, but only of what it happens to read.
// Synced is what a batch or an index says was synced, and every segment but the last, since none is
// begun before that. What was never synced may be torn at the log's end: a start cuts that off, and
// it is no damage.
//
// An open journal changes meanwhile. So a file that looks wrong is read again before it is believed
// to be, and one that is gone has been removed by its owner.
//
// Thread: any. Memory: as recover(), and the largest segment.

#pragma once

#include "base/result.h"
#include "journal/file_system.h"
#include "journal/ids.h"
#include "journal/recovery.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

enum class SurveyDepth : std::uint8_t {
  indexes,     ///< What a start reads: an index where there is one, else the segment.
  everything,  ///< Every byte.
};

enum class SegmentEnd : std::uint8_t {
  open,     ///< The last record does not say that it is the last.
  full,     ///< The next segment goes on.
  stopped,  ///< The journal was closed in good order.
};

enum class IndexState : std::uint8_t {
  none,  ///< A start reads the segment instead; so does it with a damaged one.
  usable,
  damaged,
};

struct SurveyedSegment {
  SegmentId segment;
  std::uint64_t begun_microseconds = 0;  ///< Since 1970; 0: the header is damaged.
  std::uint64_t file_bytes = 0;
  std::uint32_t used_bytes = 0;  ///< What follows is zeros, or an earlier use's remains.
  std::uint32_t records = 0;     ///< 0 too when only the index was read.
  std::uint32_t entries = 0;     ///< With references.
  std::uint32_t owners = 0;
  std::uint32_t settle_runs = 0;
  SegmentEnd end = SegmentEnd::open;
  IndexState index = IndexState::none;
};

struct Finding {
  enum class Kind : std::uint8_t {
    damage,         ///< Bytes of a segment that was synced hold no valid record.
    damaged_index,  ///< It cannot be read, or says something else than its segment.
    newer_version,  ///< Written by a newer program, and not read.
    unreadable,     ///< The system could not read it.
    torn_tail,      ///< Behind what was synced last: cut off by the next start.
    leftover,       ///< Of no use to anybody: removed by the next start.
  };
  Kind kind{};
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::string text;

  [[nodiscard]] bool is_damage() const { return kind < Kind::torn_tail; }
};
[[nodiscard]] std::string_view name_of(Finding::Kind kind);

struct JournalSurvey {
  std::filesystem::path directory;
  std::uint16_t journal = 0;
  std::vector<SurveyedSegment> segments;
  std::vector<Finding> findings;
  /// What a start would find; none when it would fail, or only one segment was looked at.
  std::optional<Recovered> at_start;

  [[nodiscard]] bool is_whole() const;
};

struct SurveyOptions {
  SurveyDepth depth = SurveyDepth::everything;
  /// None: what the first segment says.
  std::optional<std::uint16_t> journal = {};
  /// Only this segment and its index. What others know to be synced of it is not known then.
  std::optional<SegmentId> only = {};
};

/// Errors: the directory cannot be listed, or a file not opened.
[[nodiscard]] Result<JournalSurvey> survey_journal(FileSystem& files,
                                                   const std::filesystem::path& directory,
                                                   const SurveyOptions& options = {});

/// Which segment a file is (or is the index of) by its name; nullopt: none.
[[nodiscard]] std::optional<SegmentId> segment_of_file(std::string_view name);

}  // namespace leveret
