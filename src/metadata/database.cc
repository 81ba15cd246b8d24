// SPDX-License-Identifier: Apache-2.0
#include "metadata/database.h"

#include "base/assert.h"
#include "base/log.h"

#include <cerrno>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

namespace leveret {
namespace {

std::error_code as_error_code(int sqlite_code, int system_errno) {
  switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
      return make_error_code(std::errc::no_space_on_device);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make_error_code(std::errc::device_or_resource_busy);
    case SQLITE_NOMEM:
      return make_error_code(std::errc::not_enough_memory);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return make_error_code(std::errc::permission_denied);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return system_errno ? std::error_code(system_errno, std::generic_category())
                          : make_error_code(std::errc::io_error);
    default:
      return {};
  }
}

/// SQLite makes a file by the process's umask; what is in here are password hashes. Its log file
/// takes the mode of this one.
Result<void> create_private_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  if (errno != EEXIST) {
    return failure({errno, std::generic_category()}, "metadata " + file.string() + ": create");
  }
  std::error_code failed;
  std::filesystem::permissions(
      file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, failed);
  if (failed) return failure(failed, "metadata " + file.string() + ": set mode 0600");
  return {};
}

}  // namespace

// Statement

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement& Statement::bind(std::string_view bytes) {
  // A null pointer would bind NULL instead of nothing.
  const int code = sqlite3_bind_blob64(
      handle_.get(), ++bound_count_, bytes.data() ? bytes.data() : "", bytes.size(), SQLITE_STATIC);
  if (bind_failure_ == SQLITE_OK) bind_failure_ = code;
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  const int code = sqlite3_bind_int64(handle_.get(), ++bound_count_, number);
  if (bind_failure_ == SQLITE_OK) bind_failure_ = code;
  return *this;
}

Result<void> Statement::run() {
  LEVERET_TRY(const bool has_row, next_row());
  LEVERET_ASSERT(!has_row, "{} gave a row", sqlite3_sql(handle_.get()));
  return {};
}

Result<bool> Statement::next_row() {
  const int code = bind_failure_ == SQLITE_OK ? sqlite3_step(handle_.get()) : bind_failure_;
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = database_->error(code, sqlite3_sql(handle_.get()));
  reset();
  return std::unexpected(std::move(error));
}

void Statement::reset() {
  // Its code repeats the failure of the last step, which has been told.
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
  bound_count_ = 0;
  bind_failure_ = SQLITE_OK;
}

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return data ? std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size))
              : std::string_view();
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

// Database

void Database::Close::operator()(sqlite3* handle) const {
  const int code = sqlite3_close(handle);
  LEVERET_ASSERT(code == SQLITE_OK, "a statement outlives its database: {}", sqlite3_errstr(code));
}

Database::Database(std::string path, std::unique_ptr<sqlite3, Close> handle)
    : path_(std::move(path)), handle_(std::move(handle)) {}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file) {
  if (file != ":memory:") {
    LEVERET_CHECK(create_private_file(file));
  }
  LEVERET_TRY(
      std::unique_ptr<Database> database,
      open_handle(file.string(), file.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  if (auto configured = database->configure(); !configured) {
    Error error = std::move(configured).error();
    if (error.code == std::errc::device_or_resource_busy) {
      error.context += ": held by another process";
    }
    return std::unexpected(std::move(error));
  }
  return database;
}

Result<std::unique_ptr<Database>> Database::open_unlocked(const std::filesystem::path& file) {
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(file).string()) {
    // What SQLite would take for the end of the name, or for an escape.
    uri += c == '?' ? "%3f" : c == '#' ? "%23" : c == '%' ? "%25" : std::string(1, c);
  }
  LEVERET_TRY(std::unique_ptr<Database> database,
              open_handle(file.string(), uri + "?mode=ro&immutable=1",
                          SQLITE_OPEN_READONLY | SQLITE_OPEN_URI));
  sqlite3_db_config(database->handle_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  LEVERET_CHECK(database->execute("PRAGMA cell_size_check = ON"));
  return database;
}

Result<std::unique_ptr<Database>> Database::open_handle(const std::string& path,
                                                        const std::string& name, int flags) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &opened,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  LEVERET_ASSERT(opened, "SQLite has no memory for a handle");
  std::unique_ptr<Database> database(new Database(path, std::unique_ptr<sqlite3, Close>(opened)));
  if (code != SQLITE_OK) return std::unexpected(database->error(code, "open"));
  return database;
}

Result<void> Database::configure() {
  // A database with crafted views and triggers may run nothing of theirs, and pages whose inside
  // is wrong are reported and not read past.
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // Exclusive before WAL: the index of the log is then in our memory, and no other process gets in.
  LEVERET_CHECK(
      execute("PRAGMA cell_size_check = ON;"
              "PRAGMA locking_mode = EXCLUSIVE;"
              "PRAGMA journal_mode = WAL;"
              "PRAGMA synchronous = FULL;"
              "PRAGMA temp_store = MEMORY;"
              "PRAGMA cache_size = -8192;"
              // The lock is taken with the first write and kept.
              "BEGIN EXCLUSIVE; COMMIT;"));
  return {};
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(error(code, sql));
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* made = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  if (code != SQLITE_OK) return std::unexpected(error(code, sql));
  Statement statement;
  statement.database_ = this;
  statement.handle_.reset(made);
  return statement;
}

Result<std::int64_t> Database::ask(std::string_view sql) {
  LEVERET_TRY(Statement statement, prepare(sql));
  LEVERET_TRY(const bool has_row, statement.next_row());
  LEVERET_ASSERT(has_row, "{} gave no row", sql);
  return statement.number(0);
}

void Database::roll_back() {
  // Some failures end the transaction by themselves; then there is nothing to end.
  if (sqlite3_get_autocommit(handle_.get())) return;
  if (auto ended = execute("ROLLBACK"); !ended) {
    log(LogLevel::error, "metadata", "rollback_failed reason=\"{}\"", ended.error().text());
  }
}

Error Database::error(int code, std::string_view what) const {
  constexpr std::size_t what_bytes_max = 60;
  // The errno belongs to this failure only when the failure was the system's.
  const bool is_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  const int system_errno = is_system ? sqlite3_system_errno(handle_.get()) : 0;
  return {as_error_code(code, system_errno), "metadata " + path_ + ": " +
                                                 sqlite3_errmsg(handle_.get()) + " (" +
                                                 std::string(what.substr(0, what_bytes_max)) + ")"};
}

}  // namespace leveret
