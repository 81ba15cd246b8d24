// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http_parser.h"

#include "mgmt/limits.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

namespace leveret {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t chunked_end_bytes = 5;  // "0\r\n\r\n"

std::string text(boost::beast::string_view view) { return {view.data(), view.size()}; }

HttpResponse complaint(boost::beast::error_code error) {
  if (error == http::error::header_limit) {
    return HttpResponse::error(431, "bad_request", "request header too large");
  }
  if (error == http::error::body_limit) {
    return HttpResponse::error(413, "bad_request", "request body too large");
  }
  return HttpResponse::bad_request("malformed request: " + error.message());
}

}  // namespace

struct HttpParser::Beast {
  std::optional<http::request_parser<http::string_body>> parser;
  bool is_continue_said = false;

  void begin() {
    parser.emplace();
    parser->eager(true);
    parser->header_limit(static_cast<std::uint32_t>(http_header_bytes_max));
    parser->body_limit(http_body_bytes_max);
    is_continue_said = false;
  }
};

HttpParser::HttpParser() : beast_(std::make_unique<Beast>()) { beast_->begin(); }

HttpParser::~HttpParser() = default;

std::expected<HttpParser::Progress, HttpResponse> HttpParser::feed(
    std::span<const std::byte> bytes) {
  Progress progress;
  auto& parser = *beast_->parser;
  while (!parser.is_done()) {
    const auto rest = bytes.subspan(progress.bytes_taken);
    if (rest.empty()) break;
    // The Beast of Boost 1.81 asserts that it is never shown less of a last chunk that it has begun
    // to read, which is up to the peer. However much of a chunked body is left, it is no less.
    if (parser.is_header_done() && parser.chunked() && rest.size() < chunked_end_bytes) break;
    boost::beast::error_code error;
    const std::size_t taken = parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    progress.bytes_taken += taken;
    if (error == http::error::need_more) break;
    if (error) return std::unexpected(complaint(error));
    if (taken == 0) break;
  }
  if (!parser.is_done()) {
    if (parser.is_header_done() && !beast_->is_continue_said &&
        boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      beast_->is_continue_said = true;
      progress.wants_continue = true;
    }
    return progress;
  }
  auto& message = parser.get();
  if (message.version() == 11 && message.find(http::field::host) == message.end()) {
    return std::unexpected(HttpResponse::bad_request("no Host header"));
  }
  progress.request.emplace(HttpRequest{.method = text(message.method_string()),
                                       .target = text(message.target()),
                                       .authorization = text(message[http::field::authorization]),
                                       .reason = text(message["X-Reason"]),
                                       .body = std::move(message.body()),
                                       .keep_alive = message.keep_alive()});
  beast_->begin();
  return progress;
}

std::string_view status_text(int status) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(status));
  return {reason.data(), reason.size()};
}

std::string encode_response(const HttpResponse& response, bool keep_alive, bool is_head) {
  std::string wire =
      fmt::format("HTTP/1.1 {} {}\r\n", response.status, status_text(response.status));
  for (const auto& [name, value] : response.headers) {
    wire += fmt::format("{}: {}\r\n", name, value);
  }
  if (!response.body.empty()) {
    wire += "content-type: ";
    wire += response.content_type;
    wire += "\r\n";
  }
  // A 204 has no body and may not even speak of its length (RFC 9110 §8.6).
  if (response.status != 204) wire += fmt::format("content-length: {}\r\n", response.body.size());
  wire += "cache-control: no-cache\r\n";
  if (!keep_alive) wire += "connection: close\r\n";
  wire += "\r\n";
  if (!is_head) wire += response.body;
  return wire;
}

}  // namespace leveret
