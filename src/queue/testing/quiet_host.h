// SPDX-License-Identifier: Apache-2.0
//
// QuietHost: a QueueHost to which nothing matters. A test overrides what it looks at.
//
// Thread: the test's.

#pragma once

#include "queue/message_store.h"
#include "queue/queue_host.h"

#include <cstdint>

namespace leveret::testing {

class QuietHost : public QueueHost {
 public:
  void confirm(PublishToken, bool) override {}
  void needs_dispatch(Queue&) override {}
  void has_loaded(Queue&) override {}
  void is_unused(Queue&) override {}
  std::uint64_t now_ms() override { return now; }
  void wake_at(Queue&, std::uint64_t) override {}
  bool dead_letter(Queue&, const StoredMessage&, Death) override { return false; }
  void dead_letter_refused(Queue&, const MessagePtr&) override {}

  std::uint64_t now = 1'000'000;
};

}  // namespace leveret::testing
