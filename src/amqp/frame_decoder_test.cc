// SPDX-License-Identifier: Apache-2.0
//
// Frames out of bytes, and what is said of bytes that are none. The texts are RabbitMQ 3.10.8's
// answers to the same bytes.

#include "amqp/frame_decoder.h"

#include "amqp/content_header.h"
#include "amqp/frame_encoder.h"
#include "amqp/testing/hex.h"
#include "amqp/testing/seed.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::amqp {
namespace {

using testing::hex;
using testing::to_hex;

constexpr std::uint32_t frame_max = 131072;

std::vector<std::byte> concat(std::initializer_list<std::vector<std::byte>> parts) {
  std::vector<std::byte> whole;
  for (const auto& part : parts) whole.insert(whole.end(), part.begin(), part.end());
  return whole;
}

TEST(FrameDecoder, cuts_frames_without_copying) {
  const std::vector<std::byte> bytes =
      concat({hex("01 00 01 00 00 00 05 00 14 00 0a 00 ce"), hex("08 00 00 00 00 00 00 ce"),
              hex("03 ff fe 00 00 00 02 61 62 ce"), hex("03 00 01 00 00 00 00 ce")});
  FrameDecoder decoder(bytes, frame_max);

  const Frame* frame = decoder.next();
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(frame->type, FrameType::method);
  EXPECT_EQ(frame->channel, 1);
  EXPECT_EQ(frame->payload.data(), bytes.data() + 7);
  EXPECT_EQ(frame->payload.size(), 5U);
  EXPECT_EQ(decoder.consumed(), 13U);

  frame = decoder.next();
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(frame->type, FrameType::heartbeat);

  frame = decoder.next();
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(frame->type, FrameType::body);
  EXPECT_EQ(frame->channel, 65534);
  EXPECT_EQ(to_hex(frame->payload), "61 62");

  frame = decoder.next();
  ASSERT_NE(frame, nullptr);
  EXPECT_TRUE(frame->payload.empty());

  EXPECT_EQ(decoder.next(), nullptr);
  EXPECT_EQ(decoder.error(), nullptr);
  EXPECT_EQ(decoder.consumed(), bytes.size());
}

TEST(FrameDecoder, gives_a_frame_again_that_was_put_back) {
  const std::vector<std::byte> bytes =
      concat({hex("08 00 00 00 00 00 00 ce"), hex("03 ff fe 00 00 00 02 61 62 ce")});
  FrameDecoder decoder(bytes, frame_max);
  ASSERT_NE(decoder.next(), nullptr);
  ASSERT_NE(decoder.next(), nullptr);

  decoder.put_back();

  EXPECT_EQ(decoder.consumed(), 8U);
  const Frame* frame = decoder.next();
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(to_hex(frame->payload), "61 62");
  EXPECT_EQ(decoder.consumed(), bytes.size());
}

TEST(FrameDecoder, waits_for_the_rest_of_a_frame_wherever_it_is_cut) {
  const std::vector<std::byte> bytes = hex("01 00 01 00 00 00 05 00 14 00 0a 00 ce");

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    FrameDecoder decoder{std::span(bytes).first(size), frame_max};
    EXPECT_EQ(decoder.next(), nullptr) << size;
    EXPECT_EQ(decoder.error(), nullptr) << size;
    EXPECT_EQ(decoder.consumed(), 0U) << size;
  }
}

struct Refusal {
  const char* bytes;
  const char* reply_text;
};

TEST(FrameDecoder, refuses_what_is_no_frame_in_the_words_of_RabbitMQ) {
  const Refusal refusals[] = {
      {"01 00 01 00 00 00 05 00 14 00 0a 00 00",
       "FRAME_ERROR - type 1, all octets = <<0,20,0,10,0>>: {invalid_frame_end_marker,0}"},
      {"01 00 00 00 00 00 14 00 3c 00 50 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 00",
       "FRAME_ERROR - type 1, first 16 octets = <<0,60,0,80,0,1,2,3,4,5,6,7,8,9,10,11>>: "
       "{invalid_frame_end_marker,\n"
       "                                                                    0}"},
      {"01 00 01 00 02 00 01",
       "FRAME_ERROR - type 1, all octets = <<>>: "
       "{frame_too_large,131073,131064}"},
      {"07 00 01 00 00 00 03 61 62 63 ce",
       "FRAME_ERROR - type 7, all octets = <<\"abc\">>: unknown_frame"},
      {"04 00 00 00 00 00 03 00 01 02 ce",
       "FRAME_ERROR - type 4, all octets = <<0,1,2>>: unknown_frame"},
      {"08 00 00 00 00 00 01 78 ce", "FRAME_ERROR - type 8, all octets = <<\"x\">>: unknown_frame"},
      {"01 00 01 00 00 00 02 00 3c ce",
       "FRAME_ERROR - type 1, all octets = <<0,60>>: unknown_frame"},
      {"02 00 01 00 00 00 02 00 3c ce",
       "FRAME_ERROR - type 2, all octets = <<0,60>>: unknown_frame"},
      {"08 00 01 00 00 00 00 ce", "UNEXPECTED_FRAME - type 8, all octets = <<>>"},
      {"03 00 00 00 00 00 02 7a 7a ce", "UNEXPECTED_FRAME - type 3, all octets = <<\"zz\">>"},
      {"02 00 00 00 00 00 0e 00 3c 00 00 00 00 00 00 00 00 00 00 00 00 ce",
       "UNEXPECTED_FRAME - type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0,0,0,0>>"},
  };
  const std::vector<std::byte> heartbeat(heartbeat_frame.begin(), heartbeat_frame.end());

  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.bytes);
    const std::vector<std::byte> bytes = concat({heartbeat, hex(refusal.bytes), heartbeat});
    FrameDecoder decoder(bytes, frame_max);

    ASSERT_NE(decoder.next(), nullptr) << "what came before is not lost";
    EXPECT_EQ(decoder.next(), nullptr);
    ASSERT_NE(decoder.error(), nullptr);
    EXPECT_EQ(decoder.error()->reply_text(), refusal.reply_text);
    EXPECT_TRUE(closes_connection(decoder.error()->code));
    EXPECT_EQ(decoder.consumed(), heartbeat.size());
    EXPECT_EQ(decoder.next(), nullptr) << "nothing comes after an error";
  }
}

