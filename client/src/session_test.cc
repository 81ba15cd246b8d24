// SPDX-License-Identifier: Apache-2.0
#include "client/src/session.h"

#include "client/src/testing/scripted_broker.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::client {
namespace {

using namespace std::chrono_literals;
using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ScriptedBroker;
using testing::text_of;

std::string closed(FailureKind kind, int code, std::string_view text) {
  return fmt::format("closed {} {} {}", static_cast<int>(kind), code, text);
}

// Opening.

TEST(Session, greets_logs_in_and_opens_its_virtual_host) {
  ScriptedBroker broker({.response = std::string("\0guest\0secret", 13), .virtual_host = "v"});
  broker.session.begin();
  EXPECT_EQ(text_of(broker.session.output().bytes()), std::string("AMQP\0\0\x09\x01", 8));
  broker.skip_protocol_header();

  broker.say(0, ScriptedBroker::start());
  const auto start_ok = broker.next<amqp::ConnectionStartOk>();
  EXPECT_EQ(start_ok.mechanism, "PLAIN");
  EXPECT_EQ(start_ok.response, std::string_view("\0guest\0secret", 13));
  EXPECT_EQ(start_ok.locale, "en_US");

  broker.say(0, amqp::ConnectionTune{.channel_max = 7, .frame_max = 8192, .heartbeat = 60});
  EXPECT_EQ(broker.next<amqp::ConnectionTuneOk>(),
            (amqp::ConnectionTuneOk{.channel_max = 7, .frame_max = 8192, .heartbeat = 60}));
  EXPECT_EQ(broker.next<amqp::ConnectionOpen>().virtual_host, "v");
  EXPECT_FALSE(broker.session.is_open());

  broker.say(0, amqp::ConnectionOpenOk{});
  EXPECT_TRUE(broker.session.is_open());
  EXPECT_THAT(broker.heard, ElementsAre("open"));
}

TEST(Session, takes_the_lower_limit_and_zero_for_none) {
  struct Case {
    std::uint16_t ours, theirs, agreed;
  };
  for (const Case& c :
       {Case{100, 7, 7}, Case{7, 100, 7}, Case{0, 9, 9}, Case{9, 0, 9}, Case{0, 0, 65535}}) {
    ScriptedBroker broker({.channel_max = c.ours});
    broker.session.begin();
    broker.skip_protocol_header();
    broker.say(0, ScriptedBroker::start());
    (void)broker.next<amqp::ConnectionStartOk>();
    broker.say(0, amqp::ConnectionTune{.channel_max = c.theirs, .frame_max = 0, .heartbeat = 0});
    EXPECT_EQ(broker.next<amqp::ConnectionTuneOk>().channel_max, c.agreed);
    EXPECT_EQ(broker.session.frame_max(), 131072u);
  }
}

TEST(Session, a_stream_that_ends_early_is_explained_by_when_it_did) {
  struct Case {
    int steps;
    FailureKind kind;
  };
  for (const Case& c :
       {Case{0, FailureKind::incompatible_protocol}, Case{1, FailureKind::probable_authentication},
        Case{2, FailureKind::probable_access_denied}, Case{3, FailureKind::stream_lost}}) {
    ScriptedBroker broker;
    broker.session.begin();
    if (c.steps > 0) broker.say(0, ScriptedBroker::start());
    if (c.steps > 1) broker.say(0, amqp::ConnectionTune{});
    if (c.steps > 2) broker.say(0, amqp::ConnectionOpenOk{});
    broker.session.on_stream_lost("end of file");
    ASSERT_EQ(broker.failures.size(), 1u);
    EXPECT_EQ(broker.failures[0].kind, c.kind);
    EXPECT_THAT(broker.failures[0].text, HasSubstr("end of file"));
    EXPECT_TRUE(broker.session.is_over());
  }
}

TEST(Session, a_refused_login_is_told_with_what_the_broker_said) {
  ScriptedBroker broker;
  broker.session.begin();
  broker.say(0, ScriptedBroker::start());
  broker.skip_protocol_header();
  (void)broker.next<amqp::ConnectionStartOk>();
  broker.say(0, amqp::ConnectionClose{.reply_code = 403, .reply_text = "ACCESS_REFUSED - no"});
  (void)broker.next<amqp::ConnectionCloseOk>();
  EXPECT_THAT(broker.heard,
              ElementsAre(closed(FailureKind::probable_authentication, 403,
                                 "ConnectionClosedByBroker: (403) 'ACCESS_REFUSED - no'")));
}

TEST(Session, says_which_mechanisms_there_are_when_none_fits) {
  ScriptedBroker broker({.mechanism = "EXTERNAL"});
  broker.session.begin();
  broker.say(0, ScriptedBroker::start());
  ASSERT_EQ(broker.failures.size(), 1u);
  EXPECT_EQ(broker.failures[0].kind, FailureKind::no_mechanism);
  EXPECT_THAT(broker.failures[0].text, HasSubstr("'AMQPLAIN PLAIN'"));
}

TEST(Session, knows_a_broker_of_another_protocol) {
  ScriptedBroker broker;
  broker.session.begin();
  broker.give(bytes_of(std::string_view("AMQP\0\1\0\0", 8)));
  ASSERT_EQ(broker.failures.size(), 1u);
  EXPECT_EQ(broker.failures[0].kind, FailureKind::incompatible_protocol);
}

// Calls.

TEST(Session, answers_reach_the_calls_in_their_order) {
  ScriptedBroker broker;
  broker.open();
  Channel& channel = broker.open_channel();
  channel.call(amqp::QueueDeclare{.queue = "q"}, [&](const auto& answer) {
    broker.heard.push_back(std::string(answer->template as<amqp::QueueDeclareOk>().queue));
  });
  channel.call(amqp::BasicGet{.queue = "q"}, broker.noted("get"));
  channel.call(amqp::BasicGet{.queue = "q"}, broker.noted("get"));
  channel.call(amqp::ExchangeUnbind{}, broker.noted("unbind"));
  EXPECT_EQ(broker.next<amqp::QueueDeclare>(1).queue, "q");

  broker.say(1, amqp::QueueDeclareOk{.queue = "q", .message_count = 1, .consumer_count = 0});
  broker.say(1, amqp::BasicGetOk{.delivery_tag = 1});
  broker.say_content(1, "body");
  broker.say(1, amqp::BasicGetEmpty{});
  broker.say(1, amqp::ExchangeUnbindOk{});

  EXPECT_THAT(broker.heard, ElementsAre("open", "q", "get: 71 'body'", HasSubstr("get: 72"),
                                        HasSubstr("unbind: 51")));
}

TEST(Session, a_call_on_a_channel_that_is_not_open_fails_at_once) {
  ScriptedBroker broker;
  broker.open();
  Channel& channel = broker.open_channel();
  channel.close(200, "", broker.noted("close"));
  channel.call(amqp::QueueDeclare{}, broker.noted("declare"));
  channel.send(amqp::BasicAck{.delivery_tag = 1});
  (void)broker.next<amqp::ChannelClose>(1);
  EXPECT_TRUE(broker.is_silent());
  EXPECT_THAT(broker.heard, ElementsAre("open", "declare: failed Channel is closed."));
}

TEST(Session, a_method_that_fits_in_no_frame_is_not_sent) {
  ScriptedBroker broker;
  broker.open(4096);
  Channel& channel = broker.open_channel();
  const std::vector<std::byte> arguments(5000);
  channel.call(amqp::QueueDeclare{.arguments = amqp::RawTable(arguments)}, broker.noted("declare"));
  EXPECT_TRUE(broker.is_silent());
  EXPECT_THAT(broker.heard.back(), HasSubstr("does not fit in a frame of at most 4096"));
}

TEST(Session, publishes_are_cut_to_the_frames_of_the_broker) {
  ScriptedBroker broker;
  broker.open(4096);
  Channel& channel = broker.open_channel();
  for (const std::size_t size : {0, 1, 4088, 4089, 8176, 10000}) {
    const std::string body(size, 'x');
    EXPECT_EQ(channel.publish({.exchange = "e",
                               .routing_key = "k",
                               .properties = amqp::no_properties,
                               .body = bytes_of(body),
                               .is_mandatory = true}),
              0u);
    EXPECT_EQ(broker.next<amqp::BasicPublish>(1),
              (amqp::BasicPublish{.exchange = "e", .routing_key = "k", .mandatory = true}));
    const amqp::Frame header = broker.next_frame();
    EXPECT_EQ(header.type, amqp::FrameType::header);
    EXPECT_EQ(amqp::ContentHeader::decode(header.payload)->body_size, size);
    std::string came;
    while (came.size() < size) {
      const amqp::Frame frame = broker.next_frame();
      EXPECT_EQ(frame.type, amqp::FrameType::body);
      EXPECT_LE(frame.payload.size() + 8, 4096u);
      came += text_of(frame.payload);
    }
    EXPECT_EQ(came, body);
    EXPECT_TRUE(broker.is_silent());
  }
}

TEST(Session, confirms_are_counted_from_the_select_on) {
  ScriptedBroker broker;
  broker.open();
  Channel& channel = broker.open_channel();
  const Publication publication{.routing_key = "q", .properties = amqp::no_properties};
  EXPECT_EQ(channel.publish(publication), 0u);
  channel.call(amqp::ConfirmSelect{}, [](auto&&) {});
  EXPECT_EQ(channel.publish(publication), 1u);
  EXPECT_EQ(channel.publish(publication), 2u);
  EXPECT_EQ(channel.publish(publication), 3u);
  broker.say(1, amqp::ConfirmSelectOk{});
  broker.say(1, amqp::BasicNack{.delivery_tag = 2});
  broker.say(1, amqp::BasicAck{.delivery_tag = 3, .multiple = true});
  EXPECT_THAT(broker.heard, ElementsAre("open", "nack 2-2", "ack 1-1", "ack 3-3"));
  EXPECT_EQ(channel.unconfirmed(), 0u);

  broker.say(1, amqp::BasicAck{.delivery_tag = 4});
  EXPECT_EQ(broker.failures.back().kind, FailureKind::protocol_error);
}

// What the broker sends.

TEST(Session, tells_of_cancelled_consumers_flow_and_blocking) {
  ScriptedBroker broker;
  broker.open();
  broker.open_channel();
  broker.say(1, amqp::BasicCancel{.consumer_tag = "c"});
  broker.say(1, amqp::ChannelFlow{.active = false});
  EXPECT_FALSE(broker.next<amqp::ChannelFlowOk>(1).active);
  broker.say(0, amqp::ConnectionBlocked{.reason = "low on memory"});
  EXPECT_TRUE(broker.session.is_blocked());
  broker.say(0, amqp::ConnectionUnblocked{});
  EXPECT_FALSE(broker.session.is_blocked());
  EXPECT_THAT(broker.heard,
              ElementsAre("open", "cancel c", "flow false", "blocked low on memory", "unblocked"));
}

TEST(Session, contents_come_whole_however_the_bytes_are_cut) {
  const std::string body = std::string(3000, 'x') + "end";
  std::vector<std::byte> bytes =
      amqp::encode_method_frame(1, amqp::BasicDeliver{.consumer_tag = "c", .delivery_tag = 9});
  const auto content = ScriptedBroker::content_of(1, body, 1000);
  bytes.insert(bytes.end(), content.begin(), content.end());
  const auto returned = amqp::encode_method_frame(
      1, amqp::BasicReturn{.reply_code = 312, .reply_text = "NO_ROUTE", .routing_key = "k"});
  bytes.insert(bytes.end(), returned.begin(), returned.end());
  const auto empty = ScriptedBroker::content_of(1, "");
  bytes.insert(bytes.end(), empty.begin(), empty.end());

  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    ScriptedBroker broker;
    broker.open();
    broker.open_channel();
    broker.give(std::span(bytes).first(cut));
    broker.give(std::span(bytes).subspan(cut));
    ASSERT_THAT(broker.heard, ElementsAre("open", "delivery c 9 '" + body + "'", "return 312 k ''"))
        << cut;
  }
}

