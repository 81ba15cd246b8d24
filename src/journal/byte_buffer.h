// SPDX-License-Identifier: Apache-2.0
//
// ByteBuffer: bytes that are only ever appended, in one block that doubles. Unlike a vector it does
// not write zeros where data will be copied a moment later.
//
// Thread: one at a time. Owns: its block.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace leveret {

class ByteBuffer {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {block_.get(), size_}; }
  [[nodiscard]] std::byte* data() { return block_.get(); }

  /// Room for `bytes` more, to be written by the caller. Valid until the next call.
  [[nodiscard]] std::byte* extend(std::size_t bytes) {
    if (size_ + bytes > capacity_) grow(size_ + bytes);
    std::byte* room = block_.get() + size_;
    size_ += bytes;
    return room;
  }
  void append(std::span<const std::byte> bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
  }
  /// Forgets the content, and the block when it has grown past `keep_bytes`.
  void clear(std::size_t keep_bytes) {
    size_ = 0;
    if (capacity_ <= keep_bytes) return;
    block_.reset();
    capacity_ = 0;
  }

 private:
  struct Free {
    void operator()(std::byte* block) const { std::free(block); }
  };

  void grow(std::size_t needed) {
    const std::size_t capacity = std::max({needed, capacity_ * 2, std::size_t{4096}});
    auto* moved = static_cast<std::byte*>(std::realloc(block_.get(), capacity));
    if (moved == nullptr) throw std::bad_alloc();
    static_cast<void>(block_.release());
    block_.reset(moved);
    capacity_ = capacity;
  }

  std::unique_ptr<std::byte, Free> block_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace leveret
