// SPDX-License-Identifier: Apache-2.0
#include "vhost/equivalence.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::FieldTable;

/// The refusal's text after "inequivalent arg "; empty when the two are the same.
std::string difference(const amqp::AmqpResult<void>& checked) {
  if (checked) return {};
  EXPECT_EQ(checked.error().code, amqp::ReplyCode::precondition_failed);
  const std::string prefix = "inequivalent arg ";
  EXPECT_TRUE(checked.error().text.starts_with(prefix));
  return checked.error().text.substr(prefix.size());
}
std::string queue_difference(const FieldTable& existing, const FieldTable& declared) {
  const QueueProperties queue{.vhost = "/", .name = "q", .arguments = encoded_table(existing)};
  return difference(check_equivalent(queue, QueueDeclaration{.arguments = declared}));
}

TEST(Equivalence, of_queues_looks_at_flags_first) {
  const QueueProperties queue{.vhost = "/", .name = "q", .is_durable = true};
  EXPECT_EQ(difference(check_equivalent(queue, QueueDeclaration{.is_durable = true})), "");
  EXPECT_EQ(difference(check_equivalent(queue, QueueDeclaration{.is_auto_delete = true})),
            "'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'");
  EXPECT_EQ(difference(check_equivalent(
                queue, QueueDeclaration{.is_durable = true, .is_auto_delete = true})),
            "'auto_delete' for queue 'q' in vhost '/': received 'true' but current is 'false'");
}

TEST(Equivalence, of_queues_compares_arguments_that_mean_something) {
  const std::string resource = " for queue 'q' in vhost '/': ";
  EXPECT_EQ(queue_difference({}, {{"x-unknown", 5}}), "");
  EXPECT_EQ(queue_difference({{"x-message-ttl", 1000}}, {{"x-message-ttl", std::int64_t{1000}}}),
            "");
  EXPECT_EQ(queue_difference({{"x-message-ttl", 1000}}, {{"x-message-ttl", 2000}}),
            "'x-message-ttl'" + resource + "received '2000' but current is '1000'");
  EXPECT_EQ(queue_difference({}, {{"x-message-ttl", 1000}}),
            "'x-message-ttl'" + resource +
                "received the value '1000' of type 'signedint' but current is none");
  EXPECT_EQ(queue_difference({{"x-message-ttl", 1000}}, {}),
            "'x-message-ttl'" + resource +
                "received none but current is the value '1000' of type 'signedint'");
  EXPECT_EQ(queue_difference({{"x-dead-letter-exchange", "a"}}, {{"x-dead-letter-exchange", "b"}}),
            "'x-dead-letter-exchange'" + resource + "received 'b' but current is 'a'");
}

TEST(Equivalence, to_ask_for_the_default_is_to_ask_for_nothing) {
  EXPECT_EQ(queue_difference({}, {{"x-queue-type", "classic"}}), "");
  EXPECT_EQ(queue_difference({{"x-queue-type", "classic"}}, {}), "");
}

TEST(Equivalence, of_exchanges_goes_from_type_to_arguments) {
  const ExchangeProperties exchange{
      .vhost = "/", .name = "x", .type = ExchangeType::topic, .is_durable = true};
  const std::string resource = " for exchange 'x' in vhost '/': ";
  ExchangeDeclaration declared{.type = ExchangeType::fanout,
                               .is_auto_delete = true,
                               .is_internal = true,
                               .arguments = {{"alternate-exchange", "ae"}}};
  const auto now = [&] { return difference(check_equivalent(exchange, declared)); };
  EXPECT_EQ(now(), "'type'" + resource + "received 'fanout' but current is 'topic'");
  declared.type = ExchangeType::topic;
  EXPECT_EQ(now(), "'durable'" + resource + "received 'false' but current is 'true'");
  declared.is_durable = true;
  EXPECT_EQ(now(), "'auto_delete'" + resource + "received 'true' but current is 'false'");
  declared.is_auto_delete = false;
  EXPECT_EQ(now(), "'internal'" + resource + "received 'true' but current is 'false'");
  declared.is_internal = false;
  EXPECT_EQ(now(), "'alternate-exchange'" + resource +
                       "received the value 'ae' of type 'longstr' but current is none");
  declared.arguments = {{"unknown", 1}};
  EXPECT_EQ(now(), "");
}

}  // namespace
}  // namespace leveret
