// SPDX-License-Identifier: Apache-2.0
//
// The table as a whole: the default exchange, exchanges bound to exchanges, alternate exchanges,
// and that changes leave behind exactly what they should.

#include "routing/routing_table.h"

#include "routing/testing/routing_fixture.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RoutingTable : public testing::RoutingTest {
 protected:
  RoutingTable() {
    for (std::uint64_t i = 1; i <= 4; ++i) table_.add_queue(fmt::format("q{}", i), QueueId(i));
  }
  void bind_exchange(std::string_view source, std::string_view destination,
                     std::string_view routing_key = "") {
    table_.bind_exchange(source, destination, routing_key, amqp::RawTable());
  }
  /// `change` makes version() grow, or not.
  template <class Change>
  bool is_a_change(Change change) {
    const std::uint64_t before = table_.version();
    change();
    EXPECT_GE(table_.version(), before);
    return table_.version() > before;
  }
};

TEST(ExchangeType, has_rabbitmq_names) {
  for (const std::string_view name : {"direct", "fanout", "topic", "headers"}) {
    const auto type = parse_exchange_type(name);
    ASSERT_TRUE(type) << name;
    EXPECT_EQ(exchange_type_name(*type), name);
  }
  EXPECT_EQ(parse_exchange_type("Direct"), std::nullopt);
  EXPECT_EQ(parse_exchange_type(""), std::nullopt);
}

TEST(ExchangeType, says_who_deduplicates) {
  const auto with = [](const amqp::FieldTable& arguments, ExchangeType type) {
    const std::vector<std::byte> encoded = arguments.to_raw();
    return is_deduplicating(type, amqp::RawTable(encoded));
  };
  EXPECT_TRUE(with({}, ExchangeType::message_deduplication));
  EXPECT_TRUE(with({{"x-message-deduplication", true}}, ExchangeType::topic));
  EXPECT_FALSE(with({{"x-message-deduplication", false}}, ExchangeType::topic));
  EXPECT_FALSE(with({{"x-message-deduplication", 1}}, ExchangeType::topic));
  EXPECT_FALSE(with({}, ExchangeType::topic));
}

TEST_F(RoutingTable, ends_a_route_at_a_gate_and_begins_another_behind_it) {
  table_.add_exchange("front", ExchangeType::fanout, "");
  table_.add_exchange("gate", ExchangeType::message_deduplication, "");
  table_.add_exchange("second", ExchangeType::message_deduplication, "");
  table_.add_exchange("history", ExchangeType::recent_history, "");
  bind_queue("front", "q1", "");
  bind_exchange("front", "gate");
  bind_queue("gate", "q2", "");
  bind_exchange("gate", "second");
  bind_exchange("gate", "history");
  bind_queue("second", "q3", "");
  bind_queue("history", "q4", "");
  const auto noted = [this] {
    std::vector<std::string> names;
    for (const Noted& one : table_.noted()) {
      names.push_back(one.exchange->name() + (one.is_gate ? "|" : ""));
    }
    std::ranges::sort(names);
    return names;
  };

  EXPECT_THAT(route("front", "k"), ElementsAre(1));
  EXPECT_THAT(noted(), ElementsAre("gate|"));
  EXPECT_THAT(route("gate", "k"), IsEmpty());
  EXPECT_THAT(noted(), ElementsAre("gate|"));
  std::vector<QueueId> behind;
  table_.route(*table_.find("gate"), "k", {}, behind, Gate::open);
  std::ranges::sort(behind);
  EXPECT_THAT(behind, ElementsAre(QueueId(2), QueueId(4)));
  EXPECT_THAT(noted(), ElementsAre("history", "second|"));
  EXPECT_THAT(route("history", "k"), ElementsAre(4));
  EXPECT_THAT(noted(), ElementsAre("history"));
  EXPECT_THAT(route("", "q1"), ElementsAre(1));
  EXPECT_THAT(noted(), IsEmpty());
}

TEST_F(RoutingTable, routes_by_queue_name_on_the_default_exchange) {
  EXPECT_THAT(route("", "q1"), ElementsAre(1));
  EXPECT_THAT(route("", "q9"), IsEmpty());
  EXPECT_THAT(route_by_keys("", {"q1", "q2", "q1"}), ElementsAre(1, 2));

  table_.remove_queue("q1");
  EXPECT_THAT(route("", "q1"), IsEmpty());
  table_.add_queue("q1", QueueId(11));
  EXPECT_THAT(route("", "q1"), ElementsAre(11));
}

