// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a routed message besides going to queues: it is sent to all that an exchange
// leads to, kept in histories, given back to who published it.
#include "amqp/basic_properties.h"
#include "vhost/recent_history.h"
#include "vhost/registry.h"
#include "vhost/shard.h"

#include <memory>
#include <utility>
#include <vector>

namespace leveret {

void Shard::publish_to(VhostReplica& vhost, std::string_view exchange, const MessagePtr& message) {
  const amqp::RawTable headers =
      amqp::peek_headers(message->properties()).value_or(amqp::RawTable());
  Routed routed;
  vhost.route(exchange, message->routing_key(), {headers, message->properties()}, routed);
  keep_in_histories(vhost, routed.histories, message);
  for (const QueueHandlePtr& queue : routed.queues) publish(*queue, message, {});
  for (const ExchangePtr& gate : routed.gates) gates_.send({.gate = gate, .message = message});
}

// Its bytes are in the window to the control worker until that has it.
void Shard::keep_in_histories(const VhostReplica& vhost, std::span<const ExchangePtr> histories,
                              const MessagePtr& message) {
  if (histories.empty() || is_kept_out_of_histories(*message)) return;
  const std::vector<ExchangePtr> exchanges(histories.begin(), histories.end());
  if (home_ == Broker::control) {
    return broker_.registry().keep_in_histories(exchanges, message, vhost.version());
  }
  struct Keep {
    Broker& broker;
    std::vector<ExchangePtr> histories;
    MessagePtr message;
    std::uint64_t version;
    WorkerId from;
  };
  count_publish_to(Broker::control, message->block_bytes());
  auto keep = std::make_unique<Keep>(broker_, exchanges, message, vhost.version(), home_);
  broker_.executor().post(Broker::control, [keep = std::move(keep)] {
    keep->broker.registry().keep_in_histories(keep->histories, keep->message, keep->version);
    keep->broker.here().note_publish_taken(keep->from, keep->message->block_bytes());
  });
}

void Shard::give_back(ChannelId channel, const MessagePtr& message) {
  const WorkerId publisher = home_of(channel);
  if (publisher != home_) {
    broker_.executor().post(publisher, [&broker = broker_, channel, message] {
      broker.here().give_back(channel, message);
    });
    return;
  }
  const auto sink = channels_.find(channel);
  if (sink != channels_.end()) sink->second->on_returned(message);
}

}  // namespace leveret
