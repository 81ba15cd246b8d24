// SPDX-License-Identifier: Apache-2.0
#include "metadata/queue_names.h"

#include "metadata/metadata_store.h"
#include "metadata/testing/temporary_directory.h"

#include <fstream>
#include <future>
#include <utility>

#include <gtest/gtest.h>

namespace leveret {
namespace {

void declare(MetadataStore& store, std::string vhost, std::string name, std::uint64_t number) {
  QueueRecord queue;
  queue.vhost = std::move(vhost);
  queue.name = std::move(name);
  queue.number = number;
  std::promise<Result<void>> outcome;
  store.submit(PutQueue{std::move(queue)},
               [&outcome](Result<void> written) { outcome.set_value(std::move(written)); });
  ASSERT_TRUE(outcome.get_future().get());
}

TEST(QueueNames, are_those_of_a_closed_file_whatever_its_name) {
  const TemporaryDirectory directory;
  const auto file = directory / "a#b?c%3fd.db";
  {
    const auto store = MetadataStore::open(file);
    ASSERT_TRUE(store);
    declare(**store, "/", "orders", 7);
    declare(**store, std::string("v\0x", 3), "bills", 8);
  }

  const auto names = read_queue_names(file);

  ASSERT_TRUE(names) << names.error().text();
  ASSERT_EQ(names->size(), 2u);
  EXPECT_EQ(names->at(7).vhost, "/");
  EXPECT_EQ(names->at(7).name, "orders");
  EXPECT_EQ(names->at(8).vhost, std::string("v\0x", 3));
}

TEST(QueueNames, are_also_those_of_exchanges_that_hold_messages_back) {
  const TemporaryDirectory directory;
  const auto file = directory / "metadata.db";
  {
    const auto store = MetadataStore::open(file);
    ASSERT_TRUE(store);
    declare(**store, "/", "orders", 7);
    for (const std::uint64_t number : {0, 9}) {
      ExchangeRecord exchange;
      exchange.vhost = "/";
      exchange.name = number == 0 ? "plain" : "later";
      exchange.held_back_number = number;
      std::promise<Result<void>> outcome;
      (*store)->submit(PutExchange{std::move(exchange)},
                       [&outcome](Result<void> written) { outcome.set_value(std::move(written)); });
      ASSERT_TRUE(outcome.get_future().get());
    }
  }

  const auto names = read_queue_names(file);

  ASSERT_TRUE(names) << names.error().text();
  ASSERT_EQ(names->size(), 2u);
  EXPECT_FALSE(names->at(7).is_held_back);
  EXPECT_TRUE(names->at(9).is_held_back);
  EXPECT_EQ(names->at(9).name, "later");
}

TEST(QueueNames, mind_no_lock_and_leave_no_file) {
  const TemporaryDirectory directory;
  const auto file = directory / "metadata.db";
  { ASSERT_TRUE(MetadataStore::open(file)); }
  const auto store = MetadataStore::open(file);
  ASSERT_TRUE(store);

  const auto names = read_queue_names(file);

  EXPECT_TRUE(names) << names.error().text();
  EXPECT_FALSE(std::filesystem::exists(directory / "metadata.db-shm"));
}

TEST(QueueNames, of_what_is_no_metadata_file_are_an_error) {
  const TemporaryDirectory directory;
  const auto file = directory / "metadata.db";
  EXPECT_FALSE(read_queue_names(file));
  EXPECT_FALSE(std::filesystem::exists(file));
  std::ofstream(file) << "no database at all, and longer than a header of one hundred bytes, which "
                         "is what SQLite reads first";
  EXPECT_FALSE(read_queue_names(file));
}

}  // namespace
}  // namespace leveret
