// SPDX-License-Identifier: Apache-2.0
#include "vhost/queue_arguments.h"

#include "amqp/delay_header.h"
#include "queue/durability.h"
#include "vhost/policies.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace leveret {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;

/// What is wrong, as an Erlang term, since that is how RabbitMQ prints it; nullopt: nothing.
using Complaint = std::optional<std::string>;

Complaint unacceptable_type(const FieldValue& value) {
  return fmt::format("{{unacceptable_type,{}}}", amqp::field_type_name(value.type()));
}

Complaint check_integer(const FieldValue& value, std::int64_t min, std::int64_t max,
                        std::string_view too_big) {
  const std::optional<std::int64_t> number = value.as_integer();
  if (!number) {
    return fmt::format("\"expected integer, got {}\"", amqp::field_type_name(value.type()));
  }
  if (*number < 0) return fmt::format("{{value_negative,{}}}", *number);
  if (*number < min) return "{value_zero,0}";
  if (*number > max) return fmt::format("{{{},{}}}", too_big, *number);
  return std::nullopt;
}

constexpr std::int64_t cache_size_max = 10'000'000;
constexpr std::int64_t timer_ms_max = 315'360'000'000;  // Ten years: ?MAX_EXPIRY_TIMER.

Complaint check_ttl(const FieldValue& value, const FieldTable&) {
  return check_integer(value, 0, timer_ms_max, "value_too_large");
}
Complaint check_expires(const FieldValue& value, const FieldTable&) {
  return check_integer(value, 1, timer_ms_max, "value_too_large");
}
Complaint check_length(const FieldValue& value, const FieldTable&) {
  return check_integer(value, 0, INT64_MAX, "value_too_large");
}
Complaint check_priority(const FieldValue& value, const FieldTable&) {
  return check_integer(value, 0, 255, "max_value_exceeded");
}
Complaint check_version(const FieldValue& value, const FieldTable&) {
  const std::optional<std::int64_t> version = value.as_integer();
  if (!version) {
    return fmt::format("\"expected integer, got {}\"", amqp::field_type_name(value.type()));
  }
  if (*version == 1 || *version == 2) return std::nullopt;
  return fmt::format("\"unsupported queue version '{}'\"", *version);
}
Complaint check_text(const FieldValue& value, const FieldTable&) {
  return value.as_string() ? std::nullopt : unacceptable_type(value);
}
Complaint check_flag(const FieldValue& value, const FieldTable&) {
  return value.as_bool() ? std::nullopt : unacceptable_type(value);
}
Complaint check_dead_letter_key(const FieldValue& value, const FieldTable& arguments) {
  if (!value.as_string()) return unacceptable_type(value);
  if (arguments.find("x-dead-letter-exchange") == nullptr) return "routing_key_but_no_dlx_defined";
  return std::nullopt;
}
Complaint check_overflow(const FieldValue& value, const FieldTable&) {
  const std::string* text = value.as_string();
  if (text == nullptr) return unacceptable_type(value);
  return parse_overflow(*text) ? std::nullopt : Complaint("invalid_overflow");
}
Complaint check_one_of(const FieldValue& value, std::initializer_list<std::string_view> known,
                       std::string_view complaint) {
  const std::string* text = value.as_string();
  if (text == nullptr) return unacceptable_type(value);
  if (std::ranges::find(known, *text) != known.end()) return std::nullopt;
  return std::string(complaint);
}
Complaint check_known(const FieldValue& value, std::initializer_list<std::string_view> known,
                      std::string_view what) {
  const std::string* text = value.as_string();
  return check_one_of(value, known,
                      text ? fmt::format("\"unsupported queue {} '{}'\"", what, *text) : "");
}
Complaint check_mode(const FieldValue& value, const FieldTable&) {
  return check_known(value, {"default", "lazy"}, "mode");
}
Complaint check_type(const FieldValue& value, const FieldTable&) {
  return check_known(value, {"classic", "quorum", "stream"}, "type");
}
Complaint check_durability(const FieldValue& value, const FieldTable&) {
  const std::string* text = value.as_string();
  if (text == nullptr) return unacceptable_type(value);
  if (parse_durability(*text)) return std::nullopt;
  return fmt::format("\"unsupported durability '{}': {}\"", *text, durability_names);
}
Complaint check_timeout(const FieldValue& value, const FieldTable&) {
  return check_consumer_timeout(value);
}
Complaint check_timeout_action(const FieldValue& value, const FieldTable&) {
  const std::string* text = value.as_string();
  if (text == nullptr) return unacceptable_type(value);
  if (parse_timeout_action(*text)) return std::nullopt;
  return fmt::format("\"unsupported consumer timeout action '{}': {}\"", *text,
                     timeout_action_names);
}
Complaint check_nothing(const FieldValue&, const FieldTable&) { return std::nullopt; }

