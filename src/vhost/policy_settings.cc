// SPDX-License-Identifier: Apache-2.0
#include "vhost/policy_settings.h"

#include "amqp/erlang_text.h"
#include "queue/durability.h"
#include "vhost/policies.h"
#include "vhost/queue_arguments.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace leveret {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;

using Complaint = std::optional<std::string>;

Complaint refuse(const FieldValue& value, std::string_view what) {
  return fmt::format("{} is not a valid {}", amqp::erlang_term(value), what);
}

Complaint read_number(const FieldValue& value, std::int64_t min, std::string_view what,
                      std::uint64_t& number) {
  const std::optional<std::int64_t> given = value.as_integer();
  if (!given || *given < min) return refuse(value, what);
  number = static_cast<std::uint64_t>(*given);
  return std::nullopt;
}
Complaint read_text(const FieldValue& value, std::string_view what,
                    std::optional<std::string>& text) {
  if (value.as_string() == nullptr) return refuse(value, what);
  text = *value.as_string();
  return std::nullopt;
}
/// For what has no effect.
Complaint check_number(const FieldValue& value, std::int64_t min, std::string_view what) {
  std::uint64_t unused = 0;
  return read_number(value, min, what, unused);
}
Complaint check_one_of(const FieldValue& value, std::initializer_list<std::string_view> names,
                       std::string_view what) {
  const std::string* name = value.as_string();
  if (name != nullptr && std::ranges::find(names, *name) != names.end()) return std::nullopt;
  return refuse(value, what);
}

