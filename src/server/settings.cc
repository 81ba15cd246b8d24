// SPDX-License-Identifier: Apache-2.0
#include "server/settings.h"

#include "queue/durability.h"

#include <charconv>
#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace leveret {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// What a value must be. Each says on failure what would have been valid.

using Setter = Result<void> (*)(std::string_view value, Settings& settings);

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return failure(fmt::format("'{}' is no port: 0 to 65535", text));
  }
  return port;
}

Result<void> set_port(std::string_view value, Settings& settings) {
  LEVERET_TRY(settings.port, parse_port(value));
  return {};
}
Result<void> set_management_port(std::string_view value, Settings& settings) {
  LEVERET_TRY(settings.management_port, parse_port(value));
  return {};
}
Result<void> set_prometheus_port(std::string_view value, Settings& settings) {
  LEVERET_TRY(settings.prometheus_port, parse_port(value));
  return {};
}
Result<void> set_bind(std::string_view value, Settings& settings) {
  if (value.empty()) return failure("an address is missing: 127.0.0.1, ::, a host name");
  settings.bind = value;
  return {};
}
Result<void> set_management_bind(std::string_view value, Settings& settings) {
  if (value.empty()) return failure("an address is missing: 127.0.0.1, ::, a host name");
  settings.management_bind = value;
  return {};
}
Result<void> set_data_dir(std::string_view value, Settings& settings) {
  if (value.empty()) return failure("a directory is missing");
  settings.data_dir = value;
  return {};
}
Result<void> set_node_name(std::string_view value, Settings& settings) {
  if (value.empty()) return failure("a name is missing: leveret@host");
  settings.node_name = value;
  return {};
}
Result<void> set_log_level(std::string_view value, Settings& settings) {
  if (!parse_log_level(value, settings.log_level)) {
    return failure(fmt::format("'{}' is no log level: debug, info, warning, error, none", value));
  }
  return {};
}
Result<void> set_workers(std::string_view value, Settings& settings) {
  constexpr unsigned workers_max = 256;
  if (value == "auto") {
    settings.workers = 0;
    return {};
  }
  unsigned workers = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), workers);
  if (error != std::errc() || end != value.data() + value.size() || workers < 1 ||
      workers > workers_max) {
    return failure(fmt::format("'{}' is no number of workers: auto, 1 to {}", value, workers_max));
  }
  settings.workers = workers;
  return {};
}
Result<void> set_durability(std::string_view value, Settings& settings) {
  const auto durability = parse_durability(value);
  if (!durability) {
    return failure(fmt::format("'{}' is no durability: {}", value, durability_names));
  }
  settings.durability = *durability;
  return {};
}
// No machine of ours has a disk that is a million times its memory.
constexpr double disk_share_max = 1e6;

