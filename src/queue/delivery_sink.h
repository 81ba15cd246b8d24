// SPDX-License-Identifier: Apache-2.0
//
// DeliverySink: where a queue hands messages to. One sink is one consumer: on the queue's own
// worker it is the consumer in its channel, elsewhere a stand-in that carries deliveries across.
//
// Thread: the queue's home worker.

#pragma once

#include "queue/message_store.h"

namespace leveret {

/// Why a sink cannot take a message now. Whoever answers something else than `ready` calls
/// Queue::resume() when that has changed; until then the consumer is passed over.
enum class Readiness {
  ready,
  no_room,    ///< Its connection has as much unwritten output as it may.
  no_credit,  ///< Its channel's shared prefetch (basic.qos global) is used up.
};

class DeliverySink {
 public:
  virtual ~DeliverySink() = default;

  /// Asked before each delivery.
  [[nodiscard]] virtual Readiness readiness() = 0;
  /// Takes one message. Requires: readiness() just said `ready`. Must not call back into the queue.
  virtual void deliver(const StoredMessage& message) = 0;
  /// The queue ends the subscription (it was deleted): nothing more will come.
  virtual void on_cancelled() = 0;
};

}  // namespace leveret
