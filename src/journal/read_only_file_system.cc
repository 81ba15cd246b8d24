// SPDX-License-Identifier: Apache-2.0
#include "journal/read_only_file_system.h"

#include <utility>

namespace leveret {
namespace {

/// `file` is null for one that was only said to be made.
class ReadOnlyFile final : public File {
 public:
  explicit ReadOnlyFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  Result<void> write_at(std::uint64_t, std::span<const std::span<const std::byte>>) override {
    return {};
  }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    return file_ ? file_->read_at(offset, into) : Result<std::size_t>(0);
  }
  Result<void> sync() override { return {}; }
  Result<std::uint64_t> size() override { return file_ ? file_->size() : Result<std::uint64_t>(0); }
  Result<void> truncate(std::uint64_t) override { return {}; }
  Result<void> allocate(std::uint64_t) override { return {}; }
  Result<void> advise_sequential() override {
    return file_ ? file_->advise_sequential() : Result<void>();
  }
  Result<void> will_need(std::uint64_t offset, std::uint64_t bytes) override {
    return file_ ? file_->will_need(offset, bytes) : Result<void>();
  }

 private:
  const std::unique_ptr<File> file_;
};

}  // namespace

Result<std::unique_ptr<File>> ReadOnlyFileSystem::open(const std::filesystem::path& path,
                                                       OpenMode mode) {
  if (mode == OpenMode::create_new) return std::make_unique<ReadOnlyFile>(nullptr);
  LEVERET_TRY(std::unique_ptr<File> file, files_.open(path, OpenMode::read));
  return std::make_unique<ReadOnlyFile>(std::move(file));
}

Result<std::vector<std::string>> ReadOnlyFileSystem::list(const std::filesystem::path& directory) {
  return files_.list(directory);
}

Result<void> ReadOnlyFileSystem::make_directory(const std::filesystem::path&) { return {}; }

Result<void> ReadOnlyFileSystem::remove(const std::filesystem::path&) { return {}; }

Result<void> ReadOnlyFileSystem::rename(const std::filesystem::path&,
                                        const std::filesystem::path&) {
  return {};
}

Result<void> ReadOnlyFileSystem::sync_directory(const std::filesystem::path&) { return {}; }

Result<std::uint64_t> ReadOnlyFileSystem::free_bytes(const std::filesystem::path& directory) {
  return files_.free_bytes(directory);
}

}  // namespace leveret
