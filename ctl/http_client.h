// SPDX-License-Identifier: Apache-2.0
//
// HttpClient: asks the broker's management API, one request a connection, over a unix socket or
// TCP.
//
// Thread: one.
// Spec:   RFC 9112, as much of it as the broker speaks: answers have a length or end with the
//         connection.

#pragma once

#include "ctl/exit_code.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace leveret::ctl {

struct Target {
  std::string socket;  ///< Path of the unix socket; empty: TCP.
  std::string host = "localhost";
  std::string port = "15672";
  std::string user = "guest";
  std::string password = "guest";

  [[nodiscard]] std::string text() const;
};

struct HttpAnswer {
  int status = 0;
  boost::json::value body;  ///< Null when there is none.

  [[nodiscard]] bool is_success() const { return status >= 200 && status < 300; }
  /// The members `error` and `reason` of a refusal; empty when they are missing.
  [[nodiscard]] std::string error() const;
  [[nodiscard]] std::string reason() const;
};

class HttpClient {
 public:
  /// `timeout`: of each request as a whole; none: it waits.
  HttpClient(Target target, std::optional<std::chrono::milliseconds> timeout)
      : target_(std::move(target)), timeout_(timeout) {}

  /// Errors: unavailable (nobody answers, or not sensibly; 401), timeout.
  [[nodiscard]] Outcome<HttpAnswer> get(std::string_view path) const;
  [[nodiscard]] Outcome<HttpAnswer> put(std::string_view path,
                                        const boost::json::value& body) const;
  [[nodiscard]] Outcome<HttpAnswer> post(std::string_view path,
                                         const boost::json::value& body) const;
  /// `reason`, where not empty, goes along as X-Reason.
  [[nodiscard]] Outcome<HttpAnswer> del(std::string_view path, std::string_view reason = {}) const;

  /// As post(), and then waits until the broker's process has ended (over TCP: until nobody listens
  /// any more).
  [[nodiscard]] Outcome<HttpAnswer> post_and_await_end(std::string_view path) const;

  [[nodiscard]] const Target& target() const { return target_; }

 private:
  [[nodiscard]] Outcome<HttpAnswer> ask(std::string_view method, std::string_view path,
                                        std::string_view body, std::string_view reason) const;

  Target target_;
  std::optional<std::chrono::milliseconds> timeout_;
};

/// A name as one piece of a path: "/" becomes "%2F".
[[nodiscard]] std::string encode_percent(std::string_view name);

}  // namespace leveret::ctl
