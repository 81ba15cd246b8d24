// SPDX-License-Identifier: Apache-2.0
//
// MetadataStore: the book of what was declared, in one SQLite file.
//
// Changes are submitted from anywhere and written by the store's own thread, one transaction for
// all that waits: while one is being synced the next gathers, so that a lone declare costs one sync
// and ten thousand together cost one as well. A change is *durable* when its `done` is called with
// a value, never before (WAL, synchronous=FULL: the log is synced by each commit).
//
//   submit A ─┐                  submit D ─┐
//   submit B ─┼─> transaction 1            ├─> transaction 2: D, E
//   submit C ─┘   A, B, C: sync  submit E ─┘
//                       └─> done A, done B, done C
//
// Failure: when a statement or the commit fails (disk full, write error) the whole transaction is
// taken back and every `done` of it gets the error. Nothing is poisoned: the next transaction tries
// again, and works once the disk does. A commit that failed at the very sync may still be found
// after a power cut, as with any log; whoever must know submits the opposite change.
//
// Thread: any, but for open() and the destructor: one thread, before and after all others.
// `done` runs on the metadata thread: it posts what it has to say to a worker and returns at once.
// It may submit; it must not call load(), which waits for the thread it would be blocking.
// Owns: the file, locked against every other process, and the thread.
// Bounds: what waits is held in memory without a limit of its own. Each connection has at most one
// question out, and so the callers' number bounds it.

#pragma once

#include "base/result.h"
#include "metadata/change.h"
#include "metadata/records.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace leveret {

/// Told once: durable, or why not.
using Committed = std::move_only_function<void(Result<void>)>;

class MetadataStore {
 public:
  /// Opens `file` and makes it (mode 0600) when absent; ":memory:" is a store that forgets.
  /// Errors, each naming the file: held by another process; not a database, or damaged; not
  /// Leveret's; written by a newer Leveret; the system's own.
  [[nodiscard]] static Result<std::unique_ptr<MetadataStore>> open(
      const std::filesystem::path& file);

  /// Writes what was submitted, calls every `done`, and closes the file.
  ~MetadataStore();
  MetadataStore(const MetadataStore&) = delete;
  MetadataStore& operator=(const MetadataStore&) = delete;

  /// Everything there is, with what was submitted before. For the start: waits for the disk, and
  /// takes time in proportion to what there is.
  /// Errors: the file is damaged or cannot be read; what was submitted before and is written in the
  /// same transaction failed.
  [[nodiscard]] Result<Snapshot> load();

  void submit(Change change, Committed done);
  /// All of `changes` or none, in their order.
  void submit(std::vector<Change> changes, Committed done);
  /// Calls `done` after everything submitted before was written, or failed. Gets the error of the
  /// transaction it falls into, so it may report a failure that is its neighbours'.
  void barrier(Committed done);

  /// From now on the file takes at most `bytes` (rounded down to pages, and never less than it
  /// takes already); a change that needs more fails with no_space_on_device. Waits for the
  /// metadata thread, as load() does.
  [[nodiscard]] Result<void> set_file_bytes_max(std::uint64_t bytes);

 private:
  class Thread;
  explicit MetadataStore(std::unique_ptr<Thread> thread);

  std::unique_ptr<Thread> thread_;
};

}  // namespace leveret
