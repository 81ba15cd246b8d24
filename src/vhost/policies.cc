// SPDX-License-Identifier: Apache-2.0
#include "vhost/policies.h"

#include "amqp/erlang_text.h"
#include "queue/durability.h"
#include "vhost/queue_arguments.h"
#include "vhost/topology.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace leveret {
namespace {

using amqp::FieldValue;

using Complaint = std::optional<std::string>;

Complaint read_durability(const FieldValue& value, Policy& policy) {
  const std::string* name = value.as_string();
  if (name != nullptr) policy.durability = parse_durability(*name);
  if (policy.durability) return std::nullopt;
  return fmt::format("{} is not a valid durability; should be one of {}", amqp::erlang_term(value),
                     durability_names);
}

Complaint read_number(const FieldValue& value, std::int64_t min, std::string_view what,
                      std::uint64_t& number) {
  const std::optional<std::int64_t> given = value.as_integer();
  if (!given || *given < min) {
    return fmt::format("{} is not a valid {}", amqp::erlang_term(value), what);
  }
  number = static_cast<std::uint64_t>(*given);
  return std::nullopt;
}
Complaint read_message_ttl(const FieldValue& value, Policy& policy) {
  return read_number(value, 0, "message TTL", policy.rules.message_ttl_ms);
}
Complaint read_expires(const FieldValue& value, Policy& policy) {
  return read_number(value, 1, "queue expiry", policy.rules.expires_ms);
}
Complaint read_max_length(const FieldValue& value, Policy& policy) {
  return read_number(value, 0, "maximum length", policy.rules.length_max);
}
Complaint read_max_length_bytes(const FieldValue& value, Policy& policy) {
  return read_number(value, 0, "maximum length in bytes", policy.rules.body_bytes_max);
}
Complaint read_overflow(const FieldValue& value, Policy& policy) {
  const std::string* name = value.as_string();
  if (name != nullptr) policy.overflow = parse_overflow(*name);
  if (policy.overflow) return std::nullopt;
  return fmt::format("{} is not a valid overflow value", amqp::erlang_term(value));
}
Complaint read_text(const FieldValue& value, std::string_view what,
                    std::optional<std::string>& text) {
  if (value.as_string() == nullptr) {
    return fmt::format("{} is not a valid {}", amqp::erlang_term(value), what);
  }
  text = *value.as_string();
  return std::nullopt;
}
Complaint read_dead_letter_exchange(const FieldValue& value, Policy& policy) {
  return read_text(value, "dead letter exchange name", policy.dead_letter_exchange);
}
Complaint read_dead_letter_routing_key(const FieldValue& value, Policy& policy) {
  return read_text(value, "dead letter routing key", policy.dead_letter_routing_key);
}

struct Setting {
  std::string_view name;
  Complaint (*read)(const FieldValue& value, Policy& policy);
};
constexpr Setting settings[] = {{"durability", read_durability},
                                {"message-ttl", read_message_ttl},
                                {"expires", read_expires},
                                {"max-length", read_max_length},
                                {"max-length-bytes", read_max_length_bytes},
                                {"overflow", read_overflow},
                                {"dead-letter-exchange", read_dead_letter_exchange},
                                {"dead-letter-routing-key", read_dead_letter_routing_key}};

Complaint read_definition(const amqp::FieldTable& definition, Policy& policy) {
  if (definition.empty()) return "no policy provided";
  std::vector<std::string> unknown;
  for (const auto& [name, value] : definition) {
    const auto* setting = std::ranges::find(settings, name, &Setting::name);
    if (setting == std::end(settings)) {
      unknown.push_back(
          fmt::format("{{{},{}}}", amqp::erlang_term(FieldValue(name)), amqp::erlang_term(value)));
    } else if (Complaint complaint = setting->read(value, policy)) {
      return complaint;
    }
  }
  if (unknown.empty()) return std::nullopt;
  std::ranges::sort(unknown);
  return fmt::format("[{}] are not recognised policy settings", fmt::join(unknown, ","));
}

}  // namespace

std::expected<Policy, std::string> Policy::read(PolicyRecord record,
                                                const amqp::FieldTable& definition) {
  Policy policy;
  std::vector<std::string> complaints;
  if (Complaint complaint = read_definition(definition, policy)) {
    complaints.push_back(std::move(*complaint));
  }

  // Here the empty pattern is everybody's; a permission's is nobody's.
  auto pattern = ResourcePattern::compile(record.pattern.empty() ? ".*" : record.pattern);
  if (pattern) {
    policy.pattern = std::move(*pattern);
  } else {
    complaints.push_back(
        fmt::format("pattern should be regular expression but is invalid: {{\"{}\",{}}}",
                    pattern.error().reason, pattern.error().offset));
  }

  const bool is_for_all = record.apply_to == "all";
  policy.is_for_queues = is_for_all || record.apply_to == "queues";
  policy.is_for_exchanges = is_for_all || record.apply_to == "exchanges";
  if (!policy.is_for_queues && !policy.is_for_exchanges) {
    complaints.push_back(fmt::format(
        "apply-to '{}' unrecognised; should be 'queues', 'exchanges' or 'all'", record.apply_to));
  }

  if (!complaints.empty()) return std::unexpected(fmt::format("{}", fmt::join(complaints, "\n")));
  policy.record = std::move(record);
  policy.record.definition = encoded_table(definition);
  return policy;
}

void Policies::put(PolicyPtr policy) {
  const std::string name = policy->record.name;
  by_name_[name] = std::move(policy);
}

PolicyPtr Policies::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

PolicyPtr Policies::match_queue(std::string_view queue) const {
  return match(&Policy::is_for_queues, queue);
}

PolicyPtr Policies::match_exchange(std::string_view exchange) const {
  return exchange.empty() ? nullptr : match(&Policy::is_for_exchanges, exchange);
}

PolicyPtr Policies::match(bool Policy::*is_for, std::string_view name) const {
  PolicyPtr best;
  for (const auto& [key, policy] : by_name_) {
    if (best != nullptr && policy->record.priority <= best->record.priority) continue;
    if ((*policy).*is_for && policy->pattern.matches(name)) best = policy;
  }
  return best;
}

std::vector<PolicyPtr> Policies::all() const {
  std::vector<PolicyPtr> all;
  all.reserve(by_name_.size());
  for (const auto& [name, policy] : by_name_) all.push_back(policy);
  return all;
}

}  // namespace leveret
