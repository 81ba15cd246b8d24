// SPDX-License-Identifier: Apache-2.0
//
// Exchanges that give each message to one of their bindings.
//
//   x-random, x-local-random   any of them, each message anew
//   x-modulus-hash             the hash of the routing key modulo how many there are
//   x-consistent-hash          as often as the binding's key, a number, says; the same for the same
//                              message while the bindings stand, and for most when one comes or
//                              goes
//
// x-consistent-hash looks at the routing key, or at a header (hash-header) or a property
// (hash-property: message_id, correlation_id or timestamp) of the message; where that is missing
// all go to one. Of several bindings to one destination the first counts. Hashes are of names, so
// that every worker gives the same answer, after a restart too. Who gets a message is not who
// RabbitMQ's plugins would give it to, whose hash is Erlang's.
//
// Consistent: each destination has a number for each message, drawn from both their hashes and its
// weight; the highest has it (rendezvous hashing). So a destination that comes takes only what is
// its own, and one that goes leaves only that.
//
// Thread: the table's. Complexity: O(bindings) for consistent hashing, O(1) for the others.
// RabbitMQ: rabbitmq-consistent-hash-exchange, rabbitmq-random-exchange, rabbitmq-sharding.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/raw_table.h"
#include "routing/exchange.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

class RandomExchange final : public Exchange {
 public:
  RandomExchange(std::string_view name, ExchangeType type, std::string_view alternate_exchange)
      : Exchange(name, type, alternate_exchange) {}

 private:
  void add(Binding& binding) override { bindings_.add(binding); }
  void remove(Binding& binding) override { bindings_.remove(binding); }
  void match(const Publication& publication, Reached& reached) const override;

  BindingList bindings_;
  mutable std::uint64_t state_ = 0x9e3779b97f4a7c15;  // Of its random numbers.
};

class ModulusExchange final : public Exchange {
 public:
  ModulusExchange(std::string_view name, std::string_view alternate_exchange)
      : Exchange(name, ExchangeType::modulus_hash, alternate_exchange) {}

 private:
  void add(Binding& binding) override;
  void remove(Binding& binding) override;
  void match(const Publication& publication, Reached& reached) const override;

  std::vector<Binding*> bindings_;  // In an order that depends on their names alone.
};

class ConsistentHashExchange final : public Exchange {
 public:
  ConsistentHashExchange(std::string_view name, std::string_view alternate_exchange,
                         amqp::RawTable arguments);

  [[nodiscard]] bool looks_at_headers() const { return !header_.empty(); }
  [[nodiscard]] bool looks_at_properties() const { return property_ != Property::none; }

 private:
  enum class Property { none, message_id, correlation_id, timestamp };
  struct Bucket {
    Binding* binding;
    std::uint64_t name_hash;
    double weight;
  };

  void add(Binding& binding) override;
  void remove(Binding& binding) override;
  void match(const Publication& publication, Reached& reached) const override;
  [[nodiscard]] std::uint64_t hash_of(const Publication& publication) const;

  std::string header_;
  Property property_ = Property::none;
  std::vector<Bucket> buckets_;
};

/// Whether an exchange of type x-consistent-hash may have these arguments. `resource` is "exchange
/// 'x' in vhost '/'". Errors: precondition_failed, with the plugin's text where it has one.
[[nodiscard]] amqp::AmqpResult<void> validate_hash_arguments(amqp::RawTable arguments,
                                                             std::string_view resource);
/// Whether it may be a binding's key there. Errors: precondition_failed, with the plugin's text.
[[nodiscard]] amqp::AmqpResult<void> validate_hash_weight(std::string_view routing_key);

}  // namespace leveret
