// SPDX-License-Identifier: Apache-2.0
//
// Settings: what an operator may say, from strongest to weakest: flags, the environment (RabbitMQ's
// names), rabbitmq-env.conf, the configuration file, defaults. This room is the only reader of
// files; every other is handed the values that it needs. RabbitMQ: configure#customise-environment,
// #config-file.
//
// Thread: values.

#pragma once

#include "base/log.h"
#include "base/result.h"
#include "journal/journal.h"
#include "mgmt/resource_limit.h"
#include "vhost/consumer_timeout.h"
#include "vhost/personality.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace leveret {

/// A limit that has two keys, as RabbitMQ's have; `relative` wins when both are given.
struct LimitSetting {
  std::optional<double> relative;         ///< Share of the memory.
  std::optional<std::uint64_t> absolute;  ///< Bytes.

  [[nodiscard]] ResourceLimit or_else(ResourceLimit otherwise) const {
    if (relative) return MemoryShare{*relative};
    return absolute ? ResourceLimit(*absolute) : otherwise;
  }
};

struct Settings {
  std::filesystem::path data_dir = "leveret-data";
  std::string bind = "::";  ///< Address of AMQP clients; "::" takes IPv4 too.
  std::uint16_t port = 5672;
  std::string management_bind;  ///< Empty: as bind.
  std::uint16_t management_port = 15672;
  std::uint16_t prometheus_port = 15692;
  unsigned workers = 0;  ///< 0: one a core.
  LogLevel log_level = LogLevel::info;
  Durability durability = Durability::fsync;  ///< Of queues that do not say.
  std::string node_name;                      ///< Empty: leveret@<host name>.
  LimitSetting memory_high_watermark;         ///< None: 0.4 of the memory.
  double paging_ratio = 0.5;                  ///< Of the limit of memory: beyond, it is short.
  std::chrono::milliseconds consumer_timeout = std::chrono::minutes(30);  ///< Zero: none.
  TimeoutAction consumer_timeout_action = TimeoutAction::close_channel;
  std::optional<std::uint32_t> channel_consumers_max;       ///< Nothing: any number.
  std::string event_vhost = "/";                            ///< Of the event exchange.
  const Personality* personality = personalities().data();  ///< compat.
  LimitSetting disk_free_limit;                             ///< None: 50 MB.
  std::optional<std::uint64_t> memory_total;  ///< Bytes; none: what the machine or a cgroup says.
};

/// Looks a variable of the environment up; nullopt: not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// What reading the command line led to.
struct Started {
  std::optional<Settings> settings;  ///< None: say `text` and leave with `exit_code`.
  int exit_code = 0;
  std::string text;
};

/// sysexits.h, as RabbitMQ's tools use them.
inline constexpr int exit_usage = 64;
inline constexpr int exit_unavailable = 69;
inline constexpr int exit_config = 78;

/// Reads everything. A value that makes no sense is told with file, line and key (or flag, or
/// variable), and what would be valid.
[[nodiscard]] Started read_settings(int argc, const char* const* argv,
                                    const Environment& environment);

/// Applies a rabbitmq-env.conf: shell assignments, with or without RABBITMQ_ and `export`.
/// Errors: "file:line: what".
[[nodiscard]] Result<void> apply_env_conf(const std::filesystem::path& file, Settings& settings);
/// Applies a rabbitmq.conf: `key = value` lines. Errors: "file:line: what".
[[nodiscard]] Result<void> apply_conf(const std::filesystem::path& file, Settings& settings);

}  // namespace leveret
