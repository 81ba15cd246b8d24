// SPDX-License-Identifier: Apache-2.0
//
// What a refusal leaves behind: what is ignored until the close is acknowledged, what had already
// happened and stays, what was pending and comes back.

#include "broker.h"
#include "refusal.h"

#include <utility>

#include <gmock/gmock.h>

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

const std::string passive_missing = method(QueueDeclare{.queue = "wire.none", .passive = true});
constexpr std::string_view missing_text = "NOT_FOUND - no queue 'wire.none' in vhost '/'";
const std::string flow_off = method(ChannelFlow{.active = false});
constexpr std::string_view flow_off_text = "NOT_IMPLEMENTED - active=false";
const std::string get = method(BasicGet{.queue = "wire.q"});
const std::string one = publish({.routing_key = "wire.q"});

/// A broker, and a connection with channels 1 and 2 open. After the test the broker serves others.
class Aftermath : public testing::Test {
 protected:
  void SetUp() override { open(client_); }
  void TearDown() override { expect_broker_serves(); }

  static void open(WireClient& client) {
    client.open();
    client.open_channel(1);
    client.open_channel(2);
  }

  std::uint32_t declare_and_count(WireClient& client, const QueueDeclare& queue) {
    return client.call(method(queue), QueueDeclareOk::key).as<QueueDeclareOk>().message_count;
  }

  WireClient client_{Broker::instance().target()};
};

TEST_F(Aftermath, frames_behind_a_refused_method_are_ignored_until_close_ok) {
  client_.send(passive_missing + method(QueueDeclare{.queue = "wire.q"}) + one +
               method(TxCommit{}) + passive_missing);
  client_.expect_channel_close(ReplyCode::not_found, missing_text);

  client_.send(method(QueueDeclare{.queue = "wire.q"}) + method(ChannelCloseOk{}));
  client_.open_channel(1);

  client_.send(method(QueueDeclare{.queue = "wire.q", .passive = true}));
  client_.expect_channel_close(ReplyCode::not_found, "NOT_FOUND - no queue 'wire.q' in vhost '/'");
}

TEST_F(Aftermath, a_channel_close_that_crosses_is_answered) {
  client_.send(passive_missing + method(ChannelClose{.reply_code = 200}));
  client_.expect_channel_close(ReplyCode::not_found, missing_text);
  client_.expect_method(ChannelCloseOk::key);

  client_.send(method(ChannelCloseOk{}));
  client_.open_channel(1);
}

TEST_F(Aftermath, a_channel_cannot_be_opened_again_before_close_ok) {
  client_.call(passive_missing, ChannelClose::key);

  client_.send(method(ChannelOpen{}));

  client_.expect_connection_close(ReplyCode::channel_error,
                                  "CHANNEL_ERROR - second 'channel.open' seen");
}

TEST_F(Aftermath, content_out_of_order_is_refused_on_a_closing_channel_too) {
  client_.call(passive_missing, ChannelClose::key);

  client_.send(body("abc"));

  client_.expect_connection_close(
      ReplyCode::unexpected_frame,
      "UNEXPECTED_FRAME - expected method frame, got non method frame instead");
}

TEST_F(Aftermath, a_closed_channel_can_be_opened_again) {
  client_.call(method(ChannelClose{.reply_code = 200, .reply_text = "bye"}), ChannelCloseOk::key);
  client_.open_channel(1);
}

TEST_F(Aftermath, nothing_is_done_after_the_broker_closed_the_connection) {
  client_.send(flow_off);
  client_.expect_connection_close(ReplyCode::not_implemented, flow_off_text);

  client_.send(method(QueueDeclare{.queue = "wire.q"}, 2) + method(ConnectionCloseOk{}, 0));

  client_.expect_end_of_stream();
  WireClient other(Broker::instance().target());
  open(other);
  other.send(method(QueueDeclare{.queue = "wire.q", .passive = true}));
  other.expect_channel_close(ReplyCode::not_found, "NOT_FOUND - no queue 'wire.q' in vhost '/'");
}

TEST_F(Aftermath, a_connection_close_that_crosses_is_answered) {
  client_.send(flow_off);
  client_.expect_connection_close(ReplyCode::not_implemented, flow_off_text);

  client_.call(method(ConnectionClose{.reply_code = 200}, 0), ConnectionCloseOk::key, 0);
  client_.send(method(ConnectionCloseOk{}, 0));

  client_.expect_end_of_stream();
}

TEST_F(Aftermath, what_was_published_before_the_refusal_stays) {
  declare_and_count(client_, {.queue = "wire.q"});
  client_.send(one + one + publish({.exchange = "wire.none"}) + one);
  client_.expect_channel_close(ReplyCode::not_found,
                               "NOT_FOUND - no exchange 'wire.none' in vhost '/'");
  client_.send(method(ChannelCloseOk{}));
  client_.open_channel(1);

  EXPECT_EQ(declare_and_count(client_, {.queue = "wire.q"}), 2U);
}

