// SPDX-License-Identifier: Apache-2.0
//
// journal inspect, journal verify: what is in a broker's journals and whether it is whole. They
// read the files and ask no broker; one may run meanwhile.
#include "ctl/command.h"
#include "ctl/commands/journal_place.h"
#include "ctl/commands/journal_rows.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

Outcome<JournalSurvey> survey(const JournalPlace& place, SurveyDepth depth) {
  PosixFileSystem files;
  auto found = survey_journal(files, place.directory,
                              {.depth = depth, .journal = place.journal, .only = place.only});
  if (!found) return fail_titled(ExitCode::no_input, found.error().text());
  return std::move(*found);
}

/// None when they cannot be told: numbers do, too.
QueueNames names_near(const JournalPlaces& places) {
  if (places.metadata.empty()) return {};
  return read_queue_names(places.metadata).value_or(QueueNames());
}

/// Rows that come a part at a time. A form that needs all of them to begin waits for all.
class Printer {
 public:
  Printer(const Session& session, std::span<const Column> columns)
      : session_(session),
        invocation_(session.invocation),
        columns_(columns.begin(), columns.end()) {}

  void add(json::array rows) {
    if (invocation_.format == Format::json || invocation_.format == Format::pretty_table) {
      std::ranges::move(rows, std::back_inserter(rows_));
    } else if (!rows.empty()) {
      session_.print(format_rows(rows, columns_, invocation_, /*prints_empty_line=*/false));
      invocation_.has_table_headers = false;
    }
  }
  void finish() {
    session_.print(format_rows(rows_, columns_, invocation_, /*prints_empty_line=*/false));
  }

 private:
  const Session& session_;
  Invocation invocation_;
  const std::vector<Column> columns_;
  json::array rows_;
};

Outcome<void> add_records(const JournalSurvey& found, const QueueNames& names, Printer& printer) {
  PosixFileSystem files;
  for (const SurveyedSegment& segment : found.segments) {
    const auto path = found.directory / segment_file_name(segment.segment);
    const auto file = files.open(path, OpenMode::read);
    if (!file) continue;  // A running broker was done with it.
    std::vector<std::byte> bytes(segment.file_bytes);
    const auto got = (*file)->read_at(0, bytes);
    if (!got) return fail_titled(ExitCode::no_input, got.error().text());
    bytes.resize(*got);
    printer.add(record_rows(bytes, found.journal, segment.segment, names));
  }
  return {};
}

Outcome<void> inspect(const Session& session, const JournalPlaces& places) {
  const bool wants_records = session.invocation.has_switch("--records");
  const bool wants_owners = session.invocation.has_switch("--owners");
  if (wants_owners && places.journals.size() == 1 && places.journals[0].only) {
    return fail_titled(ExitCode::usage,
                       "--owners needs the whole journal: what is alive in a segment is said by "
                       "the others, too");
  }
  const QueueNames names = wants_records || wants_owners ? names_near(places) : QueueNames();
  Printer printer(session, wants_records  ? record_columns()
                           : wants_owners ? owner_columns()
                                          : segment_columns());
  for (const JournalPlace& place : places.journals) {
    const auto found = survey(place, SurveyDepth::indexes);
    if (!found) return std::unexpected(found.error());
    if (wants_records) {
      if (auto added = add_records(*found, names, printer); !added) return added;
    } else {
      printer.add(wants_owners ? owner_rows(*found, names) : segment_rows(*found));
    }
  }
  printer.finish();
  return {};
}

struct Totals {
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  std::uint64_t indexes = 0;
  std::uint64_t damages = 0;
  std::uint64_t confirmed = 0;
  std::uint64_t unconfirmed = 0;
  std::uint64_t discarded = 0;
  json::array findings;

