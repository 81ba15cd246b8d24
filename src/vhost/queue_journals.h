// SPDX-License-Identifier: Apache-2.0
//
// QueueJournals: the journals that one worker keeps, and the lanes on which they work.
//
// A journal has an index, and every durable queue says in the metadata which one holds its
// messages. A worker keeps the journal with its own number; when there were once more workers, the
// journals of the missing ones are shared out (index modulo workers), so that all are kept by
// somebody.
//
//   <data-dir>/journal/0000/0000002a.segment ...
//
// They are opened in the background: until a journal is ready, who wants one of its queues waits.
//
// Thread: the home worker; close() any thread once the workers have ended.
// Owns: lanes, journals, logs. Borrows: executor, file system, clock, host.

#pragma once

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "journal/file_system.h"
#include "journal/journal.h"
#include "queue/message_log.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace leveret {

/// Where journals are and how they work. The same for every worker.
struct JournalSettings {
  FileSystem* files = nullptr;  // Not owned: outlives the broker. Null: nothing is kept.
  std::filesystem::path directory;
  std::uint32_t segment_bytes = 64 * 1024 * 1024;
  Durability durability = Durability::fsync;  ///< Of queues that do not say.
};

enum class JournalTrouble {
  none,      ///< It works (again).
  stalled,   ///< What is to be written waits.
  poisoned,  ///< A sync failed; only a restart helps.
};

/// A journal in numbers, for people and for the management API; taken at one moment.
struct JournalSnapshot {
  std::uint16_t index = 0;
  WorkerId worker;
  bool is_ready = false;  ///< What it holds has been found; the rest is empty before.
  JournalTrouble trouble = JournalTrouble::none;
  Journal::Counts counts;
  RecoveryReport recovery;
};

/// Told by the journals of a worker.
class QueueJournalsHost : public QueueHost {
 public:
  /// The journal is open; `recovered` is what it found.
  virtual void on_journal_ready(std::uint16_t index, Recovered recovered) = 0;
  /// The journal can never be opened as it is. The broker must not go on without it.
  virtual void on_journal_unusable(std::uint16_t index, const Error& why) = 0;
  /// It cannot be written at the moment, or again, or never more.
  virtual void on_journal_trouble(std::uint16_t index, JournalTrouble trouble,
                                  const std::string& why) = 0;
  /// Room again for who was held by is_congested().
  virtual void on_journal_uncongested() = 0;
};

class QueueJournals {
 public:
  QueueJournals(Executor& executor, const Clock& clock, const JournalSettings& settings,
                WorkerId home, QueueJournalsHost& host);
  ~QueueJournals();

  /// Begins to open every journal that belongs here. Errors: the directory cannot be made or read.
  [[nodiscard]] Result<void> open();

  /// The log of a journal that is ready; null: it is not, or nothing is kept.
  [[nodiscard]] MessageLog* find_log(std::uint16_t index) const;

  /// The end of a turn.
  void flush();
  /// A quiet moment.
  void reclaim();
  /// Tries again what could not be written.
  void retry();
  [[nodiscard]] bool has_stalled() const { return stalled_count_ != 0; }
  [[nodiscard]] bool is_congested() const { return is_congested_; }
  [[nodiscard]] std::vector<JournalSnapshot> snapshots() const;

  /// Ends the lanes and closes every journal in good order. `collect` adds what was delivered from
  /// queues of one journal. Errors are logged: the next start finds that journal as after a crash.
  void close(const std::function<void(std::uint16_t index, std::vector<SeqRun>&)>& collect);

 private:
  class Slot;

  Executor& executor_;
  const Clock& clock_;
  const JournalSettings& settings_;
  const WorkerId home_;
  QueueJournalsHost& host_;
  std::map<std::uint16_t, std::unique_ptr<Slot>> slots_;
  unsigned stalled_count_ = 0;
  bool is_congested_ = false;
};

}  // namespace leveret
