// SPDX-License-Identifier: Apache-2.0
//
// The table of refusals: a row is the bytes that go in and the answer that comes out. Each file
// `*_refusals_test.cc` gives the rows of one noun; the test itself is in refusal.cc.
//
// What a row's run checks, besides its answer:
//  - a closed channel can be opened again, and the connection's other channel works;
//  - a closed connection ends when it is told close-ok;
//  - another connection, a bystander with a queue and a consumer, notices nothing, and a new
//    connection can be made, declare, publish and get.
//
// Names in rows: queue `wire.q` and exchange `wire.x` are the row's own and deleted after it; queue
// `wire.locked` is exclusive to the bystander; exchange `wire.internal` is internal; `wire.none`
// does not exist.

#pragma once

#include "bytes.h"
#include "wire_client.h"

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret::wire {

struct Refusal {
  /// Unique in its table; letters, digits and underscores.
  std::string name;
  /// Sent at once on a connection with channels 1 and 2 open. What is answered before the refusal
  /// is passed over.
  std::string bytes;
  /// A close, an end; or answers(method) where one might expect a refusal and there is none.
  Answer expected;
  /// Where the answer comes.
  std::uint16_t channel = 1;
  Login login{};
  /// What RabbitMQ 3.10.8 does instead, where we promise something else. Each use says why.
  std::optional<Answer> rabbitmq_differs = std::nullopt;
  /// False: after this row's bytes nobody can tell where the next frame begins, so RabbitMQ does
  /// not find our close-ok and waits for its own timeout.
  bool keeps_framing = true;
  /// What Leveret does not have yet: the row is asked of RabbitMQ alone.
  std::string leveret_lacks = {};

  friend std::ostream& operator<<(std::ostream& out, const Refusal& row) { return out << row.name; }
};

class Refusals : public testing::TestWithParam<Refusal> {};

[[nodiscard]] std::string row_name(const testing::TestParamInfo<Refusal>& info);

/// Fails the test unless the broker serves the bystander and a new connection; then deletes what
/// rows may have left.
void expect_broker_serves();

}  // namespace leveret::wire

/// Puts rows() into the test, as one table: LEVERET_REFUSALS(Exchange, exchange_rows());
#define LEVERET_REFUSALS(table, rows) \
  INSTANTIATE_TEST_SUITE_P(table, Refusals, testing::ValuesIn(rows), row_name)
