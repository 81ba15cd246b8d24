// SPDX-License-Identifier: Apache-2.0
#include "journal/segment_writer.h"

#include "base/log.h"
#include "journal/recovery.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace leveret {
namespace {

/// Zeros are added when fewer than this are left, so many at a time.
constexpr std::uint64_t fill_low_bytes = 512 * 1024;
constexpr std::uint64_t fill_bytes = 2 * 1024 * 1024;

std::uint64_t wall_microseconds(const Clock& clock) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(clock.wall_now().time_since_epoch())
          .count());
}

}  // namespace

SegmentWriter::SegmentWriter(FileSystem& files, Options options)
    : files_(files), options_(std::move(options)) {
  const auto names = files_.list(options_.directory);
  has_spare_ = names && std::ranges::find(*names, spare_path().filename().string()) != names->end();
}

std::filesystem::path SegmentWriter::path_of(SegmentId segment) const {
  return options_.directory / segment_file_name(segment);
}

std::filesystem::path SegmentWriter::spare_path() const {
  return options_.directory / spare_file_name;
}

std::expected<void, WriteFailure> SegmentWriter::write(Batch& batch) {
  if (is_poisoned_) return std::unexpected(WriteFailure{{{}, "a sync failed before"}, true});
  for (Piece& piece : batch.pieces) {
    if (piece.segment != segment_) {
      if (auto opened = open_segment(piece.segment); !opened) {
        return std::unexpected(WriteFailure{std::move(opened).error(), false});
      }
    }
    const std::span<const std::byte> parts[] = {piece.bytes.bytes()};
    if (auto written = file_->write_at(piece.offset, parts); !written) {
      return std::unexpected(WriteFailure{std::move(written).error(), false});
    }
    has_unsynced_ = true;
    written_end_ = piece.offset + piece.bytes.size();
    filled_end_ = std::max(filled_end_, written_end_);
    if (!piece.ended) continue;
    // An index stands for a segment that is on disk; and the next segment's syncs are not this
    // one's.
    if (auto synced = sync(); !synced) {
      return std::unexpected(WriteFailure{std::move(synced).error(), true});
    }
    write_index_of(piece.segment, *std::exchange(piece.ended, std::nullopt));
  }
  if (batch.needs_sync) {
    if (auto synced = sync(); !synced) {
      return std::unexpected(WriteFailure{std::move(synced).error(), true});
    }
  }
  return {};
}

Result<void> SegmentWriter::open_segment(SegmentId segment) {
  const auto path = path_of(segment);
  // A batch that is tried again may have made the file before.
  auto opened = files_.open(path, OpenMode::read_write);
  // Any other error hides a file that may have records, and must not be replaced.
  if (!opened && opened.error().code != std::errc::no_such_file_or_directory) {
    return std::unexpected(std::move(opened).error());
  }
  if (!opened && std::exchange(has_spare_, false) && files_.rename(spare_path(), path)) {
    opened = files_.open(path, OpenMode::read_write);
  }
  // A spare that cannot be had is none: the start may have found that it is not fit for use.
  if (!opened) opened = files_.open(path, OpenMode::create_new);
  if (!opened) return std::unexpected(std::move(opened).error());
  has_unsynced_name_ = true;
  LEVERET_TRY(const std::uint64_t bytes, (*opened)->size());
  const auto header =
      encode_segment_header(options_.journal, segment, wall_microseconds(*options_.clock));
  const std::span<const std::byte> parts[] = {header};
  LEVERET_CHECK((*opened)->write_at(0, parts));
  file_ = std::move(*opened);
  segment_ = segment;
  written_end_ = segment_header_bytes;
  filled_end_ = std::max<std::uint64_t>(bytes, written_end_);
  return {};
}

Result<void> SegmentWriter::sync() {
  is_poisoned_ = true;  // Unless all succeeds.
  if (has_unsynced_) {
    LEVERET_CHECK(file_->sync());
    has_unsynced_ = false;
  }
  if (has_unsynced_name_) {
    LEVERET_CHECK(files_.sync_directory(options_.directory));
    has_unsynced_name_ = false;
  }
  is_poisoned_ = false;
  return {};
}

void SegmentWriter::write_index_of(SegmentId segment, SegmentContent content) {
  const BuiltIndex built = build_index(segment, std::move(content));
  const auto path = options_.directory / index_file_name(segment);
  static_cast<void>(files_.remove(path));  // Left by a batch that is tried again; perhaps none.
  auto file = files_.open(path, OpenMode::create_new);
  const auto written = file ? write_index(**file, options_.journal, built)
                            : Result<void>(std::unexpected(file.error()));
  if (written) return;
  log(LogLevel::warn, "journal", "index_not_written file={} reason=\"{}\"", path.string(),
      written.error().text());
  static_cast<void>(files_.remove(path));
}

bool SegmentWriter::wants_filling() const {
  return file_ && filled_end_ < options_.segment_bytes &&
         filled_end_ - written_end_ < fill_low_bytes;
}

Result<void> SegmentWriter::prepare() {
  static constexpr std::array<std::byte, 64 * 1024> zeros{};
  if (is_poisoned_) return failure("a sync failed before");
  if (!wants_filling()) return {};
  const std::uint64_t end =
      std::min<std::uint64_t>(options_.segment_bytes, filled_end_ + fill_bytes);
  while (filled_end_ < end) {
    const std::uint64_t bytes = std::min<std::uint64_t>(end - filled_end_, zeros.size());
    const std::span<const std::byte> parts[] = {std::span(zeros).first(bytes)};
    // No room for zeros is no room for records either, and those will say so.
    if (!file_->write_at(filled_end_, parts)) break;
    filled_end_ += bytes;
    has_unsynced_ = true;
  }
  return sync();
}

Result<void> SegmentWriter::remove(SegmentId segment) {
  const auto index_path = options_.directory / index_file_name(segment);
  static_cast<void>(files_.remove(index_path));  // There may be none; one without a segment is
                                                 // removed by the next start.
  if (segment == segment_) {
    file_.reset();
    segment_ = SegmentId();
    has_unsynced_ = false;
  }
  const auto moved =
      has_spare_ ? files_.remove(path_of(segment)) : files_.rename(path_of(segment), spare_path());
  // An earlier try may have come that far, and not known if the names will last.
  const bool was_gone = !moved && moved.error().code == std::errc::no_such_file_or_directory;
  if (!was_gone) LEVERET_CHECK(moved);
  LEVERET_CHECK(files_.sync_directory(options_.directory));
  // Before that the old name might come back, and lead to the next segment's records.
  if (!was_gone) has_spare_ = true;
  return {};
}

Result<void> SegmentWriter::close() {
  if (is_poisoned_) return failure("a sync failed before");
  if (!file_) return {};
  LEVERET_CHECK(sync());
  file_.reset();
  segment_ = SegmentId();
  return {};
}

}  // namespace leveret
