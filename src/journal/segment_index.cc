// SPDX-License-Identifier: Apache-2.0
#include "journal/segment_index.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace leveret {
namespace {

constexpr char magic[8] = {'L', 'V', 'R', 'T', 'I', 'N', 'D', 'X'};
constexpr std::uint16_t index_version = 1;

struct HeaderImage {
  char magic[8];
  std::uint16_t version;
  std::uint16_t journal;
  std::uint32_t segment;
  std::uint32_t used_bytes;
  std::uint32_t groups;
  std::uint32_t entries;
  std::uint32_t settles;
  std::uint32_t moved;
  std::uint32_t origins;
  std::uint32_t holes;
  std::uint32_t zeros;
  std::uint64_t tables_checksum;
  std::uint64_t checksum;
};
static_assert(sizeof(HeaderImage) == 64);

template <class Part>
std::span<const std::byte> table_bytes(const std::vector<Part>& parts) {
  return std::as_bytes(std::span(parts));
}

std::uint64_t tables_bytes(const HeaderImage& header) {
  const std::uint64_t bytes = std::uint64_t{header.groups} * sizeof(OwnerGroup) +
                              std::uint64_t{header.settles} * sizeof(SeqRun) +
                              std::uint64_t{header.moved} * sizeof(SegmentId) +
                              std::uint64_t{header.origins} * sizeof(SegmentId) +
                              std::uint64_t{header.holes} * sizeof(Hole);
  return (bytes + 7) / 8 * 8;
}

HeaderImage header_of(const SegmentTables& tables, std::uint16_t journal, std::size_t entries) {
  HeaderImage header{};
  std::memcpy(header.magic, magic, sizeof magic);
  header.version = index_version;
  header.journal = journal;
  header.segment = tables.segment.value();
  header.used_bytes = tables.used_bytes;
  header.groups = static_cast<std::uint32_t>(tables.groups.size());
  header.entries = static_cast<std::uint32_t>(entries);
  header.settles = static_cast<std::uint32_t>(tables.settles.size());
  header.moved = static_cast<std::uint32_t>(tables.moved.size());
  header.origins = static_cast<std::uint32_t>(tables.origins.size());
  header.holes = static_cast<std::uint32_t>(tables.holes.size());
  return header;
}

std::size_t entry_count(const SegmentTables& tables) {
  return tables.groups.empty()
             ? 0
             : std::size_t{tables.groups.back().first_entry} + tables.groups.back().count;
}

/// Each group's entries begin where the ones before end, and there are no others.
bool are_groups_sound(const SegmentTables& tables, std::uint32_t entries) {
  std::uint64_t next = 0;
  for (const OwnerGroup& group : tables.groups) {
    if (group.first_entry != next || group.count == 0) return false;
    next += group.count;
  }
  return next == entries;
}

Result<void> read_all(File& file, std::uint64_t offset, std::span<std::byte> into) {
  LEVERET_TRY(const std::size_t got, file.read_at(offset, into));
  if (got < into.size()) return failure("index is cut off");
  return {};
}

template <class Part>
const std::byte* take(const std::byte* from, std::vector<Part>& parts, std::uint32_t count) {
  parts.resize(count);
  const std::size_t bytes = count * sizeof(Part);
  if (bytes != 0) std::memcpy(static_cast<void*>(parts.data()), from, bytes);
  return from + bytes;
}

}  // namespace

