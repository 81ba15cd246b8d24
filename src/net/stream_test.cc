// SPDX-License-Identifier: Apache-2.0
//
// Streams over real loopback connections. The stream's side runs on the test's thread; the client
// end is used from there too where its calls cannot block, and from a thread of its own elsewhere.

#include "net/stream.h"

#include "base/clock.h"
#include "net/testing/sockets.h"
#include "net/worker_pool.h"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

namespace leveret {
namespace {

using std::chrono::milliseconds;
using testing::bound;
using testing::ClientEnd;
using testing::connected_pair;
using testing::Pair;
using testing::RecordingHandler;

constexpr std::size_t mebibyte = 1024 * 1024;
// Much smaller than what the tests send. Less than loopback's segment of 64 KiB would make the
// kernel wait for its timers.
constexpr int small_buffer = 128 * 1024;

std::string patterned(std::size_t bytes) {
  std::string pattern(bytes, '\0');
  std::uint32_t random = 7;
  for (char& byte : pattern) {
    random = random * 1'664'525 + 1'013'904'223;
    byte = static_cast<char>(random >> 24);
  }
  return pattern;
}

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() { pool.run_on_caller(); }

  /// A started stream whose other end is `client`.
  void open(int buffer_bytes = 0) {
    Pair pair = connected_pair(buffer_bytes);
    client.emplace(std::move(pair.client));
    stream = std::make_unique<Stream>(pool, std::move(pair.ours));
    stream->start(handler);
  }
  [[nodiscard]] bool until(const std::function<bool()>& is_done) {
    return pool.poll_turns_until(is_done, bound);
  }
  /// Lets whatever is under way arrive: what was promised not to happen then has had its chance.
  void settle() {
    EXPECT_FALSE(pool.poll_turns_until([] { return false; }, milliseconds(50)));
  }

  WorkerPool pool{1};
  RecordingHandler handler;
  std::optional<ClientEnd> client;
  std::unique_ptr<Stream> stream;
};

TEST_F(StreamTest, shows_what_comes_and_reports_the_end) {
  open();
  client->send("hello");
  client->close();
  EXPECT_TRUE(until([&] { return handler.closed.has_value(); }));
  EXPECT_EQ(handler.received, "hello");
  EXPECT_FALSE(*handler.closed);
  EXPECT_FALSE(stream->is_open());
  EXPECT_EQ(stream->bytes_received(), 5U);
}

TEST_F(StreamTest, knows_both_ends_and_has_no_delay) {
  Pair pair = connected_pair();
  const int fd = pair.ours.fd();
  const Stream knowing(pool, std::move(pair.ours));
  EXPECT_EQ(knowing.peer().text(), local_endpoint(pair.client.fd()).text());
  EXPECT_EQ(knowing.local().text(), peer_endpoint(pair.client.fd()).text());
  EXPECT_TRUE(knowing.peer().text().starts_with("127.0.0.1:"));
  EXPECT_TRUE(knowing.peer().is_loopback());
  int no_delay = 0;
  socklen_t length = sizeof no_delay;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &length), 0);
  EXPECT_NE(no_delay, 0);
}

TEST_F(StreamTest, writes_what_the_handler_gathers) {
  open();
  handler.output = "answer";
  stream->flush();
  EXPECT_EQ(client->receive(6), "answer");
  EXPECT_EQ(handler.output, "");
  EXPECT_EQ(stream->bytes_sent(), 6U);
  EXPECT_FALSE(stream->wants_write());
}

/// Sends back what comes, and takes no more than it has sent back: without bound neither way.
class EchoHandler final : public RecordingHandler {
 public:
  std::size_t on_bytes(std::span<const std::byte> bytes) override {
    output.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    most_waiting = std::max(most_waiting, output.size() - done);
    stream->flush();
    if (output.size() - done > mebibyte) stream->pause_reading();
    return bytes.size();
  }
  std::size_t gather(std::span<iovec> pieces) override {
    if (output.size() == done) return 0;
    pieces[0] = {output.data() + done, output.size() - done};
    return 1;
  }
  void on_written(std::size_t bytes) override {
    done += bytes;
    if (done < output.size()) return;
    output.clear();
    done = 0;
    stream->resume_reading();
  }
  Stream* stream = nullptr;  // Not owned; the test's, which outlives the handler's use.
  std::size_t done = 0;
  std::size_t most_waiting = 0;
};

