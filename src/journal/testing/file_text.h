// SPDX-License-Identifier: Apache-2.0
//
// Files as text, for tests: write a string, read one back.
//
// Thread: any.

#pragma once

#include "journal/file_system.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {

/// No error when there is none.
template <class T>
Error error_of(const Result<T>& result) {
  return result ? Error{} : result.error();
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline Result<void> write(File& file, std::uint64_t offset, std::string_view text) {
  const auto part = bytes_of(text);
  return file.write_at(offset, std::span(&part, 1));
}

/// What is there; fails the test when it cannot be read.
inline std::string read(File& file, std::uint64_t offset, std::size_t count) {
  std::string text(count, '?');
  const auto got = file.read_at(offset, std::as_writable_bytes(std::span(text)));
  EXPECT_TRUE(got) << error_of(got).text();
  text.resize(got.value_or(0));
  return text;
}

inline std::string read_all(File& file) { return read(file, 0, file.size().value_or(0)); }

/// The file; null, and the test fails, when it cannot be opened.
inline std::unique_ptr<File> open_file(FileSystem& files, const std::filesystem::path& path,
                                       OpenMode mode = OpenMode::read_write) {
  auto opened = files.open(path, mode);
  EXPECT_TRUE(opened) << error_of(opened).text();
  return opened ? std::move(*opened) : nullptr;
}

inline std::unique_ptr<File> create_file(FileSystem& files, const std::filesystem::path& path) {
  return open_file(files, path, OpenMode::create_new);
}

inline std::vector<std::string> names(FileSystem& files, const char* directory = "/") {
  auto listed = files.list(directory);
  EXPECT_TRUE(listed) << error_of(listed).text();
  return listed ? std::move(*listed) : std::vector<std::string>();
}

inline std::string content(FileSystem& files, const char* path = "/a") {
  return read_all(*open_file(files, path, OpenMode::read));
}

/// A file with a name and content that are both durable.
inline std::unique_ptr<File> durable_file(FileSystem& files, const char* path,
                                          std::string_view text) {
  auto file = create_file(files, path);
  EXPECT_TRUE(write(*file, 0, text));
  EXPECT_TRUE(file->sync());
  EXPECT_TRUE(files.sync_directory("/"));
  return file;
}

}  // namespace leveret
