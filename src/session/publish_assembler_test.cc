// SPDX-License-Identifier: Apache-2.0
#include "session/publish_assembler.h"

#include "amqp/basic_properties.h"
#include "amqp/methods.gen.h"
#include "amqp/testing/hex.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::ReplyCode;
using amqp::testing::bytes_of;
using amqp::testing::hex;

constexpr std::uint64_t message_bytes_max = 1000;

/// A content header's payload.
std::vector<std::byte> header(std::uint64_t body_size, std::uint16_t class_id = 60,
                              std::string_view properties = "00 00") {
  return hex(fmt::format("{:04x} 0000 {:016x} {}", class_id, body_size, properties));
}

class PublishAssemblerTest : public testing::Test {
 protected:
  void begin(bool is_dropped = false) { assembler_.begin("x", "key", true, is_dropped); }
  amqp::AmqpResult<void> on_header(const std::vector<std::byte>& payload) {
    return assembler_.on_header(payload, message_bytes_max);
  }
  PublishAssembler assembler_;
};

TEST_F(PublishAssemblerTest, puts_method_header_and_bodies_together) {
  begin();
  EXPECT_TRUE(assembler_.is_busy());
  ASSERT_TRUE(on_header(header(7, 60, "10 00 02")).has_value());
  ASSERT_TRUE(assembler_.on_body(bytes_of("one")).has_value());
  ASSERT_TRUE(assembler_.on_body({}).has_value());
  EXPECT_FALSE(assembler_.is_complete());
  ASSERT_TRUE(assembler_.on_body(bytes_of(" two")).has_value());
  ASSERT_TRUE(assembler_.is_complete());
  const MessagePtr message = assembler_.finish();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->exchange(), "x");
  EXPECT_EQ(message->routing_key(), "key");
  EXPECT_TRUE(std::ranges::equal(message->body(), bytes_of("one two")));
  EXPECT_TRUE(message->is_persistent());
  EXPECT_TRUE(assembler_.is_mandatory());
  EXPECT_FALSE(assembler_.is_busy());
}

TEST_F(PublishAssemblerTest, is_complete_with_the_header_of_an_empty_message) {
  begin();
  ASSERT_TRUE(on_header(header(0)).has_value());
  EXPECT_TRUE(assembler_.is_complete());
  EXPECT_EQ(assembler_.finish()->body_bytes(), 0u);
}

TEST_F(PublishAssemblerTest, drops_a_message_and_still_awaits_its_content) {
  begin(/*is_dropped=*/true);
  ASSERT_TRUE(on_header(header(4)).has_value());
  EXPECT_FALSE(assembler_.is_complete());
  ASSERT_TRUE(assembler_.on_body(bytes_of("body")).has_value());
  ASSERT_TRUE(assembler_.is_complete());
  EXPECT_FALSE(assembler_.finish());
}

TEST_F(PublishAssemblerTest, refuses_a_message_that_is_too_long_and_awaits_its_body) {
  begin();
  const auto refused = on_header(header(message_bytes_max + 1));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reply_text(),
            "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000");
  EXPECT_EQ(refused.error().method, amqp::BasicPublish::key);
  EXPECT_TRUE(assembler_.is_busy());
  begin();
  EXPECT_TRUE(on_header(header(message_bytes_max)).has_value());
}

TEST_F(PublishAssemblerTest, holds_content_to_its_order) {
  struct Row {
    std::string_view what;
    std::string_view text;
    bool has_publish;
    bool has_header;
  };
  static constexpr Row rows[] = {
      {"header", "expected method frame, got non method frame instead", false, false},
      {"body", "expected method frame, got non method frame instead", false, false},
      {"body", "expected content header for class 60, got non content header frame instead", true,
       false},
      {"header", "expected content body, got non content body frame instead", true, true},
      {"long body", "expected content body, got non content body frame instead", true, true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    assembler_ = PublishAssembler();
    if (row.has_publish) begin();
    if (row.has_header) {
      ASSERT_TRUE(on_header(header(3)).has_value());
    }
    const auto refused = row.what == "header" ? on_header(header(1))
                         : row.what == "body" ? assembler_.on_body(bytes_of("b"))
                                              : assembler_.on_body(bytes_of("four"));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ReplyCode::unexpected_frame);
    EXPECT_EQ(refused.error().text, row.text);
    EXPECT_EQ(refused.error().method, row.has_publish ? amqp::BasicPublish::key : 0);
  }
}

TEST_F(PublishAssemblerTest, refuses_headers_that_are_none_of_a_publish) {
  begin();
  auto refused = on_header(header(1, 50));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().text,
            "expected content header for class 60, got one for class 50 instead");
  begin();
  refused = on_header(hex("003c 0001 0000000000000001 0000"));  // A weight.
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ReplyCode::unexpected_frame);
  begin();
  refused = on_header(header(1, 60, "80 00"));  // A content type that is not there.
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ReplyCode::internal_error);
}

}  // namespace
}  // namespace leveret
