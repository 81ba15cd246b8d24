// SPDX-License-Identifier: Apache-2.0
//
//   GET /api/leveret/journals       what each journal holds, does, and found when the broker
//   started
#include "mgmt/gather.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace leveret {
namespace {

namespace json = boost::json;

std::string_view state_name(const JournalSnapshot& journal) {
  if (!journal.is_ready) return "recovering";
  switch (journal.trouble) {
    case JournalTrouble::none:
      return "running";
    case JournalTrouble::stalled:
      return "stalled";
    case JournalTrouble::poisoned:
      return "failed";
  }
  return {};
}

json::object recovery_view(const RecoveryReport& report) {
  json::array damages;
  for (const Damage& damage : report.damages) {
    damages.push_back(json::object{
        {"file", json_text(damage.file)}, {"offset", damage.offset}, {"bytes", damage.bytes}});
  }
  json::object view = recovered_view(report.counts);
  view["clean"] = report.is_clean;
  view["cut_bytes"] = report.cut_bytes;
  view["segments"] = report.segments;
  view["scanned_segments"] = report.scanned_segments;
  view["damages"] = std::move(damages);
  return view;
}

json::object journal_view(const JournalSnapshot& journal) {
  const Journal::Counts& counts = journal.counts;
  return {{"journal", journal.index},
          {"worker", journal.worker.value()},
          {"state", state_name(journal)},
          {"segments", counts.segments},
          {"used_bytes", counts.used_bytes},
          {"live_bytes", counts.live_bytes},
          {"batches", counts.batches},
          {"syncs", counts.syncs},
          {"bytes_written", counts.bytes_written},
          {"segments_moved", counts.segments_moved},
          {"damaged_segments", counts.damaged_segments},
          {"recovery", recovery_view(journal.recovery)}};
}

void collect_journals(Shard& shard, std::vector<JournalSnapshot>& all) {
  std::ranges::move(shard.journals().snapshots(), std::back_inserter(all));
}

void list_journals(Call asked) {
  Broker& broker = asked.broker();
  gather<JournalSnapshot>(broker, collect_journals,
                          [call = std::move(asked)](std::vector<JournalSnapshot> journals) mutable {
                            std::ranges::sort(journals, {}, &JournalSnapshot::index);
                            json::array list;
                            for (const JournalSnapshot& journal : journals)
                              list.push_back(journal_view(journal));
                            call.respond(HttpResponse::json(list));
                          });
}

}  // namespace

std::span<const Route> journal_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/leveret/journals", Need::management, list_journals},
  };
  return routes;
}

}  // namespace leveret
