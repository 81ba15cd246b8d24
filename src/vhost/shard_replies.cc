// SPDX-License-Identifier: Apache-2.0
//
// Replies on their way to the channel that waits for them, on this worker or another.
#include "vhost/shard.h"

#include <memory>
#include <string>
#include <utility>

namespace leveret {

void Shard::add_reply_sink(ChannelId channel, std::string address, ReplySink& sink) {
  reply_addresses_.add(channel, std::move(address), sink);
}

void Shard::reply(std::string_view address, const MessagePtr& message) {
  const auto channel = channel_of_reply_address(address);
  if (!channel || home_of(*channel).value() >= broker_.worker_count()) return;
  const WorkerId home = home_of(*channel);
  if (home == home_) {
    if (ReplySink* sink = reply_addresses_.find(*channel, address)) sink->on_reply(message);
    return;
  }
  count_publish_to(home, message->block_bytes());
  struct Reply {
    std::string address;
    ChannelId channel;
    MessagePtr message;
    WorkerId from;
  };
  auto reply = std::make_unique<Reply>(std::string(address), *channel, message, home_);
  broker_.executor().post(home, [&broker = broker_, reply = std::move(reply)] {
    broker.here().on_remote_reply(reply->channel, reply->address, reply->message, reply->from);
  });
}

void Shard::on_remote_reply(ChannelId channel, std::string_view address, const MessagePtr& message,
                            WorkerId from) {
  publish_bytes_taken_[from.value()] += message->block_bytes();
  if (ReplySink* sink = reply_addresses_.find(channel, address)) sink->on_reply(message);
}

void Shard::find_reply_sink(std::string_view address, std::move_only_function<void(bool)> done) {
  const auto channel = channel_of_reply_address(address);
  if (!channel || home_of(*channel).value() >= broker_.worker_count()) return done(false);
  if (home_of(*channel) == home_) return done(reply_addresses_.find(*channel, address) != nullptr);
  struct Question {
    std::string address;
    ChannelId channel;
    WorkerId asker;
    bool is_there = false;
    std::move_only_function<void(bool)> done;
  };
  auto question =
      std::make_unique<Question>(std::string(address), *channel, home_, false, std::move(done));
  broker_.executor().post(
      home_of(*channel), [&broker = broker_, question = std::move(question)]() mutable {
        question->is_there =
            broker.here().reply_addresses_.find(question->channel, question->address) != nullptr;
        const WorkerId asker = question->asker;
        broker.executor().post(
            asker, [question = std::move(question)] { question->done(question->is_there); });
      });
}

}  // namespace leveret
