// SPDX-License-Identifier: Apache-2.0
//
// Database and Statement: SQLite's C interface with owners and Results. Knows nothing of what is
// stored. Every string is bound and read as a blob, so that a name with a NUL stays whole.
//
// Thread: one thread at a time, the metadata thread once the store runs.
// Errors: each carries the file's name and SQLite's text; no_space_on_device, io_error,
// device_or_resource_busy and their like are in the code, for who must tell them apart.

#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace leveret {

class Database;

/// A prepared statement. Borrows its Database, which outlives it.
class Statement {
 public:
  Statement() = default;

  /// Values bind to ?1, ?2, ... in the order of the calls; strings must live until the run is over.
  Statement& bind(std::string_view bytes);
  Statement& bind(std::int64_t number);

  /// Runs a statement that gives no rows, and makes it ready to be bound anew.
  [[nodiscard]] Result<void> run();
  /// Goes to the next row. False: there is none, and the statement is ready to be bound anew.
  [[nodiscard]] Result<bool> next_row();

  // The columns of the row; valid until the next next_row().
  [[nodiscard]] std::string_view bytes(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  void reset();

  Database* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  int bound_count_ = 0;
  int bind_failure_ = 0;  // The first of the binds of this run; told by run() or next_row().
};

class Database {
 public:
  /// Opens `file`, made with mode 0600 when absent, and sets how it is used: locked against other
  /// processes, WAL, every commit synced.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file);
  /// Opens `file`, which is there, to read what is in it now. Takes no lock, minds nobody's, and
  /// does not see what stands in its log only; whoever reads while another writes may get anything.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open_unlocked(
      const std::filesystem::path& file);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs every statement in `sql` (zero-terminated); none of them gives rows that matter.
  [[nodiscard]] Result<void> execute(const char* sql);
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  /// The one number that `sql` asks for.
  [[nodiscard]] Result<std::int64_t> ask(std::string_view sql);

  [[nodiscard]] Result<void> begin() { return execute("BEGIN IMMEDIATE"); }
  [[nodiscard]] Result<void> commit() { return execute("COMMIT"); }
  /// Ends a transaction that failed. Does nothing when SQLite has already ended it.
  void roll_back();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// What SQLite last complained of, while doing `what`.
  [[nodiscard]] Error error(int code, std::string_view what) const;

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* handle) const;
  };

  Database(std::string path, std::unique_ptr<sqlite3, Close> handle);
  [[nodiscard]] static Result<std::unique_ptr<Database>> open_handle(const std::string& path,
                                                                     const std::string& name,
                                                                     int flags);
  [[nodiscard]] Result<void> configure();

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace leveret