Complaint check_delivery_limit(const FieldValue& value, const FieldTable&) {
  // -1: any number.
  return value.as_integer() == -1 ? std::nullopt
                                  : check_integer(value, 0, INT64_MAX, "value_too_large");
}
Complaint check_group_size(const FieldValue& value, const FieldTable&) {
  return check_integer(value, 1, INT64_MAX, "value_too_large");
}
/// It says how large RabbitMQ's filters are. Here each message is looked at.
Complaint check_filter_size(const FieldValue& value, const FieldTable&) {
  const std::optional<std::int64_t> bytes = value.as_integer();
  if (!bytes) {
    return fmt::format("\"expected integer, got {}\"", amqp::field_type_name(value.type()));
  }
  if (*bytes >= 16 && *bytes <= 255) return std::nullopt;
  return fmt::format("{{invalid_filter_size,{},16,255}}", *bytes);
}
Complaint check_max_age(const FieldValue& value, const FieldTable&) {
  const std::string* text = value.as_string();
  if (text == nullptr) return unacceptable_type(value);
  return parse_age(*text) ? std::nullopt : Complaint("invalid_max_age");
}
Complaint check_stream_durability(const FieldValue& value) {
  if (*value.as_string() != "memory") return std::nullopt;
  return "\"a stream is kept\"";
}
Complaint check_cache_size(const FieldValue& value, const FieldTable&) {
  return check_integer(value, 1, cache_size_max, "value_too_large");
}
Complaint check_strategy(const FieldValue& value, const FieldTable&) {
  return check_one_of(value, {"at-most-once", "at-least-once"}, "invalid_dlx_strategy");
}
Complaint check_locator(const FieldValue& value, const FieldTable&) {
  return check_one_of(value, {"client-local", "balanced", "random", "least-leaders"},
                      "invalid_queue_locator_arg");
}

constexpr std::string_view queue_type_names[] = {"classic", "quorum", "stream"};

constexpr QueueTypes classic = queue_types_with(QueueType::classic);
constexpr QueueTypes quorum = queue_types_with(QueueType::quorum);
constexpr QueueTypes stream = queue_types_with(QueueType::stream);
constexpr QueueTypes no_stream = classic | quorum;

struct Argument {
  std::string_view name;
  Complaint (*check)(const FieldValue& value, const FieldTable& arguments);
  QueueTypes of = all_queue_types;  ///< Which types of queue may have it.
};

bool is_set(const QueueProperties& queue, std::string_view name) {
  const auto said = raw_table(queue.arguments).find(name);
  return said && said->as_bool().value_or(false);
}

constexpr Argument arguments_known[] = {
    {"x-expires", check_expires, no_stream},
    {"x-message-ttl", check_ttl, no_stream},
    {"x-dead-letter-exchange", check_text, no_stream},
    {"x-dead-letter-routing-key", check_dead_letter_key, no_stream},
    {"x-dead-letter-strategy", check_strategy, quorum},
    {"x-max-length", check_length, no_stream},
    {"x-max-length-bytes", check_length},
    {"x-max-in-memory-length", check_length, quorum},
    {"x-max-in-memory-bytes", check_length, quorum},
    {"x-max-priority", check_priority, classic},
    {"x-overflow", check_overflow, no_stream},
    {"x-queue-mode", check_mode, classic},
    {"x-single-active-consumer", check_flag, no_stream},
    {"x-queue-type", check_type},
    {"x-quorum-initial-group-size", check_group_size, quorum},
    {"x-max-age", check_max_age, stream},
    {"x-stream-max-segment-size-bytes", check_length, stream},
    {"x-initial-cluster-size", check_group_size, stream},
    {"x-stream-filter-size-bytes", check_filter_size, stream},
    {"x-delivery-limit", check_delivery_limit, no_stream},
    {"x-queue-master-locator", check_nothing, classic},
    {"x-queue-leader-locator", check_locator, quorum | stream},
    {"x-queue-version", check_version, classic},
    {"x-durability", check_durability},
    {"x-expire-anywhere", check_flag, no_stream},
    {"x-consumer-timeout", check_timeout},
    {"x-consumer-timeout-action", check_timeout_action, no_stream},
    // As LavinMQ has them.
    {"x-message-deduplication", check_flag, no_stream},
    {"x-cache-size", check_cache_size, no_stream},
    {"x-cache-ttl", check_ttl, no_stream},
    {"x-deduplication-header", check_text, no_stream},
};

}  // namespace

