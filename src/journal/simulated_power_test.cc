// SPDX-License-Identifier: Apache-2.0
//
// The disk that other tests trust to be as bad as a real one: what it must keep, and that it does
// everything else that it may.
#include "journal/testing/file_text.h"
#include "journal/testing/simulated_file_system.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

constexpr std::uint64_t seeds = 200;
constexpr std::size_t sector = 512;

std::string sectors(std::size_t count, char with) { return std::string(count * sector, with); }

void lose_power(SimulatedFileSystem& disk, std::uint64_t seed) {
  disk.power_loss(seed);
  disk.restart();
}

/// What /a holds after `act` did things to a durable file of that name, and the power went, over
/// many seeds.
template <class Act>
std::set<std::string> ends_of(std::string_view before, Act act) {
  std::set<std::string> ends;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SimulatedFileSystem disk;
    const auto file = durable_file(disk, "/a", before);
    act(*file);
    lose_power(disk, seed);
    ends.insert(content(disk));
  }
  return ends;
}

TEST(SimulatedPower, keeps_what_was_synced_and_keeps_drops_or_tears_what_was_not) {
  const std::string before = sectors(3, 'a');
  const auto ends = ends_of(before, [](File& file) {
    ASSERT_TRUE(write(file, sector, sectors(1, 'B')));
    ASSERT_TRUE(file.sync());
    ASSERT_TRUE(write(file, 0, sectors(3, 'c')));
  });

  // Each sector by itself; the middle one was synced with a B.
  std::vector<std::string> possible;
  possible.reserve(8);
  for (int bits = 0; bits < 8; ++bits) {
    possible.push_back(sectors(1, bits & 1 ? 'c' : 'a') + sectors(1, bits & 2 ? 'c' : 'B') +
                       sectors(1, bits & 4 ? 'c' : 'a'));
  }
  EXPECT_THAT(ends, testing::UnorderedElementsAreArray(possible));
}

TEST(SimulatedPower, lets_a_later_write_survive_an_earlier_one) {
  const auto ends = ends_of(sectors(2, '.'), [](File& file) {
    ASSERT_TRUE(write(file, 0, sectors(1, '1')));
    ASSERT_TRUE(write(file, sector, sectors(1, '2')));
  });

  const std::string none = sectors(2, '.');
  EXPECT_THAT(ends, UnorderedElementsAre(none, sectors(1, '1') + sectors(1, '.'),
                                         sectors(1, '.') + sectors(1, '2'),
                                         sectors(1, '1') + sectors(1, '2')));
}

TEST(SimulatedPower, brings_with_a_sector_what_was_written_there_before) {
  const auto ends = ends_of("....", [](File& file) {
    ASSERT_TRUE(write(file, 0, "1"));
    ASSERT_TRUE(write(file, 1, "2"));
  });

  EXPECT_THAT(ends, UnorderedElementsAre("....", "1...", "12.."));
}

TEST(SimulatedPower, gives_a_file_one_of_its_sizes_with_or_without_the_data) {
  const std::string zero(1, '\0');
  const auto ends = ends_of("a", [](File& file) {
    ASSERT_TRUE(write(file, 1, "b"));
    ASSERT_TRUE(write(file, 2, "c"));
  });

  EXPECT_THAT(ends,
              UnorderedElementsAre("a", "ab", "a" + zero, "abc", "ab" + zero, "a" + zero + zero));
}

TEST(SimulatedPower, never_brings_back_what_was_cut_behind_a_size_that_came_later) {
  const std::string zero(1, '\0');
  const auto ends = ends_of("old!", [](File& file) {
    ASSERT_TRUE(file.truncate(1));
    ASSERT_TRUE(write(file, 1, "NEW.."));
  });

  for (const std::string& end : ends) {
    if (end.size() == 1) {
      EXPECT_EQ(end, "o");
    } else if (end.size() == 6) {
      EXPECT_THAT(end, testing::AnyOf("oNEW..", "o" + std::string(5, '\0')));
    } else {
      EXPECT_THAT(end, testing::AnyOf("old!", "oNEW"));
    }
  }
  EXPECT_THAT(ends, IsSupersetOf({std::string("o"), std::string("old!"), std::string("oNEW..")}));
}

TEST(SimulatedPower, keeps_nothing_written_behind_a_cut_when_the_cut_does_not_hold) {
  const auto ends = ends_of(sectors(3, 'a'), [](File& file) {
    ASSERT_TRUE(file.truncate(sector));
    ASSERT_TRUE(write(file, sector, sectors(3, 'b')));
  });

  for (const std::string& end : ends) {
    EXPECT_THAT(end.size() / sector, testing::AnyOf(1, 3, 4));
    EXPECT_EQ(end.substr(0, sector), sectors(1, 'a'));
    if (end.size() == 3 * sector) {
      EXPECT_EQ(end, sectors(3, 'a'));
    } else {
      EXPECT_EQ(end.find('a', sector), std::string::npos);
    }
  }
  EXPECT_THAT(ends,
              IsSupersetOf({sectors(1, 'a'), sectors(3, 'a'), sectors(1, 'a') + sectors(3, 'b'),
                            sectors(1, 'a') + sectors(2, 'b') + sectors(1, '\0')}));
}

