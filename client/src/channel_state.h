// SPDX-License-Identifier: Apache-2.0
//
// ChannelState: one channel, as the handles of a BlockingChannel share it.
//
// Thread: any; guarded by the link's lock.

#pragma once

#include "client/src/blocking_core.h"
#include "client/src/channel.h"
#include "leveret/blocking_channel.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leveret::client {

/// A publish that waits for its confirm; one at a time, so that what comes back is its own.
struct Confirming {
  std::uint64_t sequence = 0;
  std::optional<bool> is_ack;
  std::vector<ReturnedMessage> returned;
};

class ChannelState final : public ChannelListener,
                           public std::enable_shared_from_this<ChannelState> {
 public:
  explicit ChannelState(std::shared_ptr<BlockingCore> core) : core_(std::move(core)) {}

  [[nodiscard]] BlockingCore& core() const { return *core_; }
  void set_channel(Channel& channel) {
    channel_ = &channel;
    number_ = channel.number();
  }
  [[nodiscard]] std::uint16_t number() const { return number_; }
  [[nodiscard]] bool is_open() const { return channel_ != nullptr && channel_->is_open(); }
  /// Throws what has closed it.
  [[nodiscard]] Channel& channel() const;
  /// What the broker has closed it for, if it has.
  void raise_if_closed_by_broker() const;
  [[nodiscard]] BlockingChannel handle() { return BlockingChannel(shared_from_this()); }

  struct Consumer {
    OnMessage callback;
    bool auto_ack = false;
  };
  std::map<std::string, Consumer, std::less<>> consumers;
  [[nodiscard]] OnMessage callback_of(std::string_view consumer_tag) const;

  OnReturn on_return_callback;
  OnCancel on_cancel_callback;

  std::optional<Confirming> confirming;

  // ChannelListener
  void on_delivery(const amqp::BasicDeliver& method, const Content& content) override;
  void on_return(const amqp::BasicReturn& method, const Content& content) override;
  void on_cancel(std::string_view consumer_tag) override;
  void on_confirmed(std::uint64_t first, std::uint64_t last, bool is_ack) override;
  void on_flow(bool is_active) override { may_publish = is_active; }
  void on_closed(const Failure& failure) override;

  bool may_publish = true;  // RabbitMQ never says otherwise; older brokers do.

 private:
  const std::shared_ptr<BlockingCore> core_;
  Channel* channel_ = nullptr;  // Null: closed.
  std::uint16_t number_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace leveret::client
