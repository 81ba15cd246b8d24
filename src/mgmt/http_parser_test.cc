// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http_parser.h"

#include "mgmt/limits.h"

#include <string>

#include <gtest/gtest.h>

namespace leveret {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(HttpParser, leaves_the_next_request_untaken) {
  HttpParser parser;
  const std::string first = "PUT /api/vhosts/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
  const std::string both = first + "GET /api/whoami HTTP/1.1\r\nHost: x\r\n\r\n";

  const auto progress = parser.feed(bytes(both));

  ASSERT_TRUE(progress.has_value());
  ASSERT_TRUE(progress->request.has_value());
  EXPECT_EQ(progress->bytes_taken, first.size());
  EXPECT_EQ(progress->request->method, "PUT");
  EXPECT_EQ(progress->request->target, "/api/vhosts/a");
  EXPECT_EQ(progress->request->body, "{}");
  EXPECT_TRUE(progress->request->keep_alive);
  const auto rest = parser.feed(bytes(std::string_view(both).substr(progress->bytes_taken)));
  ASSERT_TRUE(rest.has_value() && rest->request.has_value());
  EXPECT_EQ(rest->request->method, "GET");
}

TEST(HttpParser, takes_a_request_byte_by_byte) {
  HttpParser parser;
  const std::string wire =
      "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3\r\nabc\r\n0\r\n\r\n";
  std::string shown;
  std::optional<HttpRequest> request;

  for (const char c : wire) {
    ASSERT_FALSE(request.has_value()) << "complete before its last byte";
    shown += c;
    auto progress = parser.feed(bytes(shown));
    ASSERT_TRUE(progress.has_value());
    shown.erase(0, progress->bytes_taken);
    request = std::move(progress->request);
  }

  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->body, "abc");
  EXPECT_FALSE(request->keep_alive);
}

TEST(HttpParser, takes_an_empty_chunked_body_in_any_two_pieces) {
  const std::string wire =
      "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

  for (std::size_t cut = 1; cut < wire.size(); ++cut) {
    // The second piece comes in single bytes.
    HttpParser parser;
    std::string shown = wire.substr(0, cut);
    std::size_t next = cut;
    auto progress = parser.feed(bytes(shown));
    while (progress && !progress->request && next < wire.size()) {
      shown.erase(0, progress->bytes_taken);
      shown += wire[next++];
      progress = parser.feed(bytes(shown));
    }

    ASSERT_TRUE(progress && progress->request) << "cut at " << cut;
    EXPECT_EQ(next, wire.size());
    EXPECT_EQ(progress->bytes_taken, shown.size());
    EXPECT_EQ(progress->request->body, "");
  }
}

TEST(HttpParser, asks_once_to_continue) {
  HttpParser parser;
  const std::string head =
      "PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";

  const auto first = parser.feed(bytes(head));
  const auto second = parser.feed(bytes("{"));
  const auto third = parser.feed(bytes("}"));

  ASSERT_TRUE(first && second && third);
  EXPECT_TRUE(first->wants_continue);
  EXPECT_FALSE(second->wants_continue);
  EXPECT_TRUE(third->request.has_value());
}

struct Refused {
  const char* what;
  std::string wire;
  int status;
};

TEST(HttpParser, refuses_what_is_no_request_or_too_large) {
  const Refused table[] = {
      {"garbage", "\x16\x03\x01\x02\r\n\r\n", 400},
      {"an AMQP client", std::string("AMQP\0\0\x09\x01", 8), 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"a length that is no number", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400},
      {"a header without end",
       "GET / HTTP/1.1\r\nX: " + std::string(http_header_bytes_max, 'a') + "\r\n\r\n", 431},
      {"a body that is too large",
       "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(http_body_bytes_max + 1) +
           "\r\n\r\n{",
       413},
  };
  for (const Refused& row : table) {
    HttpParser parser;
    const auto progress = parser.feed(bytes(row.wire));
    ASSERT_FALSE(progress.has_value()) << row.what;
    EXPECT_EQ(progress.error().status, row.status) << row.what << ": " << progress.error().body;
  }
}

TEST(HttpResponse, says_its_length_but_not_of_a_204) {
  EXPECT_EQ(encode_response(HttpResponse::json({1}), true, false),
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 3\r\n"
            "cache-control: no-cache\r\n\r\n[1]");
  EXPECT_EQ(encode_response(HttpResponse::json({1}), true, true),
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 3\r\n"
            "cache-control: no-cache\r\n\r\n");
  EXPECT_EQ(encode_response(HttpResponse::empty(204), false, false),
            "HTTP/1.1 204 No Content\r\ncache-control: no-cache\r\nconnection: close\r\n\r\n");
}

}  // namespace
}  // namespace leveret