amqp::AmqpResult<void> validate_queue_arguments(const FieldTable& arguments, QueueFlags flags,
                                                std::string_view resource) {
  const auto refuse = [](std::string text) {
    return amqp::refuse(amqp::ReplyCode::precondition_failed, std::move(text));
  };
  const auto refuse_argument = [&](std::string_view name, std::string_view complaint) {
    return refuse(fmt::format("invalid arg '{}' for {}: {}", name, resource, complaint));
  };
  const FieldValue* type = arguments.find("x-queue-type");
  if (type != nullptr) {
    if (const Complaint complaint = check_type(*type, arguments)) {
      return refuse_argument("x-queue-type", *complaint);
    }
  }
  const std::string type_name = type == nullptr ? "classic" : *type->as_string();
  const QueueType queue_type = *parse_queue_type(type_name);
  const bool is_classic = queue_type == QueueType::classic;
  if (!is_classic && flags.is_server_named) {
    return refuse(
        fmt::format("Cannot declare a server-named queue for type rabbit_{}_queue", type_name));
  }
  const QueueTypes types = queue_types_with(queue_type);
  for (const Argument& argument : arguments_known) {
    const FieldValue* value = arguments.find(argument.name);
    if (value == nullptr || (argument.of & types) == 0) continue;
    if (const Complaint complaint = argument.check(*value, arguments)) {
      return refuse_argument(argument.name, *complaint);
    }
  }
  for (const auto& [name, value] : arguments) {
    const auto known = std::ranges::find(arguments_known, name, &Argument::name);
    if (known == std::end(arguments_known) || (known->of & types) != 0) continue;
    return refuse(fmt::format("invalid arg '{}' for {} of queue type rabbit_{}_queue", name,
                              resource, type_name));
  }
  const FieldValue* durability = arguments.find("x-durability");
  if (durability && !flags.is_kept() && *durability->as_string() != "memory") {
    return refuse_argument("x-durability",
                           "\"only a durable queue that is not exclusive has another than "
                           "'memory'\"");
  }
  if (durability && queue_type == QueueType::stream) {
    if (const Complaint complaint = check_stream_durability(*durability)) {
      return refuse_argument("x-durability", *complaint);
    }
  }
  if (!is_classic && !(flags.is_kept() && !flags.is_auto_delete)) {
    const std::string_view property = flags.is_auto_delete ? "auto-delete"
                                      : flags.is_exclusive ? "exclusive-owner"
                                                           : "non-durable";
    return refuse(fmt::format("invalid property '{}' for {}", property, resource));
  }
  const FieldValue* segment = arguments.find("x-stream-max-segment-size-bytes");
  if (segment != nullptr && segment->as_integer() > stream_segment_bytes_max) {
    return refuse("Exceeded max value for x-stream-max-segment-size-bytes");
  }
  return {};
}

std::vector<std::string_view> queue_argument_names(QueueType type) {
  std::vector<std::string_view> names;
  for (const Argument& argument : arguments_known) {
    if ((argument.of & queue_types_with(type)) != 0) names.push_back(argument.name);
  }
  return names;
}

namespace {

/// Of a stream the policy goes before the arguments: rabbit_stream_queue.
void limit_stream(amqp::RawTable arguments, QueueRules& rules) {
  const auto limit = [&arguments](std::string_view name, std::uint64_t& value) {
    const auto said = arguments.find(name);
    const auto number = said ? said->as_integer() : std::nullopt;
    if (value == QueueRules::unlimited && number && *number >= 0) {
      value = static_cast<std::uint64_t>(*number);
    }
  };
  limit("x-max-length-bytes", rules.body_bytes_max);
  limit("x-stream-max-segment-size-bytes", rules.page_bytes_max);
  const auto age = arguments.find("x-max-age");
  const auto text = age ? age->as_string() : std::nullopt;
  if (rules.max_age_ms == QueueRules::unlimited && text) {
    rules.max_age_ms = parse_age(*text).value_or(QueueRules::unlimited);
  }
}

}  // namespace

