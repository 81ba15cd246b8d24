// SPDX-License-Identifier: Apache-2.0
#include "server/resource_monitor.h"

#include "base/log.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

constexpr std::string_view memory = "memory";
constexpr std::string_view disk = "disk";
/// Of a limit: how far a value has to be on its right side before the alarm is over.
constexpr std::uint64_t slack_divisor = 20;

}  // namespace

ResourceMonitor::ResourceMonitor(Deps deps)
    : deps_(std::move(deps)), disk_setting_(deps_.disk_free_limit) {
  readings_.memory_setting = deps_.memory_limit;
  compute_limits();
  measure();
  log(LogLevel::info, "server",
      "resource_limits memory_total={} memory_limit={} disk_free={} disk_free_limit={}",
      readings_.memory_total, readings_.memory_limit, readings_.disk_free.value_or(0),
      readings_.disk_free_limit);
}

void ResourceMonitor::compute_limits() {
  readings_.memory_total = deps_.memory_total ? *deps_.memory_total : deps_.probe->memory_total();
  // As RabbitMQ: nobody can use more than there is.
  readings_.memory_limit =
      std::min(bytes_of(readings_.memory_setting, readings_.memory_total), readings_.memory_total);
  readings_.disk_free_limit = bytes_of(disk_setting_, readings_.memory_total);
}

void ResourceMonitor::measure() {
  readings_.memory_used = deps_.probe->memory_used();
  auto free = deps_.probe->disk_free();
  if (free) {
    readings_.disk_free = *free;
    is_disk_failure_told_ = false;
    return;
  }
  readings_.disk_free.reset();
  if (std::exchange(is_disk_failure_told_, true)) return;
  log(LogLevel::error, "server", "disk_unknown reason=\"{}\"; its alarm stays as it is",
      free.error().text());
}

void ResourceMonitor::look() {
  measure();
  judge_memory(readings_.memory_limit / slack_divisor);
  judge_paging();
  judge_disk(readings_.disk_free_limit / slack_divisor);
  if (deps_.alarms->now_on().contains(memory)) deps_.give_memory_back();
}

void ResourceMonitor::judge_memory(std::uint64_t slack) {
  const std::string numbers =
      fmt::format("used={} limit={}", readings_.memory_used, readings_.memory_limit);
  if (readings_.memory_used > readings_.memory_limit) {
    deps_.alarms->raise(memory, "low on memory", numbers);
  } else if (readings_.memory_used <= readings_.memory_limit - slack) {
    deps_.alarms->clear(memory, numbers);
  }
}

void ResourceMonitor::judge_paging() {
  const auto mark =
      static_cast<std::uint64_t>(static_cast<double>(readings_.memory_limit) * deps_.paging_ratio);
  const std::uint64_t slack = is_memory_short_ ? mark / slack_divisor : 0;
  const bool is_short = readings_.memory_used > mark - slack;
  if (is_short != is_memory_short_) {
    log(LogLevel::info, "server", "memory_short on={} used={} mark={}", is_short,
        readings_.memory_used, mark);
  }
  if (std::exchange(is_memory_short_, is_short) || is_short) deps_.tell_memory_short(is_short);
}

void ResourceMonitor::judge_disk(std::uint64_t slack) {
  if (!readings_.disk_free) return;
  const std::string numbers =
      fmt::format("free={} limit={}", *readings_.disk_free, readings_.disk_free_limit);
  if (*readings_.disk_free < readings_.disk_free_limit) {
    deps_.alarms->raise(disk, "low on disk", numbers);
  } else if (*readings_.disk_free - readings_.disk_free_limit >= slack) {
    deps_.alarms->clear(disk, numbers);
  }
}

void ResourceMonitor::set_memory_limit(ResourceLimit limit) {
  readings_.memory_setting = limit;
  compute_limits();
  measure();
  log(LogLevel::info, "server", "memory_limit_set limit={}", readings_.memory_limit);
  judge_memory(0);
}

void ResourceMonitor::set_disk_free_limit(ResourceLimit limit) {
  disk_setting_ = limit;
  compute_limits();
  measure();
  log(LogLevel::info, "server", "disk_free_limit_set limit={}", readings_.disk_free_limit);
  judge_disk(0);
}

}  // namespace leveret
