// SPDX-License-Identifier: Apache-2.0
//
// SimulatedInode: one file of a SimulatedFileSystem, by whatever names: what a reader sees, what is
// on the disk, and which changes are between the two.
//
// The device writes sectors of 512 bytes, each whole or not at all, in any order, and from the page
// cache as it is at that moment. So each change keeps its sectors as they were after it, and a
// sector that survives brings along what was written there before. Sizes and cuts are metadata,
// which a file system keeps in order: after a loss of power the file has one of the sizes it went
// through, and a cut that holds has cleared what it cut.
//
// Thread: one at a time (the file system's lock).

#pragma once

#include "journal/testing/fates.h"
#include "journal/testing/sparse_bytes.h"

#include <cstdint>
#include <span>
#include <vector>

namespace leveret {

class SimulatedInode {
 public:
  using Engine = Fates::Engine;
  static constexpr std::uint64_t sector_bytes = 512;

  void write(std::uint64_t offset, std::span<const std::byte> bytes);
  [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<std::byte> into) const;
  [[nodiscard]] std::uint64_t size() const { return seen_.size(); }
  void truncate(std::uint64_t bytes);
  /// Grows to `bytes` if it is shorter, and takes the space for them.
  void allocate(std::uint64_t bytes);

  /// All changes reach the disk.
  void sync();
  /// Some changes, or parts of them, reach the disk; the others never will. Who reads may see
  /// them nevertheless (still cached) or not: that differs between file systems.
  void fail_sync(Engine& engine);
  /// As fail_sync(), and what is seen is what is on the disk.
  void lose_power(Engine& engine);

  /// Damages every byte of the range, as seen and on the disk.
  void flip_bits(std::uint64_t offset, std::uint64_t bytes, Engine& engine);
  void make_unreadable(std::uint64_t offset, std::uint64_t bytes);
  [[nodiscard]] bool is_readable(std::uint64_t offset, std::uint64_t bytes) const;

  /// Space in pages of SparseBytes.
  [[nodiscard]] std::uint64_t pages_in_use() const;
  /// How many of the bytes can be written when only so many pages may be taken for them.
  [[nodiscard]] std::uint64_t bytes_that_fit(std::uint64_t offset, std::uint64_t bytes,
                                             std::uint64_t pages_max) const;
  /// How many pages allocate() would take.
  [[nodiscard]] std::uint64_t pages_to_allocate(std::uint64_t bytes) const;

  int names = 0;  ///< How many lead here.
  int opens = 0;  ///< Files of the living process. Space is in use while either is not 0.

 private:
  struct Change {
    std::uint64_t offset = 0;        // Of the first sector.
    std::vector<std::byte> sectors;  // None: only the size changed.
    bool is_cut = false;
    std::uint64_t size_after = 0;
  };

  /// Puts on the disk what the fates say, and forgets the changes.
  void settle(const Fates& fates, Engine& engine);
  void settle_sectors(const Change& change, Fate fate, std::uint64_t limit, Engine& engine);

  SparseBytes seen_;
  SparseBytes on_disk_;
  std::vector<Change> changes_;        // Since the last sync(), in order.
  std::uint64_t allocated_pages_ = 0;  // From the first page on; taken even if never written.
  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
  };
  std::vector<Range> unreadable_;
};

}  // namespace leveret
