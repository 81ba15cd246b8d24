// SPDX-License-Identifier: Apache-2.0
//
// What every worker knows of an exchange, a queue or a binding: values that never change once made,
// so that all replicas share them. A change of topology travels as a TopologyChange to every
// worker, which applies it to its own replica; nothing is locked and nothing copied.
//
// Thread: immutable after construction, but for what a QueueHandle says of itself.

#pragma once

#include "amqp/field_table.h"
#include "amqp/raw_table.h"
#include "base/intrusive_ptr.h"
#include "base/use_count.h"
#include "message/ids.h"
#include "routing/routing_table.h"
#include "vhost/consumer_timeout.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace leveret {

class AuthSnapshot;
class Queue;
struct Policy;
using PolicyPtr = std::shared_ptr<const Policy>;

struct QueueProperties {
  QueueId id;
  std::string vhost;
  std::string name;
  bool is_durable = false;
  bool is_auto_delete = false;
  ConnectionId exclusive_owner;  ///< Zero: not exclusive.
  std::string arguments;         ///< Encoded field table, without its length.
  /// What records in a journal call the queue; no other queue of this data directory ever had it or
  /// will. Zero: not durable or exclusive, it has no records.
  std::uint64_t number = 0;
  std::uint16_t journal = 0;  ///< Index of the journal that holds its messages.
  /// Not a queue that anybody declared: it has what the exchange of this vhost and name holds back.
  bool is_held_back = false;
};

/// A queue as every worker may hold it: its properties, and on its home worker the queue itself.
struct QueueHandle : RefCounted<QueueHandle> {
  explicit QueueHandle(QueueProperties of) : properties(std::move(of)) {}

  [[nodiscard]] WorkerId home() const { return home_of(properties.id); }
  [[nodiscard]] bool is_exclusive() const { return properties.exclusive_owner.value() != 0; }
  /// An exclusive queue may be used by the connection that declared it and by no other.
  [[nodiscard]] bool is_locked_for(ConnectionId connection) const {
    return is_exclusive() && properties.exclusive_owner != connection;
  }

  const QueueProperties properties;

  /// Memory is short, and this queue has more of it than it should: who publishes to it is slowed.
  /// Written by the home worker; anybody may look.
  mutable std::atomic<bool> is_heavy{false};

  /// What its argument and its policy say of deliveries that nobody acknowledges. Likewise.
  mutable std::atomic<TimeoutAction> timeout_action{TimeoutAction::unsaid};
  mutable std::atomic<std::uint64_t> consumer_timeout_ms{ConsumerTimeout::unsaid};

  /// Home worker only; null before it was made there and after it was deleted.
  mutable Queue* queue = nullptr;  // Not owned: the home's Shard owns it and clears this first.
};
using QueueHandlePtr = IntrusivePtr<const QueueHandle>;

struct ExchangeProperties {
  std::string vhost;
  std::string name;
  ExchangeType type = ExchangeType::direct;
  bool is_durable = false;
  bool is_auto_delete = false;
  bool is_internal = false;
  std::string arguments;  ///< Encoded field table, without its length.
  std::string alternate_exchange = {};
  ExchangeType routes_as =
      ExchangeType::direct;  ///< Its type, or the one behind x-delayed-message.
  /// Where messages with a delay wait until they are due; null: it knows no delays. Nobody finds
  /// this queue but by its exchange.
  QueueHandlePtr held_back = {};
};
using ExchangePtr = std::shared_ptr<const ExchangeProperties>;

/// One binding. Two bindings are the same when all of this is.
struct BindingProperties {
  std::string vhost;
  std::string source;
  std::string destination;
  bool is_to_queue = true;
  std::string routing_key;
  std::string arguments;  ///< Encoded field table, without its length.

  friend auto operator<=>(const BindingProperties&, const BindingProperties&) = default;
};
using BindingPtr = std::shared_ptr<const BindingProperties>;

struct VhostAdded {
  std::string name;
  std::shared_ptr<UseCount> connections;
  std::int64_t connections_max = -1;    ///< Below zero: any number.
  std::string default_queue_type = {};  ///< Empty: classic, and queues do not say so.
};
struct VhostChanged {
  std::string name;
  std::int64_t connections_max = -1;
  std::string default_queue_type = {};
};
struct VhostTracingChanged {
  std::string name;
  bool is_traced = false;
};
struct VhostRemoved {
  std::string name;
};
struct ExchangeAdded {
  ExchangePtr exchange;
  /// What it holds back waits for its declaration to be on disk: as QueueAdded::awaits_commit.
  bool awaits_commit = false;
  PolicyPtr policy = {};  ///< Null: it has none.
};
struct ExchangeRemoved {
  ExchangePtr exchange;
};
struct ExchangePolicyChanged {
  ExchangePtr exchange;
  PolicyPtr policy;  ///< Null: it has none any more.
};
struct QueueAdded {
  QueueHandlePtr queue;
  /// Its declaration is on its way to the disk; the home's Shard is told by on_queue_committed().
  bool awaits_commit = false;
  PolicyPtr policy = {};  ///< Null: it has none.
};
struct QueueRemoved {
  QueueHandlePtr queue;
};
struct QueuePolicyChanged {
  QueueHandlePtr queue;
  PolicyPtr policy;  ///< Null: it has none any more.
};
struct BindingAdded {
  BindingPtr binding;
};
struct BindingRemoved {
  BindingPtr binding;
};
struct AuthChanged {
  std::shared_ptr<const AuthSnapshot> auth;
};

using TopologyChange =
    std::variant<VhostAdded, VhostChanged, VhostTracingChanged, VhostRemoved, ExchangeAdded,
                 ExchangeRemoved, ExchangePolicyChanged, QueueAdded, QueueRemoved,
                 QueuePolicyChanged, BindingAdded, BindingRemoved, AuthChanged>;

/// The encoded table as the wire's view of it.
[[nodiscard]] inline amqp::RawTable raw_table(const std::string& encoded) {
  return amqp::RawTable(std::as_bytes(std::span(encoded.data(), encoded.size())));
}
[[nodiscard]] inline std::string encoded_table(amqp::RawTable table) {
  return {reinterpret_cast<const char*>(table.bytes().data()), table.bytes().size()};
}
/// The exchange that takes what another cannot route, by that other's arguments; empty: none.
[[nodiscard]] inline std::string alternate_exchange_of(amqp::RawTable arguments) {
  const auto value = arguments.find("alternate-exchange");
  const auto name = value ? value->as_string() : std::nullopt;
  return std::string(name.value_or(""));
}
[[nodiscard]] inline std::string encoded_table(const amqp::FieldTable& table) {
  const std::vector<std::byte> bytes = table.to_raw();
  return encoded_table(amqp::RawTable(bytes));
}

}  // namespace leveret
