// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as the payload of a method frame: what decodes must encode to the same bytes but for
// reserved fields, which are zeroed, and must then decode to the same method; what does not decode
// is refused with a text that fits a close.

#include "amqp/frame_encoder.h"
#include "amqp/method_decoder.h"
#include "amqp/methods.gen.h"
#include "base/assert.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace leveret::amqp {
namespace {

struct CheckMethod {
  std::span<const std::byte> payload;

  template <class Method>
  void operator()() const {
    if (method_key_of(payload) != Method::key) return;
    LEVERET_ASSERT(method_name(Method::key) == Method::name);
    const AmqpResult<Method> decoded = decode_method<Method>(payload);
    if (!decoded) {
      LEVERET_ASSERT(decoded.error().code == ReplyCode::frame_error);
      LEVERET_ASSERT(decoded.error().method == Method::key);
      LEVERET_ASSERT(decoded.error().reply_text().size() <= short_string_bytes_max);
      return;
    }
    const std::vector<std::byte> frame = encode_method_frame(1, *decoded);
    LEVERET_ASSERT(frame.size() == method_frame_size(*decoded));
    LEVERET_ASSERT(frame.size() <= payload.size() + frame_overhead_bytes,
                   "{} bytes of {} became {}", payload.size(), Method::name, frame.size());
    const auto again =
        std::span(frame).subspan(frame_header_bytes, frame.size() - frame_overhead_bytes);
    const AmqpResult<Method> decoded_again = decode_method<Method>(again);
    LEVERET_ASSERT(decoded_again && *decoded_again == *decoded, "{}", Method::name);
    LEVERET_ASSERT(encode_method_frame(1, *decoded_again) == frame, "{}", Method::name);
  }
};

void run(std::span<const std::byte> input) {
  // A copy of its own size, so that a read past the end is seen.
  const std::vector<std::byte> payload(input.begin(), input.end());
  for_each_method(CheckMethod{payload});
}

}  // namespace
}  // namespace leveret::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  leveret::amqp::run(std::as_bytes(std::span(data, size)));
  return 0;
}