TEST(Session, what_breaks_the_protocol_is_told_to_the_broker_and_ends_all) {
  struct Case {
    const char* name;
    std::function<void(ScriptedBroker&)> say;
  };
  const std::vector<Case> cases = {
      {"a channel that is not open", [](ScriptedBroker& b) { b.say(9, amqp::BasicGetEmpty{}); }},
      {"an answer without a call", [](ScriptedBroker& b) { b.say(1, amqp::QueueBindOk{}); }},
      {"get-ok without a get", [](ScriptedBroker& b) { b.say(1, amqp::BasicGetOk{}); }},
      {"a header without a method", [](ScriptedBroker& b) { b.say_content(1, ""); }},
      {"a method within content",
       [](ScriptedBroker& b) {
         b.say(1, amqp::BasicDeliver{});
         b.say(1, amqp::BasicDeliver{});
       }},
      {"tune twice", [](ScriptedBroker& b) { b.say(0, amqp::ConnectionTune{}); }},
      {"open-ok twice", [](ScriptedBroker& b) { b.say(0, amqp::ConnectionOpenOk{}); }},
      {"a secret nobody changed",
       [](ScriptedBroker& b) { b.say(0, amqp::ConnectionUpdateSecretOk{}); }},
      {"no frame end",
       [](ScriptedBroker& b) {
         b.give(bytes_of(std::string_view("\1\0\1\0\0\0\4\0\0\0\0X", 12)));
       }},
      {"a frame that is too long",
       [](ScriptedBroker& b) { b.give(bytes_of(std::string_view("\1\0\1\xff\0\0\0", 7))); }},
      {"a method cut short",
       [](ScriptedBroker& b) {
         b.give(bytes_of(std::string_view("\1\0\1\0\0\0\4\0\x3c\0\x3c\xce", 12)));
       }},
  };
  for (const Case& c : cases) {
    ScriptedBroker broker;
    broker.open();
    broker.open_channel().call(amqp::QueueDeclare{}, broker.noted("declare"));
    (void)broker.next<amqp::QueueDeclare>(1);
    c.say(broker);
    ASSERT_EQ(broker.failures.size(), 2u) << c.name;  // The channel's and the session's.
    EXPECT_EQ(broker.failures[1].kind, FailureKind::protocol_error) << c.name;
    EXPECT_THAT(broker.heard[1], HasSubstr("declare: failed")) << c.name;
    EXPECT_GE(broker.next<amqp::ConnectionClose>().reply_code, 501) << c.name;
    EXPECT_TRUE(broker.session.is_over()) << c.name;
  }
}

