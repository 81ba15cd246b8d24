// SPDX-License-Identifier: Apache-2.0
#include "vhost/queue_arguments.h"

#include "vhost/policies.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;

constexpr QueueFlags kept{.is_durable = true};

struct Row {
  std::string name;
  FieldValue value;
  std::string complaint;  ///< After "invalid arg '...' for queue 'q' in vhost '/'"; empty: fine.
};

TEST(QueueArguments, are_held_to_what_they_mean) {
  const Row rows[] = {
      {"x-message-ttl", 0, ""},
      {"x-message-ttl", std::int64_t{315'360'000'000}, ""},
      {"x-message-ttl", std::int64_t{315'360'000'001}, ": {value_too_large,315360000001}"},
      {"x-message-ttl", -1, ": {value_negative,-1}"},
      {"x-message-ttl", "1", ": \"expected integer, got longstr\""},
      {"x-message-ttl", 1.5, ": \"expected integer, got double\""},
      {"x-message-ttl", true, ": \"expected integer, got bool\""},
      {"x-expires", 1, ""},
      {"x-expires", std::int64_t{4'294'967'296}, ""},
      {"x-expires", 0, ": {value_zero,0}"},
      {"x-max-length", 0, ""},
      {"x-max-length", -1, ": {value_negative,-1}"},
      {"x-max-length-bytes", std::int64_t{1} << 40, ""},
      {"x-max-priority", 0, ""},
      {"x-max-priority", 255, ""},
      {"x-max-priority", 256, ": {max_value_exceeded,256}"},
      {"x-overflow", "drop-head", ""},
      {"x-overflow", "reject-publish-dlx", ""},
      {"x-overflow", "nosuch", ": invalid_overflow"},
      {"x-overflow", 1, ": {unacceptable_type,signedint}"},
      {"x-dead-letter-exchange", "x", ""},
      {"x-dead-letter-routing-key", "k", ": routing_key_but_no_dlx_defined"},
      {"x-dead-letter-routing-key", 1, ": {unacceptable_type,signedint}"},
      {"x-queue-mode", "lazy", ""},
      {"x-queue-mode", "nosuch", ": \"unsupported queue mode 'nosuch'\""},
      {"x-queue-version", 2, ""},
      {"x-queue-version", 3, ": \"unsupported queue version '3'\""},
      {"x-queue-type", "classic", ""},
      {"x-queue-type", "nosuch", ": \"unsupported queue type 'nosuch'\""},
      {"x-message-deduplication", true, ""},
      {"x-message-deduplication", "true", ": {unacceptable_type,longstr}"},
      {"x-cache-size", 1, ""},
      {"x-cache-size", 0, ": {value_zero,0}"},
      {"x-cache-size", -1, ": {value_negative,-1}"},
      {"x-cache-size", 10'000'001, ": {value_too_large,10000001}"},
      {"x-cache-ttl", 0, ""},
      {"x-cache-ttl", -1, ": {value_negative,-1}"},
      {"x-cache-ttl", "1", ": \"expected integer, got longstr\""},
      {"x-deduplication-header", "id", ""},
      {"x-deduplication-header", 1, ": {unacceptable_type,signedint}"},
      {"x-single-active-consumer", true, ""},
      {"x-single-active-consumer", 1, ": {unacceptable_type,signedint}"},
      {"x-queue-master-locator", 5, ""},
      {"x-durability", "fsync", ""},
      {"x-durability", "os", ""},
      {"x-durability", "memory", ""},
      {"x-durability", "disk", ": \"unsupported durability 'disk': fsync, os, memory\""},
      {"x-durability", 1, ": {unacceptable_type,signedint}"},
      {"x-consumer-timeout", 0, ""},
      {"x-consumer-timeout", std::int64_t{315'360'000'000}, ""},
      {"x-consumer-timeout", -1, ": {value_negative,-1}"},
      {"x-consumer-timeout", "1", ": \"expected integer, got longstr\""},
      {"x-consumer-timeout-action", "requeue", ""},
      {"x-consumer-timeout-action", "close_channel", ""},
      {"x-consumer-timeout-action", "ack",
       ": \"unsupported consumer timeout action 'ack': close_channel, requeue\""},
      {"x-consumer-timeout-action", 1, ": {unacceptable_type,signedint}"},
      {"x-unknown", 5, ""},
      {"x-max-age", "1D", " of queue type rabbit_classic_queue"},
      {"x-delivery-limit", 5, ""},
      {"x-delivery-limit", -1, ""},
      {"x-delivery-limit", "5", ": \"expected integer, got longstr\""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name + row.complaint);
    FieldTable arguments;
    arguments.set(row.name, row.value);
    const auto checked = validate_queue_arguments(arguments, kept, "queue 'q' in vhost '/'");
    ASSERT_EQ(checked.has_value(), row.complaint.empty());
    if (checked) continue;
    EXPECT_EQ(checked.error().code, amqp::ReplyCode::precondition_failed);
    EXPECT_EQ(checked.error().text,
              "invalid arg '" + row.name + "' for queue 'q' in vhost '/'" + row.complaint);
  }
}

TEST(QueueArguments, a_dead_letter_key_needs_an_exchange) {
  const FieldTable arguments{{"x-dead-letter-exchange", ""}, {"x-dead-letter-routing-key", "k"}};
  EXPECT_TRUE(validate_queue_arguments(arguments, kept, "queue 'q' in vhost '/'").has_value());
}

TEST(QueueArguments, a_passing_queue_is_in_memory) {
  const auto check = [](const char* durability) {
    return validate_queue_arguments(FieldTable{{"x-durability", durability}}, QueueFlags(),
                                    "queue 'q' in vhost '/'");
  };
  EXPECT_TRUE(check("memory").has_value());
  ASSERT_FALSE(check("fsync").has_value());
  EXPECT_EQ(check("os").error().code, amqp::ReplyCode::precondition_failed);
}

TEST(QueueArguments, durability_is_the_queues_or_the_nodes) {
  QueueProperties queue;
  EXPECT_EQ(durability_of(queue, nullptr, Durability::fsync), Durability::memory);
  queue.number = 1;
  EXPECT_EQ(durability_of(queue, nullptr, Durability::os), Durability::os);
  queue.arguments = encoded_table(FieldTable{{"x-durability", "memory"}});
  EXPECT_EQ(durability_of(queue, nullptr, Durability::fsync), Durability::memory);
}

TEST(QueueArguments, say_whose_ids_are_held) {
  const auto rules_of = [](const FieldTable& arguments) {
    QueueProperties queue;
    queue.arguments = encoded_table(arguments);
    return deduplication_of(queue);
  };
  using Holds = DeduplicationRules::Holds;
  EXPECT_FALSE(rules_of({}));
  EXPECT_FALSE(rules_of({{"x-message-deduplication", false}, {"x-cache-size", 5}}));
  const auto plain = rules_of({{"x-message-deduplication", true}});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->holds, Holds::present);
  EXPECT_EQ(plain->header, "x-deduplication-header");
  const auto sized = rules_of(
      {{"x-message-deduplication", true}, {"x-cache-size", 5}, {"x-deduplication-header", "id"}});
  ASSERT_TRUE(sized);
  EXPECT_EQ(sized->holds, Holds::last);
  EXPECT_EQ(sized->ids_max, 5u);
  EXPECT_EQ(sized->ttl_ms, DeduplicationRules::unlimited);
  EXPECT_EQ(sized->header, "id");
  const auto timed = rules_of({{"x-message-deduplication", true}, {"x-cache-ttl", 1000}});
  ASSERT_TRUE(timed);
  EXPECT_EQ(timed->holds, Holds::last);
  EXPECT_EQ(timed->ids_max, 128u);
  EXPECT_EQ(timed->ttl_ms, 1000u);
}

std::string refusal(const FieldTable& arguments, QueueFlags flags = kept) {
  const auto checked = validate_queue_arguments(arguments, flags, "queue 'q' in vhost '/'");
  return checked ? "" : checked.error().reply_text();
}

TEST(Stream, has_arguments_of_its_own) {
  const auto refusal_of = [](std::string_view name, FieldValue value) {
    FieldTable arguments{{"x-queue-type", "stream"}};
    arguments.set(name, std::move(value));
    return refusal(arguments);
  };
  const std::string wrong = "PRECONDITION_FAILED - invalid arg '{}' for queue 'q' in vhost '/'{}";
  const auto refused = [&](std::string_view name, std::string_view why) {
    return fmt::format(fmt::runtime(wrong), name, why);
  };
  for (const char* age : {"1Y", "12M", "7D", "24h", "5m", "1s", "007s"}) {
    EXPECT_EQ(refusal_of("x-max-age", age), "") << age;
  }
  for (const char* age : {"", "D", "5", "1y", "0D", "-1D", "1.5h", "1D1h", " 1D", "1 D", "+1D"}) {
    EXPECT_EQ(refusal_of("x-max-age", age), refused("x-max-age", ": invalid_max_age")) << age;
  }
  EXPECT_EQ(refusal_of("x-max-age", 5), refused("x-max-age", ": {unacceptable_type,signedint}"));
  EXPECT_EQ(refusal_of("x-max-length-bytes", 0), "");
  EXPECT_EQ(refusal_of("x-max-length-bytes", -1),
            refused("x-max-length-bytes", ": {value_negative,-1}"));
  EXPECT_EQ(refusal_of("x-stream-max-segment-size-bytes", 0), "");
  EXPECT_EQ(refusal_of("x-stream-max-segment-size-bytes", std::int64_t{3'000'000'001}),
            "PRECONDITION_FAILED - Exceeded max value for x-stream-max-segment-size-bytes");
  EXPECT_EQ(refusal_of("x-stream-max-segment-size-bytes", "a"),
            refused("x-stream-max-segment-size-bytes", ": \"expected integer, got longstr\""));
  EXPECT_EQ(refusal_of("x-stream-filter-size-bytes", 16), "");
  EXPECT_EQ(refusal_of("x-stream-filter-size-bytes", 15),
            refused("x-stream-filter-size-bytes", ": {invalid_filter_size,15,16,255}"));
  EXPECT_EQ(refusal_of("x-initial-cluster-size", 1), "");
  EXPECT_EQ(refusal_of("x-queue-leader-locator", "client-local"), "");
  EXPECT_EQ(refusal_of("x-consumer-timeout", 1000), "");
  EXPECT_EQ(refusal_of("x-durability", "os"), "");
  EXPECT_EQ(refusal_of("x-durability", "memory"),
            refused("x-durability", ": \"a stream is kept\""));
  for (const char* name :
       {"x-max-length", "x-message-ttl", "x-expires", "x-dead-letter-exchange", "x-overflow",
        "x-max-priority", "x-queue-mode", "x-single-active-consumer", "x-delivery-limit",
        "x-quorum-initial-group-size", "x-expire-anywhere", "x-message-deduplication"}) {
    EXPECT_EQ(refusal_of(name, 1), refused(name, " of queue type rabbit_stream_queue"));
  }
}

TEST(Stream, is_durable_shared_and_named) {
  const FieldTable stream{{"x-queue-type", "stream"}};
  EXPECT_EQ(refusal(stream), "");
  EXPECT_EQ(refusal(stream, {}),
            "PRECONDITION_FAILED - invalid property 'non-durable' for queue 'q' in vhost '/'");
  EXPECT_EQ(refusal(stream, {.is_durable = true, .is_server_named = true}),
            "PRECONDITION_FAILED - Cannot declare a server-named queue for type "
            "rabbit_stream_queue");
}

TEST(Stream, keeps_what_its_arguments_and_its_policy_say) {
  const auto rules_of = [](const FieldTable& arguments, const Policy* policy = nullptr) {
    return life_of({.arguments = encoded_table(arguments)}, policy).rules;
  };
  EXPECT_EQ(rules_of({}).max_age_ms, QueueRules::unlimited);
  const QueueRules rules = rules_of({{"x-queue-type", "stream"},
                                     {"x-max-age", "2h"},
                                     {"x-max-length-bytes", 1000},
                                     {"x-stream-max-segment-size-bytes", 100}});
  EXPECT_EQ(rules.max_age_ms, 7'200'000u);
  EXPECT_EQ(rules.body_bytes_max, 1000u);
  EXPECT_EQ(rules.page_bytes_max, 100u);
  Policy policy;
  policy.rules.max_age_ms = 60'000;
  for (const char* age : {"2h", "2s"}) {
    EXPECT_EQ(rules_of({{"x-queue-type", "stream"}, {"x-max-age", age}}, &policy).max_age_ms,
              60'000u);
  }
}

TEST(Ages, are_numbers_with_a_unit) {
  EXPECT_EQ(parse_age("1Y"), std::uint64_t{365} * 86'400'000);
  EXPECT_EQ(parse_age("2M"), std::uint64_t{60} * 86'400'000);
  EXPECT_EQ(parse_age("3D"), std::uint64_t{3} * 86'400'000);
  EXPECT_EQ(parse_age("4h"), std::uint64_t{4} * 3'600'000);
  EXPECT_EQ(parse_age("5m"), 300'000u);
  EXPECT_EQ(parse_age("6s"), 6'000u);
  EXPECT_TRUE(parse_age("18446744073709551615Y"));
  EXPECT_EQ(parse_age("99999999999999999999Y"), parse_age("18446744073709551615Y"));
}

TEST(QuorumQueue, has_arguments_of_its_own) {
  const auto refusal_of = [](std::string_view name, FieldValue value) {
    FieldTable arguments{{"x-queue-type", "quorum"}};
    arguments.set(name, std::move(value));
    return refusal(arguments);
  };
  for (const char* name :
       {"x-delivery-limit", "x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes",
        "x-quorum-initial-group-size", "x-max-in-memory-length", "x-max-in-memory-bytes"}) {
    EXPECT_EQ(refusal_of(name, 1), "") << name;
  }
  EXPECT_EQ(refusal_of("x-delivery-limit", -1), "");
  EXPECT_EQ(refusal_of("x-queue-leader-locator", "balanced"), "");
  EXPECT_EQ(refusal_of("x-dead-letter-strategy", "at-least-once"), "");
  const std::string wrong = "PRECONDITION_FAILED - invalid arg '{}' for queue 'q' in vhost '/'{}";
  for (const char* name :
       {"x-max-priority", "x-queue-mode", "x-queue-version", "x-queue-master-locator",
        "x-initial-cluster-size", "x-max-age", "x-stream-max-segment-size-bytes"}) {
    EXPECT_EQ(refusal_of(name, 1),
              fmt::format(fmt::runtime(wrong), name, " of queue type rabbit_quorum_queue"));
  }
  EXPECT_EQ(refusal_of("x-dead-letter-strategy", "x"),
            fmt::format(fmt::runtime(wrong), "x-dead-letter-strategy", ": invalid_dlx_strategy"));
  EXPECT_EQ(
      refusal_of("x-queue-leader-locator", "x"),
      fmt::format(fmt::runtime(wrong), "x-queue-leader-locator", ": invalid_queue_locator_arg"));
  EXPECT_EQ(refusal_of("x-quorum-initial-group-size", 0),
            fmt::format(fmt::runtime(wrong), "x-quorum-initial-group-size", ": {value_zero,0}"));
}

TEST(QuorumQueue, is_durable_shared_and_named) {
  const FieldTable quorum{{"x-queue-type", "quorum"}};
  const auto property = [](std::string_view name) {
    return fmt::format("PRECONDITION_FAILED - invalid property '{}' for queue 'q' in vhost '/'",
                       name);
  };
  EXPECT_EQ(refusal(quorum, {.is_durable = true}), "");
  EXPECT_EQ(refusal(quorum, {}), property("non-durable"));
  EXPECT_EQ(refusal(quorum, {.is_exclusive = true}), property("exclusive-owner"));
  EXPECT_EQ(refusal(quorum, {.is_durable = true, .is_exclusive = true}),
            property("exclusive-owner"));
  EXPECT_EQ(refusal(quorum, {.is_durable = true, .is_auto_delete = true}), property("auto-delete"));
  EXPECT_EQ(refusal(quorum, {.is_durable = true, .is_server_named = true}),
            "PRECONDITION_FAILED - Cannot declare a server-named queue for type "
            "rabbit_quorum_queue");
}

TEST(QuorumQueue, has_the_lower_of_its_own_and_its_policys_delivery_limit) {
  Policy policy;
  policy.rules.delivery_limit = 3;
  QueueProperties queue;
  queue.arguments = encoded_table(FieldTable{{"x-queue-type", "quorum"}, {"x-delivery-limit", 5}});
  EXPECT_EQ(life_of(queue, &policy).rules.delivery_limit, 3u);
  EXPECT_EQ(life_of(queue, nullptr).rules.delivery_limit, 5u);
  EXPECT_TRUE(life_of(queue, nullptr).rules.shows_delivery_count);
}

TEST(QuorumQueue, has_the_nodes_delivery_limit_when_it_says_nothing) {
  const auto limit = [](const FieldTable& arguments) {
    return life_of({.arguments = encoded_table(arguments)}, nullptr, 20).rules.delivery_limit;
  };
  EXPECT_EQ(limit({{"x-queue-type", "quorum"}}), 20u);
  EXPECT_EQ(limit({{"x-queue-type", "quorum"}, {"x-delivery-limit", 50}}), 50u);
  EXPECT_EQ(limit({{"x-queue-type", "quorum"}, {"x-delivery-limit", -1}}), QueueRules::unlimited);
  EXPECT_EQ(limit({}), QueueRules::unlimited);
}

TEST(QueueArguments, give_a_classic_queue_a_delivery_limit_and_the_count_with_it) {
  QueueProperties queue;
  EXPECT_FALSE(life_of(queue, nullptr).rules.shows_delivery_count);
  queue.arguments = encoded_table(FieldTable{{"x-delivery-limit", 5}});
  EXPECT_EQ(life_of(queue, nullptr).rules.delivery_limit, 5u);
  EXPECT_TRUE(life_of(queue, nullptr).rules.shows_delivery_count);
  queue.arguments = encoded_table(FieldTable{{"x-delivery-limit", -1}});
  EXPECT_EQ(life_of(queue, nullptr).rules.delivery_limit, QueueRules::unlimited);
  EXPECT_FALSE(life_of(queue, nullptr).rules.shows_delivery_count);
}

TEST(QuorumQueue, obeys_its_policys_overflow_and_expiry_before_its_own) {
  Policy policy;
  policy.rules.expires_ms = 60'000;
  policy.overflow = Overflow::reject_publish;
  const FieldTable own{{"x-expires", 1000}, {"x-overflow", "drop-head"}};
  QueueProperties queue;
  queue.arguments = encoded_table(own);
  EXPECT_EQ(life_of(queue, &policy).rules.expires_ms, 1000u);
  EXPECT_EQ(life_of(queue, &policy).rules.overflow, Overflow::drop_head);
  FieldTable of_quorum = own;
  of_quorum.set("x-queue-type", "quorum");
  queue.arguments = encoded_table(of_quorum);
  EXPECT_EQ(life_of(queue, &policy).rules.expires_ms, 60'000u);
  EXPECT_EQ(life_of(queue, &policy).rules.overflow, Overflow::reject_publish);
  EXPECT_EQ(life_of(queue, nullptr).rules.expires_ms, 1000u);
  of_quorum.set("x-overflow", "reject-publish-dlx");
  queue.arguments = encoded_table(of_quorum);
  EXPECT_EQ(life_of(queue, nullptr).rules.overflow, Overflow::drop_head);
}

}  // namespace
}  // namespace leveret
