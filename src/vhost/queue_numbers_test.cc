// SPDX-License-Identifier: Apache-2.0
//
// The numbers of queues: a journal's records name a queue by its number and may outlive it, so
// what is tested here is that no way of ending lets a number be given twice.
#include "metadata/testing/file_size_limit.h"
#include "metadata/testing/temporary_directory.h"
#include "vhost/testing/test_broker.h"

#include <filesystem>
#include <future>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

constexpr const char* file_name = "metadata.db";

QueueDeclaration a_durable_queue(std::string name, unsigned worker = 0) {
  QueueDeclaration declaration;
  declaration.vhost = "/";
  declaration.name = std::move(name);
  declaration.is_durable = true;
  declaration.connection =
      IdSource<ConnectionId>(WorkerId(static_cast<std::uint16_t>(worker))).next();
  return declaration;
}

amqp::AmqpResult<DeclaredQueue> declare(TestBroker& broker, QueueDeclaration declaration) {
  return broker.ask<amqp::AmqpResult<DeclaredQueue>>(0, [&](auto answer) {
    broker.registry().declare_queue(std::move(declaration), std::move(answer));
  });
}

void delete_queue(TestBroker& broker, const std::string& name) {
  const auto deleted = broker.ask<amqp::AmqpResult<std::uint64_t>>(0, [&](auto answer) {
    QueueDeletion deletion;
    deletion.vhost = "/";
    deletion.name = name;
    broker.registry().delete_queue(std::move(deletion), std::move(answer));
  });
  EXPECT_TRUE(deleted.has_value());
}

/// Null when there is none.
const QueueHandle* find(const TestBroker& broker, std::string_view name) {
  return broker.shard(0).find_vhost("/")->find_queue(name);
}

std::uint64_t declared_number(TestBroker& broker, const std::string& name, unsigned worker = 0) {
  EXPECT_TRUE(declare(broker, a_durable_queue(name, worker)).has_value());
  return find(broker, name)->properties.number;
}

/// Keeps the metadata thread from writing, as a slow disk does, until the end of the scope.
class HeldStore {
 public:
  explicit HeldStore(MetadataStore& store) {
    std::promise<void> is_held;
    store.barrier([&is_held, go = go_.get_future()](Result<void>) {
      is_held.set_value();
      go.wait();
    });
    is_held.get_future().wait();
  }
  ~HeldStore() { go_.set_value(); }

 private:
  std::promise<void> go_;
};

/// What a kill at this moment would leave: the database and its log as they lie on disk.
void copy_as_killed(const TemporaryDirectory& from, const TemporaryDirectory& to) {
  for (const std::string suffix : {"", "-wal"}) {
    std::filesystem::copy_file(from / (file_name + suffix), to / (file_name + suffix));
  }
}

TEST(QueueNumbers, are_different_and_kept_over_a_restart) {
  const TemporaryDirectory directory;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  {
    TestBroker broker({.workers = 2, .metadata_file = directory / file_name});
    first = declared_number(broker, "first");
    second = declared_number(broker, "second", 1);
    EXPECT_EQ(find(broker, "first")->properties.journal, 0);
    EXPECT_EQ(find(broker, "second")->properties.journal, 1);
  }
  EXPECT_GT(first, 0u);
  EXPECT_GT(second, first);

  TestBroker broker({.workers = 2, .metadata_file = directory / file_name});

  EXPECT_EQ(find(broker, "first")->properties.number, first);
  EXPECT_EQ(find(broker, "second")->properties.number, second);
  EXPECT_EQ(find(broker, "second")->properties.journal, 1);
  EXPECT_GT(declared_number(broker, "third"), second);
}

TEST(QueueNumbers, are_not_given_again_after_the_queue_was_deleted) {
  const TemporaryDirectory directory;
  std::set<std::uint64_t> numbers;
  for (int start = 0; start < 3; ++start) {
    TestBroker broker({.metadata_file = directory / file_name});
    for (int turn = 0; turn < 3; ++turn) {
      EXPECT_TRUE(numbers.insert(declared_number(broker, "q")).second);
      delete_queue(broker, "q");
    }
  }
  EXPECT_EQ(numbers.size(), 9u);
}

TEST(QueueNumbers, are_zero_for_what_is_not_kept) {
  TestBroker broker;
  QueueDeclaration transient = a_durable_queue("transient");
  transient.is_durable = false;
  QueueDeclaration exclusive = a_durable_queue("exclusive");
  exclusive.is_exclusive = true;

  ASSERT_TRUE(declare(broker, std::move(transient)).has_value());
  ASSERT_TRUE(declare(broker, std::move(exclusive)).has_value());

  EXPECT_EQ(find(broker, "transient")->properties.number, 0u);
  EXPECT_EQ(find(broker, "exclusive")->properties.number, 0u);
}

