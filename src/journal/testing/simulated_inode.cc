// SPDX-License-Identifier: Apache-2.0
#include "journal/testing/simulated_inode.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace leveret {
namespace {

constexpr std::uint64_t page_bytes = SparseBytes::page_bytes;

std::uint64_t round_up(std::uint64_t bytes, std::uint64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

void SimulatedInode::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  seen_.write(offset, bytes);
  Change change{.offset = offset / sector_bytes * sector_bytes, .size_after = seen_.size()};
  // Past the end of the file the last sector is zeros.
  change.sectors.resize(round_up(offset + bytes.size(), sector_bytes) - change.offset);
  static_cast<void>(seen_.read(change.offset, change.sectors));
  changes_.push_back(std::move(change));
}

std::size_t SimulatedInode::read(std::uint64_t offset, std::span<std::byte> into) const {
  return seen_.read(offset, into);
}

void SimulatedInode::truncate(std::uint64_t bytes) {
  const bool is_cut = bytes < seen_.size();
  seen_.resize(bytes);
  changes_.push_back({.is_cut = is_cut, .size_after = bytes});
  if (is_cut)
    allocated_pages_ = std::min(allocated_pages_, round_up(bytes, page_bytes) / page_bytes);
}

void SimulatedInode::allocate(std::uint64_t bytes) {
  if (bytes > seen_.size()) truncate(bytes);
  allocated_pages_ = std::max(allocated_pages_, round_up(bytes, page_bytes) / page_bytes);
}

void SimulatedInode::sync() {
  Engine unused;
  settle(Fates::all_kept(changes_.size()), unused);
  // After a failed sync the size may have been behind with no change to say so.
  on_disk_.resize(seen_.size());
}

void SimulatedInode::fail_sync(Engine& engine) {
  settle(Fates(engine, changes_.size()), engine);
  if (engine() % 2 == 0) {
    const std::uint64_t size = seen_.size();
    seen_ = on_disk_;
    seen_.resize(size);
  }
}

void SimulatedInode::lose_power(Engine& engine) {
  settle(Fates(engine, changes_.size()), engine);
  seen_ = on_disk_;
  allocated_pages_ = std::min(allocated_pages_, round_up(seen_.size(), page_bytes) / page_bytes);
}

void SimulatedInode::settle(const Fates& fates, Engine& engine) {
  const std::size_t sizes = fates.in_force();
  const std::uint64_t size = sizes == 0 ? on_disk_.size() : changes_[sizes - 1].size_after;
  // What is written behind a cut goes to new blocks; if the cut does not hold, the old ones are
  // still the file's.
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    if (!change.is_cut) {
      settle_sectors(change, fates[i], limit, engine);
    } else if (i < sizes) {
      on_disk_.resize(change.size_after);
    } else {
      limit = std::min(limit, round_up(change.size_after, sector_bytes));
    }
  }
  on_disk_.resize(size);
  changes_.clear();
}

void SimulatedInode::settle_sectors(const Change& change, Fate fate, std::uint64_t limit,
                                    Engine& engine) {
  if (fate == Fate::dropped || change.sectors.empty()) return;
  const std::size_t count = change.sectors.size() / sector_bytes;
  // A torn write ends somewhere, or has holes.
  const bool has_holes = engine() % 2 == 0;
  const std::size_t end = fate == Fate::torn && !has_holes ? engine() % count : count;
  for (std::size_t i = 0; i < end; ++i) {
    const std::uint64_t offset = change.offset + i * sector_bytes;
    if (fate == Fate::torn && has_holes && engine() % 2 == 0) continue;
    if (offset >= limit) return;
    on_disk_.write(offset, std::span(change.sectors).subspan(i * sector_bytes, sector_bytes));
  }
}

void SimulatedInode::flip_bits(std::uint64_t offset, std::uint64_t bytes, Engine& engine) {
  for (std::uint64_t at = offset; at < offset + bytes; ++at) {
    const auto mask = static_cast<std::byte>(1u << engine() % 8);
    for (SparseBytes* content : {&seen_, &on_disk_}) {
      std::byte byte{};
      if (content->read(at, std::span(&byte, 1)) == 0) continue;
      byte ^= mask;
      content->write(at, std::span(&byte, 1));
    }
  }
}

void SimulatedInode::make_unreadable(std::uint64_t offset, std::uint64_t bytes) {
  unreadable_.push_back({offset, offset + bytes});
}

bool SimulatedInode::is_readable(std::uint64_t offset, std::uint64_t bytes) const {
  return std::ranges::none_of(unreadable_, [&](const Range& range) {
    return range.begin < offset + bytes && offset < range.end;
  });
}

std::uint64_t SimulatedInode::pages_in_use() const {
  return allocated_pages_ + seen_.pages_from(allocated_pages_);
}

std::uint64_t SimulatedInode::bytes_that_fit(std::uint64_t offset, std::uint64_t bytes,
                                             std::uint64_t pages_max) const {
  const std::uint64_t end = offset + bytes;
  for (std::uint64_t page = offset / page_bytes; page * page_bytes < end; ++page) {
    if (page < allocated_pages_ || seen_.has_page(page)) continue;
    if (pages_max == 0) return std::max(offset, page * page_bytes) - offset;
    --pages_max;
  }
  return bytes;
}

std::uint64_t SimulatedInode::pages_to_allocate(std::uint64_t bytes) const {
  const std::uint64_t wanted = round_up(bytes, page_bytes) / page_bytes;
  if (wanted <= allocated_pages_) return 0;
  const std::uint64_t written = seen_.pages_from(allocated_pages_) - seen_.pages_from(wanted);
  return wanted - allocated_pages_ - written;
}

}  // namespace leveret