QueueLife life_of(const QueueProperties& queue, const Policy* policy,
                  std::uint64_t delivery_limit) {
  QueueLife life;
  if (queue.is_held_back) {
    // To be due is to expire, and where it goes then is the host's.
    life.rules.message_ttl_ms = amqp::delay_ms_max;
    life.rules.is_holding_back = life.rules.has_dead_letter_exchange = true;
    return life;
  }
  const QueueType type = type_of(queue);
  const bool is_quorum = type == QueueType::quorum;
  std::optional<std::string> exchange;
  std::optional<std::string> routing_key;
  std::optional<Overflow> overflow;
  if (policy != nullptr) {
    life.rules = policy->rules;
    exchange = policy->dead_letter_exchange;
    routing_key = policy->dead_letter_routing_key;
    overflow = policy->overflow;
  }
  const amqp::RawTable arguments = raw_table(queue.arguments);
  const auto limit = [&arguments](std::string_view name, std::uint64_t& value) {
    const auto said = arguments.find(name);
    if (const auto number = said ? said->as_integer() : std::nullopt; number && *number >= 0) {
      value = std::min(value, static_cast<std::uint64_t>(*number));
    }
  };
  const auto text = [&arguments](std::string_view name) -> std::optional<std::string> {
    const auto said = arguments.find(name);
    const auto value = said ? said->as_string() : std::nullopt;
    return value ? std::optional<std::string>(*value) : std::nullopt;
  };
  if (!arguments.empty()) {
    limit("x-message-ttl", life.rules.message_ttl_ms);
    const bool has_expires = life.rules.expires_ms != QueueRules::unlimited;
    if (!(is_quorum && has_expires)) limit("x-expires", life.rules.expires_ms);
    limit("x-delivery-limit", life.rules.delivery_limit);
    limit("x-max-length", life.rules.length_max);
    if (type == QueueType::stream) {
      limit_stream(arguments, life.rules);
    } else {
      limit("x-max-length-bytes", life.rules.body_bytes_max);
    }
    if (auto own = text("x-overflow"); own && !(is_quorum && overflow)) {
      overflow = parse_overflow(*own);
    }
    if (auto own = text("x-dead-letter-exchange")) exchange = std::move(own);
    if (auto own = text("x-dead-letter-routing-key")) routing_key = std::move(own);
  }
  if (is_quorum && life.rules.delivery_limit == QueueRules::unlimited &&
      !arguments.find("x-delivery-limit")) {
    life.rules.delivery_limit = delivery_limit;
  }
  life.rules.expires_anywhere = expires_anywhere(queue);
  life.rules.shows_delivery_count = is_quorum || life.rules.delivery_limit != QueueRules::unlimited;
  if (is_quorum && overflow == Overflow::reject_publish_dlx) overflow = Overflow::drop_head;
  life.rules.overflow = overflow.value_or(Overflow::drop_head);
  life.rules.has_dead_letter_exchange = exchange.has_value();
  if (exchange) life.dead_letters = {std::move(*exchange), std::move(routing_key)};
  return life;
}

QueueType type_of(const QueueProperties& queue) {
  const auto said = raw_table(queue.arguments).find("x-queue-type");
  const auto name = said ? said->as_string() : std::nullopt;
  return parse_queue_type(name.value_or("")).value_or(QueueType::classic);
}

std::string_view queue_type_name(QueueType type) {
  return queue_type_names[static_cast<std::size_t>(type)];
}

std::optional<QueueType> parse_queue_type(std::string_view name) {
  const auto found = std::ranges::find(queue_type_names, name);
  if (found == std::end(queue_type_names)) return std::nullopt;
  return static_cast<QueueType>(found - std::begin(queue_type_names));
}

bool has_single_active_consumer(const QueueProperties& queue) {
  return is_set(queue, "x-single-active-consumer");
}

bool expires_anywhere(const QueueProperties& queue) { return is_set(queue, "x-expire-anywhere"); }

