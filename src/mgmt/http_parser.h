// SPDX-License-Identifier: Apache-2.0
//
// HttpParser: bytes in, requests out; and answers back into bytes. No socket, no clock.
//
// Thread: its owner's.
// Spec:   RFC 9112, by Boost.Beast's parser.

#pragma once

#include "mgmt/http_message.h"

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace leveret {

class HttpParser {
 public:
  HttpParser();
  ~HttpParser();

  struct Progress {
    std::size_t bytes_taken = 0;
    std::optional<HttpRequest> request;
    /// The client waits to be told "100 Continue" before it sends the body. Said once a request.
    bool wants_continue = false;
  };
  /// Reads until a request is complete; what lies behind it is left for the next call. Bytes that
  /// were not taken are to be shown again with what follows.
  /// Errors: the answer to give (400, 413, 431); the parser is of no further use.
  [[nodiscard]] std::expected<Progress, HttpResponse> feed(std::span<const std::byte> bytes);

 private:
  struct Beast;
  std::unique_ptr<Beast> beast_;
};

/// The answer as it goes on the wire. `is_head`: without its body, whose length is told all the
/// same.
[[nodiscard]] std::string encode_response(const HttpResponse& response, bool keep_alive,
                                          bool is_head);

/// The name of a status code.
[[nodiscard]] std::string_view status_text(int status);

}  // namespace leveret
