// SPDX-License-Identifier: Apache-2.0
#include "journal/index_comparison.h"

#include <algorithm>
#include <tuple>

namespace leveret {
namespace {

auto key_of(const IndexRow& row) {
  const IndexEntry& entry = row.entry;
  // A bit field has no address to refer to.
  return std::tuple(row.owner, entry.seq, entry.offset, std::uint32_t{entry.bytes},
                    std::uint32_t{entry.is_reference}, entry.origin, entry.weight);
}

std::vector<IndexRow> rows_of(const BuiltIndex& index) {
  std::vector<IndexRow> rows;
  rows.reserve(index.entries.size());
  for (const OwnerGroup& group : index.tables.groups) {
    for (const IndexEntry& entry : index.of(group)) rows.push_back({group.owner, entry});
  }
  std::ranges::sort(rows, {}, key_of);
  return rows;
}

auto group_key(const OwnerGroup& group) {
  return std::tuple(group.owner, group.first_seq, group.last_seq, group.share_bytes, group.weight,
                    group.count);
}

auto run_key(const SeqRun& run) { return std::tuple(run.segment, run.owner, run.first, run.count); }

/// Is every one of `some` in `all`, as often?
template <class Part, class Key>
bool includes(std::vector<Part> all, std::vector<Part> some, Key key) {
  std::ranges::sort(all, {}, key);
  std::ranges::sort(some, {}, key);
  return std::ranges::includes(all, some, {}, key, key);
}

bool is_in(const std::vector<Hole>& holes, std::uint32_t offset) {
  return std::ranges::any_of(holes, [offset](const Hole& hole) {
    return offset >= hole.offset && offset - hole.offset < hole.bytes;
  });
}

std::string compare_whole(const SegmentTables& index, const SegmentTables& scanned) {
  if (index.used_bytes != scanned.used_bytes) return "the segment has another length";
  if (!std::ranges::equal(index.groups, scanned.groups, {}, group_key, group_key)) {
    return "its owners are others than the segment's";
  }
  if (index.settles != scanned.settles) return "its settle runs are others than the segment's";
  if (index.moved != scanned.moved) return "its moved segments are others than the segment's";
  if (index.origins != scanned.origins) return "its origins are others than the segment's";
  return {};
}

std::string compare_part(const SegmentTables& index, const SegmentTables& scanned) {
  const auto itself = [](SegmentId segment) { return segment; };
  if (index.used_bytes < scanned.used_bytes) return "the segment is longer";
  if (!includes(index.settles, scanned.settles, run_key)) {
    return "the segment has settle runs that it lacks";
  }
  if (!includes(index.moved, scanned.moved, itself)) {
    return "the segment has moved segments that it lacks";
  }
  return {};
}

}  // namespace

IndexComparison compare_index(const BuiltIndex& index, const BuiltIndex& scanned) {
  const std::vector<IndexRow> named = rows_of(index);
  const std::vector<IndexRow> found = rows_of(scanned);
  std::vector<IndexRow> missing;
  std::ranges::set_difference(named, found, std::back_inserter(missing), {}, key_of, key_of);
  if (missing.size() + found.size() != named.size()) {
    return {"the segment has entries that it lacks", missing.size()};
  }
  // A tail that is gone is a hole without a record behind it.
  std::vector<Hole> lost = scanned.tables.holes;
  std::erase_if(lost, [&](const Hole& hole) {
    return std::ranges::find(index.tables.holes, hole) != index.tables.holes.end();
  });
  if (scanned.tables.used_bytes < index.tables.used_bytes) {
    lost.push_back({scanned.tables.used_bytes, ~scanned.tables.used_bytes});
  }
  // A reference names the place of its data, and not its own.
  const bool is_excused = std::ranges::all_of(missing, [&](const IndexRow& row) {
    return !lost.empty() && (row.entry.is_reference != 0 || is_in(lost, row.entry.offset));
  });
  if (!is_excused) return {"it names entries that the segment does not have", missing.size()};
  return {lost.empty() ? compare_whole(index.tables, scanned.tables)
                       : compare_part(index.tables, scanned.tables),
          missing.size()};
}

}  // namespace leveret
