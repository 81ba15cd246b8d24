// SPDX-License-Identifier: Apache-2.0
#include "vhost/policies.h"

#include "base/assert.h"
#include "vhost/policy_settings.h"
#include "vhost/topology.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace leveret {

namespace {

/// As RabbitMQ shows it.
std::string encoded_definition(amqp::FieldTable definition) {
  definition.sort_by_name();
  return encoded_table(definition);
}

/// apply-to for one type of queue. RabbitMQ has them from 3.12 on.
constexpr std::pair<std::string_view, QueueType> queue_kinds[] = {
    {"classic_queues", QueueType::classic},
    {"quorum_queues", QueueType::quorum},
    {"streams", QueueType::stream},
};

}  // namespace

std::expected<Policy, std::string> Policy::read(PolicyRecord record,
                                                const amqp::FieldTable& definition) {
  Policy policy;
  policy.record = std::move(record);
  std::vector<std::string> complaints;
  if (auto complaint = read_policy_definition(definition, policy)) {
    complaints.push_back(std::move(*complaint));
  }

  // Here the empty pattern is everybody's; a permission's is nobody's.
  auto pattern =
      ResourcePattern::compile(policy.record.pattern.empty() ? ".*" : policy.record.pattern);
  if (pattern) {
    policy.pattern = std::move(*pattern);
  } else {
    complaints.push_back(
        fmt::format("pattern should be regular expression but is invalid: {{\"{}\",{}}}",
                    pattern.error().reason, pattern.error().offset));
  }

  const bool is_for_all = policy.record.apply_to == "all";
  policy.is_for_queues = is_for_all || policy.record.apply_to == "queues";
  for (const auto& [name, type] : queue_kinds) {
    if (policy.record.apply_to != name) continue;
    policy.is_for_queues = true;
    policy.queue_types &= queue_types_with(type);
  }
  policy.is_for_exchanges = is_for_all || policy.record.apply_to == "exchanges";
  if (!policy.is_for_queues && !policy.is_for_exchanges) {
    complaints.push_back(
        fmt::format("apply-to '{}' unrecognised; should be 'queues', 'exchanges' or 'all'",
                    policy.record.apply_to));
  }

  if (!complaints.empty()) return std::unexpected(fmt::format("{}", fmt::join(complaints, "\n")));
  policy.record.definition = encoded_definition(definition);
  return policy;
}

void Policies::put(PolicyPtr policy) {
  merged_.clear();
  const std::string name = policy->record.name;
  kind(policy->record.is_operator)[name] = std::move(policy);
}

void Policies::remove(const std::string& name, bool is_operator) {
  merged_.clear();
  kind(is_operator).erase(name);
}

PolicyPtr Policies::find(const std::string& name, bool is_operator) const {
  const auto found = kind(is_operator).find(name);
  return found == kind(is_operator).end() ? nullptr : found->second;
}

QueuePolicy Policies::match_queue(std::string_view queue, QueueType type) {
  const auto may_be = [type](const Policy& policy) {
    return policy.is_for_queues && (policy.queue_types & queue_types_with(type)) != 0;
  };
  QueuePolicy found{.policy = match(/*is_operator=*/false, queue, may_be),
                    .of_operator = match(/*is_operator=*/true, queue, may_be)};
  if (found.of_operator == nullptr) {
    found.in_force = found.policy;
  } else if (found.policy == nullptr) {
    found.in_force = found.of_operator;
  } else {
    PolicyPtr& merged = merged_[{found.policy.get(), found.of_operator.get()}];
    if (merged == nullptr) merged = merge(*found.policy, *found.of_operator);
    found.in_force = merged;
  }
  return found;
}

PolicyPtr Policies::match_exchange(std::string_view exchange) const {
  if (exchange.empty()) return nullptr;
  return match(/*is_operator=*/false, exchange,
               [](const Policy& policy) { return policy.is_for_exchanges; });
}

template <class MayBe>
PolicyPtr Policies::match(bool is_operator, std::string_view name, MayBe may_be) const {
  PolicyPtr best;
  for (const auto& [key, policy] : kind(is_operator)) {
    if (best != nullptr && policy->record.priority <= best->record.priority) continue;
    if (may_be(*policy) && policy->pattern.matches(name)) best = policy;
  }
  return best;
}

PolicyPtr Policies::merge(const Policy& policy, const Policy& of_operator) {
  const auto definition_of = [](const Policy& one) {
    auto definition = amqp::FieldTable::decode(raw_table(one.record.definition));
    LEVERET_ASSERT(definition, "policy '{}' was encoded here", one.record.name);
    return std::move(*definition);
  };
  auto merged = std::make_shared<Policy>();
  const amqp::FieldTable definition =
      merged_definition(definition_of(policy), definition_of(of_operator));
  const auto complaint = read_policy_definition(definition, *merged);
  LEVERET_ASSERT(!complaint, "two policies that are good make a bad one: {}", *complaint);
  merged->record.definition = encoded_definition(definition);
  return merged;
}

std::vector<PolicyPtr> Policies::all(bool is_operator) const {
  std::vector<PolicyPtr> all;
  all.reserve(kind(is_operator).size());
  for (const auto& [name, policy] : kind(is_operator)) all.push_back(policy);
  return all;
}

}  // namespace leveret
