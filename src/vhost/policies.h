// SPDX-License-Identifier: Apache-2.0
//
// Policies: what an operator wants to hold for all queues and exchanges of a vhost whose names
// match.
//
// Of the policies that apply to queues and whose pattern matches a queue's name, the one with the
// highest priority is the queue's policy; of several with the same, the first by name. A queue has
// one policy at a time. A policy with a setting that is not of the queue's type does not apply to
// it at all, whatever else it says. What a queue's own arguments say goes before it. Likewise
// exchanges.
//
// An operator's policies are chosen in the same way, beside the others, for queues. What they say
// holds too: of a number that both have the lower.
//
// Thread: values; a Policy is immutable, so that workers share it. Spec: RabbitMQ: policies.

#pragma once

#include "amqp/field_table.h"
#include "auth/resource_pattern.h"
#include "journal/journal.h"
#include "metadata/records.h"
#include "queue/queue_rules.h"
#include "vhost/queue_arguments.h"

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leveret {

/// A policy as it was set, and what that means.
struct Policy {
  PolicyRecord record;
  ResourcePattern pattern = ResourcePattern::nothing();
  bool is_for_queues = false;
  QueueTypes queue_types = all_queue_types;  ///< Of queues whose type has all of its settings.
  bool is_for_exchanges = false;
  std::optional<Durability> durability;  ///< durability: how safe persistent messages are.
  QueueRules rules;                      ///< Its numbers: message-ttl, max-length, max-age, ...
  std::optional<Overflow> overflow;
  std::optional<std::string> dead_letter_exchange;
  std::optional<std::string> dead_letter_routing_key;
  std::optional<std::string> alternate_exchange;
  ConsumerTimeout consumer_timeout;

  /// Takes the definition from `definition`, and not from the record: that any text may be a key of
  /// it is not true of what is encoded there.
  /// Errors, in RabbitMQ's words where it has some: the pattern is no regular expression; apply_to
  /// is none of "queues", "exchanges", "all"; the definition is empty, has a key that is not known,
  /// or a value that makes no sense. All that is wrong, a line each.
  [[nodiscard]] static std::expected<Policy, std::string> read(PolicyRecord record,
                                                               const amqp::FieldTable& definition);
};
using PolicyPtr = std::shared_ptr<const Policy>;

/// What holds for a queue. Null: there is none.
struct QueuePolicy {
  PolicyPtr policy;
  PolicyPtr of_operator;
  PolicyPtr in_force;  ///< Both in one. Its record has nothing but the definition if it is neither.

  [[nodiscard]] bool is_same_as(const QueuePolicy& other) const {
    return policy == other.policy && of_operator == other.of_operator;
  }
};

/// Of one vhost: those that its users set and those of the operator, each with names of their own.
class Policies {
 public:
  /// Replaces the one of its kind and name.
  void put(PolicyPtr policy);
  void remove(const std::string& name, bool is_operator);

  [[nodiscard]] PolicyPtr find(const std::string& name, bool is_operator = false) const;
  /// Queues that have the same two policies share the one that is made of them.
  [[nodiscard]] QueuePolicy match_queue(std::string_view queue, QueueType type);
  /// Null: no policy is this exchange's, as none is the default exchange's.
  [[nodiscard]] PolicyPtr match_exchange(std::string_view exchange) const;
  /// Of one kind, by name.
  [[nodiscard]] std::vector<PolicyPtr> all(bool is_operator = false) const;

 private:
  using ByName = std::map<std::string, PolicyPtr>;
  [[nodiscard]] ByName& kind(bool is_operator) { return is_operator ? of_operator_ : by_name_; }
  [[nodiscard]] const ByName& kind(bool is_operator) const {
    return is_operator ? of_operator_ : by_name_;
  }
  /// `may_be` of a policy: it may be given to this kind of thing.
  template <class MayBe>
  [[nodiscard]] PolicyPtr match(bool is_operator, std::string_view name, MayBe may_be) const;
  [[nodiscard]] static PolicyPtr merge(const Policy& policy, const Policy& of_operator);

  ByName by_name_;
  ByName of_operator_;
  std::map<std::pair<const Policy*, const Policy*>, PolicyPtr> merged_;
};

}  // namespace leveret