Result<void> set_memory_share(std::string_view value, Settings& settings) {
  LEVERET_TRY(settings.memory_high_watermark.relative, parse_share(value, 1.0));
  return {};
}
Result<void> set_memory_bytes(std::string_view value, Settings& settings) {
  LEVERET_TRY(settings.memory_high_watermark.absolute, parse_byte_count(value));
  return {};
}
Result<void> set_paging_ratio(std::string_view value, Settings& settings) {
  LEVERET_TRY(settings.paging_ratio, parse_share(value, 1.0));
  return {};
}
Result<void> set_consumer_timeout(std::string_view value, Settings& settings) {
  constexpr std::int64_t ms_max = 315'360'000'000;  // Ten years.
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
  const bool is_number = error == std::errc() && end == value.data() + value.size();
  if (!is_number || ms < 0 || ms > ms_max) {
    return failure(fmt::format("'{}' are no milliseconds: 0 (no timeout) to {}", value, ms_max));
  }
  settings.consumer_timeout = std::chrono::milliseconds(ms);
  return {};
}
Result<void> set_consumer_timeout_action(std::string_view value, Settings& settings) {
  const auto action = parse_timeout_action(value);
  if (!action) {
    return failure(
        fmt::format("'{}' is no consumer timeout action: {}", value, timeout_action_names));
  }
  settings.consumer_timeout_action = *action;
  return {};
}
Result<void> set_channel_consumers(std::string_view value, Settings& settings) {
  settings.channel_consumers_max.reset();
  if (value == "infinity") return {};
  constexpr std::uint32_t most = 1'000'000;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool is_number = error == std::errc() && end == value.data() + value.size();
  if (!is_number || number == 0 || number > most) {
    return failure(fmt::format("'{}' is no number of consumers: infinity, 1 to {}", value, most));
  }
  settings.channel_consumers_max = number;
  return {};
}
Result<void> set_personality(std::string_view value, Settings& settings) {
  const Personality* found = find_personality(value);
  if (found == nullptr) {
    return failure(fmt::format("'{}' is no version of RabbitMQ: {}", value, personality_names));
  }
  settings.personality = found;
  return {};
}
Result<void> set_event_vhost(std::string_view value, Settings& settings) {
  if (value.empty()) return failure("a virtual host is missing");
  settings.event_vhost = value;
  return {};
}
/// There is one: the key is taken for the files that have it.
Result<void> set_event_protocol(std::string_view value, Settings&) {
  if (value != "amqp_0_9_1") {
    return failure(fmt::format("'{}' is no protocol of events: amqp_0_9_1", value));
  }
  return {};
}
Result<void> set_disk_share(std::string_view value, Settings& settings) {
  LEVERET_TRY(settings.disk_free_limit.relative, parse_share(value, disk_share_max));
  return {};
}
Result<void> set_disk_bytes(std::string_view value, Settings& settings) {
  LEVERET_TRY(settings.disk_free_limit.absolute, parse_byte_count(value));
  return {};
}
Result<void> set_memory_total(std::string_view value, Settings& settings) {
  LEVERET_TRY(const std::uint64_t bytes, parse_byte_count(value));
  if (bytes == 0) return failure("'0' is no memory to work with: 1 or more bytes");
  settings.memory_total = bytes;
  return {};
}
/// A port, or address:port, or [address]:port.
Result<void> set_listener(std::string_view value, Settings& settings) {
  const std::size_t colon = value.rfind(':');
  if (colon == std::string_view::npos) return set_port(value, settings);
  std::string_view address = value.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  LEVERET_CHECK(set_bind(address, settings));
  return set_port(value.substr(colon + 1), settings);
}

struct Setting {
  std::string_view flag;  ///< Of the command line, or empty.
  std::string_view
      variable;          ///< Of the environment and rabbitmq-env.conf, without RABBITMQ_, or empty.
  std::string_view key;  ///< Of rabbitmq.conf, or empty.
  std::string_view help;
  Setter set;
};

