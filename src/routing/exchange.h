// SPDX-License-Identifier: Apache-2.0
//
// Exchange: chooses, for each message, some of the bindings that leave from it. What the types have
// in common; one file each for what they do not.
//
// Thread: the table's. Owns: the index in which the type finds its bindings, not the bindings.

#pragma once

#include "routing/binding.h"
#include "routing/exchange_type.h"
#include "routing/name_hash.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace leveret {

class MessageHeaders;
class Reached;

/// What routing looks at in a message.
struct Publication {
  std::span<const std::string_view> routing_keys;  ///< More than one: the publisher used CC or BCC.
  MessageHeaders& headers;
  std::span<const std::byte> properties;  ///< Encoded; empty: not given.
};

class Exchange : public Destination {
 public:
  virtual ~Exchange() = default;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] ExchangeType type() const { return type_; }
  /// A message goes no further than here until somebody has let it through: see Noted.
  [[nodiscard]] bool is_gate() const { return is_gate_; }
  /// Where messages go that match nothing here; empty: nowhere.
  [[nodiscard]] const std::string& alternate_exchange() const { return alternate_exchange_; }

 protected:
  Exchange(std::string_view name, ExchangeType type, std::string_view alternate_exchange)
      : Destination(Kind::exchange, hash_of_name(name)),
        name_(name),
        alternate_exchange_(alternate_exchange),
        type_(type) {}

 private:
  friend class DelayedExchange;
  friend class RoutingTable;

  /// Takes a binding that leaves from here into the index, and out of it.
  virtual void add(Binding& binding) = 0;
  virtual void remove(Binding& binding) = 0;
  /// Adds the destinations of all bindings that match; one may be added more than once.
  virtual void match(const Publication& publication, Reached& reached) const = 0;

  const std::string name_;
  std::string alternate_exchange_;
  const ExchangeType type_;
  bool is_gate_ = false;
  bool is_noted_ = false;  // Whoever routes has to hear that a message came here.
  BindingsOfSource outgoing_;
};

}  // namespace leveret
