// SPDX-License-Identifier: Apache-2.0
//
// Policies: what an operator wants to hold for all queues and exchanges of a vhost whose names
// match.
//
// Of the policies that apply to queues and whose pattern matches a queue's name, the one with the
// highest priority is the queue's policy; of several with the same, the first by name. A queue has
// one policy at a time. What a queue's own arguments say goes before it. Likewise exchanges, for
// which there is no setting yet.
//
// Thread: values; a Policy is immutable, so that workers share it. Spec: RabbitMQ: policies.

#pragma once

#include "amqp/field_table.h"
#include "auth/resource_pattern.h"
#include "journal/journal.h"
#include "metadata/records.h"
#include "queue/queue_rules.h"

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

/// A policy as it was set, and what that means.
struct Policy {
  PolicyRecord record;
  ResourcePattern pattern = ResourcePattern::nothing();
  bool is_for_queues = false;
  bool is_for_exchanges = false;
  std::optional<Durability> durability;  ///< durability: how safe persistent messages are.
  QueueRules rules;  ///< Its numbers: message-ttl, expires, max-length, max-length-bytes.
  std::optional<Overflow> overflow;
  std::optional<std::string> dead_letter_exchange;
  std::optional<std::string> dead_letter_routing_key;

  /// Takes the definition from `definition`, and not from the record: that any text may be a key of
  /// it is not true of what is encoded there.
  /// Errors, in RabbitMQ's words where it has some: the pattern is no regular expression; apply_to
  /// is none of "queues", "exchanges", "all"; the definition is empty, has a key that is not known,
  /// or a value that makes no sense. All that is wrong, a line each.
  [[nodiscard]] static std::expected<Policy, std::string> read(PolicyRecord record,
                                                               const amqp::FieldTable& definition);
};
using PolicyPtr = std::shared_ptr<const Policy>;

/// Of one vhost.
class Policies {
 public:
  /// Replaces the one of its name.
  void put(PolicyPtr policy);
  void remove(const std::string& name) { by_name_.erase(name); }

  [[nodiscard]] PolicyPtr find(const std::string& name) const;
  /// Null: no policy is this queue's.
  [[nodiscard]] PolicyPtr match_queue(std::string_view queue) const;
  /// Null: no policy is this exchange's, as none is the default exchange's.
  [[nodiscard]] PolicyPtr match_exchange(std::string_view exchange) const;
  /// By name.
  [[nodiscard]] std::vector<PolicyPtr> all() const;

 private:
  [[nodiscard]] PolicyPtr match(bool Policy::*is_for, std::string_view name) const;

  std::map<std::string, PolicyPtr> by_name_;
};

}  // namespace leveret
