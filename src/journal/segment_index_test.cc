// SPDX-License-Identifier: Apache-2.0
#include "journal/segment_index.h"

#include "journal/testing/file_text.h"
#include "journal/testing/segment_builder.h"
#include "journal/testing/simulated_file_system.h"

#include <functional>

#include <gtest/gtest.h>

namespace leveret {
namespace {

constexpr SegmentId segment{1};

BuiltIndex an_index() {
  testing::SegmentBuilder builder(segment);
  builder.entry(OwnerId(7), 1, "one");
  builder.entry(OwnerId(7), 2, "two");
  builder.entry(OwnerId(8), 1, "one");
  return builder.index();
}

Result<SegmentTables> read_back(const BuiltIndex& index) {
  SimulatedFileSystem disk;
  const auto file = create_file(disk, "/a");
  EXPECT_TRUE(write_index(*file, 0, index));
  return read_tables(*file, 0, segment);
}

TEST(SegmentIndex, whose_groups_do_not_fit_together_is_not_believed) {
  EXPECT_TRUE(read_back(an_index()));
  // Each has the right checksum; a group of four thousand million entries would be room for them.
  const std::function<void(std::vector<OwnerGroup>&)> changes[] = {
      [](auto& groups) { groups[0].count = 0xffffffff; },
      [](auto& groups) { groups[0].count = 0; },
      [](auto& groups) { groups[0].count = 1; },
      [](auto& groups) { groups[0].first_entry = 1; },
      [](auto& groups) { std::swap(groups[0], groups[1]); },
  };
  for (const auto& change : changes) {
    BuiltIndex index = an_index();
    change(index.tables.groups);
    const auto read = read_back(index);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().text(), "index contradicts itself");
  }
}

}  // namespace
}  // namespace leveret