TEST(SimulatedPower, leaves_each_byte_as_it_was_at_some_time_since_the_last_sync) {
  for (std::uint64_t seed = 0; seed < 2 * seeds; ++seed) {
    std::mt19937_64 engine(seed);
    SimulatedFileSystem disk;
    const auto file = durable_file(disk, "/a", "");
    std::vector<std::string> history = {""};
    for (int i = 0; i < 40; ++i) {
      switch (engine() % 8) {
        case 0:
          ASSERT_TRUE(file->sync());
          history.erase(history.begin(), history.end() - 1);
          continue;
        case 1:
          ASSERT_TRUE(file->truncate(engine() % 6000));
          break;
        case 2:
          ASSERT_TRUE(file->allocate(engine() % 6000));
          break;
        default: {
          std::string text(engine() % 2000, '\0');
          for (char& byte : text) byte = static_cast<char>(engine());
          ASSERT_TRUE(write(*file, engine() % 5000, text));
        }
      }
      history.push_back(read_all(*file));
    }

    lose_power(disk, seed);

    const std::string end = content(disk);
    EXPECT_THAT(history, Contains(testing::SizeIs(end.size()))) << "seed " << seed;
    for (std::size_t at = 0; at < end.size(); ++at) {
      const bool is_known = std::ranges::any_of(history, [&](const std::string& text) {
        return end[at] == (at < text.size() ? text[at] : '\0');
      });
      ASSERT_TRUE(is_known) << "byte " << at << ", seed " << seed;
    }
  }
}

TEST(SimulatedPower, repeats_an_outcome_from_its_seeds) {
  const auto run = [](std::uint64_t seed) {
    SimulatedFileSystem disk(seed);
    const auto file = durable_file(disk, "/a", sectors(20, '.'));
    for (std::size_t i = 0; i < 20; ++i) EXPECT_TRUE(write(*file, i * sector, sectors(1, 'x')));
    disk.fail({.kind = OperationKind::sync});
    EXPECT_FALSE(file->sync());
    for (std::size_t i = 0; i < 20; ++i) EXPECT_TRUE(write(*file, i * sector, sectors(1, 'y')));
    lose_power(disk, seed);
    return content(disk);
  };
  std::set<std::string> ends;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(run(seed), run(seed));
    ends.insert(run(seed));
  }
  EXPECT_GT(ends.size(), 10u);
}

TEST(SimulatedPower, keeps_a_name_only_when_its_directory_was_synced) {
  std::set<std::vector<std::string>> ends;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SimulatedFileSystem disk;
    ASSERT_TRUE(create_file(disk, "/synced"));
    ASSERT_TRUE(disk.sync_directory("/"));
    ASSERT_TRUE(create_file(disk, "/a")->sync());
    ASSERT_TRUE(create_file(disk, "/b")->sync());
    lose_power(disk, seed);
    ends.insert(names(disk));
  }
  EXPECT_THAT(ends,
              UnorderedElementsAre(ElementsAre("synced"), ElementsAre("a", "synced"),
                                   ElementsAre("b", "synced"), ElementsAre("a", "b", "synced")));
}

TEST(SimulatedPower, removes_and_renames_whole_or_not_at_all) {
  std::set<std::string> ends;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SimulatedFileSystem disk;
    durable_file(disk, "/a", "old");
    durable_file(disk, "/b", "new");
    durable_file(disk, "/c", "");
    ASSERT_TRUE(disk.rename("/b", "/a"));
    ASSERT_TRUE(disk.remove("/c"));
    lose_power(disk, seed);
    std::string end;
    for (const std::string& name : names(disk)) {
      end += name + ":" + content(disk, ("/" + name).c_str()) + " ";
    }
    ends.insert(end);
  }
  EXPECT_THAT(ends, UnorderedElementsAre("a:old b:new c: ", "a:old b:new ", "a:new c: ", "a:new "));
}

TEST(SimulatedPower, loses_what_is_in_a_directory_with_the_directory) {
  std::set<std::size_t> counts;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SimulatedFileSystem disk;
    ASSERT_TRUE(disk.make_directory("/d"));
    ASSERT_TRUE(create_file(disk, "/d/a"));
    ASSERT_TRUE(disk.sync_directory("/d"));
    lose_power(disk, seed);
    counts.insert(names(disk).size());
    if (names(disk).empty()) continue;
    EXPECT_THAT(names(disk, "/d"), ElementsAre("a"));
  }
  EXPECT_THAT(counts, ElementsAre(0, 1));
}

