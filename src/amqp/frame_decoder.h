// SPDX-License-Identifier: Apache-2.0
//
// FrameDecoder: cuts the frames out of what has come from a peer, without copying.
//
//   FrameDecoder decoder(buffer.bytes(), frame_max);
//   while (const Frame* frame = decoder.next()) ...
//   buffer.consume(decoder.consumed());
//   if (decoder.error()) ...  // close the connection
//
// It lives for one pass over a buffer; what is left of an incomplete frame is given again, with
// more behind it, to the next decoder.
//
// What it gives is a frame in itself: of a known type, a method with at least class and method id,
// a header with at least its 12 fixed bytes, an empty heartbeat on channel 0, no content on channel
// 0. Whether the frame makes sense now is the connection's to say.
//
// Errors: as RabbitMQ 3.10 words them; all end the connection. 501 for a wrong end, too large a
// frame (seen as soon as its 7 bytes of header are there) and a frame of no known form; 505 for
// content or a heartbeat on a channel where it can never be.
// Thread: the owner's. Borrows: the bytes; frames are views into them.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/frame.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>

namespace leveret::amqp {

class FrameDecoder {
 public:
  /// `frame_max` is the whole frame with its 8 bytes of overhead, as it is negotiated; 0 is no
  /// limit. Like RabbitMQ we bear with clients that forget the overhead: a payload may be as long
  /// as frame_max.
  FrameDecoder(std::span<const std::byte> bytes, std::uint32_t frame_max)
      : begin_(bytes.data()),
        at_(begin_),
        end_(begin_ + bytes.size()),
        payload_bytes_max_(frame_max == 0 ? std::numeric_limits<std::uint32_t>::max() : frame_max) {
  }

  /// The next whole frame; null when no more whole one is there, or after an error. Valid until the
  /// next call; its payload as long as the bytes.
  [[nodiscard]] const Frame* next() {
    const auto left = static_cast<std::size_t>(end_ - at_);
    if (left < frame_header_bytes) return nullptr;
    const std::uint32_t payload_bytes = number<std::uint32_t>(at_ + 3);
    if (payload_bytes > payload_bytes_max_) [[unlikely]]
      return refuse_too_large();
    if (left - frame_header_bytes <= payload_bytes) return nullptr;
    const std::byte* payload = at_ + frame_header_bytes;
    frame_.type = static_cast<FrameType>(*at_);
    frame_.channel = number<std::uint16_t>(at_ + 1);
    frame_.payload = {payload, payload_bytes};
    if (payload[payload_bytes] != frame_end) [[unlikely]]
      return refuse_end();
    if (!is_plausible()) [[unlikely]]
      return refuse_implausible();
    at_ = payload + payload_bytes + 1;
    return &frame_;
  }

  /// The frame that next() gave last is not taken yet: it counts as not given, and comes first next
  /// time. Requires: it gave one, and has not been called since.
  void put_back() { at_ = frame_.payload.data() - frame_header_bytes; }

  /// Bytes of the frames that next() has given.
  [[nodiscard]] std::size_t consumed() const { return static_cast<std::size_t>(at_ - begin_); }
  /// Why the bytes at consumed() are no frame; null when nothing is wrong so far.
  [[nodiscard]] const AmqpError* error() const { return error_ ? &*error_ : nullptr; }

 private:
  static constexpr std::size_t method_payload_bytes_min = 4;
  static constexpr std::size_t header_payload_bytes_min = 12;

  template <class Number>
  static Number number(const std::byte* from) {
    Number value;
    std::memcpy(&value, from, sizeof value);
    if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
    return value;
  }
  [[nodiscard]] bool is_plausible() const {
    switch (frame_.type) {
      case FrameType::method:
        return frame_.payload.size() >= method_payload_bytes_min;
      case FrameType::header:
        return frame_.payload.size() >= header_payload_bytes_min && frame_.channel != 0;
      case FrameType::body:
        return frame_.channel != 0;
      case FrameType::heartbeat:
        return frame_.payload.empty() && frame_.channel == 0;
    }
    return false;
  }

  // Each sets error_, makes next() give nothing from now on, and returns null.
  const Frame* refuse_too_large();
  const Frame* refuse_end();
  const Frame* refuse_implausible();
  const Frame* stop(ReplyCode code, std::string text);

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  std::uint32_t payload_bytes_max_;
  Frame frame_;
  std::optional<AmqpError> error_;
};

}  // namespace leveret::amqp
