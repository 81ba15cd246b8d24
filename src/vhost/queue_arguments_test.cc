// SPDX-License-Identifier: Apache-2.0
#include "vhost/queue_arguments.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;

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
      {"x-single-active-consumer", true, ""},
      {"x-single-active-consumer", 1, ": {unacceptable_type,signedint}"},
      {"x-queue-master-locator", 5, ""},
      {"x-durability", "fsync", ""},
      {"x-durability", "os", ""},
      {"x-durability", "memory", ""},
      {"x-durability", "disk", ": \"unsupported durability 'disk': fsync, os, memory\""},
      {"x-durability", 1, ": {unacceptable_type,signedint}"},
      {"x-unknown", 5, ""},
      {"x-max-age", "1D", " of queue type rabbit_classic_queue"},
      {"x-delivery-limit", 5, " of queue type rabbit_classic_queue"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name + row.complaint);
    FieldTable arguments;
    arguments.set(row.name, row.value);
    const auto checked =
        validate_queue_arguments(arguments, QueueKeeping::kept, "queue 'q' in vhost '/'");
    ASSERT_EQ(checked.has_value(), row.complaint.empty());
    if (checked) continue;
    EXPECT_EQ(checked.error().code, amqp::ReplyCode::precondition_failed);
    EXPECT_EQ(checked.error().text,
              "invalid arg '" + row.name + "' for queue 'q' in vhost '/'" + row.complaint);
  }
}

TEST(QueueArguments, a_dead_letter_key_needs_an_exchange) {
  const FieldTable arguments{{"x-dead-letter-exchange", ""}, {"x-dead-letter-routing-key", "k"}};
  EXPECT_TRUE(validate_queue_arguments(arguments, QueueKeeping::kept, "queue 'q' in vhost '/'")
                  .has_value());
}

TEST(QueueArguments, a_passing_queue_is_in_memory) {
  const auto check = [](const char* durability) {
    return validate_queue_arguments(FieldTable{{"x-durability", durability}}, QueueKeeping::passing,
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

TEST(QueueArguments, ask_for_no_type_of_queue_that_is_not_here) {
  for (const char* type : {"quorum", "stream"}) {
    const auto checked = validate_queue_arguments(FieldTable{{"x-queue-type", type}},
                                                  QueueKeeping::kept, "queue 'q' in vhost '/'");
    ASSERT_FALSE(checked.has_value());
    EXPECT_EQ(checked.error().code, amqp::ReplyCode::not_implemented);
  }
}

}  // namespace
}  // namespace leveret
