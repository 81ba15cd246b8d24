// SPDX-License-Identifier: Apache-2.0
//
// Logging: event first, then key=value: `connection_closed peer=10.0.0.7:5112 vhost=/ code=501`.
// One category a room. error: an operator must act. warn: something was lost or refused. info: the
// life of connections, queues, nodes. debug: for us. Never payloads, never credentials; text that a
// peer chose goes through log_safe(). Log text is not an interface.
//
// Thread: any; lines from several threads do not mix.

#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace leveret {

enum class LogLevel { debug, info, warn, error, none };

/// Parses "debug", "info", "warning"/"warn", "error", "none" (RabbitMQ's names). False: not a
/// level.
[[nodiscard]] bool parse_log_level(std::string_view text, LogLevel& level);

/// Sets what is written from now on, process-wide. Default: info, to standard error.
void set_log_level(LogLevel level);
[[nodiscard]] bool log_enabled(LogLevel level);

void write_log(LogLevel level, std::string_view category, std::string_view line);

/// A peer's text made fit for a log line: control characters escaped, cut at 200 bytes.
[[nodiscard]] std::string log_safe(std::string_view text);

/// log(LogLevel::info, "session", "connection_opened peer={}", peer)
template <class... Values>
void log(LogLevel level, std::string_view category, fmt::format_string<Values...> format,
         Values&&... values) {
  if (log_enabled(level)) {
    write_log(level, category, fmt::format(format, std::forward<Values>(values)...));
  }
}

}  // namespace leveret
