// SPDX-License-Identifier: Apache-2.0
//
// ChannelConsumer: one subscription of a channel, and the end of the way from the queue.
//
// Thread: the connection's worker. Owned by its Channel, which is borrowed back.

#pragma once

#include "queue/delivery_sink.h"
#include "queue/dispatcher.h"
#include "vhost/topology.h"

#include <cstdint>
#include <string>
#include <utility>

namespace leveret {

class Channel;

class ChannelConsumer final : public DeliverySink {
 public:
  ChannelConsumer(Channel& channel, std::string tag, QueueHandlePtr queue, const ConsumerSpec& spec,
                  std::string arguments, std::uint64_t own_timeout_ms)
      : channel_(channel),
        tag_(std::move(tag)),
        queue_(std::move(queue)),
        spec_(spec),
        arguments_(std::move(arguments)),
        own_timeout_ms_(own_timeout_ms) {}

  [[nodiscard]] const std::string& tag() const { return tag_; }
  [[nodiscard]] const QueueHandle& queue() const { return *queue_; }
  [[nodiscard]] const ConsumerSpec& spec() const { return spec_; }
  [[nodiscard]] const std::string& arguments() const { return arguments_; }
  /// x-consumer-timeout, or UnackedDelivery::no_own_timeout.
  [[nodiscard]] std::uint64_t own_timeout_ms() const { return own_timeout_ms_; }

  // DeliverySink
  [[nodiscard]] Readiness readiness() override;
  void deliver(const StoredMessage& message) override;
  void on_cancelled() override;

  bool is_starved = false;  ///< It was not ready when asked; to be resumed.

 private:
  Channel& channel_;  // Not owned: owns us.
  const std::string tag_;
  const QueueHandlePtr queue_;
  const ConsumerSpec spec_;
  const std::string arguments_;  // Encoded field table.
  const std::uint64_t own_timeout_ms_;
};

}  // namespace leveret
