// SPDX-License-Identifier: Apache-2.0
//
// BasicProperties: what a message says about itself. All are optional; the broker hands them on as
// they came and acts on few: those that say so below.
//
//   BasicProperties{.content_type = "text/plain", .delivery_mode = DeliveryMode::persistent}
//
// Strings are at most 255 bytes long; a longer one is refused by the call that would send it.
//
// Thread: values, like std::vector's.
// Spec: AMQP 0-9-1, class basic.

#pragma once

#include "leveret/field_table.h"

#include <cstdint>
#include <optional>
#include <string>

namespace leveret {

/// The broker treats every value but 2 as transient. One that another client chose, and that has no
/// name here, is kept as it is.
enum class DeliveryMode : std::uint8_t {
  transient = 1,
  persistent = 2,  ///< Survives the broker's restart if its queue is durable.
};

// The `= {}` keep compilers from warning of those that designated initialisers leave out.
struct BasicProperties {
  std::optional<std::string> content_type = {};      ///< A MIME type.
  std::optional<std::string> content_encoding = {};  ///< As HTTP's: gzip.
  /// Headers exchanges route by them; texts in an array CC or BCC are further routing keys.
  std::optional<FieldTable> headers = {};
  std::optional<DeliveryMode> delivery_mode = {};
  /// Higher goes first out of a queue with x-max-priority, which caps it.
  std::optional<std::uint8_t> priority = {};
  std::optional<std::string> correlation_id = {};  ///< Of the request that this answers.
  std::optional<std::string> reply_to = {};        ///< The queue that awaits the answer.
  /// Milliseconds in a queue until the message is dead, in digits: "60000". Else the broker closes
  /// the channel.
  std::optional<std::string> expiration = {};
  std::optional<std::string> message_id = {};
  std::optional<std::uint64_t> timestamp = {};  ///< Seconds since 1970, UTC.
  std::optional<std::string> type = {};
  /// If set, the name of the user who logged in; else the broker closes the channel.
  std::optional<std::string> user_id = {};
  std::optional<std::string> app_id = {};
  std::optional<std::string> cluster_id = {};  ///< Of old; mean nothing by it.

  friend bool operator==(const BasicProperties&, const BasicProperties&) = default;
};

}  // namespace leveret
