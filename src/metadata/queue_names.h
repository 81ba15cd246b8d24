// SPDX-License-Identifier: Apache-2.0
//
// read_queue_names: which queue has which number, from a file that somebody else may have open, for
// tools that show what belongs to whom.
//
// Thread: any.

#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>

namespace leveret {

struct QueueName {
  std::string vhost;
  std::string name;
  bool is_held_back = false;  ///< It is an exchange's name, for the messages that it holds back.
};

/// By the queues' numbers. Only reads, takes no lock and minds none. So the answer is that of the
/// file itself: what a running broker, or one that was killed, has only in its log is not in it.
/// Errors: not a metadata file of this version, damaged, or changed meanwhile.
[[nodiscard]] Result<std::unordered_map<std::uint64_t, QueueName>> read_queue_names(
    const std::filesystem::path& file);

}  // namespace leveret
