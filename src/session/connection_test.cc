// SPDX-License-Identifier: Apache-2.0
#include "session/connection.h"

#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using ::testing::IsEmpty;

/// The bytes of a conversation with a bit of everything that a connection can hold.
std::vector<std::byte> whole_conversation() {
  std::vector<std::byte> bytes;
  const auto say = [&](std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
  };
  const auto method = [&](std::uint16_t channel, const auto& said) {
    say(amqp::encode_method_frame(channel, said));
  };
  const std::string response("\0guest\0guest", 12);
  say(amqp::protocol_header);
  method(0, amqp::ConnectionStartOk{.mechanism = "PLAIN", .response = response, .locale = "en_US"});
  method(0, amqp::ConnectionTuneOk{.channel_max = 10, .frame_max = 131072, .heartbeat = 0});
  method(0, amqp::ConnectionOpen{.virtual_host = "/"});
  method(1, amqp::ChannelOpen{});
  method(1, amqp::QueueDeclare{.queue = "mine", .exclusive = true});
  method(1, amqp::QueueDeclare{.queue = "shared"});
  method(1, amqp::QueueBind{.queue = "shared", .exchange = "amq.fanout"});
  method(1, amqp::BasicConsume{.queue = "shared", .consumer_tag = "c"});
  method(2, amqp::ChannelOpen{});
  method(2, amqp::ConfirmSelect{});
  for (const char* body : {"one", "two"}) {
    method(2, amqp::BasicPublish{.exchange = "amq.fanout"});
    std::vector<std::byte> header(amqp::content_header_frame_size(amqp::no_properties));
    amqp::WireWriter writer(header);
    amqp::write_content_header_frame(writer, 2, amqp::basic_class_id, 3, amqp::no_properties);
    say(header);
    const auto body_bytes = std::as_bytes(std::span(body, 3));
    std::vector<std::byte> frame(amqp::body_frame_size(body_bytes));
    amqp::WireWriter body_writer(frame);
    amqp::write_body_frame(body_writer, 2, body_bytes);
    say(frame);
  }
  method(3, amqp::ChannelOpen{});
  method(3, amqp::TxSelect{});
  method(3, amqp::BasicGet{.queue = "shared"});
  method(3, amqp::BasicPublish{.routing_key = "shared"});
  std::vector<std::byte> header(amqp::content_header_frame_size(amqp::no_properties));
  amqp::WireWriter writer(header);
  amqp::write_content_header_frame(writer, 3, amqp::basic_class_id, 0, amqp::no_properties);
  say(header);
  method(3, amqp::TxCommit{});
  method(1, amqp::BasicGet{.queue = "nowhere"});  // 404: the channel is closed.
  method(0, amqp::ConnectionClose{.reply_code = 200, .reply_text = "bye"});
  return bytes;
}

void expect_nothing_held(const TestBroker& broker) {
  EXPECT_EQ(broker.connection_count(), 0u);
  EXPECT_FALSE(broker.has_queue("mine"));
  const QueueCounts totals = broker.totals();
  EXPECT_EQ(totals.unacked, 0u);
  EXPECT_EQ(totals.consumers, 0u);
}

TEST(Connection, says_hello_and_opens_a_vhost) {
  TestBroker broker;
  TestClient client(broker, 0);

  client.send_bytes(amqp::protocol_header);
  broker.settle();
  const auto start = client.take<amqp::ConnectionStart>(0);
  EXPECT_EQ(start.version_major, 0);
  EXPECT_EQ(start.version_minor, 9);
  EXPECT_EQ(start.mechanisms, "PLAIN AMQPLAIN");
  client.send_start_ok();
  broker.settle();
  const auto tune = client.take<amqp::ConnectionTune>(0);
  EXPECT_EQ(tune.channel_max, 2047);
  EXPECT_EQ(tune.frame_max, 131072u);
  EXPECT_EQ(tune.heartbeat, 60);
  client.send(0, amqp::ConnectionTuneOk{.channel_max = 1, .frame_max = 4096, .heartbeat = 7});
  client.call<amqp::ConnectionOpenOk>(0, amqp::ConnectionOpen{.virtual_host = "/"});

  const ConnectionInfo info = client.connection().info();
  EXPECT_EQ(info.state, "running");
  EXPECT_EQ(info.user, "guest");
  EXPECT_EQ(info.vhost, "/");
  EXPECT_EQ(info.channel_max, 1);
  EXPECT_EQ(info.frame_max, 4096u);
  EXPECT_EQ(info.heartbeat_seconds, 7);
  EXPECT_EQ(info.name, "192.0.2.1:40000 -> 192.0.2.2:5672");
}