std::optional<DeduplicationRules> deduplication_of(const QueueProperties& queue) {
  const amqp::RawTable arguments = raw_table(queue.arguments);
  const auto wanted = arguments.find("x-message-deduplication");
  if (!wanted || !wanted->as_bool().value_or(false)) return std::nullopt;
  DeduplicationRules rules;
  if (const auto header = arguments.find("x-deduplication-header")) {
    rules.header = header->as_string().value_or("");
  }
  const auto size = arguments.find("x-cache-size");
  const auto ttl = arguments.find("x-cache-ttl");
  if (!size && !ttl) return rules;
  // What they are was looked at when the queue was declared.
  rules.holds = DeduplicationRules::Holds::last;
  rules.ids_max = DeduplicationRules::last_ids_max;
  // Unless it was declared when that meant nothing yet.
  if (size) {
    rules.ids_max = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(size->as_integer().value_or(1), 1, cache_size_max));
  }
  if (ttl) rules.ttl_ms = static_cast<std::uint64_t>(ttl->as_integer().value_or(0));
  return rules;
}

std::uint8_t priority_max_of(const QueueProperties& queue) {
  const auto said = raw_table(queue.arguments).find("x-max-priority");
  return static_cast<std::uint8_t>(said ? said->as_integer().value_or(0) : 0);
}

std::optional<Overflow> parse_overflow(std::string_view name) {
  if (name == "drop-head") return Overflow::drop_head;
  if (name == "reject-publish") return Overflow::reject_publish;
  if (name == "reject-publish-dlx") return Overflow::reject_publish_dlx;
  return std::nullopt;
}

Durability durability_of(const QueueProperties& queue, const Policy* policy,
                         Durability of_the_node) {
  if (queue.number == 0) return Durability::memory;
  const auto said = raw_table(queue.arguments).find("x-durability");
  const auto name = said ? said->as_string() : std::nullopt;
  if (const auto own = name ? parse_durability(*name) : std::nullopt) return *own;
  return policy != nullptr ? policy->durability.value_or(of_the_node) : of_the_node;
}

ConsumerTimeout consumer_timeout_of(const QueueProperties& queue, const Policy* policy) {
  ConsumerTimeout timeout = policy != nullptr ? policy->consumer_timeout : ConsumerTimeout();
  const amqp::RawTable arguments = raw_table(queue.arguments);
  if (arguments.empty()) return timeout;
  const auto ms = arguments.find("x-consumer-timeout");
  if (const auto own = ms ? ms->as_integer() : std::nullopt; own && *own >= 0) {
    timeout.ms = shorter_timeout(timeout.ms, static_cast<std::uint64_t>(*own));
  }
  // There is nothing to which what a stream delivered could go back.
  if (type_of(queue) == QueueType::stream) {
    timeout.action = TimeoutAction::close_channel;
    return timeout;
  }
  const auto action = arguments.find("x-consumer-timeout-action");
  const auto name = action ? action->as_string() : std::nullopt;
  if (const auto own = name ? parse_timeout_action(*name) : std::nullopt) timeout.action = *own;
  return timeout;
}

std::optional<std::uint64_t> parse_age(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t seconds = 0;
  switch (text.back()) {
    case 'Y':
      seconds = 365 * 86'400;
      break;
    case 'M':
      seconds = 30 * 86'400;
      break;
    case 'D':
      seconds = 86'400;
      break;
    case 'h':
      seconds = 3'600;
      break;
    case 'm':
      seconds = 60;
      break;
    case 's':
      seconds = 1;
      break;
    default:
      return std::nullopt;
  }
  constexpr std::uint64_t count_max = 1'000'000'000;  // Nobody sees the end of more.
  std::uint64_t count = count_max;
  const char* const unit = text.data() + text.size() - 1;
  const auto [end, error] = std::from_chars(text.data(), unit, count);
  if (end != unit || error == std::errc::invalid_argument || count == 0) return std::nullopt;
  return std::min(count, count_max) * seconds * 1000;
}

std::optional<std::string> check_consumer_timeout(const FieldValue& value) {
  return check_integer(value, 0, ConsumerTimeout::ms_max, "value_too_large");
}

bool is_default_argument(std::string_view name, const FieldValue& value) {
  return name == "x-queue-type" && value.as_string() && *value.as_string() == "classic";
}

}  // namespace leveret
