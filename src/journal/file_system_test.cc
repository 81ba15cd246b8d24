// SPDX-License-Identifier: Apache-2.0
//
// What every FileSystem promises.
#include "journal/file_system.h"

#include "journal/testing/file_text.h"
#include "journal/testing/simulated_file_system.h"
#include "metadata/testing/temporary_directory.h"

#include <algorithm>
#include <csignal>
#include <memory>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace leveret {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A file system, and an empty directory in it.
class Disk {
 public:
  virtual ~Disk() = default;
  [[nodiscard]] virtual FileSystem& files() = 0;
  [[nodiscard]] virtual std::filesystem::path directory() const = 0;
};

class PosixDisk final : public Disk {
 public:
  FileSystem& files() override { return files_; }
  std::filesystem::path directory() const override { return directory_ / "."; }

 private:
  TemporaryDirectory directory_;
  PosixFileSystem files_;
};

class SimulatedDisk final : public Disk {
 public:
  FileSystem& files() override { return files_; }
  std::filesystem::path directory() const override { return "/"; }

 private:
  SimulatedFileSystem files_;
};

template <class AnyDisk>
std::unique_ptr<Disk> make_disk() {
  return std::make_unique<AnyDisk>();
}

struct DiskKind {
  const char* name;
  std::unique_ptr<Disk> (*make)();
};

class FileSystemContract : public testing::TestWithParam<DiskKind> {
 protected:
  std::unique_ptr<File> open(std::string_view name, OpenMode mode) {
    return open_file(files_, path(name), mode);
  }
  std::unique_ptr<File> create(std::string_view name) { return create_file(files_, path(name)); }
  std::filesystem::path path(std::string_view name) const { return disk_->directory() / name; }
  std::vector<std::string> names() {
    auto names = files_.list(disk_->directory());
    EXPECT_TRUE(names) << names.error().text();
    return names ? std::move(*names) : std::vector<std::string>();
  }

  std::unique_ptr<Disk> disk_ = GetParam().make();
  FileSystem& files_ = disk_->files();
};

TEST_P(FileSystemContract, reads_what_was_written_also_through_another_open_file) {
  const auto writer = create("a");
  const auto reader = open("a", OpenMode::read);

  ASSERT_TRUE(write(*writer, 0, "hello world"));

  EXPECT_EQ(read(*writer, 6, 5), "world");
  EXPECT_EQ(read(*reader, 0, 5), "hello");
  EXPECT_TRUE(writer->sync());
}

TEST_P(FileSystemContract, writes_parts_one_behind_the_other_and_skips_empty_ones) {
  const auto file = create("a");
  const std::vector<std::span<const std::byte>> parts = {bytes_of(""), bytes_of("ab"), bytes_of(""),
                                                         bytes_of("c"), bytes_of("")};

  ASSERT_TRUE(file->write_at(1, parts));
  ASSERT_TRUE(file->write_at(100, {}));

  EXPECT_EQ(file->size(), 4u);
  EXPECT_EQ(read(*file, 0, 10), std::string_view("\0abc", 4));
}

TEST_P(FileSystemContract, writes_more_parts_than_one_call_of_the_system_takes) {
  const auto file = create("a");
  std::string text(5000, '\0');
  std::ranges::generate(text, [n = 0]() mutable { return static_cast<char>('a' + n++ % 23); });
  std::vector<std::span<const std::byte>> parts;
  parts.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) parts.push_back(bytes_of(text).subspan(i, 1));

  ASSERT_TRUE(file->write_at(0, parts));

  EXPECT_EQ(read(*file, 0, text.size() + 1), text);
}

TEST_P(FileSystemContract, overwrites_in_place) {
  const auto file = create("a");
  ASSERT_TRUE(write(*file, 0, "aaaaaa"));

  ASSERT_TRUE(write(*file, 2, "bb"));

  EXPECT_EQ(read(*file, 0, 6), "aabbaa");
}

TEST_P(FileSystemContract, reads_fewer_bytes_only_where_the_file_ends) {
  const auto file = create("a");
  ASSERT_TRUE(write(*file, 0, "abc"));

  EXPECT_EQ(read(*file, 0, 3), "abc");
  EXPECT_EQ(read(*file, 2, 10), "c");
  EXPECT_EQ(read(*file, 3, 10), "");
  EXPECT_EQ(read(*file, 4096, 10), "");
}