TEST_F(StreamTest, echoes_a_hundred_mebibytes_through_small_buffers) {
  const std::size_t blocks = testing::is_sanitized ? 10 : 100;
  Pair pair = connected_pair(small_buffer);
  EchoHandler echo;
  stream = std::make_unique<Stream>(pool, std::move(pair.ours));
  echo.stream = stream.get();
  stream->start(echo);
  const std::string block = patterned(mebibyte);
  std::thread sender([&] {
    for (std::size_t i = 0; i < blocks; ++i) EXPECT_TRUE(pair.client.send(block));
  });
  std::size_t wrong_blocks = 0;
  std::thread receiver([&] {
    for (std::size_t i = 0; i < blocks; ++i) wrong_blocks += pair.client.receive(mebibyte) != block;
    pair.client.finish_sending();
  });
  EXPECT_TRUE(pool.poll_turns_until([&] { return echo.closed.has_value(); }, 3 * bound));
  sender.join();
  receiver.join();
  EXPECT_EQ(wrong_blocks, 0U);
  EXPECT_EQ(stream->bytes_received(), blocks * mebibyte);
  EXPECT_EQ(stream->bytes_sent(), blocks * mebibyte);
  EXPECT_LE(echo.most_waiting, 2 * mebibyte);
}

TEST_F(StreamTest, keeps_what_was_not_taken_and_shows_it_with_what_follows) {
  const std::string sent = patterned(3000);
  open();
  handler.take_max = 7;
  for (std::size_t i = 0; i < sent.size(); i += 5) {
    const std::size_t before = handler.shown_count;
    client->send(std::string_view(sent).substr(i, 5));
    ASSERT_TRUE(until([&] { return handler.shown_count > before; }));
  }
  EXPECT_TRUE(until([&] { return stream->bytes_received() == sent.size(); }));
  EXPECT_EQ(handler.received, sent.substr(0, handler.received.size()));
  EXPECT_EQ(handler.received.size() + stream->kept_bytes(), sent.size());
}

TEST_F(StreamTest, shows_an_unfinished_piece_larger_than_the_shared_buffer_whole) {
  const std::string sent = patterned(mebibyte);
  open();
  handler.take_max = 0;
  std::thread sender([&] { EXPECT_TRUE(client->send(sent)); });
  EXPECT_TRUE(until([&] { return handler.largest_shown == sent.size(); }));
  sender.join();
  EXPECT_EQ(stream->kept_bytes(), sent.size());
  handler.take_max = SIZE_MAX;
  client->send("!");
  EXPECT_TRUE(until([&] { return !handler.received.empty(); }));
  EXPECT_EQ(handler.received, sent + "!");
  EXPECT_EQ(stream->kept_bytes(), 0U);
}

TEST_F(StreamTest, ends_a_connection_whose_handler_never_takes_anything) {
  open();
  handler.take_max = 0;
  std::thread sender([&] {
    const std::string block = patterned(mebibyte);
    for (int i = 0; i < 80 && client->send(block); ++i) {
    }
  });
  EXPECT_TRUE(pool.poll_turns_until([&] { return handler.closed.has_value(); }, 3 * bound));
  sender.join();
  EXPECT_EQ(handler.closed, make_error_code(std::errc::message_size));
  EXPECT_LE(handler.largest_shown, Stream::kept_bytes_max + mebibyte);
}

TEST_F(StreamTest, gives_every_stream_a_go_between_two_reads_of_a_busy_one) {
  open();
  Pair quiet_pair = connected_pair();
  RecordingHandler quiet_handler;
  Stream quiet(pool, std::move(quiet_pair.ours));
  quiet.start(quiet_handler);
  // What wakes a worker is counted with the turn before: two reads at most have the same count.
  std::map<std::uint64_t, int> reads_by_turn;
  handler.then_on_bytes = [&] {
    ++reads_by_turn[pool.counters(WorkerId(0)).turns];
    handler.received.clear();
  };
  std::size_t busy_reads_before_quiet = 0;
  quiet_handler.then_on_bytes = [&] { busy_reads_before_quiet = handler.shown_count; };
  std::thread sender([&] { EXPECT_TRUE(client->send(patterned(16 * mebibyte))); });
  quiet_pair.client.send("me too");
  EXPECT_TRUE(until([&] { return stream->bytes_received() == 16 * mebibyte; }));
  sender.join();
  EXPECT_TRUE(until([&] { return quiet_handler.received == "me too"; }));
  for (const auto& [turn, reads] : reads_by_turn) EXPECT_LE(reads, 2) << "turn " << turn;
  EXPECT_LE(busy_reads_before_quiet, 4U);
  EXPECT_LE(handler.largest_shown, 256U * 1024);
}

