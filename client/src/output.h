// SPDX-License-Identifier: Apache-2.0
//
// Output: the bytes that a session has to say and nobody has taken yet, in one run.
//
// Whoever writes takes all of it at once by swapping it with an empty one, so that a publisher may
// go on while the socket is written to.
//
// Thread: whoever has the session.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace leveret::client {

class Output {
 public:
  Output() = default;
  Output(Output&& other) noexcept { swap(other); }
  Output& operator=(Output&& other) noexcept {
    swap(other);
    return *this;
  }

  /// Memory of `bytes` to encode into, which then counts as said.
  [[nodiscard]] std::span<std::byte> extend(std::size_t bytes) {
    if (capacity_ - used_ < bytes) [[unlikely]]
      grow(bytes);
    std::byte* begin = memory_.get() + used_;
    used_ += bytes;
    return {begin, bytes};
  }
  void append(std::span<const std::byte> bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()).data(), bytes.data(), bytes.size());
  }

  [[nodiscard]] std::span<const std::byte> bytes() const { return {memory_.get(), used_}; }
  [[nodiscard]] std::size_t size() const { return used_; }
  [[nodiscard]] bool empty() const { return used_ == 0; }
  /// Keeps the memory, unless a burst made it large.
  void clear() {
    used_ = 0;
    if (capacity_ > kept_bytes_max) {
      memory_.reset();
      capacity_ = 0;
    }
  }
  void swap(Output& other) noexcept {
    memory_.swap(other.memory_);
    std::swap(capacity_, other.capacity_);
    std::swap(used_, other.used_);
  }

 private:
  static constexpr std::size_t first_bytes = 4096;
  static constexpr std::size_t kept_bytes_max = 4 * 1024 * 1024;

  void grow(std::size_t bytes) {
    std::size_t capacity = capacity_ == 0 ? first_bytes : capacity_;
    while (capacity - used_ < bytes) capacity *= 2;
    auto memory = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (used_ != 0) std::memcpy(memory.get(), memory_.get(), used_);
    memory_ = std::move(memory);
    capacity_ = capacity;
  }

  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

}  // namespace leveret::client
