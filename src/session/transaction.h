// SPDX-License-Identifier: Apache-2.0
//
// Transaction: what a channel in tx mode has published and acknowledged since the last commit.
// Routes are found when a message is published; nothing reaches a queue before the commit.
// RabbitMQ: semantics#tx (publishes and acks of one channel; not atomic over several queues).
//
// Thread: the channel's worker.

#pragma once

#include "message/message.h"
#include "queue/queue.h"
#include "session/deliveries.h"
#include "vhost/topology.h"

#include <vector>

namespace leveret {

struct Transaction {
  struct Publish {
    MessagePtr message;
    std::vector<QueueHandlePtr> queues;
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
