// SPDX-License-Identifier: Apache-2.0
//
// NodeResources: the memory and the disk of this node and the limits whose alarms block publishers,
// as the API shows and changes them. The server's monitor implements it.
//
// Thread: worker 0.

#pragma once

#include "mgmt/resource_limit.h"

#include <cstdint>
#include <optional>

namespace leveret {

/// Units: bytes.
struct ResourceReadings {
  std::uint64_t memory_total = 0;  ///< What this process may have.
  std::uint64_t memory_used = 0;   ///< Resident.
  std::uint64_t memory_limit = 0;
  ResourceLimit memory_setting;            ///< What memory_limit was made of.
  std::optional<std::uint64_t> disk_free;  ///< None: the system does not say.
  std::uint64_t disk_free_limit = 0;
};

class NodeResources {
 public:
  virtual ~NodeResources() = default;

  /// As of the last look.
  [[nodiscard]] virtual ResourceReadings readings() const = 0;
  /// In force at once, until the node stops: alarms go on or off by it before the call returns.
  virtual void set_memory_limit(ResourceLimit limit) = 0;
  virtual void set_disk_free_limit(ResourceLimit limit) = 0;
};

}  // namespace leveret
