// SPDX-License-Identifier: Apache-2.0
//
// Message: one published message, immutable, shared by everything that holds it: each queue it was
// routed to, each unacknowledged delivery, each output that has not been written yet.
//
// One block of memory, in this order, so that a delivery is made by copying runs of it:
//
//   | Message | exchange as short string | routing key as short string | properties | body |
//
// The properties stay as they came (flag words and list, AMQP 0-9-1 §4.2.6.1); whoever needs one
// reads it there. A fan-out to a thousand queues is a thousand references.
//
// Thread: immutable once MessageBuilder::finish() gave it away; the count is atomic.

#pragma once

#include "base/intrusive_ptr.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace leveret {

/// What queues look at, of the properties.
struct MessageTraits {
  static constexpr std::uint64_t no_ttl = UINT64_MAX;

  std::uint64_t ttl_ms = no_ttl;
  std::uint8_t priority = 0;
};

/// Exchange and routing key as a message carries them: two short strings, one after the other.
struct EncodedRoute {
  static constexpr std::size_t bytes_max = 512;

  std::span<const std::byte> bytes;
  std::uint8_t exchange_bytes = 0;
  std::uint8_t routing_key_bytes = 0;

  /// Writes it to `room`, which must outlive it. Requires: at most 255 bytes each.
  [[nodiscard]] static EncodedRoute encode(std::string_view exchange, std::string_view routing_key,
                                           std::span<std::byte, bytes_max> room);
};

class Message {
 public:
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  [[nodiscard]] std::string_view exchange() const { return {chars(tail()) + 1, exchange_bytes_}; }
  [[nodiscard]] std::string_view routing_key() const {
    return {chars(tail()) + exchange_bytes_ + 2, routing_key_bytes_};
  }
  /// Exchange and routing key as two short strings, as basic.deliver, get-ok and return carry them.
  [[nodiscard]] std::span<const std::byte> encoded_route() const { return {tail(), route_bytes()}; }
  /// Property flags and list, as a content header carries them; at least the two flag bytes.
  [[nodiscard]] std::span<const std::byte> properties() const {
    return {tail() + route_bytes(), properties_bytes_};
  }
  [[nodiscard]] std::span<const std::byte> body() const {
    return {tail() + route_bytes() + properties_bytes_, body_bytes_};
  }
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }
  /// Route, properties and body in one run, for who keeps them and makes a message of them later.
  [[nodiscard]] std::span<const std::byte> content() const {
    return {tail(), route_bytes() + properties_bytes_ + body_bytes_};
  }
  /// expiration, in milliseconds from when a queue takes it; no_ttl: it has none.
  static constexpr std::uint64_t no_ttl = MessageTraits::no_ttl;
  [[nodiscard]] std::uint64_t ttl_ms() const { return ttl_ms_; }
  /// priority; 0: it has none.
  [[nodiscard]] std::uint8_t priority() const { return priority_; }
  /// delivery_mode = 2: survives a restart when its queue does.
  [[nodiscard]] bool is_persistent() const { return is_persistent_; }
  /// What the block takes from memory.
  [[nodiscard]] std::size_t block_bytes() const {
    return sizeof(Message) + route_bytes() + properties_bytes_ + body_bytes_;
  }

  void retain() const noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept;

 private:
  friend class MessageBuilder;
  Message() = default;
  ~Message() = default;

  static const char* chars(const std::byte* bytes) { return reinterpret_cast<const char*>(bytes); }
  [[nodiscard]] const std::byte* tail() const {
    return reinterpret_cast<const std::byte*>(this + 1);
  }
  [[nodiscard]] std::size_t route_bytes() const {
    return std::size_t{2} + exchange_bytes_ + routing_key_bytes_;
  }

  std::uint64_t ttl_ms_ = no_ttl;
  std::uint32_t body_bytes_ = 0;
  mutable std::atomic<std::uint32_t> holders_{1};
  std::uint32_t properties_bytes_ = 0;
  std::uint8_t exchange_bytes_ = 0;
  std::uint8_t routing_key_bytes_ = 0;
  std::uint8_t priority_ = 0;
  bool is_persistent_ = false;
};

using MessagePtr = IntrusivePtr<const Message>;

/// MessageBuilder: puts a message together while its frames come in.
///
/// Memory follows what has really come, not what a content header announced: a client that
/// announces 128 MiB and sends nothing holds 64 KiB.
///
/// Thread: the home worker of the channel that assembles.
class MessageBuilder {
 public:
  MessageBuilder() = default;
  MessageBuilder(MessageBuilder&& other) noexcept;
  MessageBuilder& operator=(MessageBuilder&& other) noexcept;
  ~MessageBuilder();

  /// Begins a message. Requires: a body of less than 4 GiB, no message begun.
  void begin(const EncodedRoute& route, std::span<const std::byte> properties,
             std::uint64_t body_bytes, bool is_persistent, const MessageTraits& traits = {});
  /// Adds body bytes. Requires: no more in all than begin() was told.
  void append(std::span<const std::byte> bytes);
  [[nodiscard]] bool has_begun() const { return block_ != nullptr; }
  [[nodiscard]] std::uint64_t missing_bytes() const { return body_bytes_ - appended_bytes_; }
  /// Gives the message away; the builder may begin another. Requires: missing_bytes() == 0.
  [[nodiscard]] MessagePtr finish();
  /// Forgets what was begun.
  void reset();

 private:
  [[nodiscard]] Message* message() const { return reinterpret_cast<Message*>(block_); }

  std::byte* block_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t written_ = 0;  // Bytes of the block in use.
  std::uint64_t body_bytes_ = 0;
  std::uint64_t appended_bytes_ = 0;
};

/// A whole message at once, for what does not come in frames (tests, HTTP publish).
[[nodiscard]] MessagePtr make_message(std::string_view exchange, std::string_view routing_key,
                                      std::span<const std::byte> properties,
                                      std::span<const std::byte> body, bool is_persistent = false,
                                      MessageTraits traits = {});

}  // namespace leveret