TEST_F(RoutingTable, routes_by_key_on_a_direct_exchange) {
  table_.add_exchange("d", ExchangeType::direct, "");
  bind_queue("d", "q1", "a");
  bind_queue("d", "q2", "a");
  bind_queue("d", "q3", "b");
  bind_queue("d", "q4", "");

  EXPECT_THAT(route("d", "a"), ElementsAre(1, 2));
  EXPECT_THAT(route("d", "b"), ElementsAre(3));
  EXPECT_THAT(route("d", ""), ElementsAre(4));
  EXPECT_THAT(route("d", "c"), IsEmpty());
  EXPECT_THAT(route_by_keys("d", {"b", "a", "c"}), ElementsAre(1, 2, 3));
}

TEST_F(RoutingTable, routes_everywhere_on_a_fanout_exchange_and_once_to_each) {
  table_.add_exchange("f", ExchangeType::fanout, "");
  bind_queue("f", "q1", "a");
  bind_queue("f", "q1", "b");
  bind_queue("f", "q2", "");
  bind_queue("f", "q2", "", {{"k", "v"}});

  EXPECT_THAT(route("f", "whatever"), ElementsAre(1, 2));
  EXPECT_EQ(table_.binding_count(), 4u);

  unbind_queue("f", "q1", "a");
  EXPECT_THAT(route("f", ""), ElementsAre(1, 2));
  unbind_queue("f", "q1", "b");
  EXPECT_THAT(route("f", ""), ElementsAre(2));
}

TEST_F(RoutingTable, appends_to_what_the_caller_has) {
  std::vector<QueueId> queues{QueueId(1)};
  table_.route(*table_.find(""), "q1", amqp::RawTable(), queues);
  EXPECT_THAT(queues, ElementsAre(QueueId(1), QueueId(1)));
}

TEST_F(RoutingTable, grows_its_version_with_changes_and_only_then) {
  EXPECT_TRUE(is_a_change([&] { table_.add_exchange("d", ExchangeType::direct, ""); }));
  EXPECT_TRUE(is_a_change([&] { table_.add_exchange("e", ExchangeType::direct, ""); }));
  EXPECT_TRUE(is_a_change([&] { bind_queue("d", "q1", "a"); }));
  EXPECT_FALSE(is_a_change([&] { bind_queue("d", "q1", "a"); }));
  EXPECT_TRUE(is_a_change([&] { bind_exchange("d", "e", "a"); }));
  EXPECT_FALSE(is_a_change([&] { bind_exchange("d", "e", "a"); }));
  EXPECT_FALSE(is_a_change([&] { route("d", "a"); }));
  EXPECT_FALSE(is_a_change([&] { unbind_queue("d", "q1", "b"); }));
  EXPECT_FALSE(is_a_change([&] { unbind_queue("d", "q9", "a"); }));
  EXPECT_FALSE(is_a_change([&] { unbind_queue("x", "q1", "a"); }));
  EXPECT_TRUE(is_a_change([&] { unbind_queue("d", "q1", "a"); }));
  EXPECT_FALSE(is_a_change([&] { unbind_queue("d", "q1", "a"); }));
  EXPECT_TRUE(is_a_change([&] { table_.unbind_exchange("d", "e", "a", amqp::RawTable()); }));
  EXPECT_FALSE(is_a_change([&] { table_.unbind_exchange("d", "e", "a", amqp::RawTable()); }));
  EXPECT_TRUE(is_a_change([&] { table_.remove_queue("q1"); }));
  EXPECT_FALSE(is_a_change([&] { table_.remove_queue("q1"); }));
  EXPECT_TRUE(is_a_change([&] { table_.remove_exchange("e"); }));
  EXPECT_FALSE(is_a_change([&] { table_.remove_exchange("e"); }));
}

TEST_F(RoutingTable, tells_an_exchange_from_a_queue_of_the_same_name) {
  table_.add_exchange("x", ExchangeType::fanout, "");
  table_.add_exchange("q1", ExchangeType::fanout, "");
  bind_queue("q1", "q2", "");
  bind_queue("x", "q1", "");
  EXPECT_THAT(route("x", ""), ElementsAre(1));
  bind_exchange("x", "q1");
  EXPECT_THAT(route("x", ""), ElementsAre(1, 2));
  unbind_queue("x", "q1", "");
  EXPECT_THAT(route("x", ""), ElementsAre(2));
}

