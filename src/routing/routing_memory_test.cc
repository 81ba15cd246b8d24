// SPDX-License-Identifier: Apache-2.0
//
// What routing asks of the allocator, counted: nothing while messages pass, and all of it back when
// bindings go. This file replaces the program's operator new and delete.

#include "routing/testing/routing_fixture.h"

#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

namespace {

std::size_t allocations = 0;
std::ptrdiff_t live_bytes = 0;

void* counted_allocation(std::size_t bytes) {
  ++allocations;
  void* const memory = std::malloc(bytes != 0 ? bytes : 1);
  if (memory == nullptr) std::abort();
  live_bytes += static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
  return memory;
}

void counted_release(void* memory) {
  if (memory == nullptr) return;
  live_bytes -= static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t bytes) { return counted_allocation(bytes); }
void* operator new[](std::size_t bytes) { return counted_allocation(bytes); }
void operator delete(void* memory) noexcept { counted_release(memory); }
void operator delete[](void* memory) noexcept { counted_release(memory); }
void operator delete(void* memory, std::size_t) noexcept { counted_release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { counted_release(memory); }

namespace leveret {
namespace {

class RoutingMemory : public testing::RoutingTest {
 protected:
  RoutingMemory() {
    for (const char* type : types) table_.add_exchange(type, *parse_exchange_type(type), "");
  }
  void bind_many() {
    for (std::uint64_t i = 0; i < 1000; ++i) {
      const std::string queue = fmt::format("queue {}", i);
      table_.add_queue(queue, QueueId(i));
      for (const char* type : types) {
        bind_queue(type, queue, fmt::format("{}.*.a key too long to lie in a string", i % 100));
        bind_queue(type, queue, fmt::format("plain {}", i), {{"n", static_cast<std::int64_t>(i)}});
      }
    }
  }
  void remove_many() {
    for (int i = 0; i < 1000; ++i) table_.remove_queue(fmt::format("queue {}", i));
  }

  static constexpr const char* types[] = {"direct", "fanout", "topic", "headers"};
};

TEST_F(RoutingMemory, is_not_asked_for_while_messages_pass) {
  bind_many();
  for (const char* type : types) {
    if (std::string_view(type) != "fanout") {
      table_.bind_exchange("fanout", type, "", amqp::RawTable());
    }
  }
  const std::vector<std::byte> headers =
      amqp::FieldTable{{"z", "z"}, {"n", std::int64_t{7}}, {"a", true}}.to_raw();
  const Exchange& fanout = *table_.find("fanout");
  const std::string key = "7.any word.a key too long to lie in a string";
  std::vector<QueueId> queues;
  const auto route_once = [&] {
    queues.clear();
    table_.route(fanout, key, amqp::RawTable(headers), queues);
  };
  route_once();
  ASSERT_EQ(queues.size(), 1000u);

  const std::size_t before = allocations;
  for (int i = 0; i < 100; ++i) route_once();
  EXPECT_EQ(allocations, before);
}

TEST_F(RoutingMemory, comes_back_when_bindings_go) {
  const std::ptrdiff_t before = live_bytes;
  bind_many();
  EXPECT_GT(live_bytes, before + 1'000'000);
  remove_many();
  EXPECT_LT(live_bytes, before + 100'000);  // What is left is the table of queue names.
}

TEST_F(RoutingMemory, does_not_grow_with_what_comes_and_goes_beside_what_stays) {
  table_.add_queue("q", QueueId(1));
  const auto come_and_go = [&](int round) {
    for (const char* type : types) {
      const std::string key = fmt::format("{}.*.a key too long to lie in a string", round);
      bind_queue(type, "q", key, {{"n", round}});
      unbind_queue(type, "q", key, {{"n", round}});
    }
  };
  for (const char* type : types) bind_queue(type, "q", "one.*.that stays");
  for (int round = 0; round < 1000; ++round) come_and_go(round);
  const std::ptrdiff_t before = live_bytes;
  for (int round = 1000; round < 2000; ++round) come_and_go(round);
  EXPECT_EQ(live_bytes, before);
}

TEST_F(RoutingMemory, of_a_long_list_comes_back_when_few_are_left) {
  const std::ptrdiff_t before = live_bytes;
  for (std::uint64_t i = 0; i < 10'000; ++i) table_.add_queue(fmt::format("q{}", i), QueueId(i));
  const std::ptrdiff_t with_queues = live_bytes;
  for (int i = 0; i < 10'000; ++i) bind_queue("fanout", fmt::format("q{}", i), "");
  for (int i = 1; i < 10'000; ++i) unbind_queue("fanout", fmt::format("q{}", i), "");
  ASSERT_GT(with_queues, before);
  // Of the bindings the set of all of them keeps its size, until the last one goes.
  constexpr std::ptrdiff_t set_bytes = 16'384 * 18;
  EXPECT_LT(live_bytes, with_queues + set_bytes);
}

}  // namespace
}  // namespace leveret