// Ends.

TEST(Session, a_channel_closed_by_the_broker_fails_its_calls_and_leaves_the_others) {
  ScriptedBroker broker;
  broker.open();
  Channel& channel = broker.open_channel();
  broker.open_channel();
  channel.call(amqp::QueueDeclare{.queue = "q", .passive = true}, broker.noted("declare"));
  channel.call(amqp::QueueDelete{}, broker.noted("delete"));
  broker.say(1, amqp::ChannelClose{.reply_code = 404, .reply_text = "NOT_FOUND - no queue"});

  EXPECT_THAT(broker.heard, ElementsAre("open", "declare: failed NOT_FOUND - no queue",
                                        "delete: failed NOT_FOUND - no queue",
                                        closed(FailureKind::channel_closed_by_broker, 404,
                                               "NOT_FOUND - no queue")));
  EXPECT_TRUE(broker.session.is_open());
  // Its number is free again.
  EXPECT_EQ(broker.session.open_channel(0, broker, [](auto&&) {}).value()->number(), 1);
  broker.say(2, amqp::BasicDeliver{.consumer_tag = "c", .delivery_tag = 1});
  broker.say_content(2, "x");
  EXPECT_EQ(broker.heard.back(), "delivery c 1 'x'");
}

TEST(Session, closing_a_channel_waits_for_earlier_answers_and_drops_deliveries) {
  ScriptedBroker broker;
  broker.open();
  Channel& channel = broker.open_channel();
  channel.call(amqp::QueueDeclare{}, broker.noted("declare"));
  channel.close(200, "Normal shutdown", broker.noted("close"));
  broker.say(1, amqp::QueueDeclareOk{});
  broker.say(1, amqp::BasicDeliver{});
  broker.say_content(1, "late");
  broker.say(1, amqp::ChannelCloseOk{});
  EXPECT_THAT(broker.heard,
              ElementsAre("open", HasSubstr("declare: 11"), HasSubstr("close: 41"),
                          closed(FailureKind::channel_closed_by_client, 0, "Normal shutdown")));
}

