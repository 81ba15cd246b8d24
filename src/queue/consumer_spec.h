// SPDX-License-Identifier: Apache-2.0
//
// ConsumerSpec: what a consumer asked for when it subscribed.
//
// Thread: values. RabbitMQ: consumers, consumer-priority, streams#consuming.

#pragma once

#include "message/ids.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace leveret {

/// Where in a stream a consumer begins: x-stream-offset.
struct StreamStart {
  enum class At : std::uint8_t {
    next,    ///< What comes from now on.
    first,   ///< The oldest that is there.
    last,    ///< The newest that is there.
    offset,  ///< That offset, or the oldest behind it.
    time,    ///< The oldest that came at that time or later.
  };
  At at = At::next;
  std::uint64_t value = 0;  ///< The offset, or the time in milliseconds since 1970.
};

/// Which messages of a stream a consumer wants, by their header x-stream-filter-value:
/// x-stream-filter and x-stream-match-unfiltered.
struct StreamFilter {
  std::vector<std::string> values;
  bool takes_unfiltered = false;  ///< Also those that have no value.
};

struct ConsumerSpec {
  ConsumerId id;
  ChannelId channel;              ///< Answers for what it has not acknowledged.
  bool no_ack = false;            ///< Delivered is settled; prefetch does not apply.
  bool is_exclusive = false;      ///< No other consumer may be there.
  std::int32_t priority = 0;      ///< x-priority.
  std::uint32_t prefetch = 0;     ///< Unacknowledged messages it may hold; 0 = no limit.
  StreamStart stream_start = {};  ///< Of a stream.
  std::shared_ptr<const StreamFilter> stream_filter = {};  ///< Of a stream; null: it wants all.
};

}  // namespace leveret
