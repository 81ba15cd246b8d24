// SPDX-License-Identifier: Apache-2.0
//
// What the store does when the world fails it: a full disk, a disk that refuses, a file that is not
// what it should be, a process that is killed.
#include "metadata/database.h"
#include "metadata/metadata_store.h"
#include "metadata/testing/file_size_limit.h"
#include "metadata/testing/temporary_directory.h"

#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace leveret {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t file_bytes_any = 1ull << 40;

QueueRecord a_queue(int number, std::size_t arguments_bytes = 0) {
  QueueRecord queue;
  queue.vhost = "/";
  queue.name = std::to_string(number);
  queue.arguments.assign(arguments_bytes, 'x');
  return queue;
}

std::unique_ptr<MetadataStore> open_store(const std::filesystem::path& file) {
  auto store = MetadataStore::open(file);
  EXPECT_TRUE(store) << store.error().text();
  return store ? std::move(*store) : nullptr;
}

Error open_error(const std::filesystem::path& file) {
  auto store = MetadataStore::open(file);
  EXPECT_FALSE(store);
  return store ? Error{} : store.error();
}

std::future<Result<void>> submit(MetadataStore& store, std::vector<Change> changes) {
  auto outcome = std::make_unique<std::promise<Result<void>>>();
  auto future = outcome->get_future();
  store.submit(std::move(changes), [outcome = std::move(outcome)](Result<void> written) {
    outcome->set_value(std::move(written));
  });
  return future;
}

