// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <atomic>
#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace leveret {
namespace {

std::atomic<LogLevel> threshold{LogLevel::info};

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("leveret",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%d %H:%M:%S.%f%z [%l] %v");
    made->set_level(spdlog::level::debug);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::none:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

bool parse_log_level(std::string_view text, LogLevel& level) {
  if (text == "debug") {
    level = LogLevel::debug;
  } else if (text == "info") {
    level = LogLevel::info;
  } else if (text == "warning" || text == "warn") {
    level = LogLevel::warn;
  } else if (text == "error") {
    level = LogLevel::error;
  } else if (text == "none") {
    level = LogLevel::none;
  } else {
    return false;
  }
  return true;
}

void set_log_level(LogLevel level) { threshold.store(level, std::memory_order_relaxed); }

bool log_enabled(LogLevel level) { return level >= threshold.load(std::memory_order_relaxed); }

void write_log(LogLevel level, std::string_view category, std::string_view line) {
  logger().log(spdlog_level(level), "{}: {}", category, line);
}

std::string log_safe(std::string_view text) {
  constexpr std::size_t text_bytes_max = 200;
  std::string safe;
  for (const char c : text.substr(0, text_bytes_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      safe += fmt::format("\\x{:02x}", byte);
    } else {
      safe += c;
    }
  }
  if (text.size() > text_bytes_max) safe += "...";
  return safe;
}

}  // namespace leveret
