// SPDX-License-Identifier: Apache-2.0
//
// The generated methods against frames that pika 1.2 wrote, and against their own rules.

#include "amqp/frame_encoder.h"
#include "amqp/method_decoder.h"
#include "amqp/methods.gen.h"
#include "amqp/testing/hex.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::amqp {
namespace {

using testing::hex;
using testing::to_hex;

std::span<const std::byte> payload_of(const std::vector<std::byte>& frame) {
  return std::span(frame).subspan(frame_header_bytes, frame.size() - frame_overhead_bytes);
}

/// The frame on channel 1 is `golden`, and golden's payload is `method`.
template <class Method>
void expect_golden(const Method& method, std::string_view golden) {
  const std::vector<std::byte> frame = hex(golden);

  EXPECT_EQ(to_hex(encode_method_frame(1, method)), golden);
  EXPECT_EQ(method_frame_size(method), frame.size());
  EXPECT_EQ(method_key_of(payload_of(frame)), Method::key);
  const AmqpResult<Method> decoded = decode_method<Method>(payload_of(frame));
  ASSERT_TRUE(decoded.has_value()) << decoded.error().reply_text();
  EXPECT_EQ(*decoded, method);
}

TEST(Methods, are_on_the_wire_as_clients_write_them) {
  const std::vector<std::byte> arguments =
      hex("0c 78 2d 6d 61 78 2d 6c 65 6e 67 74 68 49 00 00 00 0a");
  const std::vector<std::byte> product = hex("07 70 72 6f 64 75 63 74 53 00 00 00 04 70 69 6b 61");

  expect_golden(QueueDeclare{.queue = "orders",
                             .durable = true,
                             .auto_delete = true,
                             .no_wait = true,
                             .arguments = RawTable(arguments)},
                "01 00 01 00 00 00 24 00 32 00 0a 00 00 06 6f 72 64 65 72 73 1a 00 00 00 12 0c 78 "
                "2d 6d 61 78 2d 6c 65 6e 67 74 68 49 00 00 00 0a ce");
  expect_golden(BasicPublish{.exchange = "gcy2", .routing_key = "a", .mandatory = true},
                "01 00 01 00 00 00 0e 00 3c 00 28 00 00 04 67 63 79 32 01 61 01 ce");
  expect_golden(BasicDeliver{.consumer_tag = "ctag1.1",
                             .delivery_tag = 0x0102030405060708,
                             .redelivered = true,
                             .exchange = "gcy2",
                             .routing_key = "a"},
                "01 00 01 00 00 00 1c 00 3c 00 3c 07 63 74 61 67 31 2e 31 01 02 03 04 05 06 07 08 "
                "01 04 67 63 79 32 01 61 ce");
  expect_golden(ConnectionClose{.reply_code = 320,
                                .reply_text = "CONNECTION_FORCED - bye",
                                .class_id = 60,
                                .method_id = 40},
                "01 00 01 00 00 00 22 00 0a 00 32 01 40 17 43 4f 4e 4e 45 43 54 49 4f 4e 5f 46 4f "
                "52 43 45 44 20 2d 20 62 79 65 00 3c 00 28 ce");
  expect_golden(BasicNack{.delivery_tag = 7, .multiple = true, .requeue = true},
                "01 00 01 00 00 00 0d 00 3c 00 78 00 00 00 00 00 00 00 07 03 ce");
  expect_golden(ConnectionStartOk{.client_properties = RawTable(product),
                                  .mechanism = "PLAIN",
                                  .response = std::string_view("\0guest\0guest", 12),
                                  .locale = "en_US"},
                "01 00 01 00 00 00 35 00 0a 00 0b 00 00 00 11 07 70 72 6f 64 75 63 74 53 00 00 00 "
                "04 70 69 6b 61 05 50 4c 41 49 4e 00 00 00 0c 00 67 75 65 73 74 00 67 75 65 73 74 "
                "05 65 6e 5f 55 53 ce");
  expect_golden(ConnectionBlocked{.reason = "low on memory"},
                "01 00 01 00 00 00 12 00 0a 00 3c 0d 6c 6f 77 20 6f 6e 20 6d 65 6d 6f 72 79 ce");
  expect_golden(ExchangeBind{.destination = "d", .source = "s", .routing_key = "k"},
                "01 00 01 00 00 00 11 00 28 00 1e 00 00 01 64 01 73 01 6b 00 00 00 00 00 ce");
  expect_golden(ConnectionTune{.channel_max = 2047, .frame_max = 131072, .heartbeat = 60},
                "01 00 01 00 00 00 0c 00 0a 00 1e 07 ff 00 02 00 00 00 3c ce");
  expect_golden(QueueDeclareOk{.queue = "q", .message_count = 5, .consumer_count = 2},
                "01 00 01 00 00 00 0e 00 32 00 0b 01 71 00 00 00 05 00 00 00 02 ce");
}

/// The arguments of `method` are `golden`.
template <class Method>
void expect_arguments(const Method& method, std::string_view golden) {
  const std::vector<std::byte> frame = encode_method_frame(1, method);
  EXPECT_EQ(to_hex(payload_of(frame).subspan(sizeof(MethodKey))), golden) << Method::name;
  EXPECT_EQ(decode_method<Method>(payload_of(frame)), method) << Method::name;
}

TEST(Methods, have_each_bit_where_clients_have_it) {
  expect_arguments(BasicAck{.delivery_tag = 7, .multiple = true}, "00 00 00 00 00 00 00 07 01");
  expect_arguments(BasicNack{.delivery_tag = 7, .multiple = true}, "00 00 00 00 00 00 00 07 01");
  expect_arguments(BasicNack{.delivery_tag = 7, .requeue = true}, "00 00 00 00 00 00 00 07 02");
  expect_arguments(BasicConsume{.queue = "q", .consumer_tag = "t", .no_ack = true},
                   "00 00 01 71 01 74 02 00 00 00 00");
  expect_arguments(BasicConsume{.queue = "q", .consumer_tag = "t", .exclusive = true},
                   "00 00 01 71 01 74 04 00 00 00 00");
  expect_arguments(BasicPublish{.exchange = "e", .routing_key = "k", .immediate = true},
                   "00 00 01 65 01 6b 02");
  expect_arguments(QueueDelete{.queue = "q", .if_unused = true}, "00 00 01 71 01");
  expect_arguments(QueueDelete{.queue = "q", .if_empty = true}, "00 00 01 71 02");
  expect_arguments(QueueDeclare{.queue = "q", .exclusive = true}, "00 00 01 71 04 00 00 00 00");
  expect_arguments(ExchangeDeclare{.exchange = "e", .type = "direct", .auto_delete = true},
                   "00 00 01 65 06 64 69 72 65 63 74 04 00 00 00 00");
}

// For each method: arguments that differ from zeros in one bit. Where they still are arguments,
// that bit comes back where it was, or not at all when it is reserved; it never becomes another.
struct KeepsEachBit {
  template <class Method>
  void operator()() const {
    SCOPED_TRACE(Method::name);
    std::vector<std::byte> arguments(Method{}.encoded_size());
    for (std::size_t bit = 0; bit < 8 * arguments.size(); ++bit) {
      std::byte& octet = arguments[bit / 8];
      octet = std::byte{1} << (bit % 8);
      WireReader reader(arguments);
      Method decoded;
      if (decoded.decode(reader)) {
        const std::vector<std::byte> frame = encode_method_frame(1, decoded);
        const auto again = payload_of(frame).subspan(sizeof(MethodKey));
        EXPECT_EQ(to_hex(again) == to_hex(arguments), decoded != Method{}) << to_hex(arguments);
      }
      octet = std::byte{0};
    }
  }
};

TEST(Methods, keep_each_bit_where_it_is) { for_each_method(KeepsEachBit{}); }

// For each method: arguments of zero bytes say "no" and "" throughout, so that exactly one number
// of them is right.
struct AcceptsOneLength {
  template <class Method>
  void operator()() const {
    SCOPED_TRACE(Method::name);
    const std::size_t right_size = Method{}.encoded_size();
    const std::vector<std::byte> zeros(right_size + 2);
    for (std::size_t size = 0; size <= zeros.size(); ++size) {
      WireReader reader{std::span(zeros).first(size)};
      Method decoded;
      EXPECT_EQ(decoded.decode(reader), size == right_size) << size << " bytes";
      if (size == right_size) {
        EXPECT_EQ(decoded, Method{});
      }
    }
    const std::vector<std::byte> frame = encode_method_frame(1, Method{});
    EXPECT_EQ(to_hex(payload_of(frame).subspan(4)), to_hex(std::span(zeros).first(right_size)));
  }
};

TEST(Methods, accept_no_argument_less_and_none_more) { for_each_method(AcceptsOneLength{}); }

TEST(Methods, are_refused_at_every_truncation) {
  const std::vector<std::byte> arguments = hex("01 61 56");
  const std::vector<std::byte> frame = encode_method_frame(
      1, QueueBind{
             .queue = "q", .exchange = "e", .routing_key = "k", .arguments = RawTable(arguments)});
  const std::span<const std::byte> payload = payload_of(frame);

  ASSERT_TRUE(decode_method<QueueBind>(payload));
  for (std::size_t size = 4; size < payload.size(); ++size) {
    const AmqpResult<QueueBind> decoded = decode_method<QueueBind>(payload.first(size));
    ASSERT_FALSE(decoded) << size << " bytes";
    EXPECT_EQ(decoded.error().code, ReplyCode::frame_error);
    EXPECT_EQ(decoded.error().method, QueueBind::key);
  }
}

// RabbitMQ 3.10.8's answers to the same bytes.
TEST(Methods, are_refused_in_the_words_of_RabbitMQ) {
  EXPECT_EQ(decode_method<BasicQos>(hex("00 3c 00 0a 00 00")).error().reply_text(),
            "FRAME_ERROR - cannot decode <<0,0>>");
  EXPECT_EQ(decode_method<BasicQos>(hex("00 3c 00 0a 00 00 00 00 00 01 00 7a 7a 7a"))
                .error()
                .reply_text(),
            "FRAME_ERROR - cannot decode <<0,0,0,0,0,1,0,122,122,122>>");
  EXPECT_EQ(decode_method<QueueDeclare>(hex("00 32 00 0a 00 00 00 02 00 00 00 32 61 62 63"))
                .error()
                .reply_text(),
            "FRAME_ERROR - cannot decode <<0,0,0,2,0,0,0,50,97,98,99>>");
}

TEST(Methods, ignore_bits_that_have_no_name) {
  const AmqpResult<BasicQos> qos = decode_method<BasicQos>(hex("00 3c 00 0a 00 00 00 00 00 01 fe"));

  ASSERT_TRUE(qos);
  EXPECT_EQ(*qos, BasicQos{.prefetch_count = 1});
}

TEST(Methods, are_told_by_their_keys) {
  EXPECT_EQ(method_name(BasicPublish::key), "basic.publish");
  EXPECT_EQ(BasicPublish::key, 0x003c0028U);
  EXPECT_EQ(class_id_of(ExchangeUnbindOk::key), 40);
  EXPECT_EQ(method_id_of(ExchangeUnbindOk::key), 51);
  EXPECT_EQ(method_name(method_key(60, 41)), "");
  EXPECT_FALSE(is_known_method(method_key(60, 41)));
  EXPECT_TRUE(is_known_method(ConnectionUpdateSecretOk::key));
  EXPECT_TRUE(is_known_class(tx_class_id));
  EXPECT_FALSE(is_known_class(61));
}

struct CollectContent {
  std::set<std::string, std::less<>>& names;
  template <class Method>
  void operator()() const {
    if (Method::has_content) names.emplace(Method::name);
  }
};

TEST(Methods, with_content_are_publish_return_deliver_and_get_ok) {
  std::set<std::string, std::less<>> names;

  for_each_method(CollectContent{names});

  EXPECT_EQ(names, (std::set<std::string, std::less<>>{"basic.deliver", "basic.get-ok",
                                                       "basic.publish", "basic.return"}));
}

}  // namespace
}  // namespace leveret::amqp
