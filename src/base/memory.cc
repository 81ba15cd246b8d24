// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#ifdef LEVERET_MIMALLOC
#include <array>
#include <cstddef>

#include <mimalloc.h>
#elif !defined(LEVERET_SANITIZED)
#include <malloc.h>
#endif

namespace leveret {

#ifdef LEVERET_MIMALLOC
namespace {

// mimalloc (2.0) marks pages that become free, and returns them to the system when their thread
// takes or frees another page of the same 32 MiB, so many milliseconds later or more. Returning
// them at once makes each large message cost its page faults; a thread that has become idle returns
// nothing any more, and mi_collect() does not look at marks.
constexpr long delay_under_load_ms = 10;

/// Takes what is free in this thread's segments and gives it back, so that marked pages are gone
/// through once more. Of a block of this size the allocator touches one page.
void walk_free_pages() {
  constexpr std::size_t block_bytes = 512 * 1024;
  std::array<void*, 64> blocks{};
  for (void*& block : blocks) block = mi_malloc(block_bytes);
  for (void* block : blocks) mi_free(block);
}

}  // namespace
#endif

void return_pages_soon() {
#ifdef LEVERET_MIMALLOC
  mi_option_set_default(mi_option_decommit_delay, delay_under_load_ms);
  mi_option_set_default(mi_option_decommit_extend_delay, 0);
#endif
}

void return_unused_memory() {
#ifdef LEVERET_MIMALLOC
  mi_collect(/*force=*/true);
  mi_option_set(mi_option_decommit_delay, 0);
  walk_free_pages();
  mi_collect(/*force=*/true);
  mi_option_set(mi_option_decommit_delay, delay_under_load_ms);
#elif !defined(LEVERET_SANITIZED)
  ::malloc_trim(0);
#endif
  // A sanitizer brings an allocator of its own, and glibc's, which was never set up then, may not
  // be asked: malloc_trim() would walk arenas that do not exist.
}

}  // namespace leveret
