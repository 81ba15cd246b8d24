// SPDX-License-Identifier: Apache-2.0
#include "server/data_directory.h"

#include <cerrno>
#include <fstream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace leveret {

Result<DataDirectory> DataDirectory::open(const std::filesystem::path& given) {
  const auto system_error = [] { return std::error_code(errno, std::generic_category()); };
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(given, error);
  if (error) return failure(error, "data directory " + given.string());
  const bool is_new = std::filesystem::create_directories(path, error);
  if (error) return failure(error, "create data directory " + path.string());
  if (is_new) {
    std::filesystem::permissions(path, std::filesystem::perms(0750), error);
    if (error) return failure(error, "protect data directory " + path.string());
  }

  const std::filesystem::path pid_file = path / "leveret.pid";
  Socket lock(::open(pid_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (!lock) return failure(system_error(), "open " + pid_file.string());
  if (::flock(lock.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failure(system_error(), "lock " + pid_file.string());
    std::string pid;
    std::ifstream(pid_file) >> pid;
    return failure("data directory " + path.string() + " is in use by process " +
                   (pid.empty() ? "(unknown)" : pid));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  const bool is_written =
      ::ftruncate(lock.fd(), 0) == 0 &&
      ::pwrite(lock.fd(), pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
  if (!is_written) return failure(system_error(), "write " + pid_file.string());
  return DataDirectory(path, std::move(lock));
}

}  // namespace leveret
