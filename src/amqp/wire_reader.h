// SPDX-License-Identifier: Apache-2.0
//
// WireReader: takes AMQP's types off a run of bytes, from front to back.
//
// A read past the end sets failed(); that read and all that follow give zero or empty. So a decoder
// reads everything it expects and asks once, at the end.
//
// Thread: the owner's. Borrows: the bytes; strings and tables it gives are views into them.
// Spec: AMQP 0-9-1 §4.2.5; numbers are big-endian.

#pragma once

#include "amqp/raw_table.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace leveret::amqp {

class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes)
      : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  [[nodiscard]] bool failed() const { return failed_; }
  /// Everything was there, and nothing is left.
  [[nodiscard]] bool is_finished() const { return !failed_ && at_ == end_; }
  /// Bytes not yet read; 0 after a failure.
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
  /// Bytes read.
  [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }

  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  float f32() { return std::bit_cast<float>(u32()); }
  double f64() { return std::bit_cast<double>(u64()); }

  std::span<const std::byte> bytes(std::size_t count) {
    if (count > remaining()) [[unlikely]] {
      fail();
      return {};
    }
    const std::byte* taken = at_;
    at_ += count;
    return {taken, count};
  }
  /// At most 255 bytes, any bytes.
  std::string_view short_string() { return chars(u8()); }
  std::string_view long_string() { return chars(u32()); }
  /// A table; what is inside is not looked at.
  RawTable raw_table() { return RawTable(bytes(u32())); }

 private:
  template <class Number>
  Number number() {
    if (sizeof(Number) > remaining()) [[unlikely]] {
      fail();
      return 0;
    }
    Number value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
    return value;
  }
  std::string_view chars(std::size_t count) {
    const std::span<const std::byte> taken = bytes(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  void fail() {
    failed_ = true;
    at_ = end_;
  }

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  bool failed_ = false;
};

}  // namespace leveret::amqp
