// SPDX-License-Identifier: Apache-2.0
//
// LEVERET_ASSERT(condition, "text {}", value): we were wrong. Always on; logs the condition, the
// values and a backtrace, then aborts. Never assert on what the wire, the disk or a user can cause.
// LEVERET_DEBUG_ASSERT is the same in debug and sanitizer builds and nothing in a release, for
// claims that would cost on the data path.
//
// Thread: any.

#pragma once

#include <string_view>

#include <fmt/format.h>

namespace leveret {

/// Writes what was broken to standard error, with a backtrace, and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   std::string_view text);

}  // namespace leveret

#define LEVERET_ASSERT(condition, ...)                                                            \
  do {                                                                                            \
    if (!(condition)) [[unlikely]]                                                                \
      ::leveret::assertion_failed(#condition, __FILE__, __LINE__, ::fmt::format("" __VA_ARGS__)); \
  } while (false)

#ifdef LEVERET_DEBUG_ASSERTS
#define LEVERET_DEBUG_ASSERT(condition, ...) LEVERET_ASSERT(condition, __VA_ARGS__)
#else
#define LEVERET_DEBUG_ASSERT(condition, ...) \
  do {                                       \
  } while (false)
#endif
