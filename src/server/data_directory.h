// SPDX-License-Identifier: Apache-2.0
//
// DataDirectory: the one place where a node keeps everything, held by one process at a time.
//
//   <data-dir>/leveret.pid      who holds it (locked as long as he lives)
//   <data-dir>/metadata.db      what was declared (SQLite)
//   <data-dir>/journal/         messages (docs/formats/journal.md)
//   <data-dir>/leveret.sock     the HTTP API for who may read the directory
//
// Thread: any, one at a time. Owns: the lock.

#pragma once

#include "base/result.h"
#include "net/socket.h"

#include <filesystem>

namespace leveret {

class DataDirectory {
 public:
  /// Makes the directory (0750) if it is not there and locks it. Errors: the system's; or, when
  /// another process holds it, who that is.
  [[nodiscard]] static Result<DataDirectory> open(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path metadata_file() const { return path_ / "metadata.db"; }
  [[nodiscard]] std::filesystem::path journal_directory() const { return path_ / "journal"; }
  [[nodiscard]] std::filesystem::path socket_file() const { return path_ / "leveret.sock"; }

 private:
  DataDirectory(std::filesystem::path path, Socket lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  Socket lock_;  // The descriptor of leveret.pid; the kernel drops the lock with it.
};

}  // namespace leveret
