// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands/journal_rows.h"

#include "journal/owner_names.h"
#include "journal/segment_scan.h"

#include <array>
#include <chrono>
#include <ctime>
#include <map>
#include <string>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

template <std::size_t Count>
constexpr std::array<Column, Count> columns_of(const std::array<std::string_view, Count>& names) {
  std::array<Column, Count> columns;
  for (std::size_t i = 0; i < Count; ++i) columns[i] = {names[i], names[i]};
  return columns;
}

std::string utc(std::uint64_t microseconds) {
  const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  // Four digits are for the years that a clock of ours can have meant.
  constexpr std::time_t year_10000 = 253402300800;
  if (microseconds == 0 || seconds >= year_10000) return {};
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

std::string_view end_text(SegmentEnd end) {
  switch (end) {
    case SegmentEnd::open:
      return "open";
    case SegmentEnd::full:
      return "full";
    case SegmentEnd::stopped:
      return "stopped";
  }
  return "";
}

std::string_view index_text(IndexState index) {
  switch (index) {
    case IndexState::none:
      return "none";
    case IndexState::usable:
      return "usable";
    case IndexState::damaged:
      return "damaged";
  }
  return "";
}

json::string text(std::string_view view) { return json::string(view.data(), view.size()); }

std::string segment_text(SegmentId segment) { return fmt::format("{:08x}", segment.value()); }

std::string location_text(SegmentId segment, std::uint32_t offset) {
  return fmt::format("{:08x}:{}", segment.value(), offset);
}

/// The owner's number, and the names if they are known.
void add_owner(json::object& row, OwnerId owner, const QueueNames& names) {
  const std::uint64_t number = number_of_owner(owner);
  row["owner"] = number;
  row["passing"] = is_passing(owner);
  const auto named = names.find(number);
  row["vhost"] = row["queue"] = nullptr;
  if (named == names.end()) return;
  row["vhost"] = text(named->second.vhost);
  row["queue"] = text(named->second.name);
  if (named->second.is_held_back) row["queue"].as_string() += " (delayed by this exchange)";
}

class RecordRows {
 public:
  RecordRows(SegmentId segment, const QueueNames& names) : segment_(segment), names_(names) {}

  void add(const Record& record) {
    if (record.offset > end_) add_row("hole", end_, record.offset - end_);
    end_ = record.offset + record.bytes;
    switch (record.kind) {
      case RecordKind::batch: {
        const auto mark = read_part<BatchMark>(record.payload);
        add_row("batch", record)["refers_to"] = location_text(mark.segment, mark.offset);
        break;
      }
      case RecordKind::entry:
      case RecordKind::reference:
        add_entry(record);
        break;
      case RecordKind::settle:
        add_runs("settle", record);
        break;
      case RecordKind::moved:
        add_row("moved", record)["refers_to"] =
            segment_text(read_part<MovedMark>(record.payload).segment);
        break;
      case RecordKind::delivered:
        add_runs("delivered", record);
        break;
      case RecordKind::end:
        add_row("end", record);
        break;
      case RecordKind::stop:
        add_row("stop", record);
        break;
    }
  }

  [[nodiscard]] json::array take() { return std::move(rows_); }

 private:
  json::object& add_row(std::string_view kind, std::uint32_t offset, std::uint32_t bytes) {
    rows_.push_back(json::object{{"segment", segment_text(segment_)},
                                 {"offset", offset},
                                 {"bytes", bytes},
                                 {"kind", text(kind)}});
    return rows_.back().as_object();
  }
  json::object& add_row(std::string_view kind, const Record& record) {
    return add_row(kind, record.offset, record.bytes);
  }

  void add_entry(const Record& record) {
    const auto prefix = read_part<EntryPrefix>(record.payload);
    const bool is_reference = record.kind == RecordKind::reference;
    json::object& row = add_row(is_reference ? "reference" : "entry", record);
    add_owner(row, prefix.owner, names_);
    row["seq"] = prefix.seq;
    row["count"] = 1;
    if (is_reference) row["refers_to"] = location_text(segment_, prefix.weight_or_offset);
    if (prefix.origin.value() != 0) row["origin"] = segment_text(prefix.origin);
  }

  /// A row for each run; they share the record's place.
  void add_runs(std::string_view kind, const Record& record) {
    for (std::size_t i = 0; i < record.payload.size() / sizeof(SeqRun); ++i) {
      const auto run = read_part<SeqRun>(record.payload, i);
      json::object& row = add_row(kind, record);
      add_owner(row, run.owner, names_);
      row["seq"] = run.first;
      row["count"] = run.count;
      if (run.segment.value() != 0) row["refers_to"] = segment_text(run.segment);
    }
  }

  const SegmentId segment_;
  const QueueNames& names_;
  json::array rows_;
  std::uint32_t end_ = segment_header_bytes;
};

}  // namespace

