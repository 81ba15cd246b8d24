// SPDX-License-Identifier: Apache-2.0
//
// DeadLetters: the dead letters of one worker's queues, on their way to where they go; and in the
// same way messages that exchanges held back, when they are due.
//
// A message that died stays in its queue's store until every queue that its dead letter reached has
// said that it has it for sure; so a crash at any moment loses none, and may leave it in both. A
// queue that is full and refuses has answered too. One whose journal has failed has not: then the
// message stays where it died, for the next start.
//
// Thread: its worker. Owns: what is on its way. Borrows: the shard.

#pragma once

#include "message/ids.h"
#include "queue/message_store.h"
#include "queue/queue_rules.h"
#include "vhost/ports.h"
#include "vhost/queue_arguments.h"
#include "vhost/replica.h"
#include "vhost/topology.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

class Shard;

class DeadLetters final : public ConfirmSink {
 public:
  explicit DeadLetters(Shard& shard);
  ~DeadLetters() override;
  DeadLetters(const DeadLetters&) = delete;
  DeadLetters& operator=(const DeadLetters&) = delete;

  /// Where a message was when it died; nowhere: its queue would not take it.
  struct Source {
    const QueueHandle& queue;
    MessageSeq seq;
  };
  /// Sends it to the queues that the route leads to. True: it reaches some, and if it has a seq
  /// Queue::on_dead_lettered() will be called, perhaps before this returns. False: the exchange is
  /// not there, or leads nowhere.
  [[nodiscard]] bool send(const Source& source, const DeadLetterRoute& route,
                          const MessagePtr& message, Death death);
  /// Sends what an exchange held back, `source`'s own, on its way through that exchange. As send().
  [[nodiscard]] bool send_due(const Source& source, const Message& message);

  [[nodiscard]] std::size_t on_the_way() const { return on_the_way_.size(); }

 private:
  [[nodiscard]] Routed take_targets();
  [[nodiscard]] bool publish(const Source& source, const MessagePtr& message,
                             const std::vector<std::string>& routing_keys, Routed targets,
                             bool drops_cycles);
  // ConfirmSink
  void on_confirmed(std::uint64_t first_sequence, std::uint32_t count, bool is_accepted) override;

  struct Moving {
    QueueId source;
    MessageSeq seq;
    std::uint32_t unanswered = 0;
    bool has_failed = false;
  };

  Shard& shard_;
  const ChannelId channel_;
  std::uint64_t next_sequence_;
  boost::unordered_flat_map<std::uint64_t, Moving> on_the_way_;  // By sequence.
  Routed targets_;                                               // Of what is being sent.
};

}  // namespace leveret