TEST(QueueNumbers, are_in_the_world_only_when_a_kill_cannot_take_them_back) {
  const TemporaryDirectory directory;
  const TemporaryDirectory killed_first;
  const TemporaryDirectory killed_later;
  TestBroker broker({.metadata_file = directory / file_name});
  const auto begin_declaring = [&broker](const std::string& name) {
    broker.as(0, [&] {
      broker.registry().declare_queue(a_durable_queue(name),
                                      [](const amqp::AmqpResult<DeclaredQueue>&) {});
    });
    while (broker.step()) continue;
  };

  {
    // Nothing is reserved yet: the queue is not to be seen, so nobody can publish to it.
    const HeldStore held(broker.metadata());
    begin_declaring("first");
    EXPECT_EQ(find(broker, "first"), nullptr);
    copy_as_killed(directory, killed_first);
  }
  broker.settle();
  ASSERT_NE(find(broker, "first"), nullptr);

  std::uint64_t given = 0;
  {
    // From now on a queue is to be seen, and takes messages, before it is on disk.
    const HeldStore held(broker.metadata());
    begin_declaring("second");
    ASSERT_NE(find(broker, "second"), nullptr);
    given = find(broker, "second")->properties.number;
    copy_as_killed(directory, killed_later);
  }

  TestBroker after_the_first({.metadata_file = killed_first / file_name});
  EXPECT_EQ(find(after_the_first, "first"), nullptr);
  EXPECT_GT(declared_number(after_the_first, "new"), 0u);

  TestBroker after_the_second({.metadata_file = killed_later / file_name});
  EXPECT_NE(find(after_the_second, "first"), nullptr);
  EXPECT_EQ(find(after_the_second, "second"), nullptr);
  EXPECT_GT(declared_number(after_the_second, "new"), given);
}

TEST(QueueNumbers, that_many_wait_for_come_to_all_of_them) {
  TestBroker broker;
  int answered = 0;
  {
    const HeldStore held(broker.metadata());
    for (const char* name : {"a", "b", "a", "c"}) {
      broker.as(0, [&] {
        broker.registry().declare_queue(a_durable_queue(name),
                                        [&answered](const amqp::AmqpResult<DeclaredQueue>& made) {
                                          EXPECT_TRUE(made.has_value());
                                          ++answered;
                                        });
      });
    }
    while (broker.step()) continue;
    EXPECT_EQ(answered, 0);
  }
  broker.settle();

  EXPECT_EQ(answered, 4);
  std::set<std::uint64_t> numbers;
  for (const char* name : {"a", "b", "c"}) numbers.insert(find(broker, name)->properties.number);
  EXPECT_EQ(numbers.size(), 3u);
  EXPECT_EQ(broker.queue_count(), 3u);
}

TEST(QueueNumbers, that_cannot_be_reserved_refuse_the_declaration_and_not_the_next) {
  const TemporaryDirectory directory;
  TestBroker broker({.metadata_file = directory / file_name});
  {
    const FileSizeLimit limit(0);
    const auto refused = declare(broker, a_durable_queue("q"));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, amqp::ReplyCode::internal_error);
    EXPECT_EQ(find(broker, "q"), nullptr);
  }
  EXPECT_GT(declared_number(broker, "q"), 0u);
}

TEST(QueueNumbers, that_are_not_those_of_this_book_are_refused_at_the_start) {
  const auto opened_with = [](std::uint64_t number) {
    auto store = MetadataStore::open(":memory:");
    EXPECT_TRUE(store.has_value());
    std::promise<Result<void>> written;
    std::vector<Change> changes;
    changes.emplace_back(PutVhost{{.name = "/"}});
    changes.emplace_back(ReserveQueueNumbers{10});
    changes.emplace_back(PutQueue{{.vhost = "/", .name = "q", .number = number}});
    (*store)->submit(std::move(changes),
                     [&written](Result<void> result) { written.set_value(std::move(result)); });
    EXPECT_TRUE(written.get_future().get().has_value());
    SteppingExecutor executor(1, 1);
    const ManualClock clock;
    const auto broker = Broker::open({.executor = &executor,
                                      .metadata = store->get(),
                                      .clock = &clock,
                                      .node_name = "leveret@test"});
    return broker ? std::string() : broker.error().text();
  };

  EXPECT_EQ(opened_with(1), "");
  EXPECT_EQ(opened_with(10), "");
  EXPECT_NE(opened_with(0).find("its number 0 is not among"), std::string::npos);
  EXPECT_NE(opened_with(11).find("its number 11 is not among"), std::string::npos);
}

TEST(Journals, that_are_more_than_the_workers_share_them) {
  const TemporaryDirectory directory;
  {
    TestBroker broker({.workers = 3, .metadata_file = directory / file_name});
    for (unsigned worker = 0; worker < 3; ++worker) {
      declared_number(broker, "q" + std::to_string(worker), worker);
      EXPECT_EQ(find(broker, "q" + std::to_string(worker))->home().value(), worker);
    }
  }
  TestBroker broker({.workers = 2, .metadata_file = directory / file_name});

  EXPECT_EQ(find(broker, "q0")->home().value(), 0);
  EXPECT_EQ(find(broker, "q1")->home().value(), 1);
  EXPECT_EQ(find(broker, "q2")->home().value(), 0);
  EXPECT_EQ(find(broker, "q2")->properties.journal, 2) << "where its messages are does not change";
}

}  // namespace
}  // namespace leveret::testing
