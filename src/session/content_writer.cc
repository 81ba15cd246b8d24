// SPDX-License-Identifier: Apache-2.0
#include "session/content_writer.h"

#include "amqp/frame_encoder.h"
#include "amqp/methods.gen.h"
#include "amqp/reply_code.h"
#include "amqp/wire_writer.h"

#include <algorithm>
#include <span>

namespace leveret {
namespace {

using amqp::frame_overhead_bytes;
using amqp::FrameType;
using amqp::WireWriter;

constexpr std::size_t method_ids_bytes = sizeof(amqp::MethodKey);

/// Writes a method frame of `Method` with `arguments_bytes` that `put_arguments` writes, then the
/// message's content.
template <class Method, class PutArguments>
void write_content(Output& output, std::uint16_t channel, std::size_t arguments_bytes,
                   PutArguments put_arguments, const MessagePtr& message, std::uint32_t frame_max) {
  const std::span<const std::byte> properties = message->properties();
  const std::span<const std::byte> body = message->body();
  const std::size_t body_frame_max = frame_max - frame_overhead_bytes;
  const std::size_t method_payload = method_ids_bytes + arguments_bytes;
  const std::size_t header_payload = amqp::ContentHeader::fixed_bytes + properties.size();
  const bool is_copied =
      body.size() <= std::min<std::size_t>(copied_body_bytes_max, body_frame_max);
  const std::size_t body_frame_bytes =
      is_copied && !body.empty() ? frame_overhead_bytes + body.size() : 0;

  const std::size_t bytes = frame_overhead_bytes + method_payload + frame_overhead_bytes +
                            header_payload + body_frame_bytes;
  WireWriter writer(std::span(output.reserve(bytes), bytes));
  amqp::write_frame_header(writer, FrameType::method, channel, method_payload);
  writer.u32(Method::key);
  put_arguments(writer);
  amqp::write_frame_end(writer);
  amqp::write_content_header_frame(writer, channel, amqp::basic_class_id, body.size(), properties);
  if (body_frame_bytes != 0) amqp::write_body_frame(writer, channel, body);
  output.commit(bytes);
  if (is_copied) return;

  for (std::size_t at = 0; at < body.size();) {
    const std::span<const std::byte> part =
        body.subspan(at, std::min(body_frame_max, body.size() - at));
    constexpr std::size_t frame_begin_bytes = amqp::frame_header_bytes;
    WireWriter begin(std::span(output.reserve(frame_begin_bytes), frame_begin_bytes));
    amqp::write_frame_header(begin, FrameType::body, channel, part.size());
    output.commit(frame_begin_bytes);
    output.append(message, part);
    WireWriter end(std::span(output.reserve(1), 1));
    amqp::write_frame_end(end);
    output.commit(1);
    at += part.size();
  }
}

}  // namespace

void write_deliver(Output& output, std::uint16_t channel, const DeliverFields& fields,
                   const MessagePtr& message, std::uint32_t frame_max) {
  const std::size_t arguments =
      1 + fields.consumer_tag.size() + 8 + 1 + message->encoded_route().size();
  write_content<amqp::BasicDeliver>(
      output, channel, arguments,
      [&](WireWriter& writer) {
        writer.short_string(fields.consumer_tag);
        writer.u64(fields.delivery_tag);
        writer.u8(fields.is_redelivered ? 1 : 0);
        writer.bytes(message->encoded_route());
      },
      message, frame_max);
}

void write_get_ok(Output& output, std::uint16_t channel, const GetOkFields& fields,
                  const MessagePtr& message, std::uint32_t frame_max) {
  const std::size_t arguments = 8 + 1 + message->encoded_route().size() + 4;
  write_content<amqp::BasicGetOk>(
      output, channel, arguments,
      [&](WireWriter& writer) {
        writer.u64(fields.delivery_tag);
        writer.u8(fields.is_redelivered ? 1 : 0);
        writer.bytes(message->encoded_route());
        writer.u32(fields.message_count);
      },
      message, frame_max);
}

void write_return(Output& output, std::uint16_t channel, const MessagePtr& message,
                  std::uint32_t frame_max) {
  constexpr std::string_view text = "NO_ROUTE";
  const std::size_t arguments = 2 + 1 + text.size() + message->encoded_route().size();
  write_content<amqp::BasicReturn>(
      output, channel, arguments,
      [&](WireWriter& writer) {
        writer.u16(static_cast<std::uint16_t>(amqp::ReplyCode::no_route));
        writer.short_string(text);
        writer.bytes(message->encoded_route());
      },
      message, frame_max);
}

}  // namespace leveret
