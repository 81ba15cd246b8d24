// SPDX-License-Identifier: Apache-2.0
#include "vhost/dead_letter.h"

#include "amqp/basic_properties.h"

#include <optional>
#include <utility>

namespace leveret {
namespace {

using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;

constexpr std::string_view x_death = "x-death";

std::string_view reason_of(Death death) {
  switch (death) {
    case Death::rejected:
      return "rejected";
    case Death::expired:
      return "expired";
    case Death::maxlen:
      return "maxlen";
    case Death::delivery_limit:
      break;
  }
  return "delivery_limit";
}

bool has_text(const FieldTable& table, std::string_view name, std::string_view text) {
  const FieldValue* value = table.find(name);
  return value && value->as_string() && *value->as_string() == text;
}

FieldTable first_death(const DeathNotice& notice, const Message& message,
                       const std::vector<std::string>& keys,
                       const std::optional<std::string_view>& expiration) {
  FieldArray routing_keys;
  routing_keys.values.reserve(keys.size());
  for (const std::string& key : keys) routing_keys.values.emplace_back(std::string_view(key));
  FieldTable table;
  table.append("count", std::int64_t{1});
  table.append("reason", reason_of(notice.death));
  table.append("queue", notice.queue);
  table.append("time", amqp::Timestamp{notice.seconds});
  table.append("exchange", message.exchange());
  table.append("routing-keys", std::move(routing_keys));
  if (expiration) table.append("original-expiration", *expiration);
  return table;
}

/// One more death among those that the message had already.
FieldArray with_death(const FieldArray& before, FieldTable death, const DeathNotice& notice) {
  std::int64_t count = 0;
  FieldArray after;
  after.values.emplace_back(FieldTable());
  for (const FieldValue& value : before.values) {
    const FieldTable* table = value.as_table();
    if (table && has_text(*table, "queue", notice.queue) &&
        has_text(*table, "reason", reason_of(notice.death))) {
      const FieldValue* counted = table->find("count");
      if (count == 0) death = *table;
      count += counted ? counted->as_integer().value_or(1) : 1;
    } else {
      after.values.push_back(value);
    }
  }
  death.set("count", count + 1);
  death.sort_by_name();
  after.values.front() = FieldValue(std::move(death));
  return after;
}

}  // namespace

std::vector<std::string> routing_keys_of(const Message& message, const FieldTable& headers) {
  std::vector<std::string> keys{std::string(message.routing_key())};
  // BCC was taken out when the message was published.
  const FieldValue* cc = headers.find("CC");
  const FieldArray* copies = cc ? cc->as_array() : nullptr;
  if (copies == nullptr) return keys;
  for (const FieldValue& key : copies->values) {
    if (const std::string* text = key.as_string()) keys.push_back(*text);
  }
  return keys;
}

DeadLetter make_dead_letter(const Message& message, const DeathNotice& notice) {
  // It was looked at when it was published.
  amqp::BasicProperties properties = *amqp::BasicProperties::decode(message.properties());
  FieldTable headers;
  if (properties.headers) headers = FieldTable::decode(*properties.headers).value_or(FieldTable());
  const std::vector<std::string> keys = routing_keys_of(message, headers);

  FieldTable death = first_death(notice, message, keys, properties.expiration);
  const FieldValue* before = headers.find(x_death);
  if (before != nullptr) {
    const FieldArray* deaths = before->as_array();
    FieldArray after;
    if (deaths != nullptr) {
      after = with_death(*deaths, std::move(death), notice);
    } else {
      after.values.emplace_back(std::move(death));
    }
    headers.set(x_death, std::move(after));
  } else {
    FieldArray deaths;
    deaths.values.emplace_back(std::move(death));
    headers.set(x_death, std::move(deaths));
    headers.set("x-first-death-exchange", message.exchange());
    headers.set("x-first-death-queue", notice.queue);
    headers.set("x-first-death-reason", reason_of(notice.death));
  }
  if (notice.tells_last_death) {
    headers.set("x-last-death-exchange", message.exchange());
    headers.set("x-last-death-queue", notice.queue);
    headers.set("x-last-death-reason", reason_of(notice.death));
  }
  headers.sort_by_name();

  DeadLetter letter;
  if (notice.routing_key != nullptr) {
    headers.erase("CC");
    letter.routing_keys.push_back(*notice.routing_key);
  } else {
    letter.routing_keys = keys;
  }
  const std::vector<std::byte> encoded_headers = headers.to_raw();
  properties.headers = amqp::RawTable(encoded_headers);
  properties.expiration.reset();
  // Not the message's own traits: one that was read from the disk has lost them.
  letter.message = make_message(notice.exchange, letter.routing_keys.front(), properties.to_raw(),
                                message.body(), message.is_persistent(),
                                {.priority = properties.priority.value_or(0)});
  return letter;
}

bool is_in_cycle(amqp::RawTable headers, std::string_view queue) {
  const auto deaths = headers.find(x_death);
  const auto array = deaths ? deaths->as_array() : std::nullopt;
  if (!array) return false;
  bool is_found = false;
  bool was_rejected = false;
  array->for_each([&](const amqp::FieldValueView& value) {
    const auto table = value.as_table();
    if (is_found || !table) return;
    const auto text = [&table](std::string_view name) {
      const auto said = table->find(name);
      return said ? said->as_string().value_or("") : std::string_view();
    };
    was_rejected = was_rejected || text("reason") == "rejected";
    is_found = text("queue") == queue;
  });
  return is_found && !was_rejected;
}

}  // namespace leveret