BuiltIndex build_index(SegmentId segment, SegmentContent content) {
  std::ranges::sort(content.rows, {},
                    [](const IndexRow& row) { return std::pair(row.owner, row.entry.seq); });
  std::ranges::sort(content.origins);
  content.origins.erase(std::ranges::unique(content.origins).begin(), content.origins.end());

  BuiltIndex built;
  built.tables = {.segment = segment,
                  .used_bytes = content.used_bytes,
                  .groups = {},
                  .settles = std::move(content.settles),
                  .moved = std::move(content.moved),
                  .origins = std::move(content.origins),
                  .holes = std::move(content.holes)};
  built.entries.reserve(content.rows.size());
  for (const IndexRow& row : content.rows) {
    if (built.tables.groups.empty() || built.tables.groups.back().owner != row.owner) {
      built.tables.groups.push_back(
          {.owner = row.owner,
           .first_seq = row.entry.seq,
           .first_entry = static_cast<std::uint32_t>(built.entries.size())});
    }
    OwnerGroup& group = built.tables.groups.back();
    group.last_seq = row.entry.seq;
    group.share_bytes += row.entry.share();
    group.weight += row.entry.weight;
    ++group.count;
    built.entries.push_back(row.entry);
  }
  for (OwnerGroup& group : built.tables.groups) {
    const auto entries = std::as_bytes(built.of(group));
    group.checksum = XXH3_64bits(entries.data(), entries.size());
  }
  return built;
}

Result<void> write_index(File& file, std::uint16_t journal, const BuiltIndex& index) {
  HeaderImage header = header_of(index.tables, journal, index.entries.size());
  ByteBuffer tables;
  tables.append(table_bytes(index.tables.groups));
  tables.append(table_bytes(index.tables.settles));
  tables.append(table_bytes(index.tables.moved));
  tables.append(table_bytes(index.tables.origins));
  tables.append(table_bytes(index.tables.holes));
  const std::size_t padding = tables_bytes(header) - tables.size();
  if (padding != 0) std::memset(tables.extend(padding), 0, padding);
  header.tables_checksum = XXH3_64bits(tables.bytes().data(), tables.size());
  header.checksum = XXH3_64bits(&header, offsetof(HeaderImage, checksum));
  const std::span<const std::byte> parts[] = {bytes_of(header), tables.bytes(),
                                              table_bytes(index.entries)};
  return file.write_at(0, parts);
}

Result<SegmentTables> read_tables(File& file, std::uint16_t journal, SegmentId segment) {
  HeaderImage header{};
  LEVERET_CHECK(read_all(file, 0, std::as_writable_bytes(std::span(&header, 1))));
  if (std::memcmp(header.magic, magic, sizeof magic) != 0 ||
      header.checksum != XXH3_64bits(&header, offsetof(HeaderImage, checksum))) {
    return failure("not an index, or damaged");
  }
  if (header.version != index_version) return failure("index of an unknown version");
  if (header.journal != journal || header.segment != segment.value()) {
    return failure("index of another segment");
  }
  LEVERET_TRY(const std::uint64_t file_bytes, file.size());
  const std::uint64_t bytes = tables_bytes(header);
  if (sizeof header + bytes + std::uint64_t{header.entries} * sizeof(IndexEntry) > file_bytes) {
    return failure("index is cut off");
  }
  std::vector<std::byte> raw(bytes);
  LEVERET_CHECK(read_all(file, sizeof header, raw));
  if (XXH3_64bits(raw.data(), raw.size()) != header.tables_checksum) {
    return failure("index is damaged");
  }
  SegmentTables tables{.segment = segment, .used_bytes = header.used_bytes};
  const std::byte* from = raw.data();
  from = take(from, tables.groups, header.groups);
  from = take(from, tables.settles, header.settles);
  from = take(from, tables.moved, header.moved);
  from = take(from, tables.origins, header.origins);
  take(from, tables.holes, header.holes);
  if (!are_groups_sound(tables, header.entries)) return failure("index contradicts itself");
  return tables;
}

Result<std::vector<IndexEntry>> read_group(File& file, const SegmentTables& tables,
                                           const OwnerGroup& group) {
  const std::uint64_t entries_at =
      sizeof(HeaderImage) + tables_bytes(header_of(tables, 0, entry_count(tables)));
  std::vector<IndexEntry> entries(group.count);
  const auto bytes = std::as_writable_bytes(std::span(entries));
  LEVERET_CHECK(
      read_all(file, entries_at + std::uint64_t{group.first_entry} * sizeof(IndexEntry), bytes));
  if (XXH3_64bits(bytes.data(), bytes.size()) != group.checksum) {
    return failure("index is damaged");
  }
  return entries;
}

}  // namespace leveret
