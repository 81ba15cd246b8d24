// SPDX-License-Identifier: Apache-2.0
//
// What comes with a message, and what a broker answers to a declaration: pika's frames, as plain
// structs that own what they hold.
//
// Thread: values.

#pragma once

#include "leveret/basic_properties.h"

#include <cstdint>
#include <string>

namespace leveret {

/// How a message came to a consumer.
struct BasicDeliver {
  std::string consumer_tag;
  std::uint64_t delivery_tag = 0;  ///< For basic_ack() and its like, on the same channel.
  bool redelivered = false;        ///< It was delivered before, to somebody, and came back.
  std::string exchange;            ///< Empty: the default exchange.
  std::string routing_key;
};

/// How a message came that was asked for by basic_get().
struct BasicGetOk {
  std::uint64_t delivery_tag = 0;
  bool redelivered = false;
  std::string exchange;
  std::string routing_key;
  std::uint32_t message_count = 0;  ///< How many are left in the queue.
};

/// Why a message came back.
struct BasicReturn {
  std::uint16_t reply_code = 0;  ///< 312: no queue was reached.
  std::string reply_text;
  std::string exchange;
  std::string routing_key;
};

/// A message that was consumed.
struct Delivery {
  BasicDeliver method;
  BasicProperties properties;
  std::string body;
};

/// A message that basic_get() found.
struct GotMessage {
  BasicGetOk method;
  BasicProperties properties;
  std::string body;
};

/// A message that was published as mandatory, and that no queue took.
struct ReturnedMessage {
  BasicReturn method;
  BasicProperties properties;
  std::string body;
};

struct QueueDeclareOk {
  std::string queue;                ///< As asked for, or as the broker chose.
  std::uint32_t message_count = 0;  ///< Ready ones.
  std::uint32_t consumer_count = 0;
};

struct QueueDeleteOk {
  std::uint32_t message_count = 0;  ///< How many were deleted with it.
};

struct QueuePurgeOk {
  std::uint32_t message_count = 0;
};

}  // namespace leveret
