// SPDX-License-Identifier: Apache-2.0
//
// WireReader and WireWriter against bytes worked out by hand.

#include "amqp/testing/hex.h"
#include "amqp/wire_reader.h"
#include "amqp/wire_writer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::amqp {
namespace {

using testing::hex;
using testing::to_hex;

TEST(WireWriter, writes_each_type_big_endian) {
  const std::vector<std::byte> table = hex("01 61 56");
  std::vector<std::byte> bytes(64);
  WireWriter writer(bytes);

  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  writer.f32(1.5F);
  writer.f64(-2.0);
  writer.short_string("ab");
  writer.long_string("c");
  writer.raw_table(RawTable(table));

  bytes.resize(writer.written());
  EXPECT_EQ(to_hex(bytes),
            "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 3f c0 00 00 c0 00 00 00 00 00 00 00 "
            "02 61 62 00 00 00 01 63 00 00 00 03 01 61 56");
}

TEST(WireReader, reads_what_was_written) {
  const std::vector<std::byte> bytes =
      hex("01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 3f c0 00 00 c0 00 00 00 00 00 00 00 "
          "02 61 62 00 00 00 01 63 00 00 00 03 01 61 56");
  WireReader reader(bytes);

  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.u64(), 0x08090a0b0c0d0e0fU);
  EXPECT_EQ(reader.f32(), 1.5F);
  EXPECT_EQ(reader.f64(), -2.0);
  EXPECT_EQ(reader.short_string(), "ab");
  EXPECT_EQ(reader.long_string(), "c");
  EXPECT_FALSE(reader.is_finished());
  EXPECT_EQ(reader.remaining(), 7U);
  EXPECT_EQ(reader.raw_table(), RawTable(std::span(bytes).last(3)));
  EXPECT_TRUE(reader.is_finished());
  EXPECT_EQ(reader.position(), bytes.size());
}

TEST(WireReader, gives_nothing_from_the_first_read_past_the_end_on) {
  const std::vector<std::byte> bytes = hex("00 07 08");
  WireReader reader(bytes);

  EXPECT_EQ(reader.u16(), 7);
  EXPECT_EQ(reader.u16(), 0);
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.u8(), 0) << "one byte is left, but order is lost";
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_FALSE(reader.is_finished());
}

TEST(WireReader, refuses_lengths_that_lie) {
  const std::vector<std::byte> short_string = hex("03 61 62");
  const std::vector<std::byte> long_string = hex("ff ff ff ff 61");
  WireReader short_reader(short_string);
  WireReader long_reader(long_string);
  WireReader table_reader(long_string);

  EXPECT_EQ(short_reader.short_string(), "");
  EXPECT_TRUE(short_reader.failed());
  EXPECT_EQ(long_reader.long_string(), "");
  EXPECT_TRUE(long_reader.failed());
  EXPECT_TRUE(table_reader.raw_table().empty());
  EXPECT_TRUE(table_reader.failed());
}

TEST(WireReader, of_no_bytes_is_finished_and_fails_when_read) {
  WireReader reader{{}};

  EXPECT_TRUE(reader.is_finished());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_TRUE(reader.failed());
}

TEST(WireWriterDeathTest, asserts_that_a_short_string_is_short) {
  std::vector<std::byte> bytes(400);
  WireWriter writer(bytes);

  writer.short_string(std::string(255, 'x'));
  EXPECT_EQ(writer.written(), 256U);
  EXPECT_DEATH(writer.short_string(std::string(256, 'x')), "short string of 256 bytes");
}

}  // namespace
}  // namespace leveret::amqp