Complaint read_durability(const FieldValue& value, Policy& policy) {
  const std::string* name = value.as_string();
  if (name != nullptr) policy.durability = parse_durability(*name);
  if (policy.durability) return std::nullopt;
  return fmt::format("{} is not a valid durability; should be one of {}", amqp::erlang_term(value),
                     durability_names);
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
Complaint read_max_age(const FieldValue& value, Policy& policy) {
  const std::string* text = value.as_string();
  const auto age = text != nullptr ? parse_age(*text) : std::nullopt;
  if (!age) return refuse(value, "max age");
  policy.rules.max_age_ms = *age;
  return std::nullopt;
}
Complaint read_segment_bytes(const FieldValue& value, Policy& policy) {
  if (value.as_integer() > stream_segment_bytes_max) return refuse(value, "segment size");
  return read_number(value, 0, "segment size", policy.rules.page_bytes_max);
}
Complaint read_overflow(const FieldValue& value, Policy& policy) {
  const std::string* name = value.as_string();
  if (name != nullptr) policy.overflow = parse_overflow(*name);
  return policy.overflow ? std::nullopt : refuse(value, "overflow value");
}
Complaint read_dead_letter_exchange(const FieldValue& value, Policy& policy) {
  return read_text(value, "dead letter exchange name", policy.dead_letter_exchange);
}
Complaint read_dead_letter_routing_key(const FieldValue& value, Policy& policy) {
  return read_text(value, "dead letter routing key", policy.dead_letter_routing_key);
}
Complaint read_delivery_limit(const FieldValue& value, Policy& policy) {
  return read_number(value, 0, "delivery limit", policy.rules.delivery_limit);
}
Complaint read_consumer_timeout(const FieldValue& value, Policy& policy) {
  if (check_consumer_timeout(value)) return refuse(value, "consumer timeout");
  policy.consumer_timeout.ms = static_cast<std::uint64_t>(*value.as_integer());
  return std::nullopt;
}
Complaint read_timeout_action(const FieldValue& value, Policy& policy) {
  const std::string* name = value.as_string();
  const auto action = name ? parse_timeout_action(*name) : std::nullopt;
  if (!action) {
    return fmt::format("{} is not a valid consumer timeout action; should be one of {}",
                       amqp::erlang_term(value), timeout_action_names);
  }
  policy.consumer_timeout.action = *action;
  return std::nullopt;
}
Complaint read_alternate_exchange(const FieldValue& value, Policy& policy) {
  return read_text(value, "alternate exchange name", policy.alternate_exchange);
}

Complaint check_queue_mode(const FieldValue& value, Policy&) {
  return check_one_of(value, {"default", "lazy"}, "queue-mode value");
}
Complaint check_queue_version(const FieldValue& value, Policy&) {
  const auto version = value.as_integer();
  return version == 1 || version == 2 ? std::nullopt : refuse(value, "queue-version value");
}
Complaint check_master_locator(const FieldValue& value, Policy&) {
  if (!check_one_of(value, {"min-masters", "client-local", "random"}, "")) return std::nullopt;
  return fmt::format("{} invalid queue-master-locator value", amqp::erlang_term(value));
}
Complaint check_leader_locator(const FieldValue& value, Policy&) {
  return check_one_of(value, {"client-local", "balanced", "random", "least-leaders"},
                      "queue leader locator value");
}
Complaint check_dead_letter_strategy(const FieldValue& value, Policy&) {
  return check_one_of(value, {"at-most-once", "at-least-once"}, "dead letter strategy");
}
Complaint check_cluster_size(const FieldValue& value, Policy&) {
  return check_number(value, 0, "cluster size");
}
Complaint check_memory(const FieldValue& value, Policy&) {
  return check_number(value, 0, "maximum memory in bytes");
}
/// Looked at together, by check_mirroring().
Complaint check_later(const FieldValue&, Policy&) { return std::nullopt; }

/// Which queues a policy with the setting may be given to. RabbitMQ: unsupported_policies of each
/// type's capabilities.
constexpr QueueTypes all_queues = all_queue_types;
constexpr QueueTypes classic_queues = queue_types_with(QueueType::classic);
constexpr QueueTypes quorum_queues = queue_types_with(QueueType::quorum);
constexpr QueueTypes stream_queues = queue_types_with(QueueType::stream);
constexpr QueueTypes no_streams = classic_queues | quorum_queues;
constexpr QueueTypes no_classic_queues = quorum_queues | stream_queues;

struct Setting {
  std::string_view name;
  Complaint (*read)(const FieldValue& value, Policy& policy);
  QueueTypes queues = all_queues;
  bool is_for_operators = false;
};
constexpr Setting settings[] = {
    {"durability", read_durability},
    {"message-ttl", read_message_ttl, no_streams, true},
    {"expires", read_expires, no_streams, true},
    {"max-length", read_max_length, no_streams, true},
    {"max-length-bytes", read_max_length_bytes, all_queues, true},
    {"overflow", read_overflow, no_streams},
    {"dead-letter-exchange", read_dead_letter_exchange, no_streams},
    {"dead-letter-routing-key", read_dead_letter_routing_key, no_streams},
    {"max-age", read_max_age, stream_queues},
    {"stream-max-segment-size-bytes", read_segment_bytes, stream_queues},
    {"alternate-exchange", read_alternate_exchange},
    {"delivery-limit", read_delivery_limit, quorum_queues, true},
    {"consumer-timeout", read_consumer_timeout},
    {"consumer-timeout-action", read_timeout_action, no_streams},
    // Without an effect, but that the policy is not given to other queues.
    {"queue-mode", check_queue_mode, classic_queues},
    {"queue-version", check_queue_version},
    {"queue-master-locator", check_master_locator, classic_queues},
    {"queue-leader-locator", check_leader_locator, no_classic_queues},
    {"initial-cluster-size", check_cluster_size, stream_queues},
    {"dead-letter-strategy", check_dead_letter_strategy, quorum_queues},
    {"max-in-memory-length", check_memory, no_streams, true},
    {"max-in-memory-bytes", check_memory, no_streams, true},
    {"ha-mode", check_later, classic_queues},
    {"ha-params", check_later, classic_queues},
    {"ha-sync-mode", check_later, classic_queues},
    {"ha-sync-batch-size", check_later},
    {"ha-promote-on-shutdown", check_later, classic_queues},
    {"ha-promote-on-failure", check_later, classic_queues},
};

Complaint check_mirroring(const FieldTable& definition) {
  const FieldValue* mode = definition.find("ha-mode");
  const FieldValue* params = definition.find("ha-params");
  if (mode == nullptr) {
    const bool has_more = std::ranges::any_of(definition, [](const auto& entry) {
      return std::string_view(entry.name).starts_with("ha-");
    });
    if (!has_more) return std::nullopt;
    return "ha-mode must be specified to specify ha-params, ha-sync-mode or ha-promote-on-shutdown";
  }
  const std::string given = params == nullptr ? "none" : amqp::erlang_term(*params);
  const std::string name = mode->as_string() == nullptr ? "" : *mode->as_string();
  if (name == "all") {
    if (params != nullptr) return "ha-mode=\"all\" does not take parameters";
  } else if (name == "exactly") {
    const auto count = params == nullptr ? std::nullopt : params->as_integer();
    if (!count || *count <= 0) {
      return fmt::format("ha-mode=\"exactly\" takes an integer, {} given", given);
    }
  } else if (name == "nodes") {
    if (params == nullptr || params->as_array() == nullptr) {
      return fmt::format("ha-mode=\"nodes\" takes a list, {} given", given);
    }
  } else {
    return refuse(*mode, "ha-mode value");
  }
  const auto check = [&](std::string_view setting, std::string_view one,
                         std::string_view other) -> Complaint {
    const FieldValue* value = definition.find(setting);
    if (value == nullptr || !check_one_of(*value, {one, other}, "")) return std::nullopt;
    return fmt::format("{} must be \"{}\" or \"{}\", got {}", setting, one, other,
                       amqp::erlang_term(*value));
  };
  if (auto wrong = check("ha-sync-mode", "manual", "automatic")) return wrong;
  if (const FieldValue* size = definition.find("ha-sync-batch-size")) {
    if (check_number(*size, 1, "")) {
      return fmt::format("ha-sync-batch-size takes an integer greater than 0, {} given",
                         amqp::erlang_term(*size));
    }
  }
  if (auto wrong = check("ha-promote-on-shutdown", "always", "when-synced")) return wrong;
  return check("ha-promote-on-failure", "always", "when-synced");
}

}  // namespace

std::optional<std::string> read_policy_definition(const FieldTable& definition, Policy& policy) {
  if (definition.empty()) return "no policy provided";
  std::vector<std::string> unknown;
  FieldTable by_name = definition;  // Of several mistakes the first by name is told.
  by_name.sort_by_name();
  for (const auto& [name, value] : by_name) {
    const auto* setting = std::ranges::find(settings, name, &Setting::name);
    if (setting == std::end(settings) ||
        (policy.record.is_operator && !setting->is_for_operators)) {
      unknown.push_back(
          fmt::format("{{{},{}}}", amqp::erlang_term(FieldValue(name)), amqp::erlang_term(value)));
    } else if (Complaint complaint = setting->read(value, policy)) {
      return complaint;
    } else {
      policy.queue_types &= setting->queues;
    }
  }
  if (unknown.empty()) return check_mirroring(definition);
  std::ranges::sort(unknown);
  return fmt::format("[{}] are not recognised policy settings", fmt::join(unknown, ","));
}

FieldTable merged_definition(const FieldTable& definition, const FieldTable& of_operator) {
  FieldTable merged = definition;
  for (const auto& [name, value] : of_operator) {
    const FieldValue* own = merged.find(name);
    if (own == nullptr || value.as_integer() < own->as_integer()) merged.set(name, value);
  }
  return merged;
}

}  // namespace leveret