TEST(Session, both_may_close_a_channel_at_once) {
  ScriptedBroker broker;
  broker.open();
  Channel& channel = broker.open_channel();
  channel.call(amqp::QueueDeclare{}, broker.noted("declare"));
  channel.close(200, "", broker.noted("close"));
  broker.say(1, amqp::ChannelClose{.reply_code = 406, .reply_text = "PRECONDITION_FAILED - x"});
  broker.say(1, amqp::ChannelCloseOk{});
  EXPECT_THAT(broker.heard,
              ElementsAre("open", "declare: failed PRECONDITION_FAILED - x", HasSubstr("close: 41"),
                          closed(FailureKind::channel_closed_by_client, 0, "Normal shutdown")));
  EXPECT_TRUE(broker.session.is_open());
}

TEST(Session, closing_says_so_and_ends_when_the_broker_agrees) {
  ScriptedBroker broker;
  broker.open();
  broker.open_channel().call(amqp::QueueDeclare{}, broker.noted("declare"));
  (void)broker.next<amqp::QueueDeclare>(1);
  broker.session.close(200, "bye");
  EXPECT_EQ(broker.next<amqp::ConnectionClose>().reply_text, "bye");
  EXPECT_FALSE(broker.session.is_open());
  broker.say(1, amqp::BasicDeliver{});  // Was on its way.
  EXPECT_THAT(broker.heard, ElementsAre("open"));
  broker.say(0, amqp::ConnectionCloseOk{});
  EXPECT_THAT(broker.heard, ElementsAre("open", "declare: failed bye",
                                        closed(FailureKind::closed_by_client, 200, "bye"),
                                        closed(FailureKind::closed_by_client, 200, "bye")));
  EXPECT_TRUE(broker.session.is_over());
}