TEST_F(RoutingTable, follows_exchanges_bound_to_exchanges_with_the_same_key) {
  table_.add_exchange("first", ExchangeType::topic, "");
  table_.add_exchange("second", ExchangeType::direct, "");
  table_.add_exchange("third", ExchangeType::fanout, "");
  bind_exchange("first", "second", "a.*");
  bind_exchange("second", "third", "a.b");
  bind_queue("first", "q1", "a.#");
  bind_queue("second", "q2", "a.c");
  bind_queue("third", "q3", "");
  bind_queue("third", "q1", "");

  EXPECT_THAT(route("first", "a.b"), ElementsAre(1, 3));
  EXPECT_THAT(route("first", "a.c"), ElementsAre(1, 2));
  EXPECT_THAT(route("first", "b"), IsEmpty());
}

TEST_F(RoutingTable, goes_round_a_circle_once) {
  for (const char* name : {"a", "b", "c"}) table_.add_exchange(name, ExchangeType::fanout, "");
  bind_exchange("a", "b");
  bind_exchange("b", "c");
  bind_exchange("c", "a");
  bind_exchange("a", "a");
  bind_queue("a", "q1", "");
  bind_queue("b", "q2", "");
  bind_queue("c", "q3", "");

  for (const char* name : {"a", "b", "c"}) EXPECT_THAT(route(name, ""), ElementsAre(1, 2, 3));
}

TEST_F(RoutingTable, removes_an_exchange_with_its_bindings_on_both_sides) {
  for (const char* name : {"a", "b", "c"}) table_.add_exchange(name, ExchangeType::fanout, "");
  bind_exchange("a", "b");
  bind_exchange("b", "c");
  bind_exchange("b", "b");
  bind_queue("a", "q1", "");
  bind_queue("b", "q2", "");
  bind_queue("c", "q3", "");

  table_.remove_exchange("b");
  EXPECT_EQ(table_.find("b"), nullptr);
  EXPECT_EQ(table_.binding_count(), 2u);
  EXPECT_THAT(route("a", ""), ElementsAre(1));

  table_.add_exchange("b", ExchangeType::fanout, "");
  EXPECT_THAT(route("b", ""), IsEmpty());
  EXPECT_THAT(route("a", ""), ElementsAre(1));
}

TEST_F(RoutingTable, removes_a_queue_with_its_bindings_from_every_type_of_exchange) {
  for (const char* type : {"direct", "fanout", "topic", "headers"}) {
    table_.add_exchange(type, *parse_exchange_type(type), "");
    for (const char* key : {"a", "b", "*.#"}) {
      for (const char* queue : {"q1", "q2", "q3"}) {
        bind_queue(type, queue, key);
        bind_queue(type, queue, key, {{"k", queue}});
      }
    }
  }
  table_.remove_queue("q2");
  EXPECT_EQ(table_.binding_count(), 4u * 3 * 2 * 2);
  for (const char* type : {"direct", "fanout", "topic", "headers"}) {
    EXPECT_THAT(route(type, "a"), ElementsAre(1, 3)) << type;
  }
  table_.remove_queue("q1");
  table_.remove_queue("q3");
  EXPECT_EQ(table_.binding_count(), 0u);
}

TEST_F(RoutingTable, goes_to_the_alternate_exchange_when_nothing_matches) {
  table_.add_exchange("x", ExchangeType::direct, "ae");
  bind_queue("x", "q1", "hit");
  EXPECT_THAT(route("x", "miss"), IsEmpty());  // There is none yet.

  table_.add_exchange("ae", ExchangeType::fanout, "");
  bind_queue("ae", "q2", "");
  EXPECT_THAT(route("x", "miss"), ElementsAre(2));
  EXPECT_THAT(route("x", "hit"), ElementsAre(1));

  table_.remove_exchange("ae");
  EXPECT_THAT(route("x", "miss"), IsEmpty());
}

TEST_F(RoutingTable, goes_along_a_chain_of_alternate_exchanges) {
  table_.add_exchange("a", ExchangeType::direct, "b");
  table_.add_exchange("b", ExchangeType::direct, "c");
  table_.add_exchange("c", ExchangeType::topic, "a");  // A circle.
  bind_queue("c", "q1", "*");
  bind_queue("a", "q2", "x.y");

  EXPECT_THAT(route("a", "k"), ElementsAre(1));
  EXPECT_THAT(route("c", "x.y"), ElementsAre(2));
  EXPECT_THAT(route("b", "u.v"), IsEmpty());
}

