// SPDX-License-Identifier: Apache-2.0
#include "journal/segment_scan.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>

namespace leveret {
namespace {

class Scanner {
 public:
  Scanner(std::span<const std::byte> bytes, SegmentId segment) : bytes_(bytes), segment_(segment) {}

  void run(const std::function<void(const Record&)>& on_record) {
    std::uint32_t at = segment_header_bytes;
    while (at < bytes_.size()) {
      std::optional<Record> record = decode_record(bytes_, segment_, at);
      if (!record) {
        record = next_after(at);
        if (!record) return;
        scan.content.holes.push_back({at, record->offset - at});
      }
      take(*record);
      if (on_record) on_record(*record);
      at = record->offset + record->bytes;
      scan.content.used_bytes = at;
      ++scan.records;
      if (scan.is_ended) return;
      // A start that has used up a stop says so behind it, at once.
      if (scan.is_stopped && !decode_record(bytes_, segment_, at)) return;
    }
  }

  SegmentScan scan;

 private:
  [[nodiscard]] std::optional<Record> next_after(std::uint32_t hole) {
    for (std::uint64_t at = std::uint64_t{hole} + record_alignment;
         at + record_header_bytes <= bytes_.size(); at += record_alignment) {
      const auto offset = static_cast<std::uint32_t>(at);
      const std::uint64_t hashed = bytes_to_hash(bytes_.subspan(offset));
      if (hashed == 0) continue;
      // Bytes made to look like headers everywhere must not cost the square of their number.
      if (hashed > hash_budget_) return std::nullopt;
      hash_budget_ -= hashed;
      if (auto record = decode_record(bytes_, segment_, offset)) return record;
    }
    return std::nullopt;
  }

  void take(const Record& record) {
    scan.is_ended = record.kind == RecordKind::end;
    scan.is_stopped = record.kind == RecordKind::stop;
    switch (record.kind) {
      case RecordKind::batch:
        scan.marks.push_back(read_part<BatchMark>(record.payload));
        break;
      case RecordKind::entry: {
        const auto prefix = read_part<EntryPrefix>(record.payload);
        const IndexEntry entry{.seq = prefix.seq,
                               .offset = record.offset,
                               .bytes = record.bytes & 0x7fffffff,
                               .origin = prefix.origin,
                               .weight = prefix.weight_or_offset};
        data_[record.offset] = entry;
        add_row(prefix.owner, entry);
        break;
      }
      case RecordKind::reference: {
        const auto prefix = read_part<EntryPrefix>(record.payload);
        const auto data = data_.find(prefix.weight_or_offset);
        if (data == data_.end()) break;  // Its data fell into a hole, which is told already.
        IndexEntry entry = data->second;
        entry.seq = prefix.seq;
        entry.origin = prefix.origin;
        entry.is_reference = 1;
        add_row(prefix.owner, entry);
        break;
      }
      case RecordKind::settle:
        take_runs(record, scan.content.settles);
        break;
      case RecordKind::moved:
        scan.content.moved.push_back(read_part<MovedMark>(record.payload).segment);
        break;
      case RecordKind::delivered:
        take_runs(record, scan.delivered);
        break;
      case RecordKind::end:
      case RecordKind::stop:
        break;
    }
  }

  void add_row(OwnerId owner, const IndexEntry& entry) {
    scan.content.rows.push_back({owner, entry});
    if (entry.origin.value() != 0) scan.content.origins.push_back(entry.origin);
  }

  static void take_runs(const Record& record, std::vector<SeqRun>& runs) {
    for (std::size_t i = 0; i < record.payload.size() / sizeof(SeqRun); ++i) {
      runs.push_back(read_part<SeqRun>(record.payload, i));
    }
  }

  static constexpr std::uint64_t hash_budget_factor = 64;

  std::span<const std::byte> bytes_;
  SegmentId segment_;
  std::uint64_t hash_budget_ = bytes_.size() * hash_budget_factor;
  std::unordered_map<std::uint32_t, IndexEntry> data_;  // Entries by their offset.
};

}  // namespace

SegmentScan scan_segment(std::span<const std::byte> bytes, std::uint16_t journal, SegmentId segment,
                         const std::function<void(const Record&)>& on_record) {
  // Offsets are 32 bits wide; a longer file is none of ours.
  bytes = bytes.first(
      std::min<std::size_t>(bytes.size(), std::numeric_limits<std::uint32_t>::max() / 8 * 8));
  Scanner scanner(bytes, segment);
  scanner.run(on_record);
  const auto header = decode_segment_header(bytes);
  scanner.scan.is_header_valid = header && header->journal == journal &&
                                 header->segment == segment && header->version == segment_version;
  return std::move(scanner.scan);
}

void add_lost_end(SegmentScan& scan, std::uint64_t file_bytes) {
  if (scan.is_ended) return;
  SegmentContent& content = scan.content;
  const std::uint64_t bytes =
      std::max<std::uint64_t>(file_bytes, content.used_bytes + record_header_bytes) -
      content.used_bytes;
  content.holes.push_back(
      {content.used_bytes, static_cast<std::uint32_t>(std::min<std::uint64_t>(
                               bytes, std::numeric_limits<std::uint32_t>::max()))});
}

}  // namespace leveret
