// SPDX-License-Identifier: Apache-2.0
//
// Topic patterns: a table of cases (those with odd keys were asked of RabbitMQ 3.10.8), and random
// ones against the plain definition.

#include "routing/topic_exchange.h"

#include "amqp/testing/seed.h"
#include "routing/testing/plain_topic.h"
#include "routing/testing/routing_fixture.h"

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::topic_matches;

class TopicExchange : public testing::RoutingTest {
 protected:
  TopicExchange() { table_.add_exchange("t", ExchangeType::topic, ""); }

  void add_queues(std::uint64_t count) {
    for (std::uint64_t i = 1; i <= count; ++i) table_.add_queue(fmt::format("q{}", i), QueueId(i));
  }
};

struct Case {
  std::string pattern;
  std::string key;
  bool matches;
};

const std::vector<Case> cases = {
    {"a", "a", true},
    {"a", "b", false},
    {"a.b", "a.b", true},
    {"a.b", "a", false},
    {"a.b", "a.b.c", false},
    {"*", "a", true},
    {"*", "a.b", false},
    {"*.b", "a.b", true},
    {"a.*", "a.b", true},
    {"a.*.c", "a.b.c", true},
    {"a.*.c", "a.c", false},
    {"#", "a", true},
    {"#", "a.b.c", true},
    {"a.#", "a", true},
    {"a.#", "a.b.c", true},
    {"a.#", "b", false},
    {"#.c", "c", true},
    {"#.c", "a.b.c", true},
    {"#.c", "a.c.b", false},
    {"a.#.c", "a.c", true},
    {"a.#.c", "a.b.b.c", true},
    {"a.#.c", "a.b.b", false},
    {"#.b.#", "a.b.c", true},
    {"#.b.#", "a.c", false},
    {"#.#", "a", true},
    {"*.#", "a", true},
    {"#.*", "a", true},
    {"*.*.#", "a", false},
    {"#.*.b.*.#", "x.b.y.b.z", true},
    {"#.*.b.*.#", "b.y", false},
    // Empty keys have no words; empty words are words.
    {"", "", true},
    {"", "a", false},
    {"*", "", false},
    {"#", "", true},
    {"#.#", "", true},
    {"#.*", "", false},
    {"*.#", "", false},
    {"*", ".", false},
    {"*.*", ".", true},
    {".", ".", true},
    {"a", "a.", false},
    {"a.*", "a.", true},
    {"a.#", "a.", true},
    {"a.#.b", "a.b", true},
    {"a.#.b", "a..b", true},
    {"a.*.b", "a..b", true},
    {"..", "..", true},
    {"*..*", "a..b", true},
    {"*..*", "a.x.b", false},
    // Wildcards are whole words of patterns; in keys they are words.
    {"##", "a", false},
    {"##", "##", true},
    {"a*", "ab", false},
    {"a*", "a*", true},
    {"*", "#", true},
    {"a.*", "a.*", true},
    {"a.b", "a.*", false},
    {"a.b", "a.#", false},
};

TEST_F(TopicExchange, matches_by_words) {
  table_.add_queue("q", QueueId(1));
  for (const Case& each : cases) {
    SCOPED_TRACE(fmt::format("pattern '{}' key '{}'", each.pattern, each.key));
    bind_queue("t", "q", each.pattern);
    EXPECT_EQ(!route("t", each.key).empty(), each.matches);
    EXPECT_EQ(topic_matches(each.pattern, each.key), each.matches);
    unbind_queue("t", "q", each.pattern);
    EXPECT_THAT(route("t", each.key), IsEmpty());
  }
}

TEST_F(TopicExchange, keeps_patterns_apart_when_all_are_bound) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string queue = fmt::format("q{}", i);
    table_.add_queue(queue, QueueId(i));
    bind_queue("t", queue, cases[i].pattern);
  }
  for (const Case& each : cases) {
    Queues expected;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (topic_matches(cases[i].pattern, each.key)) expected.push_back(i);
    }
    EXPECT_EQ(route("t", each.key), expected) << each.key;
  }
}

TEST_F(TopicExchange, reaches_a_queue_once_by_many_patterns) {
  add_queues(2);
  for (const char* pattern : {"a.b", "a.*", "*.b", "#", "a.#", "#.b", "a.#.#.b"}) {
    bind_queue("t", "q1", pattern);
  }
  bind_queue("t", "q2", "a.*");

  EXPECT_THAT(route("t", "a.b"), ElementsAre(1, 2));
}

