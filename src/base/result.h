// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value, or the misfortune that kept us from it.
//
// Three kinds of error have three mechanisms. A *refusal* (a peer asked wrongly) is an
// amqp::AmqpError; a *misfortune* (the world failed: disk, network, a file that is not there) is
// the Error below; a *bug* (we were wrong) is LEVERET_ASSERT. Nothing on the data path throws.
//
// Thread: values; no shared state.

#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace leveret {

/// A misfortune: what the system said, and what we were doing when it said so.
struct Error {
  std::error_code code;
  std::string context;  ///< For humans; names the thing: "open /var/lib/leveret/metadata.db".

  /// "context: system's message".
  [[nodiscard]] std::string text() const {
    return code ? context + ": " + code.message() : context;
  }
};

template <class T>
using Result = std::expected<T, Error>;

/// Makes the unexpected side of a Result from an errno-like value.
[[nodiscard]] inline std::unexpected<Error> failure(std::error_code code, std::string context) {
  return std::unexpected(Error{code, std::move(context)});
}

/// Makes the unexpected side of a Result where no system call is to blame.
[[nodiscard]] inline std::unexpected<Error> failure(std::string context) {
  return std::unexpected(Error{{}, std::move(context)});
}

}  // namespace leveret

#define LEVERET_CONCAT_INNER(a, b) a##b
#define LEVERET_CONCAT(a, b) LEVERET_CONCAT_INNER(a, b)

/// LEVERET_TRY(auto x, f()): declares x from f()'s value, or returns f()'s error from the caller.
#define LEVERET_TRY(declaration, expression)                                           \
  auto LEVERET_CONCAT(leveret_try_, __LINE__) = (expression);                          \
  if (!LEVERET_CONCAT(leveret_try_, __LINE__)) [[unlikely]]                            \
    return std::unexpected(std::move(LEVERET_CONCAT(leveret_try_, __LINE__)).error()); \
  declaration = std::move(*LEVERET_CONCAT(leveret_try_, __LINE__))

/// LEVERET_CHECK(f()): returns f()'s error from the caller; f() gives no value.
#define LEVERET_CHECK(expression)                                     \
  if (auto leveret_check = (expression); !leveret_check) [[unlikely]] \
  return std::unexpected(std::move(leveret_check).error())
