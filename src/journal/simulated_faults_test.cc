// SPDX-License-Identifier: Apache-2.0
//
// What a SimulatedFileSystem does when it is told to fail, and what it tells of what was done.
#include "journal/testing/file_text.h"
#include "journal/testing/simulated_file_system.h"

#include <bit>
#include <semaphore>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr std::uint64_t seeds = 200;
constexpr std::size_t sector = 512;

std::string sectors(std::size_t count, char with) { return std::string(count * sector, with); }

void fail_next(SimulatedFileSystem& disk, OperationKind kind,
               std::errc code = std::errc::io_error) {
  disk.fail({.kind = kind, .code = code});
}

TEST(SimulatedFaults, forgets_what_a_failed_sync_had_to_write_although_the_next_succeeds) {
  std::set<std::string> seen;
  std::set<std::string> ends;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SimulatedFileSystem disk(seed);
    const auto file = durable_file(disk, "/a", sectors(2, 'a'));
    ASSERT_TRUE(write(*file, 0, sectors(2, 'b')));
    fail_next(disk, OperationKind::sync);

    EXPECT_EQ(error_of(file->sync()).code, std::errc::io_error);
    EXPECT_TRUE(file->sync());

    seen.insert(read_all(*file));
    disk.power_loss(seed);
    disk.restart();
    ends.insert(content(disk));
  }
  const std::string lost = sectors(2, 'a');
  const std::string reached = sectors(2, 'b');
  const std::string first = sectors(1, 'b') + sectors(1, 'a');
  const std::string second = sectors(1, 'a') + sectors(1, 'b');
  EXPECT_THAT(seen, UnorderedElementsAre(lost, reached, first, second));
  EXPECT_THAT(ends, UnorderedElementsAre(lost, reached, first, second));
}

TEST(SimulatedFaults, syncs_what_is_written_after_a_failed_sync) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SimulatedFileSystem disk(seed);
    const auto file = durable_file(disk, "/a", "");
    ASSERT_TRUE(write(*file, 0, sectors(1, 'x')));
    fail_next(disk, OperationKind::sync);
    ASSERT_FALSE(file->sync());
    ASSERT_TRUE(write(*file, sector, sectors(1, 'y')));
    ASSERT_TRUE(file->sync());

    disk.power_loss(seed);
    disk.restart();

    EXPECT_EQ(content(disk).substr(sector), sectors(1, 'y'));
  }
}

TEST(SimulatedFaults, syncs_the_size_that_a_failed_sync_left_behind) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SimulatedFileSystem disk(seed);
    const auto file = durable_file(disk, "/a", "a");
    ASSERT_TRUE(file->truncate(5));
    fail_next(disk, OperationKind::sync);
    ASSERT_FALSE(file->sync());
    ASSERT_TRUE(file->sync());

    disk.power_loss(seed);
    disk.restart();

    EXPECT_EQ(content(disk), std::string("a\0\0\0\0", 5));
  }
}

TEST(SimulatedFaults, fails_the_operation_that_it_was_told_to) {
  SimulatedFileSystem disk;
  const auto file = durable_file(disk, "/a", "");
  disk.fail({.kind = OperationKind::truncate,
             .after = 1,
             .times = 2,
             .code = std::errc::no_space_on_device});

  EXPECT_TRUE(file->truncate(1));
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(error_of(file->truncate(2)).code, std::errc::no_space_on_device);
  EXPECT_EQ(error_of(file->truncate(3)).text(), "truncate /a: No space left on device");
  EXPECT_EQ(file->size(), 1u);
  EXPECT_TRUE(file->truncate(4));

  disk.fail({.after = 2});
  EXPECT_TRUE(file->size());
  EXPECT_TRUE(disk.list("/"));
  EXPECT_EQ(error_of(disk.rename("/a", "/b")).code, std::errc::io_error);
  EXPECT_THAT(names(disk), ElementsAre("a"));

  disk.fail({.times = 1000});
  EXPECT_FALSE(disk.list("/"));
  EXPECT_FALSE(disk.free_bytes("/"));
  disk.clear_faults();
  EXPECT_TRUE(disk.list("/"));
}

TEST(SimulatedFaults, leaves_a_part_of_a_failed_write) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SimulatedFileSystem disk(seed);
    const auto file = durable_file(disk, "/a", "...");
    fail_next(disk, OperationKind::write);
    EXPECT_EQ(error_of(write(*file, 0, "abc")).text(), "write at 0 of /a: Input/output error");
    seen.insert(content(disk));
  }
  EXPECT_THAT(seen, UnorderedElementsAre("...", "a..", "ab.", "abc"));
}

