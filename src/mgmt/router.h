// SPDX-License-Identifier: Apache-2.0
//
// Router: which handler a method and a path belong to. A path is compared piece by piece, after it
// was cut at its slashes and before `%2F` becomes one: "/api/queues/%2F/a" has the vhost "/".
//
// Thread: immutable once made.

#pragma once

#include "mgmt/call.h"

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

struct Route {
  std::string_view method;  ///< "GET" answers HEAD too.
  /// "/api/queues/{}/{}"; {} stands for one piece, which is shown to the handler decoded.
  std::string_view path;
  Need need;
  void (*handle)(Call call);
};

class Router {
 public:
  /// Requires: no two routes of the same method and path; the texts live for ever.
  explicit Router(std::vector<Route> routes);

  struct Match {
    const Route* route;
    std::vector<std::string> names;
  };
  /// Errors: the answer to give: 404; 405 with Allow; 400 (a path with a wrong % sequence); to
  /// OPTIONS 200 with Allow.
  [[nodiscard]] std::expected<Match, HttpResponse> find(std::string_view method,
                                                        std::string_view target) const;

 private:
  struct Entry {
    std::vector<std::string_view> pieces;
    Route route;
  };
  std::vector<Entry> entries_;
};

/// Everything the API has.
[[nodiscard]] std::vector<Route> all_routes();

/// Replaces each %XX. Nothing when a % is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> decode_percent(std::string_view text);

}  // namespace leveret
