// SPDX-License-Identifier: Apache-2.0
//
// TemporaryDirectory: a new empty directory for one test, gone with all in it afterwards.
//
// Thread: one.

#pragma once

#include "base/assert.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include <stdlib.h>

namespace leveret {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "leveret-test-XXXXXX").string();
    LEVERET_ASSERT(::mkdtemp(name.data()), "mkdtemp {}: {}", name, std::strerror(errno));
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;  // What cannot be deleted is left to the system's own sweep.
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace leveret