TEST(SimulatedFaults, has_no_space_until_room_is_made) {
  SimulatedFileSystem disk;
  disk.set_capacity(4 * 4096);
  const auto file = create_file(disk, "/a");
  ASSERT_TRUE(file->allocate(2 * 4096));
  EXPECT_EQ(disk.bytes_in_use(), 2 * 4096u);
  EXPECT_EQ(disk.free_bytes("/"), 2 * 4096u);

  // What is allocated takes no more; what fits is written before the rest fails.
  EXPECT_TRUE(write(*file, 0, std::string(3 * 4096, 'a')));
  EXPECT_EQ(error_of(write(*file, 3 * 4096, std::string(2 * 4096, 'b'))).code,
            std::errc::no_space_on_device);
  EXPECT_EQ(file->size(), 4 * 4096u);
  EXPECT_EQ(disk.free_bytes("/"), 0u);
  EXPECT_EQ(error_of(file->allocate(5 * 4096)).code, std::errc::no_space_on_device);
  EXPECT_TRUE(write(*file, 0, "over"));
  EXPECT_TRUE(file->truncate(100 * 4096));

  auto other = create_file(disk, "/b");
  EXPECT_FALSE(write(*other, 0, "x"));
  ASSERT_TRUE(file->truncate(3 * 4096));
  EXPECT_TRUE(write(*other, 0, "x"));

  disk.set_capacity(5 * 4096);
  EXPECT_TRUE(write(*other, 4096, "x"));

  // A file without a name takes its space until it is closed, or its process is dead.
  ASSERT_TRUE(disk.remove("/b"));
  EXPECT_EQ(disk.bytes_in_use(), 5 * 4096u);
  other.reset();
  EXPECT_EQ(disk.bytes_in_use(), 3 * 4096u);
  ASSERT_TRUE(disk.remove("/a"));
  disk.kill();
  EXPECT_EQ(disk.bytes_in_use(), 0u);
}

TEST(SimulatedFaults, fails_to_read_bytes_that_are_damaged_and_no_others) {
  SimulatedFileSystem disk;
  const auto file = durable_file(disk, "/a", std::string(300, 'a'));
  disk.make_unreadable("/a", 100, 100);
  std::string text(100, '?');
  const auto into = std::as_writable_bytes(std::span(text));

  EXPECT_EQ(file->read_at(0, into), 100u);
  EXPECT_EQ(file->read_at(200, into), 100u);
  EXPECT_EQ(error_of(file->read_at(1, into)).text(), "read at 1 of /a: Input/output error");
  EXPECT_EQ(error_of(file->read_at(199, into)).code, std::errc::io_error);
}

TEST(SimulatedFaults, flips_a_bit_in_each_byte_for_good) {
  SimulatedFileSystem disk;
  const auto file = durable_file(disk, "/a", std::string(10, 'a'));

  disk.flip_bits("/a", 4, 100);

  const std::string damaged = read_all(*file);
  EXPECT_EQ(damaged.substr(0, 4), "aaaa");
  EXPECT_EQ(damaged.size(), 10u);
  for (const char byte : damaged.substr(4)) {
    EXPECT_EQ(std::popcount(static_cast<unsigned char>(byte ^ 'a')), 1);
  }
  disk.power_loss(1);
  disk.restart();
  EXPECT_EQ(content(disk), damaged);
}

TEST(SimulatedFaults, counts_what_was_done) {
  SimulatedFileSystem disk;
  std::vector<std::string> steps;
  disk.on_operation([&](const Operation& operation) {
    if (operation.step) {
      EXPECT_EQ(operation.step, steps.size());
      steps.push_back(operation.text());
    }
  });
  const auto file = create_file(disk, "/a");
  ASSERT_TRUE(write(*file, 3, "abc"));
  EXPECT_EQ(read_all(*file).size(), 6u);
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(write(*file, 0, "def"));
  fail_next(disk, OperationKind::write);
  ASSERT_FALSE(write(*file, 0, "def"));

  EXPECT_THAT(steps, ElementsAre("create /a", "write at 3 of /a", "sync /a", "write at 0 of /a",
                                 "write at 0 of /a"));
  EXPECT_EQ(disk.steps(), 5u);
  EXPECT_EQ(disk.operations(), 7u);
  EXPECT_EQ(disk.operations(OperationKind::write), 3u);
  EXPECT_EQ(disk.syncs(), 1u);
  EXPECT_EQ(disk.bytes_written(), 6u);
}

TEST(SimulatedFaults, lets_others_work_while_a_hook_holds_an_operation_back) {
  SimulatedFileSystem disk;
  const auto file = durable_file(disk, "/a", "a");
  std::binary_semaphore is_syncing{0};
  std::binary_semaphore may_sync{0};
  disk.on_operation([&](const Operation& operation) {
    if (operation.kind != OperationKind::sync) return;
    is_syncing.release();
    may_sync.acquire();
  });

  Result<void> synced = failure("did not run");
  std::thread syncing([&] { synced = file->sync(); });
  is_syncing.acquire();
  EXPECT_TRUE(write(*file, 0, "b"));
  EXPECT_EQ(read_all(*file), "b");
  // The process dies with the sync under way, and another lives when it ends.
  disk.power_loss(0);
  disk.restart();
  may_sync.release();
  syncing.join();

  EXPECT_EQ(error_of(synced).code, std::errc::owner_dead);
}

TEST(SimulatedFaults, serves_many_threads) {
  SimulatedFileSystem disk;
  const auto shared = durable_file(disk, "/shared", std::string(8, '.'));
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const std::string path = "/" + std::to_string(i);
      for (int round = 0; round < 50; ++round) {
        const auto file = create_file(disk, path);
        EXPECT_TRUE(write(*file, 0, path));
        EXPECT_TRUE(file->sync());
        if (i == 0) {
          EXPECT_TRUE(write(*shared, 0, "x"));
        }
        EXPECT_EQ(read(*shared, 1, 10), std::string(7, '.'));
        EXPECT_TRUE(shared->sync());
        EXPECT_TRUE(disk.rename(path, path + "-renamed"));
        EXPECT_TRUE(disk.sync_directory("/"));
        EXPECT_TRUE(disk.remove(path + "-renamed"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_THAT(names(disk), ElementsAre("shared"));
  EXPECT_EQ(disk.syncs(), 1u + 4 * 50 * 2);
}

}  // namespace
}  // namespace leveret
