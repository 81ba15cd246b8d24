// SPDX-License-Identifier: Apache-2.0
#include "queue/read_through.h"

#include "queue/message_log.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace leveret {
namespace {

constexpr std::size_t lump_messages_max = 4096;
constexpr std::uint64_t lump_bytes_max = 1024 * 1024;

/// What is under way; it belongs to who goes on with it.
struct Reading {
  Journal& journal;
  std::vector<OwnersPage> pages;
  std::move_only_function<void(const Message&)> visit;
  std::move_only_function<void()> done;
  std::size_t next_page = 0;
  SegmentId segment{};
  std::vector<IndexEntry> entries{};  // Of the page before the next.
  std::size_t next_entry = 0;
};
using ReadingPtr = std::unique_ptr<Reading>;

void go_on(ReadingPtr reading);

void read_lump(ReadingPtr reading) {
  std::vector<Extent> extents;
  std::uint64_t bytes = 0;
  while (reading->next_entry < reading->entries.size() && extents.size() < lump_messages_max &&
         bytes < lump_bytes_max) {
    const IndexEntry& entry = reading->entries[reading->next_entry++];
    extents.push_back({entry.location(reading->segment), entry.bytes});
    bytes += entry.bytes;
  }
  Journal& journal = reading->journal;
  journal.read(std::move(extents), [reading = std::move(reading)](const ReadData& data) mutable {
    for (const auto& one : data.data) {
      if (const MessagePtr message = MessageLog::decode(one).message) reading->visit(*message);
    }
    go_on(std::move(reading));
  });
}

void go_on(ReadingPtr reading) {
  if (reading->next_entry < reading->entries.size()) return read_lump(std::move(reading));
  if (reading->next_page != 0) reading->journal.unpin(reading->segment);
  if (reading->next_page == reading->pages.size()) return reading->done();
  const OwnersPage next = std::move(reading->pages[reading->next_page++]);
  reading->segment = next.page.segment;
  reading->next_entry = 0;
  reading->entries = next.page.entries;
  if (!reading->entries.empty()) return read_lump(std::move(reading));
  Journal& journal = reading->journal;
  journal.read_entries(
      next.page.segment, next.owner, next.page.first_seq, next.page.last_seq,
      [reading = std::move(reading)](Result<std::vector<IndexEntry>> entries) mutable {
        if (entries) reading->entries = std::move(*entries);
        go_on(std::move(reading));
      });
}

}  // namespace

void read_through(Journal& journal, std::vector<OwnersPage> pages,
                  std::move_only_function<void(const Message&)> visit,
                  std::move_only_function<void()> done) {
  for (const OwnersPage& one : pages) journal.pin(one.page.segment);
  go_on(ReadingPtr(new Reading{.journal = journal,
                               .pages = std::move(pages),
                               .visit = std::move(visit),
                               .done = std::move(done)}));
}

}  // namespace leveret
