// SPDX-License-Identifier: Apache-2.0
//
// RoutingTest: a routing table, and questions to it in a line.
//
// Thread: the test's.

#pragma once

#include "amqp/field_table.h"
#include "routing/routing_table.h"

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::testing {

class RoutingTest : public ::testing::Test {
 protected:
  using Queues = std::vector<std::uint64_t>;

  void bind_queue(std::string_view exchange, std::string_view queue, std::string_view routing_key,
                  const amqp::FieldTable& arguments = {}) {
    table_.bind_queue(exchange, queue, routing_key, amqp::RawTable(arguments.to_raw()));
  }
  void unbind_queue(std::string_view exchange, std::string_view queue, std::string_view routing_key,
                    const amqp::FieldTable& arguments = {}) {
    table_.unbind_queue(exchange, queue, routing_key, amqp::RawTable(arguments.to_raw()));
  }
  /// The ids of the queues, in order. A queue that comes twice is there twice.
  Queues route(std::string_view exchange, std::string_view routing_key,
               const amqp::FieldTable& headers = {}) {
    return route_by_keys(exchange, {routing_key}, headers);
  }
  Queues route_by_keys(std::string_view exchange, const std::vector<std::string_view>& routing_keys,
                       const amqp::FieldTable& headers = {}) {
    const Exchange* const found = table_.find(exchange);
    EXPECT_NE(found, nullptr) << exchange;
    if (found == nullptr) return {};
    const std::vector<std::byte> encoded = headers.to_raw();
    std::vector<QueueId> reached;
    table_.route(*found, routing_keys, amqp::RawTable(encoded), reached);
    std::multiset<std::uint64_t> ids;
    for (const QueueId id : reached) ids.insert(id.value());
    return {ids.begin(), ids.end()};
  }

  RoutingTable table_;
};

}  // namespace leveret::testing
