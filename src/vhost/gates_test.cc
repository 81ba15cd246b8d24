// SPDX-License-Identifier: Apache-2.0
#include "vhost/gates.h"

#include "amqp/field_table.h"

#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::FieldTable;

std::string refusal(ExchangeType type, const FieldTable& arguments) {
  const std::vector<std::byte> encoded = arguments.to_raw();
  const auto valid =
      validate_gate_arguments(type, amqp::RawTable(encoded), "exchange 'x' in vhost '/'");
  return valid ? "" : valid.error().reply_text();
}

TEST(GateArguments, are_held_to_what_they_mean) {
  const auto refusal_of = [](FieldTable arguments) {
    return refusal(ExchangeType::message_deduplication, arguments);
  };
  const std::string size =
      "PRECONDITION_FAILED - Missing or invalid argument, 'x-cache-size' must be an integer "
      "greater than 0";
  EXPECT_EQ(refusal_of({}), size);
  EXPECT_EQ(refusal_of({{"x-cache-size", 0}}), size);
  EXPECT_EQ(refusal_of({{"x-cache-size", "many"}}), size);
  EXPECT_EQ(refusal_of({{"x-cache-size", 1}}), "");
  EXPECT_EQ(refusal_of({{"x-cache-size", "1"}}), "");
  EXPECT_EQ(refusal_of({{"x-cache-size", 10'000'001}}),
            "PRECONDITION_FAILED - Invalid argument, 'x-cache-size' must not be greater than "
            "10000000");
  EXPECT_EQ(refusal_of({{"x-cache-size", 1}, {"x-cache-ttl", 0}}),
            "PRECONDITION_FAILED - Invalid argument, 'x-cache-ttl' must be an integer greater "
            "than 0");
  EXPECT_EQ(refusal_of({{"x-cache-size", 1}, {"x-cache-ttl", 1}}), "");
  EXPECT_EQ(refusal_of({{"x-cache-size", 1}, {"x-deduplication-header", 1}}),
            "PRECONDITION_FAILED - Invalid argument, 'x-deduplication-header' must be a string");
  EXPECT_EQ(refusal_of({{"x-cache-size", 1}, {"x-cache-persistence", "memory"}}), "");
  EXPECT_EQ(refusal_of({{"x-cache-size", 1}, {"x-cache-persistence", "tape"}}),
            "PRECONDITION_FAILED - Invalid argument, 'x-cache-persistence' must be either 'disk' "
            "or 'memory'");
  EXPECT_EQ(refusal_of({{"x-cache-size", 1}, {"x-cache-persistence", "disk"}}),
            "NOT_IMPLEMENTED - 'x-cache-persistence' is 'disk' for exchange 'x' in vhost '/': ids "
            "are kept in memory alone");
}

TEST(GateArguments, make_a_gate_of_an_exchange_of_any_type) {
  EXPECT_EQ(refusal(ExchangeType::direct, {{"x-message-deduplication", true}}), "");
  EXPECT_EQ(refusal(ExchangeType::direct, {{"x-message-deduplication", "yes"}}),
            "PRECONDITION_FAILED - Invalid argument, 'x-message-deduplication' must be true or "
            "false");
  EXPECT_EQ(refusal(ExchangeType::direct, {{"x-message-deduplication", true}, {"x-cache-size", 0}}),
            "PRECONDITION_FAILED - Missing or invalid argument, 'x-cache-size' must be an integer "
            "greater than 0");
  // Where it makes none, the rest says nothing.
  EXPECT_EQ(
      refusal(ExchangeType::direct, {{"x-message-deduplication", false}, {"x-cache-size", 0}}), "");
  EXPECT_EQ(refusal(ExchangeType::direct, {{"x-cache-size", 0}}), "");
}

}  // namespace
}  // namespace leveret