std::span<const Column> segment_columns() {
  static constexpr auto columns = columns_of(std::to_array<std::string_view>(
      {"journal", "segment", "begun", "bytes", "entries", "owners", "settle_runs", "live_entries",
       "live_bytes", "end", "index"}));
  return columns;
}

json::array segment_rows(const JournalSurvey& survey) {
  json::array rows;
  rows.reserve(survey.segments.size());
  for (const SurveyedSegment& segment : survey.segments) {
    json::object row{{"journal", survey.journal},
                     {"segment", segment_text(segment.segment)},
                     {"begun", utc(segment.begun_microseconds)},
                     {"bytes", segment.used_bytes},
                     {"entries", segment.entries},
                     {"owners", segment.owners},
                     {"settle_runs", segment.settle_runs},
                     {"end", text(end_text(segment.end))},
                     {"index", text(index_text(segment.index))}};
    if (survey.at_start) {
      const auto found = survey.at_start->segments.find(segment.segment);
      const bool is_kept = found != survey.at_start->segments.end();
      row["live_entries"] = is_kept ? found->second.live_entries : 0;
      row["live_bytes"] = is_kept ? found->second.live_bytes : 0;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::span<const Column> owner_columns() {
  static constexpr auto columns = columns_of(std::to_array<std::string_view>(
      {"journal", "owner", "vhost", "queue", "segment", "live_entries", "live_bytes"}));
  return columns;
}

json::array owner_rows(const JournalSurvey& survey, const QueueNames& names) {
  struct Live {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::pair<OwnerId, SegmentId>, Live> lives;
  if (survey.at_start) {
    for (const auto& [owner, recovered] : survey.at_start->owners) {
      for (const RecoveredPage& page : recovered.pages) {
        Live& live = lives[{owner, page.segment}];
        live.entries += page.count;
        live.bytes += page.share_bytes;
      }
    }
  }
  json::array rows;
  rows.reserve(lives.size());
  for (const auto& [key, live] : lives) {
    json::object row{{"journal", survey.journal},
                     {"segment", segment_text(key.second)},
                     {"live_entries", live.entries},
                     {"live_bytes", live.bytes}};
    add_owner(row, key.first, names);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::span<const Column> record_columns() {
  static constexpr auto columns = columns_of(
      std::to_array<std::string_view>({"segment", "offset", "bytes", "kind", "owner", "passing",
                                       "vhost", "queue", "seq", "count", "refers_to", "origin"}));
  return columns;
}

json::array record_rows(std::span<const std::byte> bytes, std::uint16_t journal, SegmentId segment,
                        const QueueNames& names) {
  RecordRows rows(segment, names);
  static_cast<void>(
      scan_segment(bytes, journal, segment, [&rows](const Record& record) { rows.add(record); }));
  return rows.take();
}

std::span<const Column> finding_columns() {
  static constexpr auto columns =
      columns_of(std::to_array<std::string_view>({"kind", "file", "offset", "bytes", "text"}));
  return columns;
}

json::array finding_rows(const JournalSurvey& survey) {
  json::array rows;
  rows.reserve(survey.findings.size());
  for (const Finding& finding : survey.findings) {
    rows.push_back(json::object{{"kind", text(name_of(finding.kind))},
                                {"file", finding.file},
                                {"offset", finding.offset},
                                {"bytes", finding.bytes},
                                {"text", finding.text}});
  }
  return rows;
}

}  // namespace leveret::ctl
