// SPDX-License-Identifier: Apache-2.0
#include "journal/segment_format.h"

#include "base/assert.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace leveret {
namespace {

constexpr char magic[8] = {'L', 'V', 'R', 'T', 'J', 'R', 'N', 'L'};

struct HeaderImage {
  char magic[8];
  std::uint16_t version;
  std::uint16_t journal;
  std::uint32_t segment;
  std::uint64_t microseconds;
  char zeros[32];
  std::uint64_t checksum;
};
static_assert(sizeof(HeaderImage) == segment_header_bytes);

struct RecordImage {
  std::uint64_t checksum;
  std::uint32_t payload_bytes;
  RecordKind kind;
  std::uint8_t zero;
  std::uint16_t zeros;
};
static_assert(sizeof(RecordImage) == record_header_bytes);

std::uint64_t checksum_of(const std::byte* record, std::size_t payload_bytes, SegmentId segment,
                          std::uint32_t offset) {
  constexpr std::size_t skipped = sizeof(RecordImage::checksum);
  return XXH3_64bits_withSeed(record + skipped, record_header_bytes - skipped + payload_bytes,
                              std::uint64_t{segment.value()} << 32 | offset);
}

bool can_have(RecordKind kind, std::uint32_t payload_bytes) {
  switch (kind) {
    case RecordKind::batch:
    case RecordKind::moved:
      return payload_bytes == 8;
    case RecordKind::entry:
      return payload_bytes >= sizeof(EntryPrefix);
    case RecordKind::reference:
      return payload_bytes == sizeof(EntryPrefix);
    case RecordKind::settle:
    case RecordKind::delivered:
      return payload_bytes > 0 && payload_bytes % sizeof(SeqRun) == 0;
    case RecordKind::end:
    case RecordKind::stop:
      return payload_bytes == 0;
  }
  return false;
}

}  // namespace

std::array<std::byte, segment_header_bytes> encode_segment_header(std::uint16_t journal,
                                                                  SegmentId segment,
                                                                  std::uint64_t microseconds) {
  HeaderImage image{};
  std::memcpy(image.magic, magic, sizeof magic);
  image.version = segment_version;
  image.journal = journal;
  image.segment = segment.value();
  image.microseconds = microseconds;
  image.checksum = XXH3_64bits(&image, offsetof(HeaderImage, checksum));
  return std::bit_cast<std::array<std::byte, segment_header_bytes>>(image);
}

std::optional<SegmentHeader> decode_segment_header(std::span<const std::byte> bytes) {
  if (bytes.size() < segment_header_bytes) return std::nullopt;
  HeaderImage image;
  std::memcpy(&image, bytes.data(), sizeof image);
  if (std::memcmp(image.magic, magic, sizeof magic) != 0 ||
      image.checksum != XXH3_64bits(&image, offsetof(HeaderImage, checksum))) {
    return std::nullopt;
  }
  return SegmentHeader{image.version, image.journal, SegmentId(image.segment), image.microseconds};
}

void encode_record(ByteBuffer& buffer, SegmentId segment, std::uint32_t buffer_offset,
                   RecordKind kind, std::initializer_list<std::span<const std::byte>> parts) {
  std::size_t payload_bytes = 0;
  for (const auto part : parts) payload_bytes += part.size();
  const std::size_t bytes = record_bytes(payload_bytes);
  const auto offset = static_cast<std::uint32_t>(buffer_offset + buffer.size());
  LEVERET_DEBUG_ASSERT(offset % record_alignment == 0);

  std::byte* const record = buffer.extend(bytes);
  RecordImage image{0, static_cast<std::uint32_t>(payload_bytes), kind, 0, 0};
  std::memcpy(record, &image, sizeof image);
  std::byte* to = record + record_header_bytes;
  for (const auto part : parts) {
    if (part.empty()) continue;
    std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
  std::memset(to, 0, static_cast<std::size_t>(record + bytes - to));
  image.checksum = checksum_of(record, payload_bytes, segment, offset);
  std::memcpy(record, &image.checksum, sizeof image.checksum);
}

std::uint64_t bytes_to_hash(std::span<const std::byte> bytes) {
  RecordImage image;
  std::memcpy(&image, bytes.data(), sizeof image);
  const bool may_be_one = image.zero == 0 && image.zeros == 0 &&
                          can_have(image.kind, image.payload_bytes) &&
                          record_bytes(image.payload_bytes) <= bytes.size();
  return may_be_one ? record_bytes(image.payload_bytes) : 0;
}

std::optional<Record> decode_record_here(std::span<const std::byte> bytes, SegmentId segment,
                                         std::uint32_t offset) {
  if (bytes.size() < record_header_bytes || bytes_to_hash(bytes) == 0) return std::nullopt;
  RecordImage image;
  std::memcpy(&image, bytes.data(), sizeof image);
  if (checksum_of(bytes.data(), image.payload_bytes, segment, offset) != image.checksum) {
    return std::nullopt;
  }
  return Record{image.kind, offset, static_cast<std::uint32_t>(record_bytes(image.payload_bytes)),
                bytes.subspan(record_header_bytes, image.payload_bytes)};
}

std::optional<Record> decode_record(std::span<const std::byte> segment_bytes, SegmentId segment,
                                    std::uint32_t offset) {
  if (offset >= segment_bytes.size()) return std::nullopt;
  return decode_record_here(segment_bytes.subspan(offset), segment, offset);
}

}  // namespace leveret
