// SPDX-License-Identifier: Apache-2.0
//
// The inbox and the stock of batches, by themselves and under contention.

#include "net/crossing.h"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

std::unique_ptr<Batch> a_batch(unsigned source, std::size_t tasks = 0) {
  auto batch = std::make_unique<Batch>();
  batch->source = source;
  for (std::size_t i = 0; i < tasks; ++i) batch->tasks.emplace_back([] {});
  return batch;
}

std::vector<unsigned> taken_sources(Inbox& inbox) {
  std::vector<unsigned> sources;
  for (Batch* next = inbox.take_all(); next;) {
    const std::unique_ptr<Batch> batch(next);
    sources.push_back(batch->source);
    next = batch->next;
  }
  return sources;
}

TEST(Inbox, gives_batches_in_the_order_they_came) {
  Inbox inbox;
  for (unsigned source : {1U, 2U, 3U}) EXPECT_FALSE(inbox.push(a_batch(source)));
  EXPECT_EQ(taken_sources(inbox), (std::vector<unsigned>{1, 2, 3}));
  EXPECT_TRUE(taken_sources(inbox).empty());
}

TEST(Inbox, refuses_sleep_when_something_has_come) {
  Inbox inbox;
  EXPECT_FALSE(inbox.push(a_batch(1)));
  EXPECT_FALSE(inbox.begin_sleep());
  EXPECT_EQ(taken_sources(inbox).size(), 1U);
}

TEST(Inbox, asks_only_the_first_pusher_to_wake_a_sleeper) {
  Inbox inbox;
  EXPECT_TRUE(inbox.begin_sleep());
  EXPECT_TRUE(inbox.push(a_batch(1)));
  EXPECT_FALSE(inbox.push(a_batch(2)));
  EXPECT_EQ(taken_sources(inbox), (std::vector<unsigned>{1, 2}));
}

TEST(Inbox, ends_sleep_when_the_owner_wakes_by_itself) {
  Inbox inbox;
  EXPECT_TRUE(inbox.begin_sleep());
  EXPECT_EQ(inbox.take_all(), nullptr);
  EXPECT_FALSE(inbox.push(a_batch(1)));
}

TEST(Inbox, destroys_what_was_never_taken) {
  auto witness = std::make_shared<int>(0);
  {
    Inbox inbox;
    auto batch = a_batch(1);
    batch->tasks.emplace_back([witness] {});
    EXPECT_FALSE(inbox.push(std::move(batch)));
    EXPECT_EQ(witness.use_count(), 2);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Inbox, keeps_each_pushers_order_when_many_push_at_once) {
  constexpr unsigned pushers = 4;
  constexpr std::size_t batches_each = 20'000;
  Inbox inbox;
  std::vector<std::thread> threads;
  for (unsigned source = 0; source < pushers; ++source) {
    threads.emplace_back([&inbox, source] {
      // The number of tasks stands for the place in the pusher's sequence.
      for (std::size_t i = 0; i < batches_each; ++i) {
        static_cast<void>(inbox.push(a_batch(source, i % 5)));
      }
    });
  }

  std::vector<std::size_t> seen(pushers, 0);
  std::size_t total = 0;
  std::size_t out_of_order = 0;
  while (total < pushers * batches_each) {
    for (Batch* next = inbox.take_all(); next;) {
      const std::unique_ptr<Batch> batch(next);
      if (batch->tasks.size() != seen[batch->source]++ % 5) ++out_of_order;
      ++total;
      next = batch->next;
    }
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(out_of_order, 0U);
  EXPECT_EQ(inbox.take_all(), nullptr);
}

TEST(BatchStock, hands_out_what_was_given_back) {
  BatchStock stock;
  std::unique_ptr<Batch> first = stock.take();
  const Batch* const address = first.get();
  EXPECT_GE(first->tasks.capacity(), Batch::tasks_max);
  stock.give_back(std::move(first));
  EXPECT_EQ(stock.take().get(), address);
}

TEST(BatchStock, keeps_nothing_when_shrunk_and_counts_anew) {
  BatchStock stock;
  const auto give_back_marked = [&stock] {
    for (std::size_t i = 0; i < BatchStock::batches_max; ++i) {
      auto batch = std::make_unique<Batch>();
      batch->source = 7;
      stock.give_back(std::move(batch));
    }
  };
  give_back_marked();
  stock.give_back(stock.take());  // So that some are at hand and one was returned since.

  stock.shrink();

  EXPECT_EQ(stock.take()->source, 0U);
  give_back_marked();
  std::size_t used = 0;
  while (stock.take()->source == 7) ++used;
  EXPECT_EQ(used, BatchStock::batches_max);
}

TEST(BatchStock, keeps_a_bounded_number) {
  BatchStock stock;
  for (std::size_t i = 0; i < BatchStock::batches_max + 1; ++i) {
    auto batch = std::make_unique<Batch>();
    batch->source = 7;
    stock.give_back(std::move(batch));
  }
  std::size_t used = 0;
  while (stock.take()->source == 7) ++used;
  EXPECT_EQ(used, BatchStock::batches_max);
}

}  // namespace
}  // namespace leveret
