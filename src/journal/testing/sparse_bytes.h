// SPDX-License-Identifier: Apache-2.0
//
// SparseBytes: the bytes of a file in memory; what was never written is zeros and takes no memory.
//
// Thread: one at a time.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <span>

namespace leveret {

class SparseBytes {
 public:
  static constexpr std::uint64_t page_bytes = 4096;

  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Grows when it must.
  void write(std::uint64_t offset, std::span<const std::byte> bytes) {
    size_ = std::max(size_, offset + bytes.size());
    while (!bytes.empty()) {
      const std::uint64_t within = offset % page_bytes;
      const std::size_t count = std::min<std::size_t>(bytes.size(), page_bytes - within);
      std::memcpy(pages_[offset / page_bytes].data() + within, bytes.data(), count);
      bytes = bytes.subspan(count);
      offset += count;
    }
  }

  /// Returns how many bytes there were: fewer than asked for only at the end.
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) const {
    if (offset >= size_) return 0;
    into = into.first(std::min<std::uint64_t>(into.size(), size_ - offset));
    const std::size_t total = into.size();
    while (!into.empty()) {
      const std::uint64_t within = offset % page_bytes;
      const std::size_t count = std::min<std::size_t>(into.size(), page_bytes - within);
      const auto page = pages_.find(offset / page_bytes);
      if (page == pages_.end()) {
        std::memset(into.data(), 0, count);
      } else {
        std::memcpy(into.data(), page->second.data() + within, count);
      }
      into = into.subspan(count);
      offset += count;
    }
    return total;
  }

  /// Cuts, or grows by zeros. What was cut is zeros when it grows again.
  void resize(std::uint64_t bytes) {
    if (bytes < size_) {
      pages_.erase(pages_.lower_bound((bytes + page_bytes - 1) / page_bytes), pages_.end());
      const auto last = pages_.find(bytes / page_bytes);
      if (last != pages_.end()) {
        const std::uint64_t within = bytes % page_bytes;
        std::memset(last->second.data() + within, 0, page_bytes - within);
      }
    }
    size_ = bytes;
  }

  [[nodiscard]] bool has_page(std::uint64_t page) const { return pages_.contains(page); }
  /// How many pages were written from page number `first` on.
  [[nodiscard]] std::uint64_t pages_from(std::uint64_t first) const {
    if (first == 0) return pages_.size();
    return static_cast<std::uint64_t>(std::distance(pages_.lower_bound(first), pages_.end()));
  }

 private:
  std::uint64_t size_ = 0;
  std::map<std::uint64_t, std::array<std::byte, page_bytes>>
      pages_;  // Nothing past size_ but zeros.
};

}  // namespace leveret
