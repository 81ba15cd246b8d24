// SPDX-License-Identifier: Apache-2.0
#include "vhost/queue_journals.h"

#include "base/log.h"

#include <charconv>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

std::string directory_name(std::uint16_t index) { return fmt::format("{:04}", index); }

std::optional<std::uint16_t> index_of(const std::string& name) {
  std::uint16_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return directory_name(index) == name ? std::optional(index) : std::nullopt;
}

}  // namespace

/// One journal with its lanes.
class QueueJournals::Slot final : public JournalHost {
 public:
  Slot(QueueJournals& all, std::uint16_t number)
      : index(number),
        all_(all),
        writing_(std::make_unique<IoThread>(all.executor_, all.home_,
                                            fmt::format("leveret-jw{}", number))),
        reading_(std::make_unique<IoThread>(all.executor_, all.home_,
                                            fmt::format("leveret-jr{}", number))),
        directory_(all.settings_.directory / directory_name(index)),
        journal({.files = all.settings_.files,
                 .writing = writing_.get(),
                 .reading = reading_.get(),
                 .host = this,
                 .clock = &all.clock_},
                {.directory = directory_,
                 .index = index,
                 .segment_bytes = all.settings_.segment_bytes}),
        log(journal, all.host_) {}
  ~Slot() override { *self_ = nullptr; }

  void open() {
    auto found = std::make_shared<Result<Recovered>>();
    reading_->submit([this, found] { *found = recover(*all_.settings_.files, directory_, index); },
                     [self = self_, found] {
                       if (*self) (*self)->on_recovered(std::move(*found));
                     });
  }
  [[nodiscard]] JournalSnapshot snapshot() const {
    JournalSnapshot shown{.index = index, .worker = all_.home_, .is_ready = is_ready};
    if (!is_ready) return shown;
    if (journal.is_stalled()) shown.trouble = JournalTrouble::stalled;
    if (journal.is_poisoned()) shown.trouble = JournalTrouble::poisoned;
    shown.counts = journal.counts();
    shown.recovery = recovery_;
    return shown;
  }
  void end_lanes() {
    writing_.reset();
    reading_.reset();
  }

  // JournalHost
  void on_durable(BatchId upto) override { log.on_durable(upto); }
  void on_stalled(const Error& why) override {
    ++all_.stalled_count_;
    leveret::log(LogLevel::error, "journal", "stalled journal={} reason=\"{}\"", index, why.text());
    all_.host_.on_journal_trouble(index, JournalTrouble::stalled, why.text());
  }
  void on_resumed() override {
    --all_.stalled_count_;
    leveret::log(LogLevel::info, "journal", "resumed journal={}", index);
    all_.host_.on_journal_trouble(index, JournalTrouble::none, {});
  }
  void on_poisoned(const Error& why) override {
    leveret::log(LogLevel::error, "journal", "poisoned journal={} reason=\"{}\"", index,
                 why.text());
    log.on_poisoned();
    all_.host_.on_journal_trouble(index, JournalTrouble::poisoned, why.text());
  }
  void find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                  std::vector<IndexEntry>& alive) override {
    if (LoggedStore* store = log.find_store(owner)) {
      store->find_alive(owner, segment, entries, alive);
    }
  }
  void relocate(OwnerId owner, SegmentId segment, std::span<Relocation> relocations) override {
    if (LoggedStore* store = log.find_store(owner)) store->relocate(owner, segment, relocations);
  }

  const std::uint16_t index;
  bool is_ready = false;

 private:
  void on_recovered(Result<Recovered> found) {
    if (!found) return all_.host_.on_journal_unusable(index, found.error());
    const RecoveryReport& report = found->report;
    for (const Damage& damage : report.damages) {
      leveret::log(LogLevel::error, "journal", "damaged file={} offset={} bytes={}", damage.file,
                   damage.offset, damage.bytes);
    }
    if (report.segments != 0) {
      leveret::log(LogLevel::info, "journal",
                   "recovered journal={} confirmed={} unconfirmed={} discarded={} cut_bytes={} "
                   "segments={} scanned={} damages={} clean={}",
                   index, report.counts.confirmed, report.counts.unconfirmed,
                   report.counts.discarded, report.cut_bytes, report.segments,
                   report.scanned_segments, report.damages.size(), report.is_clean);
    }
    journal.start(std::move(found->segments), found->next_segment);
    is_ready = true;
    recovery_ = report;
    all_.host_.on_journal_ready(index, std::move(*found));
  }

  QueueJournals& all_;
  std::unique_ptr<IoThread> writing_;
  std::unique_ptr<IoThread> reading_;
  const std::filesystem::path directory_;
  RecoveryReport recovery_;
  std::shared_ptr<Slot*> self_ = std::make_shared<Slot*>(this);

 public:
  Journal journal;
  MessageLog log;
};

QueueJournals::QueueJournals(Executor& executor, const Clock& clock,
                             const JournalSettings& settings, WorkerId home,
                             QueueJournalsHost& host)
    : executor_(executor), clock_(clock), settings_(settings), home_(home), host_(host) {}

QueueJournals::~QueueJournals() {
  for (const auto& [index, slot] : slots_) slot->end_lanes();
}

Result<void> QueueJournals::open() {
  if (settings_.files == nullptr) return {};
  FileSystem& files = *settings_.files;
  LEVERET_CHECK(files.make_directory(settings_.directory));
  LEVERET_TRY(const std::vector<std::string> names, files.list(settings_.directory));
  std::set<std::uint16_t> indexes = {home_.value()};
  for (const std::string& name : names) {
    const auto index = index_of(name);
    if (index && *index % executor_.worker_count() == home_.value()) indexes.insert(*index);
  }
  for (const std::uint16_t index : indexes) {
    LEVERET_CHECK(files.make_directory(settings_.directory / directory_name(index)));
    slots_[index] = std::make_unique<Slot>(*this, index);
  }
  LEVERET_CHECK(files.sync_directory(settings_.directory));
  for (const auto& [index, slot] : slots_) slot->open();
  return {};
}

MessageLog* QueueJournals::find_log(std::uint16_t index) const {
  const auto found = slots_.find(index);
  return found != slots_.end() && found->second->is_ready ? &found->second->log : nullptr;
}

void QueueJournals::flush() {
  bool is_congested = false;
  for (const auto& [index, slot] : slots_) {
    if (!slot->is_ready) continue;
    slot->log.end_turn();
    slot->journal.flush();
    is_congested = is_congested || slot->journal.is_congested();
  }
  if (std::exchange(is_congested_, is_congested) && !is_congested) host_.on_journal_uncongested();
}

void QueueJournals::reclaim() {
  for (const auto& [index, slot] : slots_) {
    if (slot->is_ready) slot->journal.reclaim();
  }
}

void QueueJournals::retry() {
  for (const auto& [index, slot] : slots_) slot->journal.retry();
}

std::vector<JournalSnapshot> QueueJournals::snapshots() const {
  std::vector<JournalSnapshot> all;
  all.reserve(slots_.size());
  for (const auto& [index, slot] : slots_) all.push_back(slot->snapshot());
  return all;
}

void QueueJournals::close(
    const std::function<void(std::uint16_t index, std::vector<SeqRun>&)>& collect) {
  for (const auto& [index, slot] : slots_) {
    slot->end_lanes();
    if (!slot->is_ready) continue;
    std::vector<SeqRun> delivered;
    collect(index, delivered);
    if (auto closed = slot->journal.close(delivered); !closed) {
      log(LogLevel::error, "journal", "not_closed journal={} reason=\"{}\"", index,
          closed.error().text());
    }
  }
}

}  // namespace leveret