  void add(const JournalSurvey& found) {
    for (const SurveyedSegment& segment : found.segments) {
      ++segments;
      bytes += segment.used_bytes;
      records += segment.records;
      if (segment.index == IndexState::usable) ++indexes;
    }
    damages +=
        static_cast<std::uint64_t>(std::ranges::count_if(found.findings, &Finding::is_damage));
    if (found.at_start) {
      confirmed += found.at_start->report.counts.confirmed;
      unconfirmed += found.at_start->report.counts.unconfirmed;
      discarded += found.at_start->report.counts.discarded;
    }
    std::ranges::move(finding_rows(found), std::back_inserter(findings));
  }
};

void print_totals(const Session& session, Totals totals, std::size_t journals) {
  if (session.invocation.format == Format::json) {
    session.print(json::serialize(json::object{{"is_whole", totals.damages == 0},
                                               {"journals", journals},
                                               {"segments", totals.segments},
                                               {"bytes", totals.bytes},
                                               {"records", totals.records},
                                               {"indexes", totals.indexes},
                                               {"damages", totals.damages},
                                               {"confirmed", totals.confirmed},
                                               {"unconfirmed", totals.unconfirmed},
                                               {"discarded", totals.discarded},
                                               {"findings", std::move(totals.findings)}}) +
                  "\n");
    return;
  }
  const auto columns = finding_columns();
  session.print(format_rows(totals.findings, {columns.begin(), columns.end()}, session.invocation,
                            /*prints_empty_line=*/false));
  session.banner(fmt::format(
      "Journals: {}, segments: {}, records: {}, bytes: {}, indexes that agree with them: {}.\n"
      "A start would find entries alive: {} known to be synced, {} not; and drop {}.",
      journals, totals.segments, totals.records, totals.bytes, totals.indexes, totals.confirmed,
      totals.unconfirmed, totals.discarded));
}

Outcome<void> verify(const Session& session, const JournalPlaces& places) {
  for (const char* option : {"--records", "--owners"}) {
    if (!session.invocation.has_switch(option)) continue;
    return fail_titled(ExitCode::usage, fmt::format("{} is an option of inspect", option));
  }
  Totals totals;
  for (const JournalPlace& place : places.journals) {
    const auto found = survey(place, SurveyDepth::everything);
    if (!found) return std::unexpected(found.error());
    totals.add(*found);
  }
  const std::uint64_t damages = totals.damages;
  print_totals(session, std::move(totals), places.journals.size());
  if (damages == 0) return {};
  return fail_titled(ExitCode::data, fmt::format("Damages found: {}", damages));
}

Outcome<void> check(const std::vector<std::string>& arguments) {
  if (arguments[0] == "inspect" || arguments[0] == "verify") return {};
  return fail(ExitCode::usage, fmt::format("'{}' is neither inspect nor verify.", arguments[0]));
}

Outcome<void> journal(const Session& session) {
  const auto& arguments = session.invocation.arguments;
  const auto places = find_journals(arguments[1]);
  if (!places) return std::unexpected(places.error());
  session.banner(fmt::format("{} {} ...",
                             arguments[0] == "verify" ? "Verifying journals in" : "Journals in",
                             arguments[1]));
  return arguments[0] == "verify" ? verify(session, *places) : inspect(session, *places);
}

constexpr std::array journal_switches{
    Switch{.name = "--records", .help = "of inspect: every record of every segment"},
    Switch{.name = "--owners",
           .help =
               "of inspect: what is alive, by queue and segment; names are those of metadata.db, "
               "which a running broker is ahead of"},
};

}  // namespace

std::span<const Command> journal_commands() {
  static constexpr Command commands[] = {
      {.verb = "journal",
       .group = "Files",
       .usage =
           "journal inspect|verify <data directory, journal or segment> [--records] [--owners] "
           "[--formatter <formatter>]",
       .summary = "Shows what is in a broker's journals, or reads and checks every byte of them",
       .arguments_min = 2,
       .arguments_max = 2,
       .run = journal,
       .switches = journal_switches,
       .needs_broker = false,
       .check = check},
  };
  return commands;
}

}  // namespace leveret::ctl
