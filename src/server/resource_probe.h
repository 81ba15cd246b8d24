// SPDX-License-Identifier: Apache-2.0
//
// ResourceProbe: where the numbers of memory and disk come from; a test has its own.
// SystemProbe: the kernel.
//
// Thread: the control worker (and any thread while no worker runs).

#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>

namespace leveret {

class ResourceProbe {
 public:
  virtual ~ResourceProbe() = default;
  /// What this process may have at most: the machine's memory, or less if a cgroup says so.
  [[nodiscard]] virtual std::uint64_t memory_total() = 0;
  /// What this process has in memory; 0: the kernel does not say.
  [[nodiscard]] virtual std::uint64_t memory_used() = 0;
  /// What may still be written where the data is. Errors: the system's.
  [[nodiscard]] virtual Result<std::uint64_t> disk_free() = 0;
};

class SystemProbe final : public ResourceProbe {
 public:
  explicit SystemProbe(std::filesystem::path data_directory)
      : data_directory_(std::move(data_directory)) {}

  [[nodiscard]] std::uint64_t memory_total() override;
  [[nodiscard]] std::uint64_t memory_used() override;
  [[nodiscard]] Result<std::uint64_t> disk_free() override;

 private:
  const std::filesystem::path data_directory_;
};

/// The least memory limit of the cgroups that the process is in and of those above them, of version
/// 1 or 2; the largest number: there is none. `membership`: /proc/self/cgroup; `tree`:
/// /sys/fs/cgroup.
[[nodiscard]] std::uint64_t cgroup_memory_limit(const std::filesystem::path& membership,
                                                const std::filesystem::path& tree);

}  // namespace leveret
