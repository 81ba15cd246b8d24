// SPDX-License-Identifier: Apache-2.0
//
// HttpRequest and HttpResponse: what the API is asked and what it answers, without the wire.
//
// Thread: values.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace leveret {

struct HttpRequest {
  std::string method;  ///< As sent: "GET".
  std::string target;  ///< As sent: "/api/queues/%2F?page=1".
  std::string authorization;
  std::string reason;  ///< The header X-Reason.
  std::string body;
  bool keep_alive = true;
};

struct HttpResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string_view content_type = "application/json";  ///< Of the body, if there is one.

  [[nodiscard]] static HttpResponse json(const boost::json::value& value, int status = 200) {
    return {.status = status, .body = boost::json::serialize(value)};
  }
  [[nodiscard]] static HttpResponse empty(int status) { return {.status = status}; }
  /// RabbitMQ's form of a complaint. What is no UTF-8 in `reason` is replaced.
  [[nodiscard]] static HttpResponse error(int status, std::string_view error,
                                          std::string_view reason);
  [[nodiscard]] static HttpResponse not_found() {
    return error(404, "Object Not Found", "Not Found");
  }
  [[nodiscard]] static HttpResponse bad_request(std::string_view reason) {
    return error(400, "bad_request", reason);
  }
};

}  // namespace leveret
