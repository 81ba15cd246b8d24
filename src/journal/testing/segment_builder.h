// SPDX-License-Identifier: Apache-2.0
//
// SegmentBuilder: a segment put together record by record, for tests that need one of a certain
// kind, with records that a journal would not write or not in this order.
//
//   SegmentBuilder segment(SegmentId(2));
//   const auto data = segment.entry(orders, 1, "hello");
//   segment.reference(bills, 1, data);
//   segment.end();
//   write_segment(disk, "/", segment);

#pragma once

#include "journal/byte_buffer.h"
#include "journal/file_system.h"
#include "journal/recovery.h"
#include "journal/segment_format.h"
#include "journal/segment_index.h"
#include "journal/segment_scan.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace leveret::testing {

class SegmentBuilder {
 public:
  explicit SegmentBuilder(SegmentId segment, std::uint16_t journal = 0,
                          std::uint64_t microseconds = 0)
      : segment_(segment), journal_(journal) {
    bytes_.append(encode_segment_header(journal, segment, microseconds));
  }

  /// Where the next record will begin.
  [[nodiscard]] std::uint32_t offset() const { return static_cast<std::uint32_t>(bytes_.size()); }
  [[nodiscard]] SegmentId segment() const { return segment_; }
  [[nodiscard]] std::uint16_t journal() const { return journal_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_.bytes(); }

  std::uint32_t put(RecordKind kind, std::initializer_list<std::span<const std::byte>> parts = {}) {
    const std::uint32_t at = offset();
    encode_record(bytes_, segment_, 0, kind, parts);
    return at;
  }
  std::uint32_t batch(SegmentId synced_segment, std::uint32_t synced_offset) {
    return put(RecordKind::batch, {leveret::bytes_of(BatchMark{synced_segment, synced_offset})});
  }
  std::uint32_t entry(OwnerId owner, std::uint64_t seq, std::string_view data,
                      std::uint32_t weight = 0, SegmentId origin = {}) {
    const EntryPrefix prefix{owner, seq, origin, weight};
    return put(RecordKind::entry, {leveret::bytes_of(prefix), std::as_bytes(std::span(data))});
  }
  std::uint32_t reference(OwnerId owner, std::uint64_t seq, std::uint32_t data_offset,
                          SegmentId origin = {}) {
    return put(RecordKind::reference,
               {leveret::bytes_of(EntryPrefix{owner, seq, origin, data_offset})});
  }
  std::uint32_t settle(const std::vector<SeqRun>& runs) {
    return put(RecordKind::settle, {std::as_bytes(std::span(runs))});
  }
  std::uint32_t moved(SegmentId from) {
    return put(RecordKind::moved, {leveret::bytes_of(MovedMark{.segment = from})});
  }
  std::uint32_t delivered(const std::vector<SeqRun>& runs) {
    return put(RecordKind::delivered, {std::as_bytes(std::span(runs))});
  }
  std::uint32_t end() { return put(RecordKind::end); }
  std::uint32_t stop() { return put(RecordKind::stop); }

  /// As its index says.
  [[nodiscard]] BuiltIndex index() const {
    return build_index(segment_, scan_segment(bytes(), journal_, segment_).content);
  }

 private:
  const SegmentId segment_;
  const std::uint16_t journal_;
  ByteBuffer bytes_;
};

/// Writes the segment's file, in place of one that there was, and syncs it.
[[nodiscard]] inline Result<void> write_segment(FileSystem& files,
                                                const std::filesystem::path& directory,
                                                std::span<const std::byte> bytes,
                                                SegmentId segment) {
  const auto path = directory / segment_file_name(segment);
  static_cast<void>(files.remove(path));
  LEVERET_TRY(const auto file, files.open(path, OpenMode::create_new));
  LEVERET_CHECK(file->write_at(0, std::span(&bytes, 1)));
  LEVERET_CHECK(file->sync());
  return files.sync_directory(directory);
}
[[nodiscard]] inline Result<void> write_segment(FileSystem& files,
                                                const std::filesystem::path& directory,
                                                const SegmentBuilder& segment) {
  return write_segment(files, directory, segment.bytes(), segment.segment());
}

/// Writes its index.
[[nodiscard]] inline Result<void> write_index_beside(FileSystem& files,
                                                     const std::filesystem::path& directory,
                                                     const SegmentBuilder& segment) {
  const auto path = directory / index_file_name(segment.segment());
  static_cast<void>(files.remove(path));
  LEVERET_TRY(const auto file, files.open(path, OpenMode::create_new));
  return write_index(*file, segment.journal(), segment.index());
}

}  // namespace leveret::testing
