// SPDX-License-Identifier: Apache-2.0
#include "metadata/metadata_store.h"

#include "base/assert.h"
#include "base/log.h"
#include "metadata/change_writer.h"
#include "metadata/database.h"
#include "metadata/schema.h"
#include "metadata/snapshot_reader.h"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

namespace leveret {

/// The metadata thread and what it works on. The database is its alone once it runs.
class MetadataStore::Thread {
 public:
  Thread(std::unique_ptr<Database> database, ChangeWriter writer)
      : database_(std::move(database)), writer_(std::move(writer)), thread_([this] { run(); }) {}

  ~Thread() {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    has_work_.notify_one();
    thread_.join();
  }

  void submit(std::vector<Change> changes, Committed done) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back({std::move(changes), std::move(done)});
    }
    has_work_.notify_one();
  }

  /// Calls `use(database)` on the thread, after what was submitted before, and waits for it.
  template <class Value, class Use>
  Result<Value> ask(Use use) {
    LEVERET_ASSERT(std::this_thread::get_id() != thread_.get_id(), "would wait for itself");
    std::promise<Result<Value>> answer;
    submit({}, [this, &answer, &use](Result<void> written) {
      answer.set_value(written ? use(*database_)
                               : Result<Value>(std::unexpected(std::move(written).error())));
    });
    return answer.get_future().get();
  }

 private:
  struct Submission {
    std::vector<Change> changes;
    Committed done;
  };

  void run() {
    std::vector<Submission> batch;
    while (take(batch)) {
      const Result<void> written = write(batch);
      for (Submission& submission : batch) submission.done(written);
      batch.clear();
    }
  }

  /// Waits for work and takes all there is. False: there is none, and none will come.
  bool take(std::vector<Submission>& batch) {
    std::unique_lock lock(mutex_);
    has_work_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
    batch.swap(waiting_);
    return !batch.empty();
  }

  Result<void> write(const std::vector<Submission>& batch) {
    const bool has_changes = std::ranges::any_of(
        batch, [](const Submission& submission) { return !submission.changes.empty(); });
    if (!has_changes) return {};
    LEVERET_CHECK(log_failure(database_->begin()));
    Result<void> written = write_changes(batch);
    if (!written) database_->roll_back();
    return log_failure(std::move(written));
  }

  Result<void> write_changes(const std::vector<Submission>& batch) {
    for (const Submission& submission : batch) {
      for (const Change& change : submission.changes) LEVERET_CHECK(writer_.write(change));
    }
    return database_->commit();
  }

  /// Each `done` tells its own client; the operator is told once for the transaction.
  static Result<void> log_failure(Result<void> written) {
    if (!written) {
      log(LogLevel::error, "metadata", "write_failed reason=\"{}\"", written.error().text());
    }
    return written;
  }

  const std::unique_ptr<Database> database_;  // Before the writer, whose statements need it.
  ChangeWriter writer_;

  std::mutex mutex_;  // Held for no more than a push or a swap; nothing is called under it.
  std::condition_variable has_work_;
  std::vector<Submission> waiting_;  // Under mutex_.
  bool is_stopping_ = false;         // Under mutex_.

  std::thread thread_;  // Last: it uses all of the above from its first moment.
};

MetadataStore::MetadataStore(std::unique_ptr<Thread> thread) : thread_(std::move(thread)) {}
MetadataStore::~MetadataStore() = default;

Result<std::unique_ptr<MetadataStore>> MetadataStore::open(const std::filesystem::path& file) {
  LEVERET_TRY(std::unique_ptr<Database> database, Database::open(file));
  LEVERET_CHECK(bring_up_to_date(*database));
  LEVERET_TRY(ChangeWriter writer, ChangeWriter::prepare(*database));
  return std::unique_ptr<MetadataStore>(
      new MetadataStore(std::make_unique<Thread>(std::move(database), std::move(writer))));
}

Result<Snapshot> MetadataStore::load() {
  return thread_->ask<Snapshot>([](Database& database) { return read_snapshot(database); });
}

void MetadataStore::submit(Change change, Committed done) {
  std::vector<Change> changes;
  changes.push_back(std::move(change));
  submit(std::move(changes), std::move(done));
}

void MetadataStore::submit(std::vector<Change> changes, Committed done) {
  thread_->submit(std::move(changes), std::move(done));
}

void MetadataStore::barrier(Committed done) { thread_->submit({}, std::move(done)); }

Result<void> MetadataStore::set_file_bytes_max(std::uint64_t bytes) {
  return thread_->ask<void>([bytes](Database& database) -> Result<void> {
    LEVERET_TRY(const std::int64_t page_bytes, database.ask("PRAGMA page_size"));
    // SQLite takes 0 for "tell me", and never goes below what is in use.
    const auto pages =
        std::clamp<std::uint64_t>(bytes / static_cast<std::uint64_t>(page_bytes), 1, 4294967294);
    LEVERET_CHECK(database.ask("PRAGMA max_page_count = " + std::to_string(pages)));
    return {};
  });
}

}  // namespace leveret
