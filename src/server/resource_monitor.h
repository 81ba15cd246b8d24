// SPDX-License-Identifier: Apache-2.0
//
// ResourceMonitor: looks at memory and disk, and raises and clears the alarms "memory" and "disk".
//
// An alarm is raised when more memory is used, or less of the disk is free, than the limit says. It
// is cleared when that is over by a twentieth of the limit, so that a value that swings around the
// limit does not swing the publishers; a new limit counts exactly as it is.
//
// Before that, beyond a share of the memory's limit, memory is *short*: workers are told, and leave
// more to the disk. RabbitMQ: vm_memory_high_watermark_paging_ratio.
//
// Memory is what the process has in fact (resident), so while its alarm is on the workers are asked
// to give back what they have freed: otherwise what consumers took away would count on.
//
// Thread:  the control worker, every method. Whoever owns it calls look() once a second.
// Borrows: the alarms and the probe, which outlive it.

#pragma once

#include "mgmt/node_resources.h"
#include "server/resource_probe.h"
#include "vhost/alarms.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace leveret {

class ResourceMonitor final : public NodeResources {
 public:
  struct Deps {
    Alarms* alarms = nullptr;
    ResourceProbe* probe = nullptr;
    /// Asks every worker to give freed memory back.
    std::function<void()> give_memory_back;
    /// Tells every worker that memory is short, again at each look, or, once, that it is not.
    std::function<void(bool)> tell_memory_short;
    /// Memory is short beyond so much of its limit.
    double paging_ratio = 0.5;
    ResourceLimit memory_limit;
    ResourceLimit disk_free_limit;
    /// Instead of what the probe says.
    std::optional<std::uint64_t> memory_total;
  };

  /// Takes the numbers, and raises nothing yet.
  explicit ResourceMonitor(Deps deps);

  /// Takes the numbers and raises or clears alarms by them.
  void look();

  // NodeResources
  [[nodiscard]] ResourceReadings readings() const override { return readings_; }
  void set_memory_limit(ResourceLimit limit) override;
  void set_disk_free_limit(ResourceLimit limit) override;

 private:
  /// From the settings, and from the memory that there is, which is asked for here only.
  void compute_limits();
  void measure();
  void judge_memory(std::uint64_t slack);
  void judge_paging();
  void judge_disk(std::uint64_t slack);

  const Deps deps_;
  ResourceLimit disk_setting_;
  ResourceReadings readings_;
  bool is_disk_failure_told_ = false;
  bool is_memory_short_ = false;
};

}  // namespace leveret