TEST_F(TopicExchange, agrees_with_the_definition_on_random_patterns_that_come_and_go) {
  const amqp::testing::Seed seed;
  SCOPED_TRACE(seed.how_to_repeat());
  std::mt19937_64 random(seed.value);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  const auto random_key = [&](bool is_pattern) {
    const std::vector<std::string> words = {"a", "b", "", "*", "#", "#"};
    std::string key;
    const std::size_t count = below(7);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) key += '.';
      key += words[below(is_pattern ? 6 : 3)];
    }
    return key;
  };
  constexpr std::uint64_t queue_count = 8;
  add_queues(queue_count);
  std::set<std::pair<std::uint64_t, std::string>> bound;

  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t queue = 1 + below(queue_count);
    const std::string pattern = random_key(true);
    const std::string name = fmt::format("q{}", queue);
    if (!bound.empty() && below(2) == 0) {
      const auto victim = std::next(bound.begin(), static_cast<long>(below(bound.size())));
      unbind_queue("t", fmt::format("q{}", victim->first), victim->second);
      bound.erase(victim);
    } else {
      bind_queue("t", name, pattern);
      bound.emplace(queue, pattern);
    }

    const std::string key = random_key(false);
    std::set<std::uint64_t> expected;
    for (const auto& [to, by] : bound) {
      if (topic_matches(by, key)) expected.insert(to);
    }
    ASSERT_EQ(route("t", key), Queues(expected.begin(), expected.end())) << "key '" << key << "'";
    ASSERT_EQ(table_.binding_count(), bound.size());
  }
}

TEST_F(TopicExchange, is_not_slowed_by_many_hashes) {
  add_queues(2);
  std::string hashes = "#";
  std::string hashes_and_words = "#";
  for (int i = 0; i < 60; ++i) {
    hashes += ".#";
    hashes_and_words += ".*.#";
  }
  bind_queue("t", "q1", hashes + ".a");
  bind_queue("t", "q2", hashes_and_words);
  const std::string dots(255, '.');

  // By backtracking this would take longer than there is time.
  EXPECT_THAT(route("t", dots), ElementsAre(2));
  EXPECT_THAT(route("t", dots.substr(1) + "a"), ElementsAre(1, 2));
}

TEST(TopicTrie, gives_every_node_back) {
  RoutingTable table;
  table.add_exchange("x", ExchangeType::topic, "");
  table.add_exchange("y", ExchangeType::fanout, "");
  const Exchange* const from = table.find("x");
  QueueDestination queue("q", QueueId(1));
  std::vector<std::unique_ptr<Binding>> bindings;
  TopicTrie trie;
  for (const char* pattern :
       {"a.*.c", "a.*", "a.#", "#", "a.*.c", "#.#.x", "*.*.*", "...#", "a.b.c.d.#"}) {
    bindings.push_back(std::make_unique<Binding>(const_cast<Exchange&>(*from), queue, pattern, ""));
    trie.add(*bindings.back());
  }
  // a, a.*, a.*.c, a.#, #, #.#, #.#.x, *, *.*, *.*.*, three empty words and #, a.b, .c, .d, .#
  EXPECT_EQ(trie.size(), 18u);

  trie.remove(*bindings[1]);
  EXPECT_EQ(trie.size(), 18u);  // a.* is still on the way to a.*.c,
  trie.remove(*bindings[0]);
  EXPECT_EQ(trie.size(), 18u);  // which is bound twice.
  trie.remove(*bindings[4]);
  EXPECT_EQ(trie.size(), 16u);
  for (const int i : {2, 3, 5, 6, 7, 8}) trie.remove(*bindings[i]);
  EXPECT_EQ(trie.size(), 0u);
}

TEST(WordTable, keeps_a_word_while_it_is_held) {
  WordTable words;
  const WordId first = words.hold("a");
  EXPECT_EQ(words.hold("a"), first);
  const WordId second = words.hold("b");
  EXPECT_NE(second, first);

  words.release(first);
  EXPECT_EQ(words.find("a"), first);
  words.release(first);
  EXPECT_EQ(words.find("a"), std::nullopt);
  EXPECT_EQ(words.find("b"), second);
  EXPECT_EQ(words.hold("c"), first);  // The number is used again.
}

}  // namespace
}  // namespace leveret
