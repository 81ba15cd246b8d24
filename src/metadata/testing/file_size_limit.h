// SPDX-License-Identifier: Apache-2.0
//
// FileSizeLimit: the largest file that this process may write, until the end of the scope. Past it
// a write fails with EFBIG, as a write to a full disk fails with ENOSPC.
//
// Thread: one; the limit is the whole process's.

#pragma once

#include "base/assert.h"

#include <csignal>

#include <sys/resource.h>

namespace leveret {

class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{bytes, before_.rlim_max};
    LEVERET_ASSERT(::setrlimit(RLIMIT_FSIZE, &limited) == 0, "setrlimit");
  }
  ~FileSizeLimit() {
    LEVERET_ASSERT(::setrlimit(RLIMIT_FSIZE, &before_) == 0, "setrlimit");
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  sighandler_t handler_ = nullptr;
};

}  // namespace leveret
