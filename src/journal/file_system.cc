// SPDX-License-Identifier: Apache-2.0
#include "journal/file_system.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

namespace leveret {
namespace {

std::unexpected<Error> failed(int code, std::string_view what, const std::filesystem::path& path) {
  return failure({code, std::generic_category()}, std::string(what) + " " + path.string());
}

/// Calls until the call is not interrupted by a signal.
template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto returned = call();
    if (returned != -1 || errno != EINTR) return returned;
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  // What has to be on disk was synced before, so a late complaint of close() is about nothing that
  // anybody relies on. Never repeated: Linux has let go of the number even when it fails.
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Descriptor open_descriptor(const std::filesystem::path& path, int flags) {
  return Descriptor(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); }));
}

class PosixFile final : public File {
 public:
  PosixFile(std::filesystem::path path, Descriptor fd)
      : path_(std::move(path)), fd_(std::move(fd)) {}

  Result<void> write_at(std::uint64_t offset,
                        std::span<const std::span<const std::byte>> parts) override {
    std::size_t done_of_first = 0;
    for (;;) {
      while (!parts.empty() && done_of_first >= parts.front().size()) {
        done_of_first -= parts.front().size();
        parts = parts.subspan(1);
      }
      if (parts.empty()) return {};
      std::array<iovec, iovecs_max> vectors;
      const std::size_t count = std::min(parts.size(), vectors.size());
      for (std::size_t i = 0; i < count; ++i) {
        const auto part = parts[i].subspan(i == 0 ? done_of_first : 0);
        // The interface has no const; pwritev only reads.
        vectors[i] = {const_cast<std::byte*>(part.data()), part.size()};
      }
      const ssize_t written = uninterrupted([&] {
        return ::pwritev(fd_.get(), vectors.data(), static_cast<int>(count),
                         static_cast<off_t>(offset));
      });
      if (written < 0) return failed_at(errno, "write", offset);
      // Bytes were asked for, so this is no success; and going on would never end.
      if (written == 0) return failed_at(EIO, "write", offset);
      offset += static_cast<std::uint64_t>(written);
      done_of_first += static_cast<std::size_t>(written);
    }
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got = uninterrupted([&] {
        return ::pread(fd_.get(), into.data() + done, into.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) return failed_at(errno, "read", offset + done);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<void> sync() override {
    return done(uninterrupted([&] { return ::fdatasync(fd_.get()); }), "sync");
  }

  Result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) < 0) return failed(errno, "ask for the size of", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<void> truncate(std::uint64_t bytes) override {
    return done(uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(bytes)); }),
                "truncate");
  }

  Result<void> allocate(std::uint64_t bytes) override {
    if (bytes == 0) return {};
    const int returned =
        uninterrupted([&] { return ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(bytes)); });
    // Not posix_fallocate(): where the file system cannot, it writes into what is there.
    if (returned < 0 && errno == EOPNOTSUPP) return grow_by_writing(bytes);
    return done(returned, "allocate");
  }

  Result<void> advise_sequential() override { return advise(0, 0, POSIX_FADV_SEQUENTIAL); }

  Result<void> will_need(std::uint64_t offset, std::uint64_t bytes) override {
    // To the system, 0 means up to the end.
    return bytes == 0 ? Result<void>() : advise(offset, bytes, POSIX_FADV_WILLNEED);
  }

 private:
  // A batch of the journal has a few parts; more than this go in several calls.
  static constexpr std::size_t iovecs_max = 256;
  static_assert(iovecs_max <= IOV_MAX);

  Result<void> done(int returned, std::string_view what) {
    if (returned < 0) return failed(errno, what, path_);
    return {};
  }

  std::unexpected<Error> failed_at(int code, std::string_view what, std::uint64_t offset) {
    return failed(code, std::string(what) + " at " + std::to_string(offset) + " of", path_);
  }

  Result<void> grow_by_writing(std::uint64_t bytes) {
    static constexpr std::array<std::byte, 64 * 1024> zeros{};
    LEVERET_TRY(std::uint64_t end, size());
    while (end < bytes) {
      const std::span<const std::byte> part =
          std::span(zeros).first(std::min<std::uint64_t>(zeros.size(), bytes - end));
      LEVERET_CHECK(write_at(end, std::span(&part, 1)));
      end += part.size();
    }
    return {};
  }

  Result<void> advise(std::uint64_t offset, std::uint64_t bytes, int advice) {
    const int code =
        ::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes), advice);
    if (code != 0) return failed(code, "advise on reading", path_);
    return {};
  }

  const std::filesystem::path path_;  // As it was opened; for errors.
  const Descriptor fd_;
};

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::filesystem::path& path,
                                                    OpenMode mode) {
  const int flags = mode == OpenMode::read         ? O_RDONLY
                    : mode == OpenMode::read_write ? O_RDWR
                                                   : O_RDWR | O_CREAT | O_EXCL;
  Descriptor fd = open_descriptor(path, flags);
  if (!fd.is_open()) return failed(errno, flags & O_CREAT ? "create" : "open", path);
  return std::make_unique<PosixFile>(path, std::move(fd));
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::filesystem::path& directory) {
  std::error_code code;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(directory, code), end; !code && entry != end;
       entry.increment(code)) {
    names.push_back(entry->path().filename().string());
  }
  if (code) return failed(code.value(), "list", directory);
  std::ranges::sort(names);
  return names;
}

Result<void> PosixFileSystem::make_directory(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0750) == 0) return {};
  const int code = errno;
  struct stat status {};
  if (code == EEXIST && ::stat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    return {};
  }
  return failed(code, "make directory", directory);
}

Result<void> PosixFileSystem::remove(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) < 0) return failed(errno, "remove", path);
  return {};
}

Result<void> PosixFileSystem::rename(const std::filesystem::path& from,
                                     const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) < 0) {
    const int code = errno;
    return failed(code, "rename " + from.string() + " to", to);
  }
  return {};
}

Result<void> PosixFileSystem::sync_directory(const std::filesystem::path& directory) {
  const Descriptor fd = open_descriptor(directory, O_RDONLY | O_DIRECTORY);
  if (!fd.is_open() || uninterrupted([&] { return ::fsync(fd.get()); }) < 0) {
    return failed(errno, "sync directory", directory);
  }
  return {};
}

Result<std::uint64_t> PosixFileSystem::free_bytes(const std::filesystem::path& directory) {
  struct statvfs status {};
  if (uninterrupted([&] { return ::statvfs(directory.c_str(), &status); }) < 0) {
    return failed(errno, "ask for the free space of", directory);
  }
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace leveret
