// SPDX-License-Identifier: Apache-2.0
//
// Any bytes through the frame decoder, in one piece and in two: the frames must be the same, lie
// inside the bytes, and encode back to exactly the bytes they were cut from.
//
//   | where to cut, 2 | frame_max above the least, 1, in KiB | bytes from the peer |

#include "amqp/basic_properties.h"
#include "amqp/content_header.h"
#include "amqp/frame_decoder.h"
#include "amqp/frame_encoder.h"
#include "amqp/wire_reader.h"
#include "base/assert.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace leveret::amqp {
namespace {

using Bytes = std::span<const std::byte>;

struct Outcome {
  std::size_t frames = 0;
  std::size_t consumed = 0;
  std::optional<AmqpError> error;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void check_frame(const Frame& frame, Bytes cut_from) {
  LEVERET_ASSERT(frame.payload.data() == cut_from.data() + frame_header_bytes);
  LEVERET_ASSERT(frame.payload.size() + frame_overhead_bytes == cut_from.size());
  std::vector<std::byte> again(cut_from.size());
  WireWriter writer(again);
  write_frame_header(writer, frame.type, frame.channel, frame.payload.size());
  writer.bytes(frame.payload);
  write_frame_end(writer);
  LEVERET_ASSERT(std::ranges::equal(again, cut_from), "frame of type {}",
                 static_cast<int>(frame.type));
}

// What is read of a property on its own is what is read of all.
void check_properties(const ContentHeader& header) {
  const Bytes encoded = header.properties;
  const AmqpResult<BasicProperties> properties = BasicProperties::decode(encoded);
  LEVERET_ASSERT(properties.has_value() == is_well_formed_properties(encoded));
  const std::uint8_t delivery_mode = peek_delivery_mode(encoded);
  const auto priority = peek_priority(encoded);
  const auto expiration = peek_expiration(encoded);
  const auto user_id = peek_user_id(encoded);
  const auto headers = peek_headers(encoded);
  if (!properties) return;
  LEVERET_ASSERT(delivery_mode == properties->delivery_mode.value_or(0));
  LEVERET_ASSERT(priority == properties->priority);
  LEVERET_ASSERT(expiration == properties->expiration);
  LEVERET_ASSERT(user_id == properties->user_id);
  LEVERET_ASSERT(headers == properties->headers);
  const std::vector<std::byte> again = properties->to_raw();
  // The two lowest bits of the flags mean nothing and are not kept.
  LEVERET_ASSERT(again.size() == encoded.size() && again[0] == encoded[0] &&
                 again[1] == (encoded[1] & std::byte{0xFC}) &&
                 std::ranges::equal(std::span(again).subspan(2), encoded.subspan(2)));
}

Outcome decode(Bytes bytes, std::uint32_t frame_max) {
  Outcome outcome;
  FrameDecoder decoder(bytes, frame_max);
  while (const Frame* frame = decoder.next()) {
    ++outcome.frames;
    check_frame(*frame, bytes.subspan(outcome.consumed, decoder.consumed() - outcome.consumed));
    outcome.consumed = decoder.consumed();
    if (frame->type == FrameType::header) {
      if (const auto header = ContentHeader::decode(frame->payload)) check_properties(*header);
    }
  }
  if (decoder.error()) {
    outcome.error = *decoder.error();
    LEVERET_ASSERT(closes_connection(outcome.error->code));
    LEVERET_ASSERT(outcome.error->reply_text().size() <= short_string_bytes_max);
  }
  return outcome;
}

void run(Bytes input) {
  WireReader reader(input);
  const std::size_t cut_wish = reader.u16();
  const std::uint32_t frame_max = frame_bytes_min + reader.u8() * 1024U;
  // A copy of its own size, so that a read past the end is seen.
  const Bytes rest = reader.bytes(reader.remaining());
  const std::vector<std::byte> bytes(rest.begin(), rest.end());

  const Outcome whole = decode(bytes, frame_max);

  const std::vector<std::byte> first(bytes.begin(),
                                     bytes.begin() + std::min(cut_wish, bytes.size()));
  Outcome in_two = decode(first, frame_max);
  if (!in_two.error) {
    const Outcome second = decode(Bytes(bytes).subspan(in_two.consumed), frame_max);
    in_two.frames += second.frames;
    in_two.consumed += second.consumed;
    in_two.error = second.error;
  }
  LEVERET_ASSERT(in_two == whole, "cut at {}: {} frames, not {}", first.size(), in_two.frames,
                 whole.frames);
}

}  // namespace
}  // namespace leveret::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  leveret::amqp::run(std::as_bytes(std::span(data, size)));
  return 0;
}
