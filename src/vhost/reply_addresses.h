// SPDX-License-Identifier: Apache-2.0
//
// Direct reply-to: channels that consume from the pseudo-queue amq.rabbitmq.reply-to, and the
// addresses under which replies reach them. No queue is made: a publish to the default exchange
// with such a key goes straight to the channel, or nowhere. RabbitMQ: direct-reply-to.
//
//   amq.rabbitmq.reply-to.<channel id in hexadecimal>.<22 characters that nobody can guess>
//
// Thread: ReplyAddresses its worker; the functions any.

#pragma once

#include "message/ids.h"
#include "vhost/ports.h"

#include <optional>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

inline constexpr std::string_view reply_queue_name = "amq.rabbitmq.reply-to";

[[nodiscard]] inline bool is_reply_address(std::string_view name) {
  return name.size() > reply_queue_name.size() && name.starts_with(reply_queue_name) &&
         name[reply_queue_name.size()] == '.';
}

[[nodiscard]] std::string make_reply_address(ChannelId channel, std::string_view secret);

/// Whom a reply address names, were it his. nullopt: it names nobody.
[[nodiscard]] std::optional<ChannelId> channel_of_reply_address(std::string_view address);

/// Those of one worker.
class ReplyAddresses {
 public:
  /// Replies to `address` are the sink's until it is removed. Borrows the sink.
  void add(ChannelId channel, std::string address, ReplySink& sink) {
    by_channel_[channel] = {std::move(address), &sink};
  }
  void remove(ChannelId channel) { by_channel_.erase(channel); }
  /// Null: nobody has this address (any more).
  [[nodiscard]] ReplySink* find(ChannelId channel, std::string_view address) const {
    const auto found = by_channel_.find(channel);
    return found != by_channel_.end() && found->second.address == address ? found->second.sink
                                                                          : nullptr;
  }

 private:
  struct Entry {
    std::string address;
    ReplySink* sink = nullptr;  // Not owned: it removes itself before it goes.
  };
  boost::unordered_flat_map<ChannelId, Entry, std::hash<ChannelId>> by_channel_;
};

}  // namespace leveret
