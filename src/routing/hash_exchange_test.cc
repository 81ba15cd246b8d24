// SPDX-License-Identifier: Apache-2.0
//
// Exchanges that give each message to one binding: how evenly, how steadily, by what.
#include "routing/hash_exchange.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"
#include "routing/routing_table.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class HashExchanges : public ::testing::Test {
 protected:
  void declare(ExchangeType type, const amqp::FieldTable& arguments = {}) {
    const std::vector<std::byte> raw = arguments.to_raw();
    table_.add_exchange("x", type, "", amqp::RawTable(raw));
  }
  void bind(const std::string& queue, std::string_view key) {
    if (!names_.contains(queue)) {
      names_[queue] = QueueId(names_.size() + 1);
      table_.add_queue(queue, names_[queue]);
    }
    table_.bind_queue("x", queue, key, {});
  }
  std::string route(std::string_view key, const PublishedProperties& properties = {}) {
    std::vector<QueueId> queues;
    table_.route(*table_.find("x"), key, properties, queues);
    EXPECT_LE(queues.size(), 1u);
    for (const auto& [name, id] : names_) {
      if (!queues.empty() && queues[0] == id) return name;
    }
    return "";
  }
  std::map<std::string, std::string> routes(int count) {
    std::map<std::string, std::string> all;
    for (int i = 0; i < count; ++i) {
      const std::string key = fmt::format("key {}", i);
      all[key] = route(key);
    }
    return all;
  }
  static std::map<std::string, int> shares(const std::map<std::string, std::string>& routes) {
    std::map<std::string, int> counts;
    for (const auto& [key, queue] : routes) ++counts[queue];
    return counts;
  }

  RoutingTable table_;
  std::map<std::string, QueueId> names_;
};

TEST_F(HashExchanges, without_bindings_lead_nowhere) {
  for (const ExchangeType type : {ExchangeType::consistent_hash, ExchangeType::modulus_hash,
                                  ExchangeType::random, ExchangeType::local_random}) {
    declare(type);
    EXPECT_EQ(route("k"), "");
    table_.remove_exchange("x");
  }
}

TEST_F(HashExchanges, consistent_hash_shares_by_weight) {
  declare(ExchangeType::consistent_hash);
  bind("a", "1");
  bind("b", "1");
  bind("c", "2");
  const auto counts = shares(routes(8000));
  EXPECT_NEAR(counts.at("a"), 2000, 150);
  EXPECT_NEAR(counts.at("b"), 2000, 150);
  EXPECT_NEAR(counts.at("c"), 4000, 200);
}

TEST_F(HashExchanges, consistent_hash_moves_only_what_must) {
  declare(ExchangeType::consistent_hash);
  for (const char* queue : {"a", "b", "c"}) bind(queue, "1");
  const auto before = routes(3000);
  EXPECT_EQ(routes(3000), before);

  bind("d", "1");
  const auto with_d = routes(3000);
  for (const auto& [key, queue] : with_d) {
    EXPECT_TRUE(queue == "d" || queue == before.at(key)) << key;
  }
  table_.unbind_queue("x", "d", "1", {});
  EXPECT_EQ(routes(3000), before);
  table_.remove_queue("a");
  names_.erase("a");
  for (const auto& [key, queue] : routes(3000)) {
    EXPECT_TRUE(before.at(key) == "a" || queue == before.at(key)) << key;
  }
}

TEST_F(HashExchanges, the_order_of_bindings_does_not_matter) {
  for (const ExchangeType type : {ExchangeType::consistent_hash, ExchangeType::modulus_hash}) {
    declare(type);
    for (const char* queue : {"a", "b", "c", "d"}) bind(queue, "3");
    const auto before = routes(500);
    table_.remove_exchange("x");
    declare(type);
    for (const char* queue : {"d", "b", "a", "c"}) bind(queue, "3");
    EXPECT_EQ(routes(500), before);
    table_.remove_exchange("x");
  }
}

TEST_F(HashExchanges, a_second_binding_to_the_same_queue_does_not_count) {
  declare(ExchangeType::consistent_hash);
  bind("a", "1");
  bind("a", "30");
  bind("b", "1");
  EXPECT_NEAR(shares(routes(4000)).at("a"), 2000, 150);
}

