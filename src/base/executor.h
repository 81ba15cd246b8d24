// SPDX-License-Identifier: Apache-2.0
//
// Executor: how one worker reaches another. Everything has a home worker; only its home touches it;
// others post to it.
//
// Thread: every method may be called from any worker of the executor; `here()` names the caller's.

#pragma once

#include "base/strong_type.h"
#include "base/task.h"

#include <cstdint>

namespace leveret {

/// Index of a worker, 0 .. worker_count-1.
using WorkerId = StrongType<std::uint16_t, struct WorkerIdName>;

class Executor {
 public:
  virtual ~Executor() = default;

  [[nodiscard]] virtual unsigned worker_count() const = 0;

  /// The worker whose thread is calling. Requires: called on a worker.
  [[nodiscard]] virtual WorkerId here() const = 0;

  /// Sends `task` to `target`, from a worker. Tasks from one worker to another run in the order
  /// they were posted; they leave together when the sender's loop turn ends. Posting to oneself
  /// runs the task later in the same or the next turn, never inside post().
  virtual void post(WorkerId target, Task task) = 0;

  /// As post(), from a thread that is no worker (the metadata thread, a signal handler's thread).
  virtual void post_from_outside(WorkerId target, Task task) = 0;
};

}  // namespace leveret
