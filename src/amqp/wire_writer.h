// SPDX-License-Identifier: Apache-2.0
//
// WireWriter: puts AMQP's types into memory that the caller has reserved, from front to back. All
// that can be encoded offers encoded_size(), so the caller reserves exactly.
//
// Requires: everything written fits (asserted in debug builds); short strings have at most 255
// bytes (asserted always, because what is longer would say something else on the wire).
// Thread: the owner's. Borrows: the memory.

#pragma once

#include "amqp/limits.h"
#include "amqp/raw_table.h"
#include "base/assert.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace leveret::amqp {

class WireWriter {
 public:
  WireWriter(std::byte* begin, std::byte* end) : begin_(begin), at_(begin), end_(end) {}
  explicit WireWriter(std::span<std::byte> memory)
      : WireWriter(memory.data(), memory.data() + memory.size()) {}

  /// Bytes written.
  [[nodiscard]] std::size_t written() const { return static_cast<std::size_t>(at_ - begin_); }
  /// Bytes that still fit.
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }

  void u8(std::uint8_t value) { number(value); }
  void u16(std::uint16_t value) { number(value); }
  void u32(std::uint32_t value) { number(value); }
  void u64(std::uint64_t value) { number(value); }
  void f32(float value) { number(std::bit_cast<std::uint32_t>(value)); }
  void f64(double value) { number(std::bit_cast<std::uint64_t>(value)); }

  void bytes(std::span<const std::byte> value) {
    LEVERET_DEBUG_ASSERT(value.size() <= remaining(), "{} bytes, room for {}", value.size(),
                         remaining());
    if (value.empty()) return;  // An empty span may have a null pointer, which memcpy must not see.
    std::memcpy(at_, value.data(), value.size());
    at_ += value.size();
  }
  void short_string(std::string_view value) {
    LEVERET_ASSERT(value.size() <= short_string_bytes_max, "short string of {} bytes",
                   value.size());
    u8(static_cast<std::uint8_t>(value.size()));
    bytes(std::as_bytes(std::span(value)));
  }
  void long_string(std::string_view value) { sized_bytes(std::as_bytes(std::span(value))); }
  void raw_table(RawTable table) { sized_bytes(table.bytes()); }

 private:
  template <class Number>
  void number(Number value) {
    LEVERET_DEBUG_ASSERT(sizeof value <= remaining(), "{} bytes, room for {}", sizeof value,
                         remaining());
    if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }
  void sized_bytes(std::span<const std::byte> value) {
    u32(static_cast<std::uint32_t>(value.size()));
    bytes(value);
  }

  std::byte* begin_;
  std::byte* at_;
  std::byte* end_;
};

}  // namespace leveret::amqp