TEST_P(FileSystemContract, gives_zeros_in_a_gap_and_where_the_file_was_made_longer) {
  const auto file = create("a");

  ASSERT_TRUE(write(*file, 3, "x"));
  ASSERT_TRUE(file->truncate(6));

  EXPECT_EQ(read(*file, 0, 100), std::string_view("\0\0\0x\0\0", 6));
}

TEST_P(FileSystemContract, gives_zeros_where_the_file_was_cut_and_grew_again) {
  const auto file = create("a");
  ASSERT_TRUE(write(*file, 0, "abcdef"));

  ASSERT_TRUE(file->truncate(2));
  EXPECT_EQ(file->size(), 2u);
  ASSERT_TRUE(file->truncate(4));

  EXPECT_EQ(read(*file, 0, 100), std::string_view("ab\0\0", 4));
}

TEST_P(FileSystemContract, allocates_space_without_touching_what_is_there) {
  const auto file = create("a");
  ASSERT_TRUE(write(*file, 0, "abc"));

  ASSERT_TRUE(file->allocate(100'000));
  EXPECT_EQ(file->size(), 100'000u);
  ASSERT_TRUE(file->allocate(50));
  ASSERT_TRUE(file->allocate(0));

  EXPECT_EQ(file->size(), 100'000u);
  EXPECT_EQ(read(*file, 0, 4), std::string_view("abc\0", 4));
  EXPECT_EQ(read(*file, 99'999, 2), std::string_view("\0", 1));
}

TEST_P(FileSystemContract, takes_advice) {
  const auto file = create("a");
  ASSERT_TRUE(write(*file, 0, "abc"));

  EXPECT_TRUE(file->advise_sequential());
  EXPECT_TRUE(file->will_need(0, 3));
  EXPECT_TRUE(file->will_need(0, 0));
  EXPECT_TRUE(file->will_need(1000, 4096));
}

TEST_P(FileSystemContract, opens_only_what_is_there_and_creates_only_what_is_not) {
  ASSERT_TRUE(write(*create("a"), 0, "kept"));

  const auto created_again = files_.open(path("a"), OpenMode::create_new);
  const auto absent = files_.open(path("b"), OpenMode::read_write);
  const auto below_absent = files_.open(path("b") / "c", OpenMode::create_new);

  EXPECT_EQ(error_of(created_again).code, std::errc::file_exists);
  EXPECT_EQ(error_of(absent).code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(error_of(below_absent).code, std::errc::no_such_file_or_directory);
  EXPECT_THAT(error_of(absent).text(), HasSubstr("open " + path("b").string() + ": "));
  EXPECT_EQ(read(*open("a", OpenMode::read_write), 0, 4), "kept");
}

TEST_P(FileSystemContract, does_not_write_to_what_was_opened_for_reading) {
  ASSERT_TRUE(write(*create("a"), 0, "kept"));
  const auto file = open("a", OpenMode::read);

  const auto written = write(*file, 0, "lost");

  EXPECT_EQ(error_of(written).code, std::errc::bad_file_descriptor);
  EXPECT_THAT(error_of(written).text(), HasSubstr("write at 0 of " + path("a").string()));
  EXPECT_FALSE(file->truncate(0));
  EXPECT_FALSE(file->allocate(10));
  EXPECT_EQ(read(*file, 0, 10), "kept");
}

TEST_P(FileSystemContract, lists_names_in_order) {
  EXPECT_THAT(names(), IsEmpty());
  for (const char* name : {"b", "a10", "C", "a9"}) ASSERT_TRUE(create(name));
  ASSERT_TRUE(files_.make_directory(path("d")));
  ASSERT_TRUE(files_.open(path("d") / "inside", OpenMode::create_new));

  EXPECT_THAT(names(), ElementsAre("C", "a10", "a9", "b", "d"));

  const auto absent = files_.list(path("absent"));
  EXPECT_EQ(error_of(absent).code, std::errc::no_such_file_or_directory);
  EXPECT_THAT(error_of(absent).text(), HasSubstr("list " + path("absent").string()));
}

TEST_P(FileSystemContract, makes_a_directory_unless_it_is_there) {
  ASSERT_TRUE(files_.make_directory(path("d")));
  ASSERT_TRUE(files_.make_directory(path("d")));
  ASSERT_TRUE(create("file"));

  EXPECT_EQ(error_of(files_.make_directory(path("file"))).code, std::errc::file_exists);
  EXPECT_EQ(error_of(files_.make_directory(path("no") / "d")).code,
            std::errc::no_such_file_or_directory);
  EXPECT_TRUE(files_.sync_directory(path("d")));
  EXPECT_EQ(error_of(files_.sync_directory(path("no"))).code, std::errc::no_such_file_or_directory);
}

TEST_P(FileSystemContract, removes_a_name_and_leaves_the_file_to_who_has_it_open) {
  const auto file = create("a");
  ASSERT_TRUE(write(*file, 0, "still here"));

  ASSERT_TRUE(files_.remove(path("a")));

  EXPECT_THAT(names(), IsEmpty());
  EXPECT_EQ(read(*file, 0, 10), "still here");
  EXPECT_TRUE(write(*file, 0, "and"));
  EXPECT_EQ(error_of(files_.remove(path("a"))).code, std::errc::no_such_file_or_directory);
  ASSERT_TRUE(files_.make_directory(path("d")));
  EXPECT_EQ(error_of(files_.remove(path("d"))).code, std::errc::is_a_directory);
}

TEST_P(FileSystemContract, renames_over_what_had_the_name) {
  ASSERT_TRUE(write(*create("new"), 0, "new"));
  ASSERT_TRUE(write(*create("old"), 0, "old"));
  const auto old = open("old", OpenMode::read);

  ASSERT_TRUE(files_.rename(path("new"), path("old")));

  EXPECT_THAT(names(), ElementsAre("old"));
  EXPECT_EQ(read(*open("old", OpenMode::read), 0, 3), "new");
  EXPECT_EQ(read(*old, 0, 3), "old");
  const auto absent = files_.rename(path("new"), path("newer"));
  EXPECT_EQ(error_of(absent).code, std::errc::no_such_file_or_directory);
}

TEST_P(FileSystemContract, renames_into_another_directory_and_to_the_same_name) {
  ASSERT_TRUE(write(*create("a"), 0, "a"));
  ASSERT_TRUE(files_.make_directory(path("d")));

  ASSERT_TRUE(files_.rename(path("a"), path("a")));
  ASSERT_TRUE(files_.rename(path("a"), path("d") / "b"));

  EXPECT_THAT(names(), ElementsAre("d"));
  EXPECT_EQ(read(*files_.open(path("d") / "b", OpenMode::read).value(), 0, 1), "a");
}

TEST_P(FileSystemContract, says_what_is_free) {
  EXPECT_GT(files_.free_bytes(disk_->directory()).value(), 0u);
  EXPECT_EQ(error_of(files_.free_bytes(path("no"))).code, std::errc::no_such_file_or_directory);
}

INSTANTIATE_TEST_SUITE_P(, FileSystemContract,
                         testing::Values(DiskKind{"posix", make_disk<PosixDisk>},
                                         DiskKind{"simulated", make_disk<SimulatedDisk>}),
                         [](const auto& kind) { return kind.param.name; });

TEST(PosixFileSystem, makes_files_and_directories_that_others_cannot_read) {
  const TemporaryDirectory directory;
  PosixFileSystem files;

  ASSERT_TRUE(files.open(directory / "a", OpenMode::create_new));
  ASSERT_TRUE(files.make_directory(directory / "d"));

  struct stat status {};
  ASSERT_EQ(::stat((directory / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat((directory / "d").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777 & ~0750u, 0u);
}

TEST(PosixFileSystem, takes_blocks_when_it_allocates) {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const auto file = files.open(directory / "a", OpenMode::create_new).value();

  ASSERT_TRUE(file->allocate(1 << 20));

  struct stat status {};
  ASSERT_EQ(::stat((directory / "a").c_str(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, 1 << 20);
}

TEST(PosixFileSystem, goes_on_after_a_short_write_and_says_where_it_failed) {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const auto file = files.open(directory / "a", OpenMode::create_new).value();
  const std::string text(400, 'x');
  const std::vector<std::span<const std::byte>> parts(5, bytes_of(text));

  // The system writes up to the limit, and refuses the rest when it is asked again.
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit limited{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
  const auto written = file->write_at(0, parts);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);

  EXPECT_EQ(error_of(written).code, std::errc::file_too_large);
  EXPECT_THAT(error_of(written).text(), HasSubstr("write at 1000 of"));
  ASSERT_EQ(file->size(), 1000u);
  ASSERT_TRUE(file->write_at(600, parts));
  EXPECT_EQ(read(*file, 0, 5000), std::string(2600, 'x'));
}

TEST(PosixFileSystem, tells_of_a_full_device) {
  PosixFileSystem files;
  const auto file = files.open("/dev/full", OpenMode::read_write).value();

  const auto written = write(*file, 0, "x");

  EXPECT_EQ(error_of(written).code, std::errc::no_space_on_device);
}

}  // namespace
}  // namespace leveret