TEST_F(StreamTest, shows_nothing_while_paused_and_kept_bytes_after_resuming) {
  open();
  handler.take_max = 3;
  handler.then_on_bytes = [&] { stream->pause_reading(); };
  client->send("abcdef");
  EXPECT_TRUE(until([&] { return handler.received == "abc"; }));
  client->send("ghi");
  settle();
  EXPECT_EQ(handler.shown_count, 1U);
  EXPECT_TRUE(stream->is_reading_paused());

  handler.then_on_bytes = nullptr;
  handler.take_max = SIZE_MAX;
  stream->resume_reading();
  EXPECT_EQ(handler.shown_count, 1U) << "shown inside resume_reading()";
  EXPECT_TRUE(until([&] { return handler.received == "abcdefghi"; }));
}

TEST_F(StreamTest, shows_the_rest_again_when_paused_and_resumed_inside_the_call) {
  open();
  handler.take_max = 2;
  handler.then_on_bytes = [&] {
    stream->pause_reading();
    stream->resume_reading();
  };
  client->send("abcdef");
  EXPECT_TRUE(until([&] { return handler.received == "abcdef"; }));
}

TEST_F(StreamTest, stops_the_peer_while_paused) {
  open(small_buffer);
  stream->pause_reading();
  ASSERT_EQ(::fcntl(client->fd(), F_SETFL, O_NONBLOCK), 0);
  const std::string block = patterned(mebibyte);
  std::size_t sent = 0;
  ssize_t count = 0;
  while (sent < 32 * mebibyte &&
         (count = ::send(client->fd(), block.data(), block.size(), MSG_NOSIGNAL)) > 0) {
    sent += static_cast<std::size_t>(count);
  }
  EXPECT_EQ(count, -1);
  settle();
  EXPECT_EQ(handler.shown_count, 0U);
  EXPECT_EQ(stream->bytes_received(), 0U);
}

TEST_F(StreamTest, notices_a_broken_peer_when_writing_while_paused) {
  open();
  stream->pause_reading();
  client->reset();
  settle();
  EXPECT_FALSE(handler.closed);
  handler.output = patterned(mebibyte);
  stream->flush();
  EXPECT_FALSE(handler.closed) << "on_closed() inside flush()";
  EXPECT_TRUE(until([&] { return handler.closed.has_value(); }));
  EXPECT_TRUE(*handler.closed);
}

TEST_F(StreamTest, reports_a_reset) {
  open();
  client->reset();
  EXPECT_TRUE(until([&] { return handler.closed.has_value(); }));
  EXPECT_EQ(*handler.closed, std::errc::connection_reset);
}

TEST_F(StreamTest, writes_everything_before_it_closes_although_the_peer_still_sends) {
  const std::string goodbye = patterned(4 * mebibyte);
  open(small_buffer);
  handler.output = goodbye;
  client->send("bytes that nobody will read");
  stream->close_after_flush();
  EXPECT_TRUE(stream->wants_write());
  std::string received;
  bool saw_end = false;
  std::thread peer([&] {
    received = client->receive(goodbye.size());
    saw_end = client->sees_end();
    EXPECT_TRUE(client->send("after the end"));
    client->close();
  });
  EXPECT_TRUE(until([&] { return handler.closed.has_value(); }));
  peer.join();
  EXPECT_EQ(received, goodbye);
  EXPECT_TRUE(saw_end);
  EXPECT_FALSE(*handler.closed);
  EXPECT_EQ(handler.received, "");
}

