// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as what an HTTP client sends, in one piece and in pieces: the same requests must come
// out, and no refusal in pieces that is not one in the whole. What comes out must be fit for a log
// and an answer, and must be read the same when it is sent again in the plainest form.
//
//   | length of a piece, less one, 1 | bytes from the client |

#include "base/assert.h"
#include "mgmt/http_parser.h"
#include "mgmt/limits.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace leveret {
namespace {

using Bytes = std::span<const std::byte>;

struct Outcome {
  std::vector<HttpRequest> requests;
  std::optional<HttpResponse> refusal;
  std::size_t continues = 0;
};

bool has_line_end(std::string_view text) { return text.find_first_of("\r\n") != text.npos; }

void check_request(const HttpRequest& request) {
  LEVERET_ASSERT(!request.method.empty() && !request.target.empty());
  const auto is_visible = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; };
  LEVERET_ASSERT(std::ranges::all_of(request.method, is_visible));
  LEVERET_ASSERT(std::ranges::all_of(request.target, is_visible));
  LEVERET_ASSERT(!has_line_end(request.authorization) && !has_line_end(request.reason));
  LEVERET_ASSERT(request.method.size() + request.target.size() <= http_header_bytes_max);
  LEVERET_ASSERT(request.body.size() <= http_body_bytes_max);
}

void check_refusal(const HttpResponse& refusal) {
  LEVERET_ASSERT(refusal.status == 400 || refusal.status == 413 || refusal.status == 431, "{}",
                 refusal.status);
  const std::string wire = encode_response(refusal, /*keep_alive=*/false, /*is_head=*/false);
  LEVERET_ASSERT(wire.ends_with("\r\n\r\n" + refusal.body));
}

// As HttpConnection does: what was not taken is shown again with what follows.
Outcome parse(Bytes bytes, std::size_t piece_bytes) {
  Outcome outcome;
  HttpParser parser;
  std::size_t taken = 0;
  std::size_t shown = 0;
  while (shown < bytes.size()) {
    shown = std::min(shown + piece_bytes, bytes.size());
    while (taken < shown) {
      // A copy of its own size, so that a read past the end is seen.
      const Bytes rest = bytes.subspan(taken, shown - taken);
      const std::vector<std::byte> copy(rest.begin(), rest.end());
      auto progress = parser.feed(copy);
      if (!progress) {
        check_refusal(progress.error());
        outcome.refusal = std::move(progress.error());
        return outcome;
      }
      LEVERET_ASSERT(progress->bytes_taken <= copy.size());
      taken += progress->bytes_taken;
      outcome.continues += progress->wants_continue ? 1 : 0;
      if (!progress->request) break;
      LEVERET_ASSERT(progress->bytes_taken > 0, "a request out of nothing");
      check_request(*progress->request);
      outcome.requests.push_back(std::move(*progress->request));
    }
  }
  return outcome;
}

void check_same(const HttpRequest& request, const HttpRequest& other) {
  LEVERET_ASSERT(request.method == other.method);
  LEVERET_ASSERT(request.target == other.target);
  LEVERET_ASSERT(request.authorization == other.authorization);
  LEVERET_ASSERT(request.reason == other.reason);
  LEVERET_ASSERT(request.body == other.body);
  LEVERET_ASSERT(request.keep_alive == other.keep_alive);
}

std::string plainly(const HttpRequest& request) {
  std::string wire = fmt::format("{} {} HTTP/1.1\r\nHost: x\r\n", request.method, request.target);
  if (!request.authorization.empty()) {
    wire += fmt::format("Authorization: {}\r\n", request.authorization);
  }
  if (!request.reason.empty()) wire += fmt::format("X-Reason: {}\r\n", request.reason);
  if (!request.keep_alive) wire += "Connection: close\r\n";
  wire += fmt::format("Content-Length: {}\r\n\r\n{}", request.body.size(), request.body);
  return wire;
}

void run(Bytes input) {
  if (input.empty()) return;
  const std::size_t piece_bytes = std::to_integer<std::size_t>(input[0]) + 1;
  const Bytes bytes = input.subspan(1);

  const Outcome whole = parse(bytes, bytes.size());
  const Outcome in_pieces = parse(bytes, piece_bytes);

  LEVERET_ASSERT(whole.requests.size() == in_pieces.requests.size(), "{} requests, {} in pieces",
                 whole.requests.size(), in_pieces.requests.size());
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    check_same(whole.requests[i], in_pieces.requests[i]);
  }
  // A header that came in part is read again only when its end has come, so that one without an end
  // may be refused in the whole and waited for in pieces (within http_header_bytes_max).
  if (in_pieces.refusal) {
    LEVERET_ASSERT(whole.refusal && whole.refusal->status == in_pieces.refusal->status);
  }
  // In pieces a client may be told to go on whose body had come already.
  LEVERET_ASSERT(whole.continues <= in_pieces.continues);

  for (const HttpRequest& request : whole.requests) {
    const std::string wire = plainly(request);
    if (wire.size() - request.body.size() > http_header_bytes_max) continue;
    const Outcome again = parse(std::as_bytes(std::span(wire)), wire.size());
    LEVERET_ASSERT(again.requests.size() == 1 && !again.refusal);
    check_same(request, again.requests[0]);
  }
}

}  // namespace
}  // namespace leveret

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  leveret::run(std::as_bytes(std::span(data, size)));
  return 0;
}
