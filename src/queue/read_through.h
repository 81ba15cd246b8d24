// SPDX-License-Identifier: Apache-2.0
//
// read_through: shows all messages of some pages of a journal, one after the other, once. For who
// has to know what a start found before it is delivered.
//
// A few lumps are in memory at a time. What cannot be read is left out; whoever delivers it will
// say so. The pages' segments stay until they have been read.
//
// Thread: the journal's home worker. Borrows: the journal, which outlives what is under way or
// drops it.

#pragma once

#include "journal/ids.h"
#include "journal/journal.h"
#include "journal/recovery.h"
#include "message/message.h"

#include <functional>
#include <vector>

namespace leveret {

struct OwnersPage {
  OwnerId owner;
  RecoveredPage page;
};

/// Requires: the pages' segments are there and sealed.
/// Calls `visit` for each message and `done` at the end, perhaps before it returns; neither when
/// the journal goes before.
void read_through(Journal& journal, std::vector<OwnersPage> pages,
                  std::move_only_function<void(const Message&)> visit,
                  std::move_only_function<void()> done);

}  // namespace leveret
