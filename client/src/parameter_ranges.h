// SPDX-License-Identifier: Apache-2.0
//
// What ConnectionParameters allow, for validate() and for what reads them from text.
//
// Thread: any.

#pragma once

#include "leveret/connection_parameters.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leveret::client {

struct Range {
  std::string_view field;
  std::int64_t min;
  std::int64_t max;
  std::string_view unit = "";
};

inline constexpr Range port_range{"port", 1, 65535};
inline constexpr Range channel_max_range{"channel_max", 1, 65535};
inline constexpr Range frame_max_range{"frame_max", 4096, 2147483647};
inline constexpr Range heartbeat_range{"heartbeat", 0, 65535, " s"};
inline constexpr Range connection_attempts_range{"connection_attempts", 1, 4294967295};
inline constexpr Range retry_delay_range{"retry_delay", 0, 2147483647, " ms"};
inline constexpr Range socket_timeout_range{"socket_timeout", 1, 2147483647, " ms"};
inline constexpr Range stack_timeout_range{"stack_timeout", 1, 2147483647, " ms"};
inline constexpr Range blocked_connection_timeout_range{"blocked_connection_timeout", 0, 2147483647,
                                                        " ms"};

/// Throws: std::invalid_argument with all that a Range knows.
void check(const Range& range, std::int64_t value);

struct TcpOption {
  std::string_view key;  ///< In pika.
  std::optional<int> TcpOptions::*member;
  Range range;  ///< What Linux takes.
};

inline constexpr std::array<TcpOption, 4> tcp_option_table{{
    {"TCP_KEEPIDLE", &TcpOptions::tcp_keepidle, {"tcp_options.tcp_keepidle", 1, 32767, " s"}},
    {"TCP_KEEPINTVL", &TcpOptions::tcp_keepintvl, {"tcp_options.tcp_keepintvl", 1, 32767, " s"}},
    {"TCP_KEEPCNT", &TcpOptions::tcp_keepcnt, {"tcp_options.tcp_keepcnt", 1, 127}},
    {"TCP_USER_TIMEOUT",
     &TcpOptions::tcp_user_timeout,
     {"tcp_options.tcp_user_timeout", 0, 2147483647, " ms"}},
}};

/// The keys of a table whose rows have a `key`: for complaints.
template <class Rows>
[[nodiscard]] std::string names_of(const Rows& rows) {
  std::string names;
  for (const auto& row : rows) names.append(names.empty() ? "" : ", ").append(row.key);
  return names;
}

}  // namespace leveret::client
