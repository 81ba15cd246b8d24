// SPDX-License-Identifier: Apache-2.0
//
// Basic properties against a header that pika 1.2 wrote, RabbitMQ 3.10.8's judgement of odd ones,
// and each other.

#include "amqp/basic_properties.h"

#include "amqp/testing/hex.h"
#include "amqp/testing/seed.h"

#include <deque>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::amqp {
namespace {

using testing::hex;
using testing::to_hex;

constexpr std::string_view all_properties =
    "ff fc 0a 74 65 78 74 2f 70 6c 61 69 6e 04 67 7a 69 70 00 00 00 04 01 61 74 01 02 05 01 63 01 "
    "72 05 36 30 30 30 30 01 6d 00 00 00 00 65 53 f1 00 01 74 05 67 75 65 73 74 03 61 70 70 02 63 "
    "6c";

TEST(BasicProperties, are_on_the_wire_as_clients_write_them) {
  const std::vector<std::byte> headers = hex("01 61 74 01");
  const BasicProperties properties{.content_type = "text/plain",
                                   .content_encoding = "gzip",
                                   .headers = RawTable(headers),
                                   .delivery_mode = 2,
                                   .priority = 5,
                                   .correlation_id = "c",
                                   .reply_to = "r",
                                   .expiration = "60000",
                                   .message_id = "m",
                                   .timestamp = 1700000000,
                                   .type = "t",
                                   .user_id = "guest",
                                   .app_id = "app",
                                   .cluster_id = "cl"};
  const std::vector<std::byte> bytes = hex(all_properties);

  EXPECT_EQ(to_hex(properties.to_raw()), all_properties);
  EXPECT_EQ(BasicProperties::decode(bytes), properties);
  EXPECT_TRUE(is_well_formed_properties(bytes));
}

TEST(BasicProperties, are_peeked_at_one_by_one) {
  const std::vector<std::byte> bytes = hex(all_properties);

  EXPECT_EQ(peek_delivery_mode(bytes), 2);
  EXPECT_EQ(peek_priority(bytes), 5);
  EXPECT_EQ(peek_expiration(bytes), "60000");
  EXPECT_EQ(peek_user_id(bytes), "guest");
  EXPECT_EQ(peek_headers(bytes)->find("a")->as_bool(), true);

  EXPECT_EQ(peek_delivery_mode(no_properties), 0);
  EXPECT_EQ(peek_priority(no_properties), std::nullopt);
  EXPECT_EQ(peek_expiration(no_properties), std::nullopt);
  EXPECT_EQ(peek_user_id(no_properties), std::nullopt);
  EXPECT_EQ(peek_headers(no_properties), std::nullopt);
}

TEST(BasicProperties, are_refused_at_every_truncation) {
  const std::vector<std::byte> bytes = hex(all_properties);
  const std::size_t user_id_end = bytes.size() - std::string_view("\3app\2cl").size();

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::span<const std::byte> cut = std::span(bytes).first(size);
    EXPECT_FALSE(is_well_formed_properties(cut)) << size;
    const AmqpResult<BasicProperties> decoded = BasicProperties::decode(cut);
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().code, ReplyCode::internal_error);
    EXPECT_EQ(peek_user_id(cut).has_value(), size >= user_id_end) << size;
  }
}

struct Judgement {
  const char* bytes;
  bool is_well_formed;
};

TEST(BasicProperties, are_judged_as_RabbitMQ_judges_them) {
  const Judgement judgements[] = {
      {"00 00", true},
      {"10 00 02", true},
      {"00 01", true},  // Announces more flags, which RabbitMQ does not look for.
      {"00 02", true},  // A bit without a meaning.
      {"10 03 02", true},
      {"00 04 03 61 62 63", true},
      {"", false},
      {"00", false},
      {"00 00 7a 7a", false},  // Bytes left over.
      {"00 01 00 00", false},  // A second word of flags is such bytes.
      {"10 01 00 00 02", false},
      {"10 00", false},  // Bytes missing.
      {"10 00 02 09", false},
      {"08 00", false},
      {"80 00 05 61 62 63", false},        // A length past the end.
      {"20 00 00 00 00 02 01 61", false},  // Malformed headers.
      {"20 00 00 00 00 03 01 61 5a", false},
  };
  for (const Judgement& judgement : judgements) {
    const std::vector<std::byte> bytes = hex(judgement.bytes);
    EXPECT_EQ(is_well_formed_properties(bytes), judgement.is_well_formed) << judgement.bytes;
    EXPECT_EQ(BasicProperties::decode(bytes).has_value(), judgement.is_well_formed)
        << judgement.bytes;
  }
}

/// Each property by a throw of the dice; `texts` keeps what the views look at.
BasicProperties random_properties(std::mt19937_64& random, std::deque<std::string>& texts) {
  const auto is_present = [&] { return random() % 2 == 0; };
  const auto text = [&]() -> std::string_view {
    std::string& kept = texts.emplace_back(random() % 256, '\0');
    for (char& each : kept) each = static_cast<char>(random());
    return kept;
  };
  BasicProperties properties;
  for (auto* property :
       {&properties.content_type, &properties.content_encoding, &properties.correlation_id,
        &properties.reply_to, &properties.expiration, &properties.message_id, &properties.type,
        &properties.user_id, &properties.app_id, &properties.cluster_id}) {
    if (is_present()) *property = text();
  }
  if (is_present()) properties.delivery_mode = static_cast<std::uint8_t>(random());
  if (is_present()) properties.priority = static_cast<std::uint8_t>(random());
  if (is_present()) properties.timestamp = random();
  if (is_present()) {
    std::string& kept = texts.emplace_back("\001aS\000\000\000\001", 7);
    kept += static_cast<char>(random());
    properties.headers = RawTable(testing::bytes_of(kept));
  }
  return properties;
}

TEST(BasicProperties, come_back_as_they_went) {
  const testing::Seed seed;
  SCOPED_TRACE(seed.how_to_repeat());
  std::mt19937_64 random(seed.value);
  for (int i = 0; i < 2000; ++i) {
    std::deque<std::string> texts;
    const BasicProperties properties = random_properties(random, texts);
    const std::vector<std::byte> bytes = properties.to_raw();

    ASSERT_EQ(BasicProperties::decode(bytes), properties) << to_hex(bytes);
    ASSERT_TRUE(is_well_formed_properties(bytes)) << to_hex(bytes);
    ASSERT_EQ(peek_delivery_mode(bytes), properties.delivery_mode.value_or(0)) << to_hex(bytes);
    ASSERT_EQ(peek_priority(bytes), properties.priority) << to_hex(bytes);
    ASSERT_EQ(peek_expiration(bytes), properties.expiration) << to_hex(bytes);
    ASSERT_EQ(peek_user_id(bytes), properties.user_id) << to_hex(bytes);
    ASSERT_EQ(peek_headers(bytes), properties.headers) << to_hex(bytes);
  }
}

}  // namespace
}  // namespace leveret::amqp
