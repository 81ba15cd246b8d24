// SPDX-License-Identifier: Apache-2.0
//
// What it costs to find the queues of a message, and to change what they are.
//
//   direct/N           N queues, each bound with its own key; a key that one of them has
//   direct_miss/N      ... and a key that none has
//   default_exchange/N N queues; by name
//   fanout/N           N queues
//   topic/N            N patterns of four words, a third each of the forms `a.b.*.d`, `a.*.c.#`
//                      and `a.b.c.d`; keys that match about one of each
//   topic_hashes       ten patterns with many `#` against the longest key there can be
//   headers/N          N bindings with two criteria each; three headers
//   exchanges/N        a chain of N fanout exchanges with one queue at its end
//   bind_unbind/N      a binding comes and goes beside N others on a topic exchange
//   queue_of_100/N     a queue with 100 bindings comes and goes beside N others on a direct
//   exchange
//
// Keys are drawn from a fixed seed, so that the hash tables are walked in no order.

#include "amqp/field_table.h"
#include "routing/routing_table.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

namespace leveret {
namespace {

constexpr std::uint64_t seed = 1;
constexpr std::size_t key_count = 4096;

void add_queues(RoutingTable& table, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    table.add_queue(fmt::format("queue-{}", i), QueueId(static_cast<std::uint64_t>(i) + 1));
  }
}

void bind_key(RoutingTable& table, std::string_view exchange, std::int64_t queue,
              std::string_view routing_key, amqp::RawTable arguments = {}) {
  table.bind_queue(exchange, fmt::format("queue-{}", queue), routing_key, arguments);
}

template <class MakeKey>
std::vector<std::string> draw_keys(MakeKey make_key) {
  std::mt19937_64 random(seed);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < key_count; ++i) keys.push_back(make_key(random));
  return keys;
}

/// Routes the keys in turn, and reports how many queues each reached.
void route_all(benchmark::State& state, RoutingTable& table, std::string_view exchange,
               const std::vector<std::string>& keys, amqp::RawTable headers = {}) {
  const Exchange& from = *table.find(exchange);
  std::vector<QueueId> queues;
  std::uint64_t reached = 0;
  std::size_t next = 0;
  for (auto _ : state) {
    queues.clear();
    table.route(from, keys[next], headers, queues);
    benchmark::DoNotOptimize(queues.data());
    reached += queues.size();
    next = (next + 1) % keys.size();
  }
  state.counters["queues"] =
      benchmark::Counter(static_cast<double>(reached), benchmark::Counter::kAvgIterations);
}

auto some_key_below(std::int64_t limit, const char* prefix) {
  return [=](std::mt19937_64& random) {
    return fmt::format("{}{}", prefix, random() % static_cast<std::uint64_t>(limit));
  };
}

