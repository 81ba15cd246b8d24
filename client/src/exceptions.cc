// SPDX-License-Identifier: Apache-2.0
#include "leveret/exceptions.h"

#include <cstddef>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

constexpr std::uint16_t connection_forced = 320;
constexpr std::uint16_t resource_locked = 405;

/// As Python's repr() quotes a text: in the quotes that it does not hold, if there are such.
std::string in_quotes(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7F) {
      out += fmt::format("\\x{:02x}", octet);
    } else {
      out += c;
    }
  }
  return out += quote;
}

std::string closed(std::uint16_t reply_code, std::string_view reply_text) {
  return fmt::format("({}) {}", reply_code, in_quotes(reply_text));
}

std::string messages_of(std::size_t count) {
  return count == 1 ? "1 message" : fmt::format("{} messages", count);
}

std::string unroutable(const std::vector<ReturnedMessage>& messages) {
  std::string text = messages_of(messages.size()) + " reached no queue";
  if (messages.empty()) return text;
  const BasicReturn& first = messages.front().method;
  return text += fmt::format("; {} by exchange {} for routing key {}",
                             closed(first.reply_code, first.reply_text), in_quotes(first.exchange),
                             in_quotes(first.routing_key));
}

template <class... Types>
bool is_any_of(const AMQPError& error) {
  return ((dynamic_cast<const Types*>(&error) != nullptr) || ...);
}

template <class Closed>
bool is_closed_with(const AMQPError& error, std::uint16_t reply_code) {
  const auto* const found = dynamic_cast<const Closed*>(&error);
  return found != nullptr && found->reply_code() == reply_code;
}

}  // namespace

AMQPError::AMQPError(Name name, std::string_view text)
    : std::runtime_error(text.empty() ? std::string(name.text)
                                      : fmt::format("{}: {}", name.text, text)) {}

ConnectionClosed::ConnectionClosed(Name name, std::uint16_t reply_code, std::string_view reply_text)
    : AMQPConnectionError(name, closed(reply_code, reply_text)),
      reply_code_(reply_code),
      reply_text_(std::make_shared<const std::string>(reply_text)) {}

ChannelClosed::ChannelClosed(Name name, std::uint16_t reply_code, std::string_view reply_text)
    : AMQPChannelError(name, closed(reply_code, reply_text)),
      reply_code_(reply_code),
      reply_text_(std::make_shared<const std::string>(reply_text)) {}

DuplicateConsumerTag::DuplicateConsumerTag(std::string_view consumer_tag)
    : AMQPChannelError(
          Name{"DuplicateConsumerTag"},
          fmt::format("the channel has a consumer {} already", in_quotes(consumer_tag))) {}

ConsumerCancelled::ConsumerCancelled(std::string_view consumer_tag)
    : AMQPChannelError(
          Name{"ConsumerCancelled"},
          fmt::format("the broker has cancelled the consumer {}", in_quotes(consumer_tag))) {}

UnroutableError::UnroutableError(std::vector<ReturnedMessage> messages)
    : AMQPChannelError(Name{"UnroutableError"}, unroutable(messages)),
      messages_(std::make_shared<const std::vector<ReturnedMessage>>(std::move(messages))) {}

NackError::NackError(std::vector<ReturnedMessage> messages)
    : AMQPChannelError(Name{"NackError"},
                       messages.empty()
                           ? "the broker did not take the message"
                           : "the broker did not take the message; " + unroutable(messages)),
      messages_(std::make_shared<const std::vector<ReturnedMessage>>(std::move(messages))) {}

ReentrancyError::ReentrancyError(std::string_view text)
    : std::logic_error(fmt::format("ReentrancyError: {}", text)) {}

bool is_retryable(const AMQPError& error) {
  return typeid(error) == typeid(AMQPConnectionError) ||
         is_any_of<StreamLostError, AMQPHeartbeatTimeout, ConnectionBlockedTimeout, NackError>(
             error) ||
         is_closed_with<ConnectionClosedByBroker>(error, connection_forced) ||
         is_closed_with<ChannelClosedByBroker>(error, resource_locked);
}

bool closes_connection(const AMQPError& error) {
  if (is_any_of<NoFreeChannels>(error)) return false;
  return is_any_of<AMQPConnectionError, UnexpectedFrameError, ProtocolVersionMismatch,
                   BodyTooLongError>(error);
}

}  // namespace leveret
