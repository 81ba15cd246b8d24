// SPDX-License-Identifier: Apache-2.0
//
// Memory that was freed and that the allocator still keeps.
//
// Thread: any; each thread returns what it keeps for itself.

#pragma once

namespace leveret {

/// Makes the allocator return a page of memory to the system some milliseconds after the last block
/// in it is freed, not much later. Before the first thread; once.
void return_pages_soon();

/// Gives the calling thread's unused memory back to the system, also what the allocator would have
/// returned at the thread's next use of it. For quiet moments: it takes a few milliseconds.
void return_unused_memory();

}  // namespace leveret
