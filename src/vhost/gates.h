// SPDX-License-Identifier: Apache-2.0
//
// Gates: exchanges that let each message through once (x-message-deduplication).
//
// Every worker routes by itself, but what has come before only one can know: each gate is kept by
// one worker, which its name decides. A route ends at a gate (routing_table.h); from there the
// message is a *Passage* to the gate's keeper, who drops a duplicate, and routes all else on as if
// it had been published there. To the publisher a gate is one more queue that will answer: it has
// when all that is behind it have.
//
//   publisher's worker            keeper of the gate                   homes of the queues
//   route -> send(Passage)  -->   let_in: held? -> route, publish  --> Queue::publish
//   on_confirmed            <--   on_confirmed, when all have said <-- confirm
//   on_returned             <--   nothing is behind it
//
// Order: passages from one channel to one gate keep it, on to each queue.
//
// Dead letters are let through: they have come before, and must not be lost for it.
//
// An id is held from when its message is let in. A duplicate that comes while the first is still on
// its way hears what the first hears, so that none is confirmed of which nothing is safe; unless it
// has passed a gate with a name behind this one's: then it is refused, or two that lead to each
// other could wait for each other. Where a
// queue refused the first its id is free again, and so is that of a message that reached nobody.
//
// How much is on its way: a passage's bytes count in the window between publisher and keeper until
// all behind the gate have answered.
//
// Thread: its worker. Owns: the ids of the gates that are kept here, and what is on its way.
// Borrows: the shard. RabbitMQ: the plugin rabbitmq-message-deduplication.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/raw_table.h"
#include "base/intrusive_ptr.h"
#include "message/ids.h"
#include "message/message.h"
#include "queue/deduplication.h"
#include "queue/queue_host.h"
#include "vhost/ports.h"
#include "vhost/replica.h"
#include "vhost/topology.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

class Shard;

/// A mandatory message comes back when no gate that it came to leads it anywhere.
struct Mandatory : RefCounted<Mandatory> {
  Mandatory(ChannelId of, std::uint32_t gates) : channel(of), gates_left(gates) {}
  const ChannelId channel;
  mutable std::atomic<std::uint32_t> gates_left;
};
using MandatoryPtr = IntrusivePtr<const Mandatory>;

struct Passage {
  ExchangePtr gate;
  MessagePtr message;
  std::vector<std::string> routing_keys = {};  ///< None: the message's own alone.
  PublishToken token = {};                     ///< Its owner hears one answer.
  MandatoryPtr mandatory = {};                 ///< Null: nobody wants it back.
  bool drops_cycles = false;                   ///< Of a dead letter: see is_in_cycle().
  std::vector<ExchangePtr> passed = {};        ///< Gates that have let it through.
  WorkerId from = {};                          ///< Set by send().
};

class Gates final : public ConfirmSink {
 public:
  explicit Gates(Shard& shard);
  ~Gates() override;
  Gates(const Gates&) = delete;
  Gates& operator=(const Gates&) = delete;

  /// An exchange came or goes; what is no gate, or is kept elsewhere, is passed over.
  void add(const ExchangePtr& exchange);
  void remove(const ExchangePtr& exchange);
  /// With all exchanges in it.
  void remove_vhost(std::string_view vhost);

  /// Sends a message on to a gate, wherever that is kept.
  void send(Passage passage);

  /// Duplicates that were dropped here.
  [[nodiscard]] std::uint64_t deduplicated() const { return deduplicated_; }
  [[nodiscard]] std::size_t on_the_way() const { return on_the_way_.size(); }

 private:
  struct Kept {
    explicit Kept(DeduplicationRules rules) : ids(std::move(rules)) {}
    Deduplication ids;
    boost::unordered_flat_map<IdHash, std::uint64_t, IdHashHash> on_the_way;  // To the sequence.
  };
  /// Who hears what becomes of a message.
  struct Listener {
    PublishToken token;
    WorkerId from;
    std::uint64_t bytes = 0;
  };
  struct Moving {
    ExchangePtr gate;
    std::optional<Deduplication::Id> id;
    std::uint32_t unanswered = 0;
    bool has_failed = false;
    std::vector<Listener> listeners;
  };

  // ConfirmSink
  void on_confirmed(std::uint64_t first_sequence, std::uint32_t count, bool is_accepted) override;

  [[nodiscard]] WorkerId keeper_of(const ExchangeProperties& gate) const;
  void let_in(Passage passage);
  /// True: the message came before; who sent it hears what the first hears, or at once.
  [[nodiscard]] bool is_duplicate(Kept& kept, const Deduplication::Id& id, const Passage& passage);
  void pass_on(const Passage& passage, const Routed& behind, std::uint64_t sequence);
  void answer(const Listener& listener, bool is_accepted);
  void lead_nowhere(const Passage& passage);

  Shard& shard_;
  const ChannelId channel_;
  std::uint64_t last_sequence_ = 0;
  boost::unordered_flat_map<ExchangePtr, std::unique_ptr<Kept>, std::hash<ExchangePtr>> kept_;
  boost::unordered_flat_map<std::uint64_t, Moving> on_the_way_;  // By sequence.
  std::uint64_t deduplicated_ = 0;
};

/// Whether an exchange of this type may have these arguments: x-message-deduplication and, of an
/// exchange that it makes a gate, x-cache-size, x-cache-ttl, x-cache-persistence and
/// x-deduplication-header. Errors: precondition_failed; not_implemented for ids on disk. `resource`
/// is "exchange 'x' in vhost '/'".
[[nodiscard]] amqp::AmqpResult<void> validate_gate_arguments(ExchangeType type,
                                                             amqp::RawTable arguments,
                                                             std::string_view resource);

}  // namespace leveret