TEST(Session, having_said_goodbye_it_minds_no_lost_stream) {
  ScriptedBroker broker;
  broker.open();
  broker.session.close(200, "bye");
  broker.session.on_stream_lost("reset");
  EXPECT_EQ(broker.heard.back(), closed(FailureKind::closed_by_client, 200, "bye"));
}

TEST(Session, a_close_by_the_broker_is_acknowledged_and_told_to_all) {
  ScriptedBroker broker;
  broker.open();
  broker.open_channel();
  broker.session.update_secret("new", "why", broker.noted("secret"));
  (void)broker.next<amqp::ConnectionUpdateSecret>();
  broker.say(0, amqp::ConnectionClose{.reply_code = 320, .reply_text = "CONNECTION_FORCED - x"});
  (void)broker.next<amqp::ConnectionCloseOk>();
  const std::string told = closed(FailureKind::closed_by_broker, 320, "CONNECTION_FORCED - x");
  EXPECT_THAT(broker.heard,
              ElementsAre("open", told, "secret: failed CONNECTION_FORCED - x", told));
  EXPECT_EQ(broker.session.open_channel(0, broker, [](auto&&) {}).error().reply_code, 320);
}

TEST(Session, there_are_as_many_channels_as_were_agreed_on) {
  ScriptedBroker broker({.channel_max = 3});
  broker.open();
  for (int i = 0; i < 3; ++i) broker.open_channel();
  EXPECT_EQ(broker.session.open_channel(0, broker, [](auto&&) {}).error().kind,
            FailureKind::no_free_channel);
  EXPECT_EQ(broker.session.open_channel(4, broker, [](auto&&) {}).error().kind,
            FailureKind::no_free_channel);
  EXPECT_EQ(broker.session.open_channel(2, broker, [](auto&&) {}).error().kind,
            FailureKind::no_free_channel);
}

// Times.

TEST(Session, sends_heartbeats_when_it_has_nothing_else_to_say) {
  ScriptedBroker broker;
  broker.open(131072, 60);
  ASSERT_TRUE(broker.session.deadline());
  broker.now += 30s;
  broker.session.on_time(broker.now);
  EXPECT_EQ(broker.next_frame().type, amqp::FrameType::heartbeat);

  broker.open_channel();
  broker.now += 30s;
  broker.session.on_time(broker.now);
  EXPECT_TRUE(broker.is_silent());  // The channel.open was a sign of life.
}

