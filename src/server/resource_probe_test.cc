// SPDX-License-Identifier: Apache-2.0
#include "server/resource_probe.h"

#include "metadata/testing/temporary_directory.h"

#include <fstream>
#include <limits>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leveret {
namespace {

constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

class CgroupTest : public testing::Test {
 protected:
  void write(std::string_view name, std::string_view text) {
    const auto path = directory_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::uint64_t limit(std::string_view membership) {
    write("membership", membership);
    return cgroup_memory_limit(directory_ / "membership", directory_ / "tree");
  }

  TemporaryDirectory directory_;
};

TEST_F(CgroupTest, of_version_2_limits_what_is_in_it) {
  write("tree/memory.max", "max\n");
  write("tree/a/memory.max", "8000\n");
  write("tree/a/b/memory.max", "max\n");
  EXPECT_EQ(limit("0::/a/b\n"), 8000U) << "the group above";
  write("tree/a/b/memory.max", "5000\n");
  EXPECT_EQ(limit("0::/a/b\n"), 5000U);
  EXPECT_EQ(limit("0::/a\n"), 8000U);
  EXPECT_EQ(limit("0::/\n"), no_limit);
  // As inside a container, where the tree's root is the container's group.
  write("tree/memory.max", "3000\n");
  EXPECT_EQ(limit("0::/\n"), 3000U);
}

TEST_F(CgroupTest, of_version_1_limits_what_is_in_it) {
  write("tree/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("tree/memory/docker/x/memory.limit_in_bytes", "7000\n");
  EXPECT_EQ(limit("5:cpu,cpuacct:/docker/x\n4:hugetlb,memory:/docker/x\n0::/\n"), 7000U);
  EXPECT_EQ(limit("4:memory:/docker\n"), 9223372036854771712U) << "as good as none";
  EXPECT_EQ(limit("4:cpu:/docker/x\n"), no_limit);
}

TEST_F(CgroupTest, that_cannot_be_read_limits_nothing) {
  EXPECT_EQ(limit("0::/nowhere\n"), no_limit);
  EXPECT_EQ(limit("no line of this kind\n\n"), no_limit);
  EXPECT_EQ(cgroup_memory_limit(directory_ / "none", directory_ / "tree"), no_limit);
}

TEST(SystemProbe, knows_this_machine) {
  const TemporaryDirectory directory;
  SystemProbe probe(directory / "");
  EXPECT_GT(probe.memory_used(), 100'000U);
  EXPECT_GT(probe.memory_total(), probe.memory_used());
  const auto free = probe.disk_free();
  ASSERT_TRUE(free.has_value()) << free.error().text();
  SystemProbe nowhere(directory / "nowhere");
  EXPECT_FALSE(nowhere.disk_free().has_value());
}

}  // namespace
}  // namespace leveret
