// SPDX-License-Identifier: Apache-2.0
//
// The firehose's way to its queues.
#include "amqp/basic_properties.h"
#include "vhost/shard.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace leveret {

void Shard::set_traced(VhostReplica& vhost, bool is_traced) {
  if (vhost.is_traced() == is_traced) return;
  vhost.set_traced(is_traced);
  traced_vhost_count_ += is_traced ? 1 : -1;
}

// In a task of its own: a queue that listens may be the one that delivers just now.
void Shard::trace(std::string vhost, MessagePtr said) {
  struct Trace {
    Broker& broker;
    std::string vhost;
    MessagePtr said;
  };
  auto trace = std::make_unique<Trace>(broker_, std::move(vhost), std::move(said));
  broker_.executor().post(home_, [trace = std::move(trace)] {
    Shard& here = trace->broker.here();
    VhostReplica* vhost_here = here.find_vhost(trace->vhost);
    const MessagePtr& message = trace->said;
    if (vhost_here == nullptr || vhost_here->find_exchange(message->exchange()) == nullptr) return;
    const amqp::RawTable headers =
        amqp::peek_headers(message->properties()).value_or(amqp::RawTable());
    std::vector<QueueHandlePtr> queues;
    vhost_here->route(message->exchange(), message->routing_key(), {headers, message->properties()},
                      queues);
    for (const QueueHandlePtr& queue : queues) here.publish(*queue, message, {});
  });
}

}  // namespace leveret