TEST(Session, gives_the_broker_up_when_it_is_silent_for_the_time_and_five_seconds) {
  ScriptedBroker broker;
  broker.open(131072, 60);
  broker.now += 64s;
  broker.session.on_time(broker.now);
  EXPECT_TRUE(broker.session.is_open());
  broker.now += 1s;
  broker.session.on_time(broker.now);
  ASSERT_EQ(broker.failures.size(), 1u);
  EXPECT_EQ(broker.failures[0].kind, FailureKind::heartbeat_timeout);
}

TEST(Session, hears_no_silence_where_it_does_not_listen) {
  ScriptedBroker broker;
  broker.open(131072, 60);
  broker.now += 64s;
  broker.session.note_deaf(broker.now);
  broker.now += 64s;
  broker.session.on_time(broker.now);
  EXPECT_TRUE(broker.session.is_open());
}

TEST(Session, bears_being_blocked_for_as_long_as_it_was_told) {
  ScriptedBroker broker({.blocked_timeout = 10s});
  broker.open();
  EXPECT_FALSE(broker.session.deadline());
  broker.say(0, amqp::ConnectionBlocked{.reason = "disk"});
  EXPECT_EQ(broker.session.deadline(), broker.now + 10s);
  broker.now += 9s;
  broker.session.on_time(broker.now);
  EXPECT_TRUE(broker.session.is_open());
  broker.now += 1s;
  broker.session.on_time(broker.now);
  ASSERT_EQ(broker.failures.size(), 1u);
  EXPECT_EQ(broker.failures[0].kind, FailureKind::blocked_timeout);
}

// A conversation that fails at each of its bytes: all that waits is told, once, and nothing more is
// said to anybody afterwards.
TEST(Session, ends_cleanly_wherever_the_stream_does) {
  Output conversation;
  const auto add = [&](std::span<const std::byte> bytes) { conversation.append(bytes); };
  add(amqp::encode_method_frame(0, ScriptedBroker::start()));
  add(amqp::encode_method_frame(0, amqp::ConnectionTune{.heartbeat = 60}));
  add(amqp::encode_method_frame(0, amqp::ConnectionOpenOk{}));
  const std::size_t opened_at = conversation.size();
  add(amqp::encode_method_frame(1, amqp::ChannelOpenOk{}));
  add(amqp::encode_method_frame(1, amqp::ConfirmSelectOk{}));
  add(amqp::encode_method_frame(1, amqp::BasicDeliver{.consumer_tag = "c", .delivery_tag = 1}));
  add(ScriptedBroker::content_of(1, "body", 2));
  add(amqp::encode_method_frame(1, amqp::BasicAck{.delivery_tag = 1}));
  add(amqp::encode_method_frame(1, amqp::BasicGetOk{}));
  add(ScriptedBroker::content_of(1, "got"));

  const auto bytes = conversation.bytes();
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    ScriptedBroker broker;
    broker.session.begin();
    broker.give(bytes.first(std::min(cut, opened_at)));
    int answers = 0;
    const auto count = [&](auto&&) { ++answers; };
    if (broker.session.is_open()) {
      Channel& channel = *broker.session.open_channel(0, broker, count).value();
      channel.call(amqp::ConfirmSelect{}, count);
      channel.publish({.properties = amqp::no_properties});
      channel.call(amqp::BasicGet{}, count);
      broker.give(bytes.subspan(opened_at, cut - opened_at));
    }
    broker.session.on_stream_lost("cut");
    broker.session.on_stream_lost("again");
    ASSERT_TRUE(broker.session.is_over()) << cut;
    ASSERT_EQ(broker.failures.size(), cut < opened_at ? 1u : 2u) << cut;
    ASSERT_EQ(answers, cut < opened_at ? 0 : 3) << cut;
    const std::size_t heard = broker.heard.size();
    broker.give(bytes.subspan(cut));
    broker.session.on_time(broker.now + 1h);
    ASSERT_EQ(broker.heard.size(), heard) << cut;
    ASSERT_FALSE(broker.session.deadline()) << cut;
  }
}

}  // namespace
}  // namespace leveret::client
