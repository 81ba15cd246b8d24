// SPDX-License-Identifier: Apache-2.0
//
// What a segment looks like, shared by who writes and who reads it. All numbers are little-endian.
// The trade-offs and an example are in docs/formats/journal.md.
//
//   segment   = header record* then zeros, or what an earlier use of the file left there
//
//   header      0  8  "LVRTJRNL"
//   (64 bytes)  8  2  version, 1
//              10  2  index of the journal
//              12  4  segment id
//              16  8  when it was begun, microseconds since 1970 (for people)
//              24 32  zeros
//              56  8  XXH3-64 of bytes 0..55
//
//   record      0  8  XXH3-64 of bytes 8.. and the payload, seeded with segment id << 32 | offset
//               8  4  payload bytes
//              12  1  kind
//              13  1  zero
//              14  2  zero
//              16  n  payload, then zeros up to a multiple of 8
//
// The seed ties a record to its place. A record that an earlier use of the file left behind, or
// that a message carries in its body, is valid nowhere else.
//
//   kind            payload
//   1 batch         { segment u32, offset u32 }: all before it was synced when this was written
//   2 entry         { owner u64, seq u64, origin u32, weight u32, data }
//   3 reference     { owner u64, seq u64, origin u32, offset u32 }: one more that owns the data of
//                   the entry at `offset` of this segment
//   4 settle        { owner u64, first u64, count u32, segment u32 }*: the entries of that segment
//                   with seq first .. first+count-1 are done with
//   5 moved         { segment u32, zero u32 }: everything alive in that segment stands elsewhere
//   6 delivered     { owner u64, first u64, count u32, zero u32 }*: these entries had been given
//                   to somebody when the journal was closed
//   7 end           nothing: the segment is full, the next one goes on
//   8 stop          nothing: the journal was closed in good order; the next start writes `end`
//                   behind it, so that no other takes it for his own
//
// `origin` is 0, or the segment that an entry was moved from; such an entry counts only when that
// segment is gone or a `moved` says so.

#pragma once

#include "journal/byte_buffer.h"
#include "journal/ids.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace leveret {

static_assert(std::endian::native == std::endian::little, "formats are read and written in place");

inline constexpr std::uint16_t segment_version = 1;
inline constexpr std::uint32_t segment_header_bytes = 64;
inline constexpr std::uint32_t record_header_bytes = 16;
inline constexpr std::uint32_t record_alignment = 8;

enum class RecordKind : std::uint8_t {
  batch = 1,
  entry = 2,
  reference = 3,
  settle = 4,
  moved = 5,
  delivered = 6,
  end = 7,
  stop = 8,
};

struct BatchMark {
  SegmentId segment;
  std::uint32_t offset = 0;
};
struct EntryPrefix {
  OwnerId owner;
  std::uint64_t seq = 0;
  SegmentId origin;
  /// An entry's weight: what its owner counts, kept for him without the data. In a reference: the
  /// offset of the entry that has the data.
  std::uint32_t weight_or_offset = 0;
};
/// Entries of one owner in one segment with consecutive seqs.
struct SeqRun {
  OwnerId owner;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  SegmentId segment;

  friend bool operator==(const SeqRun&, const SeqRun&) = default;
};
struct MovedMark {
  SegmentId segment;
  std::uint32_t zero = 0;
};
static_assert(sizeof(BatchMark) == 8 && sizeof(EntryPrefix) == 24 && sizeof(SeqRun) == 24 &&
              sizeof(MovedMark) == 8);

/// What a record with so much payload takes.
[[nodiscard]] constexpr std::uint64_t record_bytes(std::uint64_t payload_bytes) {
  return (record_header_bytes + payload_bytes + record_alignment - 1) / record_alignment *
         record_alignment;
}
[[nodiscard]] constexpr std::uint64_t entry_bytes(std::uint64_t data_bytes) {
  return record_bytes(sizeof(EntryPrefix) + data_bytes);
}
inline constexpr std::uint32_t reference_bytes =
    static_cast<std::uint32_t>(record_bytes(sizeof(EntryPrefix)));

/// Requires: the payload starts with one (its length was checked).
template <class Part>
[[nodiscard]] Part read_part(std::span<const std::byte> payload, std::size_t index = 0) {
  Part part;
  std::memcpy(&part, payload.data() + index * sizeof(Part), sizeof(Part));
  return part;
}

[[nodiscard]] std::array<std::byte, segment_header_bytes> encode_segment_header(
    std::uint16_t journal, SegmentId segment, std::uint64_t microseconds);

struct SegmentHeader {
  std::uint16_t version = 0;
  std::uint16_t journal = 0;
  SegmentId segment;
  std::uint64_t microseconds = 0;  ///< When the segment was begun, since 1970.
};
/// nullopt: not a segment's header, or a damaged one.
[[nodiscard]] std::optional<SegmentHeader> decode_segment_header(std::span<const std::byte> bytes);

/// Appends a record to `buffer`, which will lie in `segment` from `buffer_offset` on: `parts` one
/// after the other are its payload.
void encode_record(ByteBuffer& buffer, SegmentId segment, std::uint32_t buffer_offset,
                   RecordKind kind, std::initializer_list<std::span<const std::byte>> parts);

template <class Part>
[[nodiscard]] std::span<const std::byte> bytes_of(const Part& part) {
  return std::as_bytes(std::span(&part, 1));
}

/// A record as it lies in a segment; the payload is borrowed.
struct Record {
  RecordKind kind{};
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;  ///< With header and padding.
  std::span<const std::byte> payload;
};

/// The record at `offset` of a segment whose bytes are `segment_bytes`, if a valid one is there: it
/// lies inside, its kind is known, its checksum is right, its payload has a length that its kind
/// can have. Requires: offset is a multiple of record_alignment.
[[nodiscard]] std::optional<Record> decode_record(std::span<const std::byte> segment_bytes,
                                                  SegmentId segment, std::uint32_t offset);
/// The same for bytes that begin with the record, which lies at `offset` of its segment.
[[nodiscard]] std::optional<Record> decode_record_here(std::span<const std::byte> bytes,
                                                       SegmentId segment, std::uint32_t offset);
/// How many bytes decode_record_here() would have to hash; 0 when the header alone refuses.
/// Requires: at least record_header_bytes.
[[nodiscard]] std::uint64_t bytes_to_hash(std::span<const std::byte> bytes);

}  // namespace leveret