/// Each setting, once.
constexpr Setting all_settings[] = {
    {"--data-dir", "MNESIA_BASE", "data_dir",
     "Directory of all that is kept (default ./leveret-data)", set_data_dir},
    {"--bind", "NODE_IP_ADDRESS", "",
     "Address for AMQP clients (default ::, which is every address)", set_bind},
    {"--port", "NODE_PORT", "listeners.tcp.default", "Port for AMQP clients (default 5672)",
     set_port},
    {"", "", "listeners.tcp.local", "Address and port for AMQP clients", set_listener},
    {"--management-port", "", "management.tcp.port",
     "Port of the HTTP API (default 15672; 0: none)", set_management_port},
    {"", "", "management.tcp.ip", "Address of the HTTP API (default: as for AMQP)",
     set_management_bind},
    {"--prometheus-port", "", "prometheus.tcp.port",
     "Port of the Prometheus metrics (default 15692; 0: none)", set_prometheus_port},
    {"--workers", "", "workers", "Threads that do the work: auto (one a core), 1 to 256",
     set_workers},
    {"--durability", "", "durability",
     "When is a persistent message safe enough to be confirmed: fsync, os or memory (default "
     "fsync)",
     set_durability},
    {"--compat", "", "compat",
     "RabbitMQ whose behaviour is offered, where its versions differ: any, 3.10, 3.13 or 4.x "
     "(default any)",
     set_personality},
    {"--log-level", "", "log.console.level", "debug, info, warning, error or none (default info)",
     set_log_level},
    {"", "NODENAME", "", "Name of the node (default leveret@<host>)", set_node_name},
    {"", "", "vm_memory_high_watermark.relative",
     "Share of the memory above which publishers are blocked (default 0.4)", set_memory_share},
    {"", "", "vm_memory_high_watermark.absolute",
     "Bytes of memory above which publishers are blocked: 1GB, 512MiB", set_memory_bytes},
    {"", "", "vm_memory_high_watermark_paging_ratio",
     "Share of that limit above which messages in memory alone go to disk (default 0.5)",
     set_paging_ratio},
    {"", "", "consumer_timeout",
     "Milliseconds that a delivery may stay unacknowledged (default 1800000; 0: for ever)",
     set_consumer_timeout},
    {"", "", "consumer_timeout_action",
     "What happens then: close_channel or requeue (default close_channel)",
     set_consumer_timeout_action},
    {"", "", "consumer_max_per_channel", "Consumers that a channel may have (default infinity)",
     set_channel_consumers},
    {"", "", "event_exchange.vhost", "Virtual host of the exchange amq.rabbitmq.event (default /)",
     set_event_vhost},
    {"", "", "event_exchange.protocol", "How events are written: amqp_0_9_1", set_event_protocol},
    {"", "", "disk_free_limit.relative",
     "Free disk below which publishers are blocked, as a multiple of the memory", set_disk_share},
    {"", "", "disk_free_limit.absolute",
     "Free disk below which publishers are blocked (default 50MB)", set_disk_bytes},
    {"", "", "total_memory_available_override_value", "The memory that there is, in bytes",
     set_memory_total},
};

const Setting* find_by_key(std::string_view key) {
  for (const Setting& setting : all_settings) {
    if (!setting.key.empty() && setting.key == key) return &setting;
  }
  return nullptr;
}

const Setting* find_by_variable(std::string_view name) {
  constexpr std::string_view prefix = "RABBITMQ_";
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  for (const Setting& setting : all_settings) {
    if (!setting.variable.empty() && setting.variable == name) return &setting;
  }
  return nullptr;
}

std::string keys_text() {
  std::string text;
  for (const Setting& setting : all_settings) {
    if (setting.key.empty()) continue;
    if (!text.empty()) text += ", ";
    text += setting.key;
  }
  return text;
}

std::unexpected<Error> failure_at(const std::filesystem::path& file, int line, std::string what) {
  return failure(fmt::format("{}:{}: {}", file.string(), line, what));
}

/// The value of a shell assignment: quotes go, an unquoted comment ends it.
Result<std::string> unquoted(std::string_view text) {
  std::string value;
  char quote = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        value += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#' && (at == 0 || text[at - 1] == ' ' || text[at - 1] == '\t')) {
      break;
    } else if (c == '$' || c == '`') {
      return failure("'$' and '`' are not expanded here: write the value out");
    } else {
      value += c;
    }
  }
  if (quote != 0) return failure("a quote is not closed");
  return std::string(trimmed(value));
}

template <class OnLine>
Result<void> for_each_line(const std::filesystem::path& file, OnLine on_line) {
  std::ifstream input(file);
  if (!input) {
    return failure(std::error_code(errno, std::generic_category()), "read " + file.string());
  }
  std::string line;
  for (int number = 1; std::getline(input, line); ++number) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.starts_with('#')) continue;
    if (Result<void> taken = on_line(text); !taken) {
      return failure_at(file, number, taken.error().text());
    }
  }
  return {};
}

}  // namespace

