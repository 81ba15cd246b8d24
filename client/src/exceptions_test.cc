// SPDX-License-Identifier: Apache-2.0
#include "leveret/exceptions.h"

#include <string>
#include <type_traits>

#include <gtest/gtest.h>

namespace leveret {
namespace {

template <class Thrown, class Caught>
constexpr bool is_caught_as = std::is_base_of_v<Caught, Thrown>;

static_assert(is_caught_as<AMQPError, std::runtime_error>);
static_assert(is_caught_as<AMQPConnectionError, AMQPError>);
static_assert(is_caught_as<ConnectionClosedByBroker, ConnectionClosed>);
static_assert(is_caught_as<ConnectionClosed, AMQPConnectionError>);
static_assert(is_caught_as<NoFreeChannels, AMQPConnectionError>);
static_assert(is_caught_as<ChannelClosedByBroker, ChannelClosed>);
static_assert(is_caught_as<ChannelClosed, AMQPChannelError>);
static_assert(is_caught_as<NackError, AMQPChannelError>);
static_assert(is_caught_as<UnexpectedFrameError, ProtocolSyntaxError>);
static_assert(!is_caught_as<ProtocolSyntaxError, AMQPConnectionError>);
static_assert(!is_caught_as<ReentrancyError, AMQPError>);
static_assert(std::is_nothrow_copy_constructible_v<ConnectionClosedByBroker>);
static_assert(std::is_nothrow_copy_constructible_v<ChannelClosedByBroker>);
static_assert(std::is_nothrow_copy_constructible_v<UnroutableError>);

ReturnedMessage unroutable(std::string exchange, std::string routing_key) {
  ReturnedMessage message;
  message.method = {.reply_code = 312,
                    .reply_text = "NO_ROUTE",
                    .exchange = std::move(exchange),
                    .routing_key = std::move(routing_key)};
  message.body = "body";
  return message;
}

TEST(Exceptions, begin_with_the_name_of_what_was_thrown) {
  EXPECT_STREQ(AMQPError("why").what(), "AMQPError: why");
  EXPECT_STREQ(AMQPConnectionError("why").what(), "AMQPConnectionError: why");
  EXPECT_STREQ(ConnectionOpenAborted("why").what(), "ConnectionOpenAborted: why");
  EXPECT_STREQ(StreamLostError("why").what(), "StreamLostError: why");
  EXPECT_STREQ(IncompatibleProtocolError("why").what(), "IncompatibleProtocolError: why");
  EXPECT_STREQ(AuthenticationError("why").what(), "AuthenticationError: why");
  EXPECT_STREQ(ProbableAuthenticationError("why").what(), "ProbableAuthenticationError: why");
  EXPECT_STREQ(ProbableAccessDeniedError("why").what(), "ProbableAccessDeniedError: why");
  EXPECT_STREQ(NoFreeChannels("").what(), "NoFreeChannels");
  EXPECT_STREQ(ConnectionWrongStateError("why").what(), "ConnectionWrongStateError: why");
  EXPECT_STREQ(ConnectionBlockedTimeout("why").what(), "ConnectionBlockedTimeout: why");
  EXPECT_STREQ(AMQPHeartbeatTimeout("why").what(), "AMQPHeartbeatTimeout: why");
  EXPECT_STREQ(AMQPChannelError("why").what(), "AMQPChannelError: why");
  EXPECT_STREQ(ChannelWrongStateError("why").what(), "ChannelWrongStateError: why");
  EXPECT_STREQ(DuplicateConsumerTag("ctag1").what(),
               "DuplicateConsumerTag: the channel has a consumer 'ctag1' already");
  EXPECT_STREQ(ConsumerCancelled("ctag1").what(),
               "ConsumerCancelled: the broker has cancelled the consumer 'ctag1'");
  EXPECT_STREQ(InvalidChannelNumber("why").what(), "InvalidChannelNumber: why");
  EXPECT_STREQ(ProtocolSyntaxError("why").what(), "ProtocolSyntaxError: why");
  EXPECT_STREQ(UnexpectedFrameError("why").what(), "UnexpectedFrameError: why");
  EXPECT_STREQ(ProtocolVersionMismatch("why").what(), "ProtocolVersionMismatch: why");
  EXPECT_STREQ(BodyTooLongError("why").what(), "BodyTooLongError: why");
  EXPECT_STREQ(InvalidFrameError("why").what(), "InvalidFrameError: why");
  EXPECT_STREQ(InvalidFieldTypeException("why").what(), "InvalidFieldTypeException: why");
  EXPECT_STREQ(UnsupportedAMQPFieldException("why").what(), "UnsupportedAMQPFieldException: why");
  EXPECT_STREQ(MethodNotImplemented("why").what(), "MethodNotImplemented: why");
  EXPECT_STREQ(ShortStringTooLong("why").what(), "ShortStringTooLong: why");
  EXPECT_STREQ(ReentrancyError("why").what(), "ReentrancyError: why");
}

// The texts are those of pika 1.2's repr().
TEST(Exceptions, tell_who_closed_with_which_code_and_text) {
  const ConnectionClosedByBroker by_broker(320, "CONNECTION_FORCED - shut down");
  EXPECT_STREQ(by_broker.what(), "ConnectionClosedByBroker: (320) 'CONNECTION_FORCED - shut down'");
  EXPECT_EQ(by_broker.reply_code(), 320);
  EXPECT_EQ(by_broker.reply_text(), "CONNECTION_FORCED - shut down");
  EXPECT_STREQ(ConnectionClosed(200, "bye").what(), "ConnectionClosed: (200) 'bye'");
  EXPECT_STREQ(ConnectionClosedByClient(200, "bye").what(),
               "ConnectionClosedByClient: (200) 'bye'");

  const ChannelClosedByBroker channel(404, "NOT_FOUND - no queue 'q' in vhost '/'");
  EXPECT_STREQ(channel.what(),
               "ChannelClosedByBroker: (404) \"NOT_FOUND - no queue 'q' in vhost '/'\"");
  EXPECT_EQ(channel.reply_code(), 404);
  EXPECT_EQ(channel.reply_text(), "NOT_FOUND - no queue 'q' in vhost '/'");
  EXPECT_STREQ(ChannelClosed(0, "").what(), "ChannelClosed: (0) ''");
  EXPECT_STREQ(ChannelClosedByClient(0, "Normal shutdown").what(),
               "ChannelClosedByClient: (0) 'Normal shutdown'");
}

TEST(Exceptions, escape_what_a_broker_may_have_put_into_a_text) {
  const ConnectionClosedByBroker error(541, "a\nb\\ 'c' \"d\"\x7F");
  EXPECT_STREQ(error.what(), R"(ConnectionClosedByBroker: (541) 'a\x0ab\\ \'c\' "d"\x7f')");
  EXPECT_EQ(error.reply_text(), "a\nb\\ 'c' \"d\"\x7F");
}

TEST(Exceptions, hold_the_messages_that_came_back_and_copies_share_them) {
  const UnroutableError error({unroutable("orders", "eu"), unroutable("", "q")});
  EXPECT_STREQ(error.what(),
               "UnroutableError: 2 messages reached no queue; (312) 'NO_ROUTE' by exchange "
               "'orders' for routing key 'eu'");
  ASSERT_EQ(error.messages().size(), 2u);
  EXPECT_EQ(error.messages()[1].method.routing_key, "q");
  EXPECT_EQ(error.messages()[1].body, "body");
  const UnroutableError copy = error;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(&copy.messages(), &error.messages());

  EXPECT_STREQ(UnroutableError({unroutable("x", "k")}).what(),
               "UnroutableError: 1 message reached no queue; (312) 'NO_ROUTE' by exchange 'x' for "
               "routing key 'k'");
  EXPECT_STREQ(NackError({}).what(), "NackError: the broker did not take the message");
  EXPECT_TRUE(NackError({}).messages().empty());
  EXPECT_EQ(NackError({unroutable("x", "k")}).messages().size(), 1u);
}

TEST(Exceptions, say_whether_the_same_may_succeed_later) {
  EXPECT_TRUE(is_retryable(AMQPConnectionError("refused")));
  EXPECT_TRUE(is_retryable(StreamLostError("")));
  EXPECT_TRUE(is_retryable(AMQPHeartbeatTimeout("")));
  EXPECT_TRUE(is_retryable(ConnectionBlockedTimeout("")));
  EXPECT_TRUE(is_retryable(ConnectionClosedByBroker(320, "")));
  EXPECT_TRUE(is_retryable(ChannelClosedByBroker(405, "")));
  EXPECT_TRUE(is_retryable(NackError({})));

  EXPECT_FALSE(is_retryable(AMQPError("")));
  EXPECT_FALSE(is_retryable(ConnectionOpenAborted("")));
  EXPECT_FALSE(is_retryable(IncompatibleProtocolError("")));
  EXPECT_FALSE(is_retryable(AuthenticationError("")));
  EXPECT_FALSE(is_retryable(ProbableAuthenticationError("")));
  EXPECT_FALSE(is_retryable(ProbableAccessDeniedError("")));
  EXPECT_FALSE(is_retryable(NoFreeChannels("")));
  EXPECT_FALSE(is_retryable(ConnectionWrongStateError("")));
  EXPECT_FALSE(is_retryable(ConnectionClosedByBroker(530, "")));
  EXPECT_FALSE(is_retryable(ConnectionClosedByClient(320, "")));
  EXPECT_FALSE(is_retryable(ChannelClosedByBroker(404, "")));
  EXPECT_FALSE(is_retryable(ChannelClosedByClient(405, "")));
  EXPECT_FALSE(is_retryable(UnroutableError({unroutable("", "q")})));
  EXPECT_FALSE(is_retryable(UnexpectedFrameError("")));
}

TEST(Exceptions, say_whether_the_connection_is_over) {
  EXPECT_TRUE(closes_connection(AMQPConnectionError("")));
  EXPECT_TRUE(closes_connection(StreamLostError("")));
  EXPECT_TRUE(closes_connection(ConnectionClosedByBroker(320, "")));
  EXPECT_TRUE(closes_connection(ConnectionWrongStateError("")));
  EXPECT_TRUE(closes_connection(UnexpectedFrameError("")));
  EXPECT_TRUE(closes_connection(ProtocolVersionMismatch("")));
  EXPECT_TRUE(closes_connection(BodyTooLongError("")));

  EXPECT_FALSE(closes_connection(NoFreeChannels("")));
  EXPECT_FALSE(closes_connection(ChannelClosedByBroker(404, "")));
  EXPECT_FALSE(closes_connection(UnroutableError({unroutable("", "q")})));
  EXPECT_FALSE(closes_connection(InvalidFrameError("")));
  EXPECT_FALSE(closes_connection(UnsupportedAMQPFieldException("")));
  EXPECT_FALSE(closes_connection(ShortStringTooLong("")));
}

}  // namespace
}  // namespace leveret
