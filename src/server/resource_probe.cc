// SPDX-License-Identifier: Apache-2.0
#include "server/resource_probe.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace leveret {
namespace {

constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

std::uint64_t page_bytes() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

/// What the file says; no_limit when it is not there or says "max".
std::uint64_t read_limit(const std::filesystem::path& file) {
  std::uint64_t bytes = 0;
  std::ifstream input(file);
  return input >> bytes ? bytes : no_limit;
}

/// Of `group` ("/a/b") and of what it is in.
std::uint64_t least_limit(std::filesystem::path root, std::string_view group,
                          std::string_view file) {
  std::uint64_t least = read_limit(root / file);
  for (const std::filesystem::path& part : std::filesystem::path(group).relative_path()) {
    root /= part;
    least = std::min(least, read_limit(root / file));
  }
  return least;
}

bool is_memory_controller(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::string_view one = controllers.substr(0, controllers.find(','));
    if (one == "memory") return true;
    controllers.remove_prefix(std::min(controllers.size(), one.size() + 1));
  }
  return false;
}

}  // namespace

std::uint64_t cgroup_memory_limit(const std::filesystem::path& membership,
                                  const std::filesystem::path& tree) {
  std::uint64_t least = no_limit;
  std::ifstream input(membership);
  // "4:memory,hugetlb:/a/b" of version 1, "0::/a/b" of version 2; both may be there.
  for (std::string line; std::getline(input, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view text = line;
    const std::string_view controllers = text.substr(first + 1, second - first - 1);
    const std::string_view group = text.substr(second + 1);
    if (text.starts_with("0:") && controllers.empty()) {
      least = std::min(least, least_limit(tree, group, "memory.max"));
    } else if (is_memory_controller(controllers)) {
      least = std::min(least, least_limit(tree / "memory", group, "memory.limit_in_bytes"));
    }
  }
  return least;
}

std::uint64_t SystemProbe::memory_total() {
  const std::uint64_t machine =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page_bytes();
  return std::min(machine, cgroup_memory_limit("/proc/self/cgroup", "/sys/fs/cgroup"));
}

std::uint64_t SystemProbe::memory_used() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size_pages = 0;
  std::uint64_t resident_pages = 0;
  return statm >> size_pages >> resident_pages ? resident_pages * page_bytes() : 0;
}

Result<std::uint64_t> SystemProbe::disk_free() {
  std::error_code error;
  const auto space = std::filesystem::space(data_directory_, error);
  if (error) return failure(error, "free space of " + data_directory_.string());
  return space.available;
}

}  // namespace leveret