TEST_F(StreamTest, waits_only_so_long_for_the_peer_to_close_too) {
  open();
  const SystemClock clock;
  const Time begun = clock.now();
  stream->close_after_flush();
  EXPECT_TRUE(until([&] { return handler.closed.has_value(); }));
  EXPECT_GE(clock.now() - begun, Stream::linger_max);
  EXPECT_FALSE(*handler.closed);
}

TEST_F(StreamTest, closes_at_once_while_output_waits) {
  open(small_buffer);
  handler.output = patterned(4 * mebibyte);
  stream->flush();
  EXPECT_TRUE(stream->wants_write());
  const std::size_t waiting = handler.output.size();
  stream->close_now();
  EXPECT_FALSE(handler.closed) << "on_closed() inside close_now()";
  EXPECT_TRUE(until([&] { return handler.closed.has_value(); }));
  EXPECT_EQ(*handler.closed, std::errc::operation_canceled);
  EXPECT_EQ(handler.output.size(), waiting);
  stream->flush();
  stream->resume_reading();
  stream->close_after_flush();
  settle();
}

TEST_F(StreamTest, may_be_destroyed_in_each_of_its_callbacks) {
  const auto destroy = [&] { stream.reset(); };
  open();
  handler.then_on_bytes = destroy;
  client->send("x");
  EXPECT_TRUE(until([&] { return !stream; }));
  EXPECT_TRUE(client->sees_end());
  handler.then_on_bytes = nullptr;

  open();
  handler.then_on_written = destroy;
  handler.output = "some";
  stream->flush();
  EXPECT_FALSE(stream);
  EXPECT_EQ(client->receive(4), "some");
  EXPECT_TRUE(client->sees_end());
  handler.then_on_written = nullptr;

  open();
  handler.then_on_closed = destroy;
  client->close();
  EXPECT_TRUE(until([&] { return !stream; }));
  settle();
}

TEST_F(StreamTest, may_be_destroyed_while_kept_bytes_are_shown) {
  open();
  handler.take_max = 1;
  handler.then_on_bytes = [&] { stream->pause_reading(); };
  client->send("abc");
  EXPECT_TRUE(until([&] { return handler.received == "a"; }));
  handler.then_on_bytes = [&] { stream.reset(); };
  stream->resume_reading();
  EXPECT_TRUE(until([&] { return !stream; }));
  EXPECT_EQ(handler.received, "ab");
}

TEST_F(StreamTest, leaves_no_descriptor_behind_after_two_thousand_connections) {
  constexpr int connections = 2000;
  constexpr int at_once = 200;
  const std::size_t fds_before = testing::open_fd_count();
  for (int done = 0; done < connections; done += at_once) {
    std::deque<RecordingHandler> handlers(at_once);
    std::deque<Stream> streams;
    std::vector<ClientEnd> clients;
    for (RecordingHandler& one : handlers) {
      Pair pair = connected_pair();
      clients.push_back(std::move(pair.client));
      streams.emplace_back(pool, std::move(pair.ours)).start(one);
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      clients[i].send("in");
      // Three ways to go: the peer's, ours, and none before the destructor.
      if (i % 3 == 0) clients[i].close();
      if (i % 3 == 1) streams[i].close_now();
    }
    ASSERT_TRUE(until([&] {
      return std::ranges::all_of(handlers, [&](const RecordingHandler& one) {
        return one.closed || one.received == "in";
      });
    }));
  }
  EXPECT_EQ(testing::open_fd_count(), fds_before);
}

TEST(Stream, moves_to_its_worker_as_a_socket_in_a_task) {
  Pair pair = connected_pair();
  WorkerPool pool(2);
  RecordingHandler handler;
  std::unique_ptr<Stream> stream;
  handler.then_on_closed = [&] {
    EXPECT_EQ(pool.here(), WorkerId(1));
    stream.reset();
    pool.request_stop();
  };
  pool.post_from_outside(WorkerId(0), [&, socket = std::move(pair.ours)]() mutable {
    pool.post(WorkerId(1), [&, moved = std::move(socket)]() mutable {
      stream = std::make_unique<Stream>(pool, std::move(moved));
      stream->start(handler);
    });
  });
  pool.start();
  pair.client.send("over there");
  pair.client.close();
  pool.join();
  EXPECT_EQ(handler.received, "over there");
}

}  // namespace
}  // namespace leveret