std::size_t queue_count(MetadataStore& store) {
  const auto snapshot = store.load();
  EXPECT_TRUE(snapshot) << snapshot.error().text();
  return snapshot ? snapshot->queues.size() : 0;
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(FullStore, fails_what_does_not_fit_and_goes_on_when_there_is_room) {
  const TemporaryDirectory directory;
  const auto store = open_store(directory / "metadata.db");
  ASSERT_TRUE(submit(*store, {PutQueue{a_queue(1)}}).get());
  ASSERT_TRUE(store->set_file_bytes_max(200'000));

  const Result<void> refused = submit(*store, {PutQueue{a_queue(2, 1'000'000)}}).get();

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, std::errc::no_space_on_device);
  EXPECT_THAT(refused.error().text(), HasSubstr((directory / "metadata.db").string()));
  EXPECT_TRUE(submit(*store, {PutQueue{a_queue(3)}}).get()) << "what fits still goes in";
  EXPECT_EQ(queue_count(*store), 2u);

  ASSERT_TRUE(store->set_file_bytes_max(file_bytes_any));
  EXPECT_TRUE(submit(*store, {PutQueue{a_queue(2, 1'000'000)}}).get());
  EXPECT_EQ(queue_count(*store), 3u);
}

TEST(FullStore, takes_back_all_of_a_submit_that_fits_in_part) {
  const auto store = open_store(":memory:");
  ASSERT_TRUE(store->set_file_bytes_max(200'000));

  EXPECT_FALSE(
      submit(*store, {PutQueue{a_queue(1)}, PutQueue{a_queue(2, 1'000'000)}, PutQueue{a_queue(3)}})
          .get());

  EXPECT_EQ(queue_count(*store), 0u);
}

TEST(FullStore, fails_every_submit_of_the_transaction) {
  const auto store = open_store(":memory:");
  ASSERT_TRUE(store->set_file_bytes_max(200'000));

  // The thread is held in a callback, so that the three wait and are one transaction.
  std::promise<void> held;
  std::promise<void> is_held;
  store->barrier([&](Result<void>) {
    is_held.set_value();
    held.get_future().wait();
  });
  is_held.get_future().wait();
  auto first = submit(*store, {PutQueue{a_queue(1)}});
  auto second = submit(*store, {PutQueue{a_queue(2, 1'000'000)}});
  std::promise<Result<void>> third;
  store->barrier([&third](Result<void> written) { third.set_value(std::move(written)); });
  held.set_value();

  EXPECT_FALSE(first.get());
  EXPECT_FALSE(second.get());
  EXPECT_FALSE(third.get_future().get());
  EXPECT_EQ(queue_count(*store), 0u);
}

TEST(RefusingDisk, fails_the_submit_and_not_the_next_after_it_recovered) {
  const TemporaryDirectory directory;
  {
    const auto store = open_store(directory / "metadata.db");
    ASSERT_TRUE(submit(*store, {PutQueue{a_queue(1)}}).get());
    {
      const FileSizeLimit limit(300'000);
      const Result<void> refused = submit(*store, {PutQueue{a_queue(2, 1'000'000)}}).get();
      ASSERT_FALSE(refused);
      EXPECT_TRUE(refused.error().code) << refused.error().text();
    }
    EXPECT_TRUE(submit(*store, {PutQueue{a_queue(3, 1'000'000)}}).get());
    EXPECT_EQ(queue_count(*store), 2u);
  }
  EXPECT_EQ(queue_count(*open_store(directory / "metadata.db")), 2u);
}

TEST(MetadataFile, is_for_its_owner_only) {
  const TemporaryDirectory directory;
  const auto file = directory / "metadata.db";
  const auto mode_of = [](const std::filesystem::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  };
  { const auto store = open_store(file); }
  EXPECT_EQ(mode_of(file), 0600u);

  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  const auto store = open_store(file);
  ASSERT_TRUE(submit(*store, {PutQueue{a_queue(1)}}).get());
  EXPECT_EQ(mode_of(file), 0600u);
  EXPECT_EQ(mode_of(file.string() + "-wal"), 0600u);
}

TEST(MetadataFile, is_refused_when_another_holds_it) {
  const TemporaryDirectory directory;
  const auto file = directory / "metadata.db";
  const auto store = open_store(file);

  const Error error = open_error(file);

  EXPECT_EQ(error.code, std::errc::device_or_resource_busy);
  EXPECT_THAT(error.text(), HasSubstr(file.string()));
  EXPECT_THAT(error.text(), HasSubstr("held by another process"));
}

TEST(MetadataFile, is_refused_where_there_is_no_directory) {
  const TemporaryDirectory directory;
  const Error error = open_error(directory / "nowhere" / "metadata.db");
  EXPECT_EQ(error.code, std::errc::no_such_file_or_directory);
}

TEST(MetadataFile, is_refused_when_it_is_no_database) {
  const TemporaryDirectory directory;
  const auto file = directory / "metadata.db";
  std::ofstream(file) << std::string(8192, 'x');

  EXPECT_THAT(open_error(file).text(), HasSubstr(file.string()));
  EXPECT_EQ(bytes_of(file), std::string(8192, 'x')) << "and left as it was";
}

TEST(MetadataFile, is_refused_when_a_newer_leveret_wrote_it) {
  const TemporaryDirectory directory;
  const auto file = directory / "metadata.db";
  { const auto store = open_store(file); }
  // SQLite's file format §1.3: the user version is the big-endian number at 60.
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(60)
      .write("\0\0\0\7", 4);

  EXPECT_THAT(open_error(file).text(), HasSubstr("version 7, written by a newer Leveret"));
}

TEST(MetadataFile, is_refused_when_it_is_somebody_elses_database) {
  const TemporaryDirectory directory;
  const auto file = directory / "metadata.db";
  { const auto store = open_store(file); }
  // The application id is at 68.
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(68)
      .write("\0\0\0\1", 4);

  EXPECT_THAT(open_error(file).text(), HasSubstr("not Leveret's"));
}

TEST(MetadataFile, that_is_damaged_is_told_and_not_half_read) {
  const TemporaryDirectory directory;
  const auto file = directory / "metadata.db";
  {
    const auto store = open_store(file);
    std::vector<Change> changes;
    changes.reserve(2000);
    for (int i = 0; i < 2000; ++i) changes.emplace_back(PutQueue{a_queue(i, 50)});
    ASSERT_TRUE(submit(*store, std::move(changes)).get());
  }
  const auto bytes = std::filesystem::file_size(file);
  ASSERT_GT(bytes, 100'000u);
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(bytes / 2 / 4096 * 4096))
      .write(std::string(4096, '\xff').data(), 4096);

  auto store = MetadataStore::open(file);
  ASSERT_TRUE(store) << "what is damaged is a page of a table: " << store.error().text();
  const auto snapshot = (*store)->load();
  ASSERT_FALSE(snapshot);
  const Error& error = snapshot.error();

  EXPECT_THAT(error.text(), HasSubstr(file.string()));
  EXPECT_THAT(error.text(), HasSubstr("malformed"));
}

/// What was put into the golden file of every version.
Snapshot the_golden_book() {
  Snapshot kept;
  kept.vhosts = {{.name = "/", .description = "Default virtual host", .tags = {"one", "two"}}};
  kept.users = {
      {"guest", "f0xNnXyGleZSirLUhxCeS1u3ZZU=", "rabbit_password_hashing_md5", {"administrator"}}};
  kept.permissions = {{"guest", "/", ".*", "^$", "^q"}};
  kept.exchanges = {{"/", "x", "topic", true, false, "args"}};
  kept.queues = {{"/", std::string("q\0r", 3), false, "args", "classic", 1, 0}};
  kept.bindings = {{"/", "x", std::string("q\0r", 3), true, "a.*", "args"}};
  return kept;
}

/// Opens a copy of the golden file of `version` and reads it twice: as it was brought up to date,
/// and as that was left on disk.
void expect_golden(int version, const Snapshot& kept) {
  const TemporaryDirectory directory;
  const auto file = directory / "metadata.db";
  std::filesystem::copy_file(
      std::filesystem::path(LEVERET_TESTDATA) / ("version_" + std::to_string(version) + ".db"),
      file);
  for (const char* when : {"at first", "again"}) {
    const auto snapshot = open_store(file)->load();
    ASSERT_TRUE(snapshot) << when << ": " << snapshot.error().text();
    EXPECT_EQ(*snapshot, kept) << when;
  }
}

TEST(MetadataFile, of_version_1_still_opens_and_its_queues_get_numbers) {
  Snapshot kept = the_golden_book();
  kept.queue_numbers_reserved = 1;
  expect_golden(1, kept);
}

/// And what was put into those of versions from 2 on.
Snapshot the_numbered_golden_book() {
  Snapshot kept = the_golden_book();
  kept.queues[0].number = 0x0102'0304'0506'0708;
  kept.queues[0].journal = 258;
  kept.queue_numbers_reserved = 0x1112'1314'1516'1718;
  return kept;
}

TEST(MetadataFile, of_version_2_still_opens) { expect_golden(2, the_numbered_golden_book()); }

TEST(MetadataFile, of_version_3_still_opens) {
  Snapshot kept = the_numbered_golden_book();
  kept.policies = {{"/", std::string("p\0q", 3), "^q", "queues", "args", -3}};
  expect_golden(3, kept);
}

TEST(MetadataFile, of_version_4_still_opens) {
  Snapshot kept = the_numbered_golden_book();
  kept.vhosts[0].limits = {{"max-connections", 3}, {"max-queues", -1}};
  kept.users[0].limits = {{"max-channels", 0x0102'0304'0506'0708}};
  kept.policies = {{"/", std::string("p\0q", 3), "^q", "queues", "args", -3},
                   {"/", std::string("p\0q", 3), "^r", "all", "other", 4, true}};
  expect_golden(4, kept);
}

TEST(MetadataFile, of_version_5_still_opens) {
  Snapshot kept = the_numbered_golden_book();
  kept.exchanges.push_back(
      {"/", "y", "x-delayed-message", false, true, "args", 0x0102'0304'0506'0709, 259});
  expect_golden(5, kept);
}

/// A file of version 1 with `count` queues, as SQLite's own tool would make one.
void make_version_1(const std::filesystem::path& file, int count) {
  std::filesystem::copy_file(std::filesystem::path(LEVERET_TESTDATA) / "version_1.db", file);
  auto database = Database::open(file);
  ASSERT_TRUE(database) << database.error().text();
  ASSERT_TRUE((*database)->begin());
  {
    auto put = (*database)->prepare("INSERT INTO queues VALUES (?1, ?2, 0, x'', NULL, ?3)");
    ASSERT_TRUE(put) << put.error().text();
    for (int i = 0; i < count; ++i) {
      const std::string name = std::to_string(i);
      ASSERT_TRUE(put->bind(i % 2 ? "/" : "other").bind(name).bind("classic").run());
    }
  }
  ASSERT_TRUE((*database)->commit());
}

TEST(MetadataFile, of_version_1_gets_a_number_of_its_own_for_each_queue) {
  const TemporaryDirectory directory;
  make_version_1(directory / "metadata.db", 999);

  const auto snapshot = open_store(directory / "metadata.db")->load();

  ASSERT_TRUE(snapshot) << snapshot.error().text();
  std::set<std::uint64_t> numbers;
  for (const QueueRecord& queue : snapshot->queues) numbers.insert(queue.number);
  EXPECT_EQ(numbers.size(), 1000u);
  EXPECT_EQ(*numbers.begin(), 1u);
  EXPECT_EQ(*numbers.rbegin(), 1000u);
  EXPECT_EQ(snapshot->queue_numbers_reserved, 1000u);
}

/// Declares queues 0, 1, 2, ... and writes each one's number to `pipe` once it is durable.
[[noreturn]] void declare_for_ever(const std::filesystem::path& file, int pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // Not to outlive a test that failed.
  auto store = MetadataStore::open(file);
  if (!store) ::_exit(1);
  std::atomic<int> waiting = 0;
  for (int number = 0;; ++number) {
    ++waiting;
    (*store)->submit(PutQueue{a_queue(number)}, [&waiting, pipe, number](Result<void> written) {
      if (!written || ::write(pipe, &number, sizeof number) != sizeof number) ::_exit(2);
      --waiting;
      waiting.notify_one();
    });
    // A few in flight, so that the kill finds some written, some waiting, some being synced.
    for (int now = waiting; now > 64; now = waiting) waiting.wait(now);
  }
}

TEST(KilledProcess, leaves_all_that_it_had_reported) {
  for (const int reports_before_kill : {1, 37, 500, 2000}) {
    const TemporaryDirectory directory;
    const auto file = directory / "metadata.db";
    std::array<int, 2> pipe;
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) declare_for_ever(file, pipe[1]);
    ::close(pipe[1]);

    int reported = -1;
    int number = 0;
    while (::read(pipe[0], &number, sizeof number) == sizeof number) {
      ASSERT_EQ(number, reported + 1);
      reported = number;
      if (reported + 1 == reports_before_kill) {
        ASSERT_EQ(::kill(child, SIGKILL), 0);
      }
    }
    ::close(pipe[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child gave up by itself: " << WEXITSTATUS(status);
    ASSERT_GE(reported + 1, reports_before_kill);

    const auto store = open_store(file);
    const auto snapshot = store->load();
    ASSERT_TRUE(snapshot) << snapshot.error().text();
    std::vector<bool> is_there(snapshot->queues.size() + 1);
    for (const QueueRecord& queue : snapshot->queues) {
      const auto found = std::stoul(queue.name);
      ASSERT_LT(found, snapshot->queues.size()) << "a hole: an earlier one is missing";
      is_there[found] = true;
    }
    for (int i = 0; i <= reported; ++i) {
      ASSERT_TRUE(is_there[static_cast<std::size_t>(i)]) << i << " of " << reported;
    }
  }
}

}  // namespace
}  // namespace leveret
