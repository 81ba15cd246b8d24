// SPDX-License-Identifier: Apache-2.0
#include "metadata/metadata_store.h"

#include "metadata/testing/temporary_directory.h"

#include <algorithm>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using namespace std::string_literals;

std::unique_ptr<MetadataStore> open_store(const std::filesystem::path& file) {
  auto store = MetadataStore::open(file);
  EXPECT_TRUE(store) << store.error().text();
  return store ? std::move(*store) : nullptr;
}

/// Submits and waits for the outcome.
Result<void> write(MetadataStore& store, std::vector<Change> changes) {
  std::promise<Result<void>> outcome;
  store.submit(std::move(changes),
               [&outcome](Result<void> written) { outcome.set_value(std::move(written)); });
  return outcome.get_future().get();
}

Snapshot load(MetadataStore& store) {
  auto snapshot = store.load();
  EXPECT_TRUE(snapshot) << snapshot.error().text();
  return snapshot ? std::move(*snapshot) : Snapshot{};
}

QueueRecord a_queue(std::string name) {
  QueueRecord queue;
  queue.vhost = "/";
  queue.name = std::move(name);
  return queue;
}

BindingRecord a_binding(std::string routing_key) {
  return {.vhost = "/",
          .source = "orders",
          .destination = "q",
          .destination_is_queue = true,
          .routing_key = std::move(routing_key),
          .arguments = ""};
}

