// SPDX-License-Identifier: Apache-2.0
//
// ReadOnlyFileSystem: another file system, of which it only reads. What would change something
// succeeds and changes nothing, so that recover() says what a start would find without being one.
//
// Thread: any, as the other.

#pragma once

#include "journal/file_system.h"

namespace leveret {

class ReadOnlyFileSystem final : public FileSystem {
 public:
  /// Borrows the other.
  explicit ReadOnlyFileSystem(FileSystem& files) : files_(files) {}

  /// Opens for reading, whatever the mode; create_new gives a file without content, which forgets
  /// what is written and has no name.
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

 private:
  FileSystem& files_;
};

}  // namespace leveret
