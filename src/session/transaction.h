// SPDX-License-Identifier: Apache-2.0
//
// Transaction: what a channel in tx mode has published and acknowledged since the last commit.
// Routes are found when a message is published; nothing reaches a queue, or a gate, before the
// commit.
// RabbitMQ: semantics#tx (publishes and acks of one channel; not atomic over several queues).
//
// Thread: the channel's worker.

#pragma once

#include "message/message.h"
#include "queue/queue.h"
#include "session/deliveries.h"
#include "vhost/replica.h"

#include <string>
#include <vector>

namespace leveret {

struct Transaction {
  struct Publish {
    MessagePtr message;
    Routed routed;
    std::vector<std::string> routing_keys;  ///< Where gates have to know; none: its own alone.
    bool is_mandatory = false;
  };
  struct Acknowledgement {
    Settlement settlement = Settlement::acked;
    std::vector<UnackedDelivery> deliveries;
  };

  std::vector<Publish> publishes;
  std::vector<Acknowledgement> acknowledgements;
};

}  // namespace leveret
