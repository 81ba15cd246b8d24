// SPDX-License-Identifier: Apache-2.0
#include "vhost/equivalence.h"

#include "amqp/field_table.h"
#include "vhost/queue_arguments.h"
#include "vhost/refusals.h"

#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace leveret {
namespace {

using amqp::AmqpResult;
using amqp::FieldTable;
using amqp::FieldValue;

std::string_view truth(bool value) { return value ? "true" : "false"; }

AmqpResult<void> refuse_difference(std::string_view what, std::string_view resource,
                                   std::string_view received, std::string_view current) {
  return amqp::refuse(amqp::ReplyCode::precondition_failed,
                      fmt::format("inequivalent arg '{}' for {}: received {} but current is {}",
                                  what, resource, received, current));
}

AmqpResult<void> check_flag(std::string_view what, std::string_view resource, bool received,
                            bool current) {
  if (received == current) return {};
  return refuse_difference(what, resource, fmt::format("'{}'", truth(received)),
                           fmt::format("'{}'", truth(current)));
}

/// The value without quotes around text, as RabbitMQ prints it in this place.
std::string value_text(const FieldValue& value) {
  if (const std::string* text = value.as_string()) return *text;
  return value.to_text();
}

/// An atom in quotes, and Erlang has those of a name with dashes already.
std::string type_text(ExchangeType type) {
  const std::string_view name = exchange_type_name(type);
  return name.contains('-') ? fmt::format("''{}''", name) : fmt::format("'{}'", name);
}

std::string typed_text(const FieldValue* value) {
  if (value == nullptr) return "none";
  return fmt::format("the value '{}' of type '{}'", value_text(*value),
                     amqp::field_type_name(value->type()));
}

bool is_same(const FieldValue& a, const FieldValue& b) {
  if (a.as_integer() && b.as_integer()) return *a.as_integer() == *b.as_integer();
  if (a.as_double() && b.as_double()) return *a.as_double() == *b.as_double();
  return a == b;
}

AmqpResult<void> check_arguments(std::span<const std::string_view> keys, std::string_view resource,
                                 const FieldTable& received, const std::string& current_encoded) {
  // What is stored was decoded before it was stored.
  const FieldTable current = FieldTable::decode(raw_table(current_encoded)).value_or(FieldTable());
  for (const std::string_view key : keys) {
    const FieldValue* is = current.find(key);
    const FieldValue* asked = received.find(key);
    if (is && asked) {
      if (is_same(*is, *asked)) continue;
      return refuse_difference(key, resource, fmt::format("'{}'", value_text(*asked)),
                               fmt::format("'{}'", value_text(*is)));
    }
    if (is == asked || is_default_argument(key, is ? *is : *asked)) continue;
    return refuse_difference(key, resource, typed_text(asked), typed_text(is));
  }
  return {};
}

}  // namespace

AmqpResult<void> check_equivalent(const QueueProperties& existing,
                                  const QueueDeclaration& declaration) {
  const std::string resource = resource_text("queue", existing.name, existing.vhost);
  if (auto same = check_flag("durable", resource, declaration.is_durable, existing.is_durable);
      !same) {
    return same;
  }
  if (auto same =
          check_flag("auto_delete", resource, declaration.is_auto_delete, existing.is_auto_delete);
      !same) {
    return same;
  }
  return check_arguments(queue_argument_names(type_of(existing)), resource, declaration.arguments,
                         existing.arguments);
}

AmqpResult<void> check_equivalent(const ExchangeProperties& existing,
                                  const ExchangeDeclaration& declaration) {
  const std::string resource = resource_text("exchange", existing.name, existing.vhost);
  if (existing.type != declaration.type) {
    return refuse_difference("type", resource, type_text(declaration.type),
                             type_text(existing.type));
  }
  if (auto same = check_flag("durable", resource, declaration.is_durable, existing.is_durable);
      !same) {
    return same;
  }
  if (auto same =
          check_flag("auto_delete", resource, declaration.is_auto_delete, existing.is_auto_delete);
      !same) {
    return same;
  }
  if (auto same = check_flag("internal", resource, declaration.is_internal, existing.is_internal);
      !same) {
    return same;
  }
  static constexpr std::string_view keys[] = {"alternate-exchange",     "x-message-deduplication",
                                              "x-cache-size",           "x-cache-ttl",
                                              "x-deduplication-header", "x-cache-persistence"};
  constexpr std::size_t keys_of_all = 2;  // The others mean something where ids are held.
  const bool holds_ids = is_deduplicating(existing.type, raw_table(existing.arguments));
  return check_arguments(holds_ids ? std::span(keys) : std::span(keys).first(keys_of_all), resource,
                         declaration.arguments, existing.arguments);
}

}  // namespace leveret