TEST(FrameDecoder, bears_with_payloads_as_long_as_frame_max) {
  const auto body_frame_start = [](std::uint32_t payload_bytes) {
    std::vector<std::byte> bytes(frame_header_bytes);
    WireWriter writer(bytes);
    write_frame_header(writer, FrameType::body, 1, payload_bytes);
    return bytes;
  };
  const std::vector<std::byte> longest = body_frame_start(frame_max);
  const std::vector<std::byte> too_long = body_frame_start(frame_max + 1);
  FrameDecoder bearing(longest, frame_max);
  FrameDecoder refusing(too_long, frame_max);
  FrameDecoder limitless(too_long, 0);

  EXPECT_EQ(bearing.next(), nullptr);
  EXPECT_EQ(bearing.error(), nullptr);
  EXPECT_EQ(refusing.next(), nullptr);
  EXPECT_NE(refusing.error(), nullptr);
  EXPECT_EQ(limitless.next(), nullptr);
  EXPECT_EQ(limitless.error(), nullptr);
}

// Whatever the bytes and wherever they are cut, the frames are the same.
TEST(FrameDecoder, gives_the_same_frames_however_the_bytes_come) {
  const testing::Seed seed;
  SCOPED_TRACE(seed.how_to_repeat());
  std::mt19937_64 random(seed.value);
  std::vector<std::byte> bytes;
  std::vector<std::string> sent;
  for (int i = 0; i < 200; ++i) {
    std::vector<std::byte> body(random() % 300);
    for (std::byte& each : body) each = static_cast<std::byte>(random());
    std::vector<std::byte> frame(body_frame_size(body));
    WireWriter writer(frame);
    write_body_frame(writer, static_cast<std::uint16_t>(1 + random() % 65535), body);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
    sent.push_back(to_hex(body));
  }

  std::vector<std::string> received;
  std::size_t taken = 0;
  std::size_t come = 0;
  while (come < bytes.size()) {
    come = std::min(bytes.size(), come + 1 + random() % 700);
    FrameDecoder decoder{std::span(bytes).subspan(taken, come - taken), frame_bytes_min};
    while (const Frame* frame = decoder.next()) received.push_back(to_hex(frame->payload));
    ASSERT_EQ(decoder.error(), nullptr);
    taken += decoder.consumed();
  }

  EXPECT_EQ(received, sent);
  EXPECT_EQ(taken, bytes.size());
}

TEST(FrameEncoder, writes_content_as_clients_do) {
  const std::vector<std::byte> properties = hex("10 00 02");
  const std::vector<std::byte> body = hex("68 69");
  std::vector<std::byte> bytes(content_header_frame_size(properties) + body_frame_size(body));
  WireWriter writer(bytes);

  write_content_header_frame(writer, 1, basic_class_id, body.size(), properties);
  write_body_frame(writer, 1, body);

  EXPECT_EQ(writer.remaining(), 0U);
  EXPECT_EQ(to_hex(bytes),
            "02 00 01 00 00 00 0f 00 3c 00 00 00 00 00 00 00 00 00 02 10 00 02 ce "
            "03 00 01 00 00 00 02 68 69 ce");
}

TEST(FrameEncoder, heartbeat_and_protocol_header_are_what_the_spec_says) {
  EXPECT_EQ(to_hex(heartbeat_frame), "08 00 00 00 00 00 00 ce");
  EXPECT_EQ(to_hex(protocol_header), "41 4d 51 50 00 00 09 01");
}

TEST(ContentHeader, is_read_with_its_properties) {
  const std::vector<std::byte> payload = hex("00 3c 00 00 00 00 00 01 00 00 00 02 10 00 02");

  const std::optional<ContentHeader> header = ContentHeader::decode(payload);

  ASSERT_TRUE(header);
  EXPECT_EQ(header->class_id, 60);
  EXPECT_EQ(header->body_size, 0x100000002U);
  EXPECT_EQ(to_hex(header->properties), "10 00 02");
  for (std::size_t size = 0; size < ContentHeader::fixed_bytes; ++size) {
    EXPECT_FALSE(ContentHeader::decode(std::span(payload).first(size))) << size;
  }
}

TEST(ContentHeader, with_a_weight_is_none) {
  EXPECT_FALSE(ContentHeader::decode(hex("00 3c 00 07 00 00 00 00 00 00 00 00 00 00")));
}

}  // namespace
}  // namespace leveret::amqp
