// SPDX-License-Identifier: Apache-2.0
//
// IdleHost: the host of a journal whose test asks it nothing, and owns nothing that is alive.

#pragma once

#include "journal/journal.h"

#include <span>
#include <vector>

namespace leveret::testing {

class IdleHost final : public JournalHost {
 public:
  void on_durable(BatchId) override {}
  void on_stalled(const Error&) override {}
  void on_resumed() override {}
  void on_poisoned(const Error&) override {}
  void find_alive(OwnerId, SegmentId, std::span<const IndexEntry>,
                  std::vector<IndexEntry>&) override {}
  void relocate(OwnerId, SegmentId, std::span<Relocation>) override {}
};

}  // namespace leveret::testing
