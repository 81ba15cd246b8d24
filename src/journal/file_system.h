// SPDX-License-Identifier: Apache-2.0
//
// FileSystem, File: the disk as the journal sees it, so that a test can take it away.
//
// What is *written* is in the page cache: it survives the process and not the power. What is
// *durable* survives both. Data becomes durable by File::sync(), a name (made, renamed, removed) by
// FileSystem::sync_directory() of the directory it is in; neither does the other's work.
//
// Thread:  FileSystem any. A File: any; several may read, sync and advise while one writes. What
//          changes the file (write_at, truncate, allocate) is called by one thread at a time. A
//          read that meets a write under way may see some of its bytes new and some old.
// Owns:    a File its descriptor, closed with it; closing makes nothing durable. The FileSystem
//          outlives its Files.
// Errors:  the system's code; the context says what was done to which path. Interrupted calls and
//          short writes are gone on with inside and never seen.
// Units:   bytes. Offset and length together stay below 2^63.

#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace leveret {

class File {
 public:
  virtual ~File() = default;

  /// Writes the parts, one behind the other, from `offset` on. Past the end the file grows; a gap
  /// reads as zeros.
  /// Errors: no_space_on_device, io_error. Some of the bytes, any of them, may be there then.
  [[nodiscard]] virtual Result<void> write_at(
      std::uint64_t offset, std::span<const std::span<const std::byte>> parts) = 0;

  /// Fills `into` from `offset` on, and returns how many bytes there were: fewer than asked for
  /// only where the file ends, 0 past its end.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset,
                                                    std::span<std::byte> into) = 0;

  /// Makes durable what calls that returned before this one have written, and the size that is
  /// needed to read it. Waits for the device.
  /// Errors: what was written since the last success may be lost, any part of it, and the *next*
  /// success does not say that it is there: the page cache has let go of it.
  [[nodiscard]] virtual Result<void> sync() = 0;

  [[nodiscard]] virtual Result<std::uint64_t> size() = 0;

  /// Makes the file `bytes` long: cuts it, or lets it grow by zeros that take no space yet.
  [[nodiscard]] virtual Result<void> truncate(std::uint64_t bytes) = 0;

  /// Takes the space for the first `bytes` now, so that writing there later finds it; where the
  /// file was shorter it grows by zeros. What is there stays. A sync after a first write into space
  /// that was only taken still has metadata to write; one into bytes written before has none.
  /// Errors: no_space_on_device; the file may have become longer then.
  [[nodiscard]] virtual Result<void> allocate(std::uint64_t bytes) = 0;

  /// Says that the file will be read from front to back.
  [[nodiscard]] virtual Result<void> advise_sequential() = 0;
  /// Says that these bytes will be read soon. Does not wait for them.
  [[nodiscard]] virtual Result<void> will_need(std::uint64_t offset, std::uint64_t bytes) = 0;
};

enum class OpenMode {
  read,        ///< Must be there.
  read_write,  ///< Must be there.
  create_new,  ///< Must not be there; made for its owner alone (0600), then as read_write.
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Errors: no_such_file_or_directory, file_exists (create_new), permission_denied.
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::filesystem::path& path,
                                                           OpenMode mode) = 0;

  /// The names of what is in the directory, sorted by their bytes, without "." and "..".
  [[nodiscard]] virtual Result<std::vector<std::string>> list(
      const std::filesystem::path& directory) = 0;

  /// Makes the directory (0750) unless it is there. Its parent must be.
  /// Errors: file_exists (something else has the name).
  [[nodiscard]] virtual Result<void> make_directory(const std::filesystem::path& directory) = 0;

  /// Takes the name of a file away; who has it open goes on with it.
  /// Errors: no_such_file_or_directory; is_a_directory.
  [[nodiscard]] virtual Result<void> remove(const std::filesystem::path& path) = 0;

  /// Gives a file another name, in one step: whoever looks sees the old state or the new one. A
  /// file that had the name `to` is removed by it.
  [[nodiscard]] virtual Result<void> rename(const std::filesystem::path& from,
                                            const std::filesystem::path& to) = 0;

  /// Makes durable which names are in the directory, and not what is in the files. A rename from
  /// one directory to another needs both.
  [[nodiscard]] virtual Result<void> sync_directory(const std::filesystem::path& directory) = 0;

  /// What may still be written there by us (not what is kept for root).
  [[nodiscard]] virtual Result<std::uint64_t> free_bytes(
      const std::filesystem::path& directory) = 0;
};

/// The system's own. Thread: any.
class PosixFileSystem final : public FileSystem {
 public:
  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::filesystem::path& path,
                                                   OpenMode mode) override;
  [[nodiscard]] Result<std::vector<std::string>> list(
      const std::filesystem::path& directory) override;
  [[nodiscard]] Result<void> make_directory(const std::filesystem::path& directory) override;
  [[nodiscard]] Result<void> remove(const std::filesystem::path& path) override;
  [[nodiscard]] Result<void> rename(const std::filesystem::path& from,
                                    const std::filesystem::path& to) override;
  [[nodiscard]] Result<void> sync_directory(const std::filesystem::path& directory) override;
  [[nodiscard]] Result<std::uint64_t> free_bytes(const std::filesystem::path& directory) override;
};

}  // namespace leveret