TEST_F(Aftermath, what_was_not_committed_is_gone) {
  declare_and_count(client_, {.queue = "wire.q"});
  client_.send(method(TxSelect{}) + one + passive_missing);
  client_.expect_channel_close(ReplyCode::not_found, missing_text);
  client_.send(method(ChannelCloseOk{}));
  client_.open_channel(1);

  EXPECT_EQ(declare_and_count(client_, {.queue = "wire.q"}), 0U);
}

TEST_F(Aftermath, unacked_messages_of_a_refused_channel_come_back_redelivered) {
  declare_and_count(client_, {.queue = "wire.q"});
  client_.send(one);
  const ReceivedFrame first = client_.call(get, BasicGetOk::key);
  EXPECT_FALSE(first.as<BasicGetOk>().redelivered);
  client_.send(passive_missing);
  client_.expect_channel_close(ReplyCode::not_found, missing_text);

  // RabbitMQ requeues when close-ok comes. A consumer of the other channel waits for it.
  client_.send(method(ChannelCloseOk{}));
  client_.send(method(BasicConsume{.queue = "wire.q"}, 2));

  const ReceivedFrame again = client_.expect_method(BasicDeliver::key, 2);
  EXPECT_TRUE(again.as<BasicDeliver>().redelivered);
}

TEST_F(Aftermath, unacked_messages_of_a_connection_cut_in_mid_frame_come_back_redelivered) {
  declare_and_count(client_, {.queue = "wire.q"});
  {
    WireClient doomed(Broker::instance().target());
    open(doomed);
    doomed.send(one);
    doomed.call(get, BasicGetOk::key);
    const std::string half = method(QueueDeclare{.queue = "wire.q"});
    doomed.send(half.substr(0, half.size() / 2));
  }

  client_.send(method(BasicConsume{.queue = "wire.q"}));

  const ReceivedFrame again = client_.expect_method(BasicDeliver::key);
  EXPECT_TRUE(again.as<BasicDeliver>().redelivered);
}

TEST_F(Aftermath, half_a_message_of_a_cut_connection_is_never_seen) {
  declare_and_count(client_, {.queue = "wire.q"});
  {
    WireClient doomed(Broker::instance().target());
    open(doomed);
    // The whole one behind it on another channel tells when the broker has read the half one, and
    // its confirm when it is in the queue.
    doomed.send(method(BasicPublish{.routing_key = "wire.q"}) + header(10) + body("half"));
    doomed.call(method(ConfirmSelect{}, 2), ConfirmSelectOk::key, 2);
    doomed.call(publish({.routing_key = "wire.q"}, {}, 2), BasicAck::key, 2);
  }

  EXPECT_EQ(declare_and_count(client_, {.queue = "wire.q"}), 1U);
}

TEST_F(Aftermath, a_refused_connection_takes_its_exclusive_queues_along) {
  declare_and_count(client_, {.queue = "wire.q", .exclusive = true});
  client_.send(flow_off);
  client_.expect_connection_close(ReplyCode::not_implemented, flow_off_text);

  // They are gone when the close has been sent; close-ok is not waited for.
  WireClient other(Broker::instance().target());
  open(other);
  EXPECT_EQ(declare_and_count(other, {.queue = "wire.q", .exclusive = true}), 0U);
  other.close();
}

TEST_F(Aftermath, a_refused_channel_takes_its_consumers_along) {
  declare_and_count(client_, {.queue = "wire.q"});
  client_.call(method(BasicConsume{.queue = "wire.q"}), BasicConsumeOk::key);
  client_.send(passive_missing);
  client_.expect_channel_close(ReplyCode::not_found, missing_text);

  // An exclusive consumer gets in only when there is no other.
  client_.call(method(BasicConsume{.queue = "wire.q", .exclusive = true}, 2), BasicConsumeOk::key,
               2);
}

TEST_F(Aftermath, the_close_tells_the_generated_name_that_was_refused) {
  Broker& broker = Broker::instance();
  if (!broker.has_ctl()) GTEST_SKIP() << "needs users; set LEVERET_WIRE_CTL";
  broker.make_users();
  WireClient limited(broker.target());
  limited.open({.user = "wire.limited", .password = "wire.limited"});
  limited.open_channel(1);

  limited.send(method(QueueDeclare{}));

  const Answer answer = limited.next_answer();
  EXPECT_EQ(answer.code, std::to_underlying(ReplyCode::access_refused));
  EXPECT_THAT(answer.text,
              testing::MatchesRegex("ACCESS_REFUSED - access to queue 'amq.gen-[A-Za-z0-9_-]+' in "
                                    "vhost '/' refused for user 'wire.limited'"));
}

}  // namespace
}  // namespace leveret::wire
