// SPDX-License-Identifier: Apache-2.0
#include "session/stream_arguments.h"

#include "amqp/erlang_text.h"
#include "vhost/queue_arguments.h"
#include "vhost/refusals.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

using amqp::FieldValue;
using amqp::ReplyCode;

std::optional<StreamStart> read_start(const FieldValue& value, std::uint64_t now_ms) {
  using At = StreamStart::At;
  if (const auto* time = value.get_if<amqp::Timestamp>()) {
    return StreamStart{At::time, std::min(time->seconds, UINT64_MAX / 1000) * 1000};
  }
  if (const auto offset = value.as_integer()) {
    return StreamStart{At::offset, static_cast<std::uint64_t>(std::max<std::int64_t>(*offset, 0))};
  }
  const std::string* text = value.as_string();
  if (text == nullptr) return std::nullopt;
  if (*text == "next") return StreamStart{At::next};
  if (*text == "first") return StreamStart{At::first};
  if (*text == "last") return StreamStart{At::last};
  if (const auto age_ms = parse_age(*text)) {
    return StreamStart{At::time, now_ms - std::min(now_ms, *age_ms)};
  }
  return std::nullopt;
}

/// A text, or an array of them.
std::optional<std::vector<std::string>> read_filter(const FieldValue& value) {
  if (const std::string* text = value.as_string()) return std::vector{*text};
  const amqp::FieldArray* array = value.as_array();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> values;
  for (const FieldValue& one : array->values) {
    const std::string* text = one.as_string();
    if (text == nullptr) return std::nullopt;
    values.push_back(*text);
  }
  return values;
}

Refusal refuse_argument(std::string_view name, std::string_view resource, const FieldValue& value) {
  std::string reason(name.substr(2));
  std::ranges::replace(reason, '-', '_');
  return amqp::refuse(
      ReplyCode::precondition_failed,
      fmt::format("invalid arg '{}' for {}: {{invalid_{}_arg,{{{},{}}}}}", name, resource, reason,
                  amqp::field_type_name(value.type()), amqp::erlang_term(value)));
}

}  // namespace

amqp::AmqpResult<void> read_stream_arguments(const amqp::FieldTable& arguments,
                                             std::string_view resource, std::uint64_t now_ms,
                                             ConsumerSpec& spec) {
  if (const FieldValue* offset = arguments.find("x-stream-offset")) {
    const auto start = read_start(*offset, now_ms);
    if (!start) return refuse_argument("x-stream-offset", resource, *offset);
    spec.stream_start = *start;
  }
  for (const auto& [name, value] : arguments) {
    if (name != "x-priority" && name != "x-cancel-on-ha-failover") continue;
    return amqp::refuse(
        ReplyCode::precondition_failed,
        fmt::format("invalid arg '{}' for {} of queue type rabbit_stream_queue", name, resource));
  }
  const FieldValue* unfiltered = arguments.find("x-stream-match-unfiltered");
  if (unfiltered != nullptr && !unfiltered->as_bool()) {
    return refuse_argument("x-stream-match-unfiltered", resource, *unfiltered);
  }
  if (const FieldValue* filter = arguments.find("x-stream-filter")) {
    auto values = read_filter(*filter);
    if (!values) return refuse_argument("x-stream-filter", resource, *filter);
    spec.stream_filter = std::make_shared<const StreamFilter>(
        StreamFilter{.values = std::move(*values),
                     .takes_unfiltered = unfiltered != nullptr && *unfiltered->as_bool()});
  }
  if (spec.prefetch == 0) {
    return amqp::refuse(ReplyCode::precondition_failed,
                        fmt::format("consumer prefetch count is not set for '{}'", resource));
  }
  if (spec.no_ack) return refuse_by_stream("automatic acknowledgement", resource);
  return {};
}

}  // namespace leveret
