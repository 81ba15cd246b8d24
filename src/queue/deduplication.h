// SPDX-License-Identifier: Apache-2.0
//
// Deduplication: of messages that carry an id in a header, each id once.
//
// How long an id is held has two rules. A queue that was told how large its cache is, or how long
// it holds, remembers the *last* ids that came, whatever became of their messages (LavinMQ). One
// that was not holds the ids of the messages that are *present*, ready or unacknowledged
// (rabbitmq-message-deduplication). Either way a message that is dead-lettered takes its id along,
// for it may come back.
//
// An id is any value but void. Integers of any width are the same id when they are the same number,
// strings and byte arrays when they are the same bytes, all else when type and bytes are.
//
// Thread: one; that of the queue or exchange whose it is. RabbitMQ: the plugin
// rabbitmq-message-deduplication.

#pragma once

#include "message/message.h"
#include "queue/recent_ids.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace leveret {

struct DeduplicationRules {
  static constexpr std::uint64_t unlimited = UINT64_MAX;
  /// Of messages that are present: those of the oldest are forgotten for more.
  static constexpr std::uint32_t present_ids_max = 1'000'000;

  /// Of the last, where their number is not said.
  static constexpr std::uint32_t last_ids_max = 128;

  enum class Holds : std::uint8_t { present, last };

  Holds holds = Holds::present;
  std::uint32_t ids_max = present_ids_max;
  std::uint64_t ttl_ms = unlimited;  ///< Of the last; a message may say another.
  std::string header = "x-deduplication-header";
};

class Deduplication {
 public:
  explicit Deduplication(DeduplicationRules rules)
      : rules_(std::move(rules)), ids_(rules_.ids_max) {}

  /// What makes the message one of a kind, and for how long.
  struct Id {
    IdHash hash;
    std::uint64_t ttl_ms = DeduplicationRules::unlimited;
  };
  /// nullopt: it says nothing, and may come as often as it likes.
  [[nodiscard]] std::optional<Id> id_of(const Message& message) const;

  [[nodiscard]] bool is_held(const Id& id, std::uint64_t now_ms) const {
    return ids_.contains(id.hash, now_ms);
  }
  /// A message with this id was taken in.
  void hold(const Id& id, std::uint64_t now_ms);
  /// It has not been taken in after all.
  void forget(const Id& id) { ids_.remove(id.hash); }
  /// It has left, and will not come back.
  void on_left(const Message& message);
  /// It has left, and may come back.
  void on_dead_lettered(const Message& message);
  /// Messages have left, and nobody can say with which ids; these have not.
  void on_left_but(std::span<const MessagePtr> present, std::uint64_t now_ms);

  // A start found messages. Between begin and end nothing is held but by hold_found(), and what
  // leaves meanwhile is not held in the end, whether it was found before or after.

  [[nodiscard]] bool holds_present() const {
    return rules_.holds == DeduplicationRules::Holds::present;
  }
  void begin_finding() { is_finding_ = true; }
  void hold_found(const Message& message);
  void end_finding();

 private:
  const DeduplicationRules rules_;
  RecentIds ids_;
  bool is_finding_ = false;
  bool has_lost_count_ = false;  // Some have left, and nobody can say which.
  std::vector<IdHash> left_;     // While finding.
};

}  // namespace leveret
