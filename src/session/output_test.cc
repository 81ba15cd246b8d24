// SPDX-License-Identifier: Apache-2.0
#include "session/output.h"

#include "amqp/testing/seed.h"

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace leveret {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
MessagePtr message_of(std::string_view body) { return make_message("", "", {}, bytes_of(body)); }

/// Takes at most `bytes` of what waits, from at most `pieces_max` pieces, as a socket might.
std::string write_some(Output& output, std::size_t bytes, std::size_t pieces_max = 16) {
  std::array<iovec, 16> pieces{};
  const std::size_t count = output.gather(std::span(pieces).first(pieces_max));
  std::string written;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t part = std::min(bytes - written.size(), pieces[i].iov_len);
    written.append(static_cast<const char*>(pieces[i].iov_base), part);
  }
  output.on_written(written.size());
  return written;
}

/// Chunks that are filled to the last byte, and may stand side by side in memory.
TEST(Output, keeps_a_chunk_until_it_is_written) {
  constexpr std::size_t part_bytes = 128;
  constexpr std::size_t chunks = 16;
  ChunkPool pool;
  Output output(pool);
  std::string expected;
  for (std::size_t i = 0; i < chunks * ChunkPool::chunk_bytes / part_bytes; ++i) {
    const std::string part(part_bytes, static_cast<char>('a' + i % 26));
    output.append(bytes_of(part));
    expected += part;
  }
  std::array<iovec, chunks> pieces{};
  EXPECT_EQ(output.gather(pieces), chunks);
  std::string written;
  while (output.pending_bytes() != 0) written += write_some(output, 100'000);
  EXPECT_EQ(written, expected);
}

TEST(Output, has_nothing_to_say_at_first) {
  ChunkPool pool;
  Output output(pool);
  std::array<iovec, 1> pieces{};
  EXPECT_EQ(output.pending_bytes(), 0u);
  EXPECT_EQ(output.gather(pieces), 0u);
}

TEST(Output, joins_what_was_appended_one_after_the_other) {
  ChunkPool pool;
  Output output(pool);
  output.append(bytes_of("one "));
  output.append(bytes_of("two"));
  std::array<iovec, 4> pieces{};
  EXPECT_EQ(output.gather(pieces), 1u);
  EXPECT_EQ(output.pending_bytes(), 7u);
  EXPECT_EQ(write_some(output, 100), "one two");
  EXPECT_EQ(output.pending_bytes(), 0u);
}

TEST(Output, refers_to_a_message_and_holds_it_until_it_is_written) {
  ChunkPool pool;
  Output output(pool);
  MessagePtr message = message_of("body");
  const std::byte* body = message->body().data();
  output.append(bytes_of("<"));
  output.append(message, message->body());
  output.append(bytes_of(">"));
  message = nullptr;
  std::array<iovec, 4> pieces{};
  ASSERT_EQ(output.gather(pieces), 3u);
  EXPECT_EQ(pieces[1].iov_base, body) << "the body is not copied";
  EXPECT_EQ(write_some(output, 100), "<body>");
}

TEST(Output, takes_what_is_larger_than_a_chunk) {
  ChunkPool pool;
  Output output(pool);
  const std::string huge(3 * ChunkPool::chunk_bytes, 'h');
  output.append(bytes_of("a"));
  output.append(bytes_of(huge));
  output.append(bytes_of("b"));
  EXPECT_EQ(write_some(output, huge.size() + 2), "a" + huge + "b");
}

TEST(Output, forgets_all_that_waits) {
  ChunkPool pool;
  Output output(pool);
  output.append(bytes_of("gone"));
  output.append(message_of("gone"), {});
  write_some(output, 2);
  output.clear();
  EXPECT_EQ(output.pending_bytes(), 0u);
  output.append(bytes_of("new"));
  EXPECT_EQ(write_some(output, 100), "new");
}

TEST(Output, says_what_it_was_given_however_it_is_written) {
  const amqp::testing::Seed seed;
  SCOPED_TRACE(seed.how_to_repeat());
  std::mt19937_64 random(seed.value);
  ChunkPool pool;
  Output output(pool);
  std::string given;
  std::string written;
  for (int round = 0; round < 4000; ++round) {
    const std::string text(random() % 3000, static_cast<char>('a' + random() % 26));
    switch (random() % 4) {
      case 0: {
        const MessagePtr message = message_of(text);
        output.append(message, message->body());
        given += text;
        break;
      }
      case 1: {  // Reserved in full, used in part.
        std::byte* memory = output.reserve(text.size() + 10);
        std::ranges::copy(bytes_of(text), memory);
        if (!text.empty()) output.commit(text.size());
        given += text;
        break;
      }
      case 2:
        output.append(bytes_of(text));
        given += text;
        break;
      default:
        written += write_some(output, random() % 20'000, 1 + random() % 16);
    }
    ASSERT_EQ(output.pending_bytes(), given.size() - written.size());
  }
  while (output.pending_bytes() > 0) written += write_some(output, 5000);
  EXPECT_TRUE(written == given);
}

TEST(ChunkPool, gives_the_same_chunk_again) {
  ChunkPool pool;
  ChunkPool::Chunk chunk = pool.take();
  const std::byte* address = chunk.get();
  pool.give_back(std::move(chunk));
  EXPECT_EQ(pool.take().get(), address);
}

}  // namespace
}  // namespace leveret