/// One of each, with every field set, and bytes in names that end or escape a text.
Snapshot a_full_book() {
  const std::string odd_name("a\0b\xff'\";\n", 8);
  Snapshot book;
  book.vhosts = {
      {.name = "/", .description = "Default", .tags = {}, .default_queue_type = "", .limits = {}},
      {.name = odd_name,
       .description = "d"s,
       .tags = {"z", "a", "z", odd_name},
       .default_queue_type = "quorum",
       .limits = {{"max-queues", -1}, {odd_name, 0x7fff'ffff'ffff'ffff}}}};
  book.users = {{"app", "", "rabbit_password_hashing_sha512", {}, {{"max-channels", 5}}},
                {"guest", "c2FsdA==", "rabbit_password_hashing_sha256", {"b", "a", ""}, {}}};
  book.permissions = {{"guest", "/", ".*", "^$", ""}, {"app", odd_name, "a", "b", "c"}};
  book.exchanges = {{"/", "", "direct", false, false, ""},
                    {"/", odd_name, "topic", true, true, "\x05"s + "alternS"s},
                    {odd_name, "later", "x-delayed-message", false, false, "", 4, 65535}};
  book.queues = {
      {"/", "a", false, "", "classic", 3, 0},
      {"/", odd_name, true, std::string(5000, '\0'), "quorum", 0x7fff'ffff'ffff'ffff, 65535},
      {odd_name, "a", false, "", "classic", 1, 1},
  };
  book.bindings = {{"/", "orders", "q", false, "k", ""},
                   {"/", "orders", "q", true, "", "x"},
                   {"/", "orders", "q", true, "k", ""},
                   {"/", "orders", odd_name, true, odd_name, odd_name}};
  // As the store gives them back: by name, bytewise.
  std::swap(book.bindings[0], book.bindings[3]);
  std::swap(book.bindings[1], book.bindings[3]);
  std::swap(book.bindings[2], book.bindings[3]);
  book.policies = {{"/", "a", "^a", "queues", "", 0},
                   {"/", odd_name, odd_name, "all", odd_name, -7},
                   {odd_name, "a", "", "exchanges", "x", 0x7fff'ffff'ffff'ffff},
                   {odd_name, "a", "^x", "queues", "y", 1, true}};
  return book;
}

std::vector<Change> changes_that_make(const Snapshot& book) {
  std::vector<Change> changes;
  changes.reserve(book.vhosts.size() + book.users.size() + book.permissions.size() +
                  book.exchanges.size() + book.queues.size() + book.bindings.size() +
                  book.policies.size());
  for (const auto& vhost : book.vhosts) changes.emplace_back(PutVhost{vhost});
  for (const auto& user : book.users) changes.emplace_back(PutUser{user});
  for (const auto& permission : book.permissions) changes.emplace_back(PutPermission{permission});
  for (const auto& exchange : book.exchanges) changes.emplace_back(PutExchange{exchange});
  for (const auto& queue : book.queues) changes.emplace_back(PutQueue{queue});
  for (const auto& binding : book.bindings) changes.emplace_back(PutBinding{binding});
  for (const auto& policy : book.policies) changes.emplace_back(PutPolicy{policy});
  return changes;
}

TEST(MetadataStore, gives_back_what_was_put_after_it_was_closed) {
  const TemporaryDirectory directory;
  const Snapshot book = a_full_book();
  {
    const auto store = open_store(directory / "metadata.db");
    ASSERT_TRUE(write(*store, changes_that_make(book)));
    EXPECT_EQ(load(*store), book);
  }

  const auto reopened = open_store(directory / "metadata.db");

  EXPECT_EQ(load(*reopened), book);
}

TEST(MetadataStore, replaces_what_is_put_again) {
  const auto store = open_store(":memory:");
  ASSERT_TRUE(write(*store, changes_that_make(a_full_book())));

  Snapshot changed = a_full_book();
  changed.vhosts[1].tags = {"one"};
  changed.users[1].tags.clear();
  changed.users[1].password_hash = "other";
  changed.permissions[0].write = "new";
  changed.exchanges[1].arguments.clear();
  changed.queues[1].number = 4;
  changed.queues[1].journal = 2;
  changed.policies[0].definition = "other";
  changed.policies[3].pattern = "other";
  changed.vhosts[1].limits.erase("max-queues");
  changed.users[0].limits = {{"max-connections", 0}};
  ASSERT_TRUE(write(*store, changes_that_make(changed)));

  EXPECT_EQ(load(*store), changed);
}

TEST(MetadataStore, deletes_one_thing_and_leaves_its_neighbours) {
  const auto store = open_store(":memory:");
  Snapshot book = a_full_book();
  ASSERT_TRUE(write(*store, changes_that_make(book)));

  ASSERT_TRUE(write(*store, {DeletePermission{book.permissions[0].user, book.permissions[0].vhost},
                             DeleteExchange{book.exchanges[0].vhost, book.exchanges[0].name},
                             DeleteQueue{book.queues[0].vhost, book.queues[0].name},
                             DeleteBinding{book.bindings[0]},
                             DeletePolicy{book.policies[2].vhost, book.policies[2].name}}));

  book.permissions.erase(book.permissions.begin());
  book.exchanges.erase(book.exchanges.begin());
  book.queues.erase(book.queues.begin());
  book.bindings.erase(book.bindings.begin());
  book.policies.erase(book.policies.begin() + 2);
  EXPECT_EQ(load(*store), book);
}

TEST(MetadataStore, keeps_the_highest_number_that_was_reserved_for_queues) {
  const TemporaryDirectory directory;
  {
    const auto store = open_store(directory / "metadata.db");
    EXPECT_EQ(load(*store).queue_numbers_reserved, 0u);
    ASSERT_TRUE(write(*store, {ReserveQueueNumbers{.up_to = 1'000'000}}));
    ASSERT_TRUE(write(*store, {ReserveQueueNumbers{.up_to = 17}}));
  }
  EXPECT_EQ(load(*open_store(directory / "metadata.db")).queue_numbers_reserved, 1'000'000u);
}

TEST(MetadataStore, deletes_a_user_with_its_permissions) {
  const auto store = open_store(":memory:");
  Snapshot book = a_full_book();
  ASSERT_TRUE(write(*store, changes_that_make(book)));

  ASSERT_TRUE(write(*store, {DeleteUser{"guest"}}));

  std::erase_if(book.users, [](const UserRecord& user) { return user.name == "guest"; });
  std::erase_if(book.permissions, [](const auto& record) { return record.user == "guest"; });
  EXPECT_EQ(load(*store), book);

  // Its tags are gone as well: a user of that name starts without.
  const UserRecord fresh{"guest", "", "", {}};
  ASSERT_TRUE(write(*store, {PutUser{fresh}}));
  EXPECT_EQ(load(*store).users.back(), fresh);
}

TEST(MetadataStore, deletes_a_vhost_with_everything_in_it) {
  const auto store = open_store(":memory:");
  Snapshot book = a_full_book();
  ASSERT_TRUE(write(*store, changes_that_make(book)));

  ASSERT_TRUE(write(*store, {DeleteVhost{"/"}}));

  const auto is_in_it = [](const auto& record) { return record.vhost == "/"; };
  std::erase_if(book.vhosts, [](const VhostRecord& vhost) { return vhost.name == "/"; });
  std::erase_if(book.permissions, is_in_it);
  std::erase_if(book.exchanges, is_in_it);
  std::erase_if(book.queues, is_in_it);
  std::erase_if(book.bindings, is_in_it);
  std::erase_if(book.policies, is_in_it);
  EXPECT_EQ(load(*store), book);
}

TEST(MetadataStore, deletes_what_is_not_there_without_complaint) {
  const auto store = open_store(":memory:");
  EXPECT_TRUE(write(
      *store, {DeleteVhost{"v"}, DeleteUser{"u"}, DeletePermission{"u", "v"},
               DeleteExchange{"v", "x"}, DeleteQueue{"v", "q"}, DeleteBinding{a_binding("k")}}));
  EXPECT_EQ(load(*store), Snapshot{});
}

TEST(MetadataStore, makes_the_changes_of_one_submit_in_their_order) {
  const auto store = open_store(":memory:");
  ASSERT_TRUE(write(*store, {PutQueue{a_queue("q")}, PutBinding{a_binding("k")},
                             DeleteQueue{"/", "q"}, PutQueue{a_queue("r")}}));
  EXPECT_EQ(load(*store).queues, std::vector{a_queue("r")});
}

TEST(MetadataStore, calls_back_in_the_order_of_the_submits) {
  const auto store = open_store(":memory:");
  std::vector<int> order;
  std::promise<void> last;
  for (int i = 0; i < 1000; ++i) {
    store->submit(PutQueue{a_queue(std::to_string(i))}, [&order, i](Result<void> written) {
      EXPECT_TRUE(written);
      order.push_back(i);
    });
  }
  store->barrier([&last](Result<void> written) {
    EXPECT_TRUE(written);
    last.set_value();
  });
  last.get_future().wait();

  ASSERT_EQ(order.size(), 1000u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_EQ(load(*store).queues.size(), 1000u);
}

TEST(MetadataStore, may_be_given_work_by_a_callback) {
  const auto store = open_store(":memory:");
  std::promise<void> second;
  store->submit(PutQueue{a_queue("first")}, [&](Result<void>) {
    store->submit(PutQueue{a_queue("second")}, [&](Result<void>) { second.set_value(); });
  });
  second.get_future().wait();
  EXPECT_EQ(load(*store).queues.size(), 2u);
}

TEST(MetadataStore, writes_all_that_was_submitted_before_it_is_destroyed) {
  const TemporaryDirectory directory;
  int told = 0;
  {
    const auto store = open_store(directory / "metadata.db");
    for (int i = 0; i < 500; ++i) {
      store->submit(PutQueue{a_queue(std::to_string(i))}, [&told](Result<void> written) {
        EXPECT_TRUE(written);
        ++told;
      });
    }
  }
  EXPECT_EQ(told, 500);
  EXPECT_EQ(load(*open_store(directory / "metadata.db")).queues.size(), 500u);
}

TEST(MetadataStore, takes_submits_from_many_threads) {
  const auto store = open_store(":memory:");
  std::vector<std::thread> submitters;
  submitters.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    submitters.emplace_back([&store, thread] {
      for (int i = 0; i < 250; ++i) {
        store->submit(PutQueue{a_queue(std::to_string(thread * 250 + i))},
                      [](Result<void> written) { EXPECT_TRUE(written); });
      }
    });
  }
  for (std::thread& submitter : submitters) submitter.join();
  EXPECT_EQ(load(*store).queues.size(), 1000u);
}

}  // namespace
}  // namespace leveret