TEST(SimulatedPower, keeps_all_that_was_written_when_the_process_dies) {
  SimulatedFileSystem disk;
  const auto file = create_file(disk, "/a");
  ASSERT_TRUE(write(*file, 0, "written"));

  disk.kill();
  disk.restart();

  EXPECT_EQ(content(disk), "written");
}

TEST(SimulatedPower, does_nothing_for_a_dead_process) {
  for (const bool is_power_loss : {false, true}) {
    SimulatedFileSystem disk;
    const auto file = durable_file(disk, "/a", "before");
    if (is_power_loss) {
      disk.power_loss(1);
    } else {
      disk.kill();
    }
    const std::uint64_t before = disk.operations();

    EXPECT_EQ(error_of(write(*file, 0, "after!")).code, std::errc::owner_dead);
    EXPECT_EQ(error_of(file->sync()).code, std::errc::owner_dead);
    EXPECT_EQ(error_of(disk.open("/a", OpenMode::read)).code, std::errc::owner_dead);
    EXPECT_EQ(error_of(disk.remove("/a")).code, std::errc::owner_dead);
    EXPECT_EQ(disk.operations(), before);

    disk.restart();
    EXPECT_EQ(error_of(write(*file, 0, "after!")).code, std::errc::owner_dead);
    EXPECT_EQ(content(disk), "before");
  }
}

TEST(SimulatedPower, may_have_begun_the_write_that_the_process_dies_in) {
  std::set<std::string> ends;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SimulatedFileSystem disk(seed);
    const auto file = durable_file(disk, "/a", "....");
    disk.on_operation([&](const Operation&) { disk.kill(); });
    EXPECT_EQ(error_of(write(*file, 0, "abcd")).code, std::errc::owner_dead);
    disk.on_operation(nullptr);
    disk.restart();
    ends.insert(content(disk));
  }
  EXPECT_THAT(ends, UnorderedElementsAre("....", "a...", "ab..", "abc.", "abcd"));
}

/// Replaces the content of /a as every textbook says, or with a step left out.
enum class LeftOut { nothing, file_sync, directory_sync };
Result<void> replace(FileSystem& files, std::string_view text, LeftOut left_out) {
  if (auto removed = files.remove("/new");
      !removed && removed.error().code != std::errc::no_such_file_or_directory) {
    return removed;
  }
  LEVERET_TRY(const auto file, files.open("/new", OpenMode::create_new));
  LEVERET_CHECK(write(*file, 0, text));
  if (left_out != LeftOut::file_sync) LEVERET_CHECK(file->sync());
  LEVERET_CHECK(files.rename("/new", "/a"));
  if (left_out != LeftOut::directory_sync) LEVERET_CHECK(files.sync_directory("/"));
  return {};
}

/// How /a may end when the power goes at any step of replace(), or after it.
struct Ends {
  std::set<std::string> under_way;
  std::set<std::string> after;
};
Ends ends_of_replacing(LeftOut left_out) {
  Ends ends;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::uint64_t step = 0;
    for (bool is_finished = false; !is_finished; ++step) {
      SimulatedFileSystem disk(seed);
      durable_file(disk, "/a", "old");
      const std::uint64_t begin = disk.steps();
      disk.on_operation([&](const Operation& operation) {
        if (operation.step == begin + step) disk.power_loss(seed);
      });
      is_finished = replace(disk, "new", left_out).has_value();
      disk.on_operation(nullptr);
      if (is_finished) disk.power_loss(seed);
      disk.restart();
      (is_finished ? ends.after : ends.under_way).insert(content(disk));
    }
    EXPECT_GE(step, 4u);
  }
  return ends;
}

TEST(SimulatedPower, finds_no_fault_with_a_file_replaced_by_the_book_at_any_step) {
  const Ends ends = ends_of_replacing(LeftOut::nothing);

  EXPECT_THAT(ends.under_way, ElementsAre("new", "old"));
  EXPECT_THAT(ends.after, ElementsAre("new"));
}

TEST(SimulatedPower, finds_the_sync_that_was_forgotten) {
  EXPECT_THAT(ends_of_replacing(LeftOut::file_sync).after, Contains(""));
  EXPECT_THAT(ends_of_replacing(LeftOut::file_sync).after, Contains(std::string(3, '\0')));
  EXPECT_THAT(ends_of_replacing(LeftOut::directory_sync).after, ElementsAre("new", "old"));
}

}  // namespace
}  // namespace leveret