void direct(benchmark::State& state) {
  RoutingTable table;
  table.add_exchange("x", ExchangeType::direct, "");
  add_queues(table, state.range(0));
  for (std::int64_t i = 0; i < state.range(0); ++i)
    bind_key(table, "x", i, fmt::format("key-{}", i));
  route_all(state, table, "x", draw_keys(some_key_below(state.range(0), "key-")));
}
BENCHMARK(direct)->Arg(1)->Arg(10'000)->Arg(1'000'000);

void direct_miss(benchmark::State& state) {
  RoutingTable table;
  table.add_exchange("x", ExchangeType::direct, "");
  add_queues(table, state.range(0));
  for (std::int64_t i = 0; i < state.range(0); ++i)
    bind_key(table, "x", i, fmt::format("key-{}", i));
  route_all(state, table, "x", draw_keys(some_key_below(state.range(0), "other-")));
}
BENCHMARK(direct_miss)->Arg(10'000);

void default_exchange(benchmark::State& state) {
  RoutingTable table;
  add_queues(table, state.range(0));
  route_all(state, table, "", draw_keys(some_key_below(state.range(0), "queue-")));
}
BENCHMARK(default_exchange)->Arg(1)->Arg(10'000);

void fanout(benchmark::State& state) {
  RoutingTable table;
  table.add_exchange("x", ExchangeType::fanout, "");
  add_queues(table, state.range(0));
  for (std::int64_t i = 0; i < state.range(0); ++i) bind_key(table, "x", i, "");
  route_all(state, table, "x", {"key"});
}
BENCHMARK(fanout)->Arg(1)->Arg(10)->Arg(1000);

void bind_topics(RoutingTable& table, std::int64_t count) {
  table.add_exchange("x", ExchangeType::topic, "");
  add_queues(table, count);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t group = i / 3;
    const std::int64_t a = group % 100;
    const std::int64_t b = group / 100;
    switch (i % 3) {
      case 0:
        bind_key(table, "x", i, fmt::format("site{}.room{}.*.warm", a, b));
        break;
      case 1:
        bind_key(table, "x", i, fmt::format("site{}.*.sensor{}.#", a, b));
        break;
      default:
        bind_key(table, "x", i, fmt::format("site{}.room{}.sensor{}.warm", a, b, b));
    }
  }
}

void topic(benchmark::State& state) {
  RoutingTable table;
  bind_topics(table, state.range(0));
  const auto groups = static_cast<std::uint64_t>(state.range(0)) / 3;
  route_all(state, table, "x", draw_keys([=](std::mt19937_64& random) {
              const std::uint64_t group = random() % groups;
              return fmt::format("site{}.room{}.sensor{}.warm", group % 100, group / 100,
                                 group / 100);
            }));
}
BENCHMARK(topic)->Arg(30)->Arg(10'000)->Arg(1'000'000);

void topic_hashes(benchmark::State& state) {
  RoutingTable table;
  table.add_exchange("x", ExchangeType::topic, "");
  add_queues(table, 10);
  std::string pattern = "#";
  for (std::int64_t i = 0; i < 10; ++i) {
    for (int more = 0; more < 6; ++more) pattern += ".*.#";
    bind_key(table, "x", i, pattern + ".end");
  }
  route_all(state, table, "x", {std::string(255, '.')});
}
BENCHMARK(topic_hashes);

void headers(benchmark::State& state) {
  RoutingTable table;
  table.add_exchange("x", ExchangeType::headers, "");
  add_queues(table, state.range(0));
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    const std::vector<std::byte> arguments =
        amqp::FieldTable{{"customer", i}, {"format", "pdf"}}.to_raw();
    bind_key(table, "x", i, "", amqp::RawTable(arguments));
  }
  const std::vector<std::byte> encoded =
      amqp::FieldTable{{"format", "pdf"}, {"customer", std::int64_t{0}}, {"urgent", true}}.to_raw();
  route_all(state, table, "x", {""}, amqp::RawTable(encoded));
}
BENCHMARK(headers)->Arg(1)->Arg(100);

void exchanges(benchmark::State& state) {
  RoutingTable table;
  add_queues(table, 1);
  const auto name = [](std::int64_t i) { return fmt::format("x{}", i); };
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    table.add_exchange(name(i), ExchangeType::fanout, "");
    if (i > 0) table.bind_exchange(name(i - 1), name(i), "", amqp::RawTable());
  }
  bind_key(table, name(state.range(0) - 1), 0, "");
  route_all(state, table, "x0", {"key"});
}
BENCHMARK(exchanges)->Arg(2)->Arg(10);

void bind_unbind(benchmark::State& state) {
  RoutingTable table;
  bind_topics(table, state.range(0));
  for (auto _ : state) {
    table.bind_queue("x", "queue-0", "one.*.more", amqp::RawTable());
    table.unbind_queue("x", "queue-0", "one.*.more", amqp::RawTable());
  }
}
BENCHMARK(bind_unbind)->Arg(30)->Arg(10'000)->Arg(1'000'000);

void queue_of_100(benchmark::State& state) {
  RoutingTable table;
  table.add_exchange("x", ExchangeType::direct, "");
  add_queues(table, 1);
  for (std::int64_t i = 0; i < state.range(0); ++i)
    bind_key(table, "x", 0, fmt::format("key-{}", i));
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back(fmt::format("key-of-mine-{}", i));
  for (auto _ : state) {
    table.add_queue("mine", QueueId(2));
    for (const std::string& key : keys) table.bind_queue("x", "mine", key, amqp::RawTable());
    table.remove_queue("mine");
  }
}
BENCHMARK(queue_of_100)->Arg(100)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace leveret

BENCHMARK_MAIN();