TEST_F(RoutingTable, is_its_own_alternate_exchange_without_end) {
  table_.add_exchange("x", ExchangeType::direct, "x");
  EXPECT_THAT(route("x", "k"), IsEmpty());
}

// The next three were asked of RabbitMQ 3.10.8.
TEST_F(RoutingTable, takes_a_bound_exchange_for_a_match_even_if_nothing_is_behind_it) {
  table_.add_exchange("ae", ExchangeType::fanout, "");
  table_.add_exchange("first", ExchangeType::fanout, "ae");
  table_.add_exchange("second", ExchangeType::fanout, "");
  bind_queue("ae", "q1", "");
  EXPECT_THAT(route("first", ""), ElementsAre(1));
  bind_exchange("first", "second");
  EXPECT_THAT(route("first", ""), IsEmpty());
}

TEST_F(RoutingTable, asks_alternates_of_exchanges_on_the_way_but_not_in_a_circle) {
  table_.add_exchange("ae", ExchangeType::fanout, "");
  table_.add_exchange("first", ExchangeType::fanout, "ae");
  table_.add_exchange("second", ExchangeType::fanout, "ae");
  bind_queue("ae", "q1", "");
  bind_exchange("first", "second");
  EXPECT_THAT(route("first", ""), ElementsAre(1));
  bind_exchange("second", "first");
  EXPECT_THAT(route("first", ""), IsEmpty());
}

TEST_F(RoutingTable, goes_to_the_alternate_exchange_only_when_none_of_several_keys_matches) {
  table_.add_exchange("ae", ExchangeType::fanout, "");
  table_.add_exchange("x", ExchangeType::direct, "ae");
  bind_queue("ae", "q1", "");
  bind_queue("x", "q2", "hit");
  EXPECT_THAT(route_by_keys("x", {"miss", "hit"}), ElementsAre(2));
  EXPECT_THAT(route_by_keys("x", {"miss", "another"}), ElementsAre(1));
}

TEST_F(RoutingTable, keeps_an_exchange_in_place_while_others_come) {
  table_.add_exchange("x", ExchangeType::direct, "");
  const Exchange* const before = table_.find("x");
  for (int i = 0; i < 1000; ++i) {
    table_.add_exchange(fmt::format("x{}", i), ExchangeType::direct, "");
  }
  EXPECT_EQ(table_.find("x"), before);
}

TEST_F(RoutingTable, holds_100000_bindings_and_lets_go_of_just_those_of_a_queue) {
  constexpr int queue_count = 1000;
  constexpr int bindings_each = 25;
  const std::vector<std::string> types = {"direct", "fanout", "topic", "headers"};
  for (const std::string& type : types) {
    table_.add_exchange(type, *parse_exchange_type(type), "");
  }
  const auto key_of = [](const std::string& type, int queue, int i) {
    return fmt::format("{}.{}{}", queue, i, type == "topic" ? ".*" : "");
  };
  for (int queue = 0; queue < queue_count; ++queue) {
    const std::string name = fmt::format("many{}", queue);
    table_.add_queue(name, QueueId(1000 + static_cast<std::uint64_t>(queue)));
    for (const std::string& type : types) {
      for (int i = 0; i < bindings_each; ++i) bind_queue(type, name, key_of(type, queue, i));
    }
  }
  EXPECT_EQ(table_.binding_count(), 100'000u);

  table_.remove_queue("many7");
  EXPECT_EQ(table_.binding_count(), 99'900u);
  EXPECT_THAT(route("direct", "7.3"), IsEmpty());
  EXPECT_THAT(route("direct", "8.3"), ElementsAre(1008));
  EXPECT_THAT(route("topic", "7.3.x"), IsEmpty());
  EXPECT_THAT(route("topic", "999.24.x"), ElementsAre(1999));
  EXPECT_THAT(route("fanout", ""), SizeIs(queue_count - 1));
  EXPECT_THAT(route("headers", ""), SizeIs(queue_count - 1));

  for (int queue = 0; queue < queue_count; ++queue) {
    table_.remove_queue(fmt::format("many{}", queue));
  }
  EXPECT_EQ(table_.binding_count(), 0u);
  for (const std::string& type : types) EXPECT_THAT(route(type, "8.3"), IsEmpty()) << type;
}

}  // namespace
}  // namespace leveret
