// SPDX-License-Identifier: Apache-2.0
#include "message/message.h"

#include "base/assert.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace leveret {
namespace {

/// Bodies up to this size get their whole block at once; longer ones grow as bytes arrive.
constexpr std::uint64_t first_body_bytes_max = 64 * 1024;

std::byte* put(std::byte* to, const void* from, std::size_t bytes) {
  if (bytes != 0) std::memcpy(to, from, bytes);
  return to + bytes;
}

}  // namespace

EncodedRoute EncodedRoute::encode(std::string_view exchange, std::string_view routing_key,
                                  std::span<std::byte, bytes_max> room) {
  LEVERET_DEBUG_ASSERT(exchange.size() <= 255 && routing_key.size() <= 255);
  std::byte* to = room.data();
  *to++ = static_cast<std::byte>(exchange.size());
  to = put(to, exchange.data(), exchange.size());
  *to++ = static_cast<std::byte>(routing_key.size());
  to = put(to, routing_key.data(), routing_key.size());
  return {.bytes = room.first(static_cast<std::size_t>(to - room.data())),
          .exchange_bytes = static_cast<std::uint8_t>(exchange.size()),
          .routing_key_bytes = static_cast<std::uint8_t>(routing_key.size())};
}

void Message::release() const noexcept {
  if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    this->~Message();
    std::free(const_cast<Message*>(this));
  }
}

MessageBuilder::MessageBuilder(MessageBuilder&& other) noexcept { *this = std::move(other); }

MessageBuilder& MessageBuilder::operator=(MessageBuilder&& other) noexcept {
  std::swap(block_, other.block_);
  std::swap(capacity_, other.capacity_);
  std::swap(written_, other.written_);
  std::swap(body_bytes_, other.body_bytes_);
  std::swap(appended_bytes_, other.appended_bytes_);
  return *this;
}

MessageBuilder::~MessageBuilder() { reset(); }

void MessageBuilder::begin(const EncodedRoute& route, std::span<const std::byte> properties,
                           std::uint64_t body_bytes, bool is_persistent,
                           const MessageTraits& traits) {
  LEVERET_DEBUG_ASSERT(!has_begun());
  LEVERET_ASSERT(body_bytes <= UINT32_MAX);
  const std::size_t head_bytes = sizeof(Message) + route.bytes.size() + properties.size();
  capacity_ = head_bytes + std::min(body_bytes, first_body_bytes_max);
  block_ = static_cast<std::byte*>(std::malloc(capacity_));
  if (block_ == nullptr) throw std::bad_alloc();
  auto* message = ::new (block_) Message;
  message->ttl_ms_ = traits.ttl_ms;
  message->priority_ = traits.priority;
  message->body_bytes_ = static_cast<std::uint32_t>(body_bytes);
  message->properties_bytes_ = static_cast<std::uint32_t>(properties.size());
  message->exchange_bytes_ = route.exchange_bytes;
  message->routing_key_bytes_ = route.routing_key_bytes;
  message->is_persistent_ = is_persistent;

  std::byte* to = put(block_ + sizeof(Message), route.bytes.data(), route.bytes.size());
  put(to, properties.data(), properties.size());
  written_ = head_bytes;
  body_bytes_ = body_bytes;
  appended_bytes_ = 0;
}

void MessageBuilder::append(std::span<const std::byte> bytes) {
  LEVERET_DEBUG_ASSERT(bytes.size() <= missing_bytes());
  const std::size_t needed = written_ + bytes.size();
  if (needed > capacity_) {
    // Nobody else has seen the block yet, and a Message is plain numbers: it may move.
    const std::size_t whole = written_ + missing_bytes();
    capacity_ = std::min(whole, std::max(needed, capacity_ * 2));
    auto* moved = static_cast<std::byte*>(std::realloc(block_, capacity_));
    if (moved == nullptr) throw std::bad_alloc();
    block_ = moved;
  }
  put(block_ + written_, bytes.data(), bytes.size());
  written_ = needed;
  appended_bytes_ += bytes.size();
}

MessagePtr MessageBuilder::finish() {
  LEVERET_ASSERT(has_begun() && missing_bytes() == 0);
  auto* message = std::launder(reinterpret_cast<const Message*>(block_));
  block_ = nullptr;
  return MessagePtr::adopt(message);
}

void MessageBuilder::reset() {
  std::free(std::exchange(block_, nullptr));
  body_bytes_ = appended_bytes_ = 0;
}

MessagePtr make_message(std::string_view exchange, std::string_view routing_key,
                        std::span<const std::byte> properties, std::span<const std::byte> body,
                        bool is_persistent, MessageTraits traits) {
  std::array<std::byte, EncodedRoute::bytes_max> route;
  MessageBuilder builder;
  builder.begin(EncodedRoute::encode(exchange, routing_key, route), properties, body.size(),
                is_persistent, traits);
  builder.append(body);
  return builder.finish();
}

}  // namespace leveret