TEST_F(HashExchanges, by_a_header_the_routing_key_does_not_matter) {
  declare(ExchangeType::consistent_hash, {{"hash-header", "h"}});
  for (const char* queue : {"a", "b", "c"}) bind(queue, "5");
  EXPECT_TRUE(table_.looks_at_headers());
  std::map<std::string, int> counts;
  for (int i = 0; i < 300; ++i) {
    amqp::FieldTable headers;
    headers.set("h", i % 2 ? amqp::FieldValue(fmt::format("v{}", i)) : amqp::FieldValue(i));
    const std::vector<std::byte> raw = headers.to_raw();
    const std::string queue = route("k", amqp::RawTable(raw));
    EXPECT_EQ(route("another", amqp::RawTable(raw)), queue);
    ++counts[queue];
  }
  EXPECT_THAT(counts, SizeIs(3));
  EXPECT_EQ(route("without"), route("the header"));
}

TEST_F(HashExchanges, by_a_property) {
  for (const char* name : {"message_id", "correlation_id", "timestamp"}) {
    declare(ExchangeType::consistent_hash, {{"hash-property", name}});
    for (const char* queue : {"a", "b", "c"}) bind(queue, "5");
    EXPECT_TRUE(table_.is_unsteady());
    std::map<std::string, int> counts;
    for (std::uint64_t i = 0; i < 300; ++i) {
      const std::string text = fmt::format("v{}", i);
      amqp::BasicProperties properties;
      properties.message_id = text;
      properties.correlation_id = text;
      properties.timestamp = i;
      const std::vector<std::byte> raw = properties.to_raw();
      const std::string queue = route("k", {{}, raw});
      EXPECT_EQ(route("another", {{}, raw}), queue);
      ++counts[queue];
    }
    EXPECT_THAT(counts, SizeIs(3)) << name;
    EXPECT_EQ(route("without"), route("any"));
    table_.remove_exchange("x");
    EXPECT_FALSE(table_.is_unsteady());
  }
}

TEST_F(HashExchanges, modulus_hash_is_even_and_the_same_for_the_same_key) {
  declare(ExchangeType::modulus_hash);
  for (const char* queue : {"a", "b", "c", "d"}) bind(queue, "any");
  const auto before = routes(4000);
  EXPECT_EQ(routes(4000), before);
  for (const auto& [queue, count] : shares(before)) EXPECT_NEAR(count, 1000, 120) << queue;
}

TEST_F(HashExchanges, random_is_even_by_bindings_and_never_steady) {
  for (const ExchangeType type : {ExchangeType::random, ExchangeType::local_random}) {
    declare(type);
    for (const char* queue : {"a", "b", "c"}) bind(queue, "k");
    bind("a", "once more");
    EXPECT_TRUE(table_.is_unsteady());
    std::map<std::string, int> counts;
    for (int i = 0; i < 4000; ++i) ++counts[route("same")];
    EXPECT_NEAR(counts.at("a"), 2000, 150);
    EXPECT_NEAR(counts.at("b"), 1000, 150);
    table_.remove_exchange("x");
    EXPECT_FALSE(table_.is_unsteady());
  }
}

std::string complaint(const amqp::AmqpResult<void>& result) {
  return result ? "" : result.error().text;
}
std::string about(const amqp::FieldTable& arguments) {
  const std::vector<std::byte> raw = arguments.to_raw();
  return complaint(validate_hash_arguments(amqp::RawTable(raw), "exchange 'x' in vhost '/'"));
}

TEST(HashArguments, are_refused_with_the_plugins_words) {
  EXPECT_THAT(about({}), IsEmpty());
  EXPECT_THAT(about({{"hash-header", ""}}), IsEmpty());
  EXPECT_THAT(about({{"hash-property", "timestamp"}}), IsEmpty());
  EXPECT_EQ(about({{"hash-property", "app_id"}}), "Unsupported property: app_id");
  EXPECT_EQ(about({{"hash-header", "a"}, {"hash-property", "message_id"}}),
            "hash-header and hash-property are mutually exclusive");
  EXPECT_EQ(about({{"hash-header", std::int32_t{1}}}),
            "invalid type 'signedint' for arg 'hash-header' in exchange 'x' in vhost '/'");
}

TEST(HashWeight, is_a_number_above_zero) {
  for (const char* good : {"1", "100000", "01"}) EXPECT_TRUE(validate_hash_weight(good)) << good;
  EXPECT_EQ(complaint(validate_hash_weight("0")), "The binding key must be greater than 0");
  EXPECT_EQ(complaint(validate_hash_weight("-1")), "The binding key must be greater than 0");
  EXPECT_EQ(complaint(validate_hash_weight("")), "The binding key must be an integer: <<>>");
  EXPECT_EQ(complaint(validate_hash_weight(" 1")),
            "The binding key must be an integer: <<\" 1\">>");
}

}  // namespace
}  // namespace leveret