Result<void> apply_env_conf(const std::filesystem::path& file, Settings& settings) {
  return for_each_line(file, [&](std::string_view line) -> Result<void> {
    constexpr std::string_view exported = "export ";
    if (line.starts_with(exported)) line = trimmed(line.substr(exported.size()));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return failure(fmt::format("'{}' is no assignment: NAME=value", line));
    }
    const std::string_view name = trimmed(line.substr(0, equals));
    LEVERET_TRY(const std::string value, unquoted(line.substr(equals + 1)));
    const Setting* setting = find_by_variable(name);
    if (setting == nullptr) {
      // Files of existing systems hold much that concerns Erlang alone.
      log(LogLevel::warn, "settings", "variable_has_no_effect file={} name={}", file.string(),
          log_safe(name));
      return {};
    }
    if (Result<void> taken = setting->set(value, settings); !taken) {
      return failure(fmt::format("{}: {}", name, taken.error().text()));
    }
    return {};
  });
}

Result<void> apply_conf(const std::filesystem::path& file, Settings& settings) {
  return for_each_line(file, [&](std::string_view line) -> Result<void> {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return failure(fmt::format("'{}' is no setting: key = value", line));
    }
    const std::string_view key = trimmed(line.substr(0, equals));
    const Setting* setting = find_by_key(key);
    if (setting == nullptr) {
      return failure(fmt::format("unknown key '{}'; known are: {}", key, keys_text()));
    }
    if (Result<void> taken = setting->set(trimmed(line.substr(equals + 1)), settings); !taken) {
      return failure(fmt::format("{}: {}", key, taken.error().text()));
    }
    return {};
  });
}

void warn_if_both(const LimitSetting& limit, std::string_view key) {
  if (!limit.relative || !limit.absolute) return;
  log(LogLevel::warn, "settings",
      "setting_has_no_effect key={0}.absolute reason=\"{0}.relative is given too\"", key);
}

Started read_settings(int argc, const char* const* argv, const Environment& environment) {
  CLI::App app("leveretd: a message broker that speaks AMQP 0-9-1 as RabbitMQ does", "leveretd");
  app.set_version_flag("--version", std::string("leveretd ") + LEVERET_VERSION);
  std::string config_file;
  app.add_option("--config", config_file, "Configuration file (rabbitmq.conf's form)");
  std::vector<std::pair<const Setting*, std::string>> flags;
  flags.reserve(std::size(all_settings));
  for (const Setting& setting : all_settings) {
    if (setting.flag.empty()) continue;
    app.add_option_function<std::string>(
        std::string(setting.flag),
        [&flags, &setting](const std::string& value) { flags.emplace_back(&setting, value); },
        std::string(setting.help));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    const int code = app.exit(error, out, out);
    return {std::nullopt, code == 0 ? 0 : exit_usage, out.str()};
  }

  const auto fail = [](int code, std::string text) {
    return Started{std::nullopt, code, "leveretd: " + std::move(text) + "\n"};
  };
  Settings settings;
  if (!config_file.empty()) {
    if (auto taken = apply_conf(config_file, settings); !taken) {
      return fail(exit_config, taken.error().text());
    }
  }
  const auto env_conf = environment("RABBITMQ_CONF_ENV_FILE");
  const std::filesystem::path env_conf_file = env_conf.value_or("/etc/rabbitmq/rabbitmq-env.conf");
  if (env_conf || std::filesystem::exists(env_conf_file)) {
    if (auto taken = apply_env_conf(env_conf_file, settings); !taken) {
      return fail(exit_config, taken.error().text());
    }
  }
  for (const Setting& setting : all_settings) {
    if (setting.variable.empty()) continue;
    const std::string name = "RABBITMQ_" + std::string(setting.variable);
    const auto value = environment(name);
    if (!value || value->empty()) continue;
    if (auto taken = setting.set(*value, settings); !taken) {
      return fail(exit_config, name + ": " + taken.error().text());
    }
  }
  for (const auto& [setting, value] : flags) {
    if (auto taken = setting->set(value, settings); !taken) {
      return fail(exit_usage, std::string(setting->flag) + ": " + taken.error().text());
    }
  }
  warn_if_both(settings.memory_high_watermark, "vm_memory_high_watermark");
  warn_if_both(settings.disk_free_limit, "disk_free_limit");
  return {std::move(settings), 0, {}};
}

}  // namespace leveret
