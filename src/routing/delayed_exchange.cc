// SPDX-License-Identifier: Apache-2.0
#include "routing/delayed_exchange.h"

#include "amqp/delay_header.h"
#include "routing/message_headers.h"
#include "routing/reached.h"

#include <string>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

/// What looks at each message that comes would see it twice.
bool may_be_behind(ExchangeType type) {
  return type != ExchangeType::delayed_message && type != ExchangeType::message_deduplication &&
         type != ExchangeType::recent_history;
}

std::optional<std::string_view> delayed_type(amqp::RawTable arguments) {
  const auto value = arguments.find("x-delayed-type");
  return value ? value->as_string() : std::nullopt;
}

}  // namespace

DelayedExchange::DelayedExchange(std::unique_ptr<Exchange> behind, QueueId held_back)
    : Exchange(behind->name(), ExchangeType::delayed_message, behind->alternate_exchange()),
      behind_(std::move(behind)),
      held_back_("", held_back) {}

void DelayedExchange::add(Binding& binding) { behind_->add(binding); }

void DelayedExchange::remove(Binding& binding) { behind_->remove(binding); }

void DelayedExchange::match(const Publication& publication, Reached& reached) const {
  if (amqp::peek_delay_ms(publication.headers.encoded()) != 0) return reached.add(held_back_);
  behind_->match(publication, reached);
}

bool is_delayed_exchange(ExchangeType type, amqp::RawTable arguments) {
  if (type == ExchangeType::delayed_message) return true;
  const auto value = arguments.find("x-delayed-exchange");
  return value && value->as_bool().value_or(false);
}

std::optional<ExchangeType> routing_type(ExchangeType type, amqp::RawTable arguments) {
  if (type != ExchangeType::delayed_message) return type;
  const auto name = delayed_type(arguments);
  const auto behind = name ? parse_exchange_type(*name) : std::nullopt;
  return behind && may_be_behind(*behind) ? behind : std::nullopt;
}

amqp::AmqpResult<void> validate_delayed_exchange(ExchangeType type, amqp::RawTable arguments) {
  if (type != ExchangeType::delayed_message && !may_be_behind(type) &&
      is_delayed_exchange(type, arguments)) {
    return amqp::refuse(amqp::ReplyCode::precondition_failed,
                        fmt::format("Invalid argument, 'x-delayed-exchange' cannot be true of an "
                                    "exchange of type '{}'",
                                    exchange_type_name(type)));
  }
  if (routing_type(type, arguments)) return {};
  const auto name = delayed_type(arguments);
  if (name && !parse_exchange_type(*name)) {
    return amqp::refuse(amqp::ReplyCode::command_invalid,
                        fmt::format("unknown exchange type '{}'", *name));
  }
  return amqp::refuse(amqp::ReplyCode::precondition_failed,
                      "Invalid argument, 'x-delayed-type' must be an existing exchange type");
}

}  // namespace leveret
