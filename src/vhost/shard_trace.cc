// SPDX-License-Identifier: Apache-2.0
//
// What the broker says by itself, and its way to queues: the firehose and events.
#include "vhost/events.h"
#include "vhost/shard.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>
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
  broker_.executor().post(
      home_, [trace = std::move(trace)] { trace->broker.here().say(trace->vhost, trace->said); });
}

void Shard::say(const std::string& vhost, const MessagePtr& said) {
  VhostReplica* vhost_here = find_vhost(vhost);
  if (vhost_here == nullptr || vhost_here->find_exchange(said->exchange()) == nullptr) return;
  publish_to(*vhost_here, said->exchange(), said);
}

void Shard::count_event_binding(const BindingProperties& binding, int change) {
  if (binding.source != event_exchange || binding.vhost != broker_.event_vhost()) return;
  event_binding_count_ += change;
}

// All go through the control worker, and there in the order in which it has heard of them: what a
// connection tells comes before what the registry tells of what that connection asked then.
void Shard::tell(const Event& event) {
  if (!has_event_listener()) return;
  MessagePtr message = message_of(event, now_ms());
  if (home_ != Broker::control) {
    broker_.executor().post(Broker::control,
                            [&broker = broker_, message = std::move(message)]() mutable {
                              broker.here().events_.push_back(std::move(message));
                              broker.here().say_events();
                            });
    return;
  }
  events_.push_back(std::move(message));
  if (events_.size() > 1) return;  // The task is on its way.
  broker_.executor().post(home_, [&broker = broker_] { broker.here().say_events(); });
}

void Shard::say_events() {
  for (const MessagePtr& event : std::exchange(events_, {})) say(broker_.event_vhost(), event);
}

}  // namespace leveret