TEST(Connection, is_understood_however_its_bytes_are_cut) {
  for (const std::size_t bytes_per_turn : {1, 2, 3, 7, 8, 9, 100}) {
    SCOPED_TRACE(bytes_per_turn);
    TestBroker broker;
    TestClient client(broker, 0);
    client.set_bytes_per_turn(bytes_per_turn);
    client.handshake();
    client.open_channel();
    client.declare("q");
    client.publish(1, {.routing_key = "q"}, "body");
    broker.settle();
    EXPECT_EQ(client.call<amqp::QueueDeclareOk>(1, amqp::QueueDeclare{.queue = "q"}).message_count,
              1u);
  }
}

TEST(Connection, tells_a_stranger_which_protocol_it_speaks_and_leaves) {
  TestBroker broker;
  TestClient client(broker, 0);
  client.send_bytes(std::as_bytes(std::span("GET / HTTP/1.1", 14)));
  broker.settle();
  EXPECT_TRUE(std::ranges::equal(client.heard_bytes(), amqp::protocol_header));
  EXPECT_FALSE(client.is_transport_open());
  EXPECT_EQ(client.times_finished(), 1);
}

TEST(Connection, refuses_a_wrong_password_in_words_to_whoever_can_hear_them) {
  TestBroker broker;
  TestClient client(broker, 0, {.password = "wrong"});
  client.send_bytes(amqp::protocol_header);
  client.send_start_ok();
  broker.settle();
  client.take<amqp::ConnectionStart>(0);
  EXPECT_EQ(client.take_close(0),
            "403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For "
            "details see the broker logfile. (0.0)");
}

TEST(Connection, guest_may_only_come_from_this_machine) {
  TestBroker broker;
  TestClient client(broker, 0, {.is_loopback = false});
  client.send_bytes(amqp::protocol_header);
  client.send_start_ok();
  broker.settle();
  client.take<amqp::ConnectionStart>(0);
  EXPECT_THAT(client.take_close(0), ::testing::StartsWith("403 ACCESS_REFUSED"));
}

TEST(Connection, breaks_off_a_malformed_handshake_in_silence_after_three_seconds) {
  TestBroker broker;
  TestClient client(broker, 0);
  client.send_bytes(amqp::protocol_header);
  client.send(0, amqp::ConnectionOpen{.virtual_host = "/"});
  broker.settle();
  client.take<amqp::ConnectionStart>(0);
  EXPECT_TRUE(client.has_no_answer(0));
  broker.clock().advance(std::chrono::milliseconds(2999));
  broker.settle();
  EXPECT_TRUE(client.is_transport_open());
  broker.clock().advance(std::chrono::milliseconds(1));
  broker.settle();
  EXPECT_TRUE(client.has_no_answer(0));
  EXPECT_FALSE(client.is_transport_open());
}

TEST(Connection, waits_ten_seconds_for_a_handshake) {
  TestBroker broker;
  TestClient client(broker, 0);
  client.send_bytes(amqp::protocol_header);
  broker.settle();
  broker.clock().advance(std::chrono::milliseconds(9999));
  broker.settle();
  EXPECT_TRUE(client.is_transport_open());
  broker.clock().advance(std::chrono::milliseconds(1));
  broker.settle();
  EXPECT_FALSE(client.is_transport_open());
}

TEST(Connection, that_closes_is_answered_and_gone_when_it_hangs_up) {
  for_each_world([](TestBroker& broker, World world) {
    TestClient client(broker, world.worker(1));
    client.handshake();
    client.open_channel();
    client.declare("mine", {.exclusive = true});
    client.call<amqp::ConnectionCloseOk>(0, amqp::ConnectionClose{.reply_code = 200});
    EXPECT_FALSE(broker.has_queue("mine"));
    client.hang_up();
    broker.settle();
    EXPECT_EQ(client.times_finished(), 1);
    expect_nothing_held(broker);
  });
}

TEST(Connection, that_broke_the_protocol_is_let_go_when_it_says_close_ok) {
  for_each_world([](TestBroker& broker, World world) {
    TestClient client(broker, world.worker(1));
    client.handshake();
    client.open_channel();
    client.declare("mine", {.exclusive = true});
    client.send(1, amqp::ChannelOpen{});
    broker.settle();
    EXPECT_EQ(client.take_close(0), "504 CHANNEL_ERROR - second 'channel.open' seen (20.10)");
    EXPECT_TRUE(client.is_transport_open());
    client.send(0, amqp::ConnectionCloseOk{});
    broker.settle();
    EXPECT_FALSE(client.is_transport_open());
    EXPECT_EQ(client.times_finished(), 1);
    expect_nothing_held(broker);
  });
}

