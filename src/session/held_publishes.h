// SPDX-License-Identifier: Apache-2.0
//
// HeldPublishes: what a blocked connection has published and what is not let through before the
// alarm is over, in its order. A refusal waits in line with them: what came before it must not be
// lost by it.
//
// Thread: the connection's worker.

#pragma once

#include "amqp/amqp_error.h"
#include "message/message.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace leveret {

class HeldPublishes {
 public:
  /// Of one connection. Whoever sends more is not read from any more.
  static constexpr std::size_t entries_max = 1000;
  static constexpr std::uint64_t bytes_max = 1024 * 1024;
  /// Of all connections of one worker, so that many publishers do not add up to what the alarm is
  /// to prevent.
  static constexpr std::uint64_t worker_bytes_max = 64 * 1024 * 1024;

  struct Entry {
    std::uint16_t channel = 0;
    MessagePtr message;  ///< Null: a refusal.
    bool is_mandatory = false;
    amqp::AmqpError refusal{};
  };

  [[nodiscard]] bool is_empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// No more may come.
  [[nodiscard]] bool is_full() const {
    return entries_.size() >= entries_max || bytes_ >= bytes_max;
  }
  /// A message with so long a body may come.
  [[nodiscard]] bool has_room_for(std::uint64_t body_bytes) const {
    return !is_full() && body_bytes <= bytes_max - bytes_;
  }

  void add(Entry entry) {
    if (entry.message) bytes_ += entry.message->block_bytes();
    entries_.push_back(std::move(entry));
  }
  /// All of them; none are left.
  [[nodiscard]] std::vector<Entry> take() {
    bytes_ = 0;
    return std::exchange(entries_, {});
  }

 private:
  std::vector<Entry> entries_;
  std::uint64_t bytes_ = 0;
};

}  // namespace leveret
