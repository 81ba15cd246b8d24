// SPDX-License-Identifier: Apache-2.0
//
// The public tables and properties, to the wire and from it.
//
//   if (auto complaint = complaint_about(properties)) throw ...;   // Nothing was sent.
//   append_raw(properties, bytes);
//
// A table is always without the 4 bytes of its length, as amqp::RawTable has it.
//
// encoded_size(), encode(), to_raw() and append_raw() require that complaint_about() had none.
// Complexity: of the bytes, times the depth.
//
// Thread: functions of values.
// Spec: AMQP 0-9-1 §4.2.5.5 (tables), §4.2.6.1 (properties).

#pragma once

#include "amqp/raw_table.h"
#include "amqp/wire_writer.h"
#include "leveret/basic_properties.h"
#include "leveret/field_table.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace leveret::client {

/// Why the wire, or RabbitMQ, cannot have it, for people: a key of more than
/// amqp::short_string_bytes_max, a float or double that is not finite, nesting deeper than
/// amqp::table_depth_max. Nothing: it can. Whether it fits in a frame is for encoded_size() to say.
[[nodiscard]] std::optional<std::string> complaint_about(const FieldTable& table);
/// Likewise the strings, each by its name, and the headers.
[[nodiscard]] std::optional<std::string> complaint_about(const BasicProperties& properties);

[[nodiscard]] std::size_t encoded_size(const FieldTable& table);
void encode(const FieldTable& table, amqp::WireWriter& writer);
/// RawTable(bytes) is a view of them.
[[nodiscard]] std::vector<std::byte> to_raw(const FieldTable& table);
/// Nothing: `raw` is malformed, or deeper than amqp::table_depth_max.
[[nodiscard]] std::optional<FieldTable> decode_table(amqp::RawTable raw);

/// Flags and list: what follows the body's size in a content header.
[[nodiscard]] std::size_t encoded_size(const BasicProperties& properties);
void encode(const BasicProperties& properties, amqp::WireWriter& writer);
/// Encoded, behind what `bytes` has.
void append_raw(const BasicProperties& properties, std::vector<std::byte>& bytes);
/// Nothing: list and flags disagree, or the headers are no table that decode_table() takes.
[[nodiscard]] std::optional<BasicProperties> decode_properties(std::span<const std::byte> encoded);

}  // namespace leveret::client
