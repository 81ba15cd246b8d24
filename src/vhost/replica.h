// SPDX-License-Identifier: Apache-2.0
//
// VhostReplica: one vhost as one worker sees it. Changed in place by the TopologyChanges that the
// registry sends to every worker; read by the channels of that worker.
//
// Why a replica a worker instead of one shared snapshot: see
// docs/decisions/0002-replicated-routing.md.
//
// Thread: its worker.

#pragma once

#include "base/string_map.h"
#include "routing/routing_table.h"
#include "vhost/topology.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

/// Where a message goes.
struct Routed {
  std::vector<QueueHandlePtr> queues;
  std::vector<ExchangePtr> gates;      ///< From which others send it on: see gates.h.
  std::vector<ExchangePtr> histories;  ///< That keep it, whatever becomes of it.

  [[nodiscard]] bool is_nowhere() const { return queues.empty() && gates.empty(); }
  /// How many will answer to who waits for a confirm.
  [[nodiscard]] std::uint32_t answers() const {
    return static_cast<std::uint32_t>(queues.size() + gates.size());
  }
  void clear() {
    queues.clear();
    gates.clear();
    histories.clear();
  }
};

class VhostReplica {
 public:
  explicit VhostReplica(const VhostAdded& added)
      : name_(added.name),
        default_queue_type_(added.default_queue_type),
        connections_(added.connections),
        connections_max_(added.connections_max) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Of queues that are kept and whose declaration does not say. Empty: none is given.
  [[nodiscard]] const std::string& default_queue_type() const { return default_queue_type_; }
  /// One connection more; empty: there are as many as there may be.
  [[nodiscard]] Use take_connection() const { return Use::take(connections_, connections_max_); }
  [[nodiscard]] std::int64_t connections_max() const { return connections_max_; }
  void change(const VhostChanged& changed) {
    connections_max_ = changed.connections_max;
    default_queue_type_ = changed.default_queue_type;
  }
  /// What is published and delivered here is shown to amq.rabbitmq.trace.
  [[nodiscard]] bool is_traced() const { return is_traced_; }
  void set_traced(bool is_traced) { is_traced_ = is_traced; }

  /// Null when there is none. Valid until the loop turn ends.
  [[nodiscard]] const QueueHandle* find_queue(std::string_view name) const;
  [[nodiscard]] const ExchangeProperties* find_exchange(std::string_view name) const;
  [[nodiscard]] std::uint64_t version() const { return routing_.version(); }
  [[nodiscard]] bool looks_at_headers() const { return routing_.looks_at_headers(); }
  [[nodiscard]] bool is_unsteady() const { return routing_.is_unsteady(); }

  /// `policy` null: it has none.
  void add(const ExchangePtr& exchange, const Policy* policy = nullptr);
  void change_policy(const ExchangeProperties& exchange, const Policy* policy);
  void remove(const ExchangePtr& exchange);
  void add(const QueueHandlePtr& queue);
  void remove(const QueueHandlePtr& queue);
  void add(const BindingProperties& binding);
  void remove(const BindingProperties& binding);

  /// Appends all that a message to `exchange` reaches, each once. Requires: the exchange exists.
  void route(std::string_view exchange, std::string_view routing_key,
             const PublishedProperties& properties, Routed& routed);
  /// The same for a message with several keys. `first`: the exchange, if it is a gate.
  void route(std::string_view exchange, std::span<const std::string_view> routing_keys,
             const PublishedProperties& properties, Routed& routed, Gate first = Gate::shut);

 private:
  void append_routed(Routed& routed);

  const std::string name_;
  std::string default_queue_type_;
  const std::shared_ptr<UseCount> connections_;  // Every replica of the vhost has this one.
  std::int64_t connections_max_;
  bool is_traced_ = false;
  RoutingTable routing_;
  StringMap<ExchangePtr> exchanges_;
  StringMap<QueueHandlePtr> queues_;
  boost::unordered_flat_map<QueueId, const QueueHandle*, std::hash<QueueId>> queues_by_id_;
  std::vector<QueueId> routed_;  // Scratch of route().
};

/// RouteMemory: a channel's memory of where its last message went. Most publishers repeat
/// themselves; while the topology stands, the same exchange and key lead to the same queues.
/// Messages with headers are routed afresh where a headers exchange has a binding: it may be on the
/// way. All are where an exchange has one that gives the same message to one or to another.
class RouteMemory {
 public:
  /// What the message reaches; null when there is no such exchange. Valid until the next call.
  [[nodiscard]] const Routed* find(VhostReplica& vhost, std::string_view exchange,
                                   std::string_view routing_key,
                                   const PublishedProperties& properties);

 private:
  Routed routed_;
  std::string exchange_;
  std::string routing_key_;
  std::uint64_t version_ = 0;
  bool is_known_ = false;
};

}  // namespace leveret
