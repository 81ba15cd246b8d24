// SPDX-License-Identifier: Apache-2.0
#include "vhost/remote.h"

#include "base/executor.h"
#include "vhost/broker.h"
#include "vhost/shard.h"

namespace leveret {

void RemoteSink::deliver(const StoredMessage& message) {
  ++messages_out_;
  bytes_out_ += message.message->body_bytes();
  // Where it lies is the queue's affair, and stays there.
  broker_.executor().post(
      home_of(consumer_), [&broker = broker_, consumer = consumer_, seq = message.seq,
                           content = message.message, redelivered = message.redelivered] {
        broker.here().on_remote_delivery(
            consumer, {.seq = seq, .message = content, .redelivered = redelivered});
      });
}

void RemoteSink::on_cancelled() {
  broker_.executor().post(home_of(consumer_), [&broker = broker_, consumer = consumer_] {
    broker.here().on_remote_cancelled(consumer);
  });
}

}  // namespace leveret