TEST(Connection, that_never_says_close_ok_is_waited_for_thirty_seconds) {
  TestBroker broker;
  TestClient client(broker, 0);
  client.handshake();
  client.send(0, amqp::ConnectionTuneOk{.channel_max = 1, .frame_max = 4096});
  broker.settle();
  client.take_close(0);
  broker.clock().advance(std::chrono::milliseconds(29'999));
  broker.settle();
  EXPECT_TRUE(client.is_transport_open());
  broker.clock().advance(std::chrono::milliseconds(1));
  broker.settle();
  EXPECT_EQ(client.times_finished(), 1);
}

TEST(Connection, that_does_not_read_its_last_words_is_cut_off) {
  TestBroker broker;
  TestClient client(broker, 0);
  client.handshake();
  client.set_reading(false);
  client.send(0, amqp::ConnectionTuneOk{.channel_max = 1, .frame_max = 4096});
  broker.settle();
  broker.clock().advance(std::chrono::seconds(30));
  broker.settle();
  EXPECT_TRUE(client.is_transport_open());
  broker.clock().advance(std::chrono::seconds(30));
  broker.settle();
  EXPECT_EQ(client.times_finished(), 1);
}

TEST(Connection, that_is_cut_after_any_byte_leaves_nothing_behind) {
  for (const unsigned workers : {1U, 2U}) {
    TestBroker broker({.workers = workers, .seed = 7});
    const std::vector<std::byte> bytes = whole_conversation();
    {
      TestClient setup(broker, 0);  // "shared" lives on another worker than who is cut.
      setup.handshake();
      setup.open_channel();
      setup.declare("shared");
    }
    for (std::size_t count = 0; count <= bytes.size(); ++count) {
      SCOPED_TRACE(fmt::format("{} workers, {} bytes", workers, count));
      TestClient client(broker, workers - 1);
      client.send_bytes(std::span(bytes).first(count));
      broker.run_steps(static_cast<int>(count % 64));  // Cut with questions on their way.
      client.cut();
      broker.settle();
      ASSERT_EQ(client.times_finished(), 1);
      expect_nothing_held(broker);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(Connection, that_is_cut_after_all_was_heard_leaves_nothing_behind) {
  for_each_world([](TestBroker& broker, World world) {
    const std::vector<std::byte> bytes = whole_conversation();
    for (std::size_t count = 0; count <= bytes.size(); count += 17) {
      TestClient client(broker, world.worker(1));
      client.send_bytes(std::span(bytes).first(count));
      broker.settle();
      client.cut();
      broker.settle();
      ASSERT_EQ(client.times_finished(), 1);
      expect_nothing_held(broker);
    }
  });
}

TEST(Connection, that_is_forced_to_close_is_told_why) {
  for_each_world([](TestBroker& broker, World world) {
    TestClient client(broker, world.worker(1));
    client.handshake();
    broker.as(world.worker(1), [&] {
      client.connection().force_close(amqp::ReplyCode::connection_forced, "because");
    });
    broker.settle();
    EXPECT_EQ(client.take_close(0), "320 CONNECTION_FORCED - because (0.0)");
    client.send(0, amqp::ConnectionCloseOk{});
    broker.settle();
    EXPECT_EQ(client.times_finished(), 1);
  });
}

TEST(Connection, sends_a_heartbeat_each_interval_in_which_it_has_nothing_else_to_say) {
  TestBroker broker;
  TestClient client(broker, 0, {.heartbeat_seconds = 10});
  client.handshake();
  for (int half = 0; half < 8; ++half) {
    broker.clock().advance(std::chrono::seconds(5));
    client.send_bytes(amqp::heartbeat_frame);
    broker.settle();
  }
  EXPECT_EQ(client.heartbeats(), 4u);
  EXPECT_TRUE(client.is_transport_open());
}

TEST(Connection, gives_up_a_peer_that_was_silent_in_two_looks) {
  TestBroker broker;
  TestClient client(broker, 0, {.heartbeat_seconds = 10});
  client.handshake();
  client.open_channel();
  client.declare("mine", {.exclusive = true});
  broker.clock().advance(std::chrono::seconds(10));  // What was said since the start counts.
  broker.settle();
  broker.clock().advance(std::chrono::seconds(10));
  broker.settle();
  EXPECT_TRUE(client.is_transport_open());
  broker.clock().advance(std::chrono::seconds(10));
  broker.settle();
  EXPECT_FALSE(client.is_transport_open());
  EXPECT_EQ(client.times_finished(), 1);
  expect_nothing_held(broker);
}

TEST(Connection, without_heartbeats_is_left_alone) {
  TestBroker broker;
  TestClient client(broker, 0, {.heartbeat_seconds = 0});
  client.handshake();
  broker.clock().advance(std::chrono::hours(24));
  broker.settle();
  EXPECT_TRUE(client.is_transport_open());
  EXPECT_EQ(client.heartbeats(), 0u);
}

}  // namespace
}  // namespace leveret::testing
