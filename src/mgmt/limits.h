// SPDX-License-Identifier: Apache-2.0
//
// The bounds of the management API.
//
// Thread: constants.

#pragma once

#include <chrono>
#include <cstddef>

namespace leveret {

/// Request line and headers; more is answered 431.
inline constexpr std::size_t http_header_bytes_max = 16 * 1024;
/// RabbitMQ: management.http.max_body_size. More is answered 413.
inline constexpr std::size_t http_body_bytes_max = 10'000'000;
/// One more is answered 503 and closed.
inline constexpr std::size_t http_connections_max = 256;
/// From an answer, or the connection's begin, until the next request is complete; and for an answer
/// until the peer has taken it.
inline constexpr std::chrono::seconds http_idle_max{60};

}  // namespace leveret
