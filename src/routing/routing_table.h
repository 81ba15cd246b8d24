// SPDX-License-Identifier: Apache-2.0
//
// RoutingTable: the exchanges and bindings of one virtual host, as one worker knows them, and the
// question they are for: which queues does this message reach?
//
// It is pure: what exists and who may declare it is decided elsewhere, and told here. Every worker
// has a table of its own, changed in place.
//
// Thread:      its worker's, every method.
// Owns:        exchanges, bindings, and what it knows of queues (their names and ids).
// Complexity:  a change costs what it changes: a binding O(1) (in a topic exchange O(words)); a
//              queue or an exchange that goes, O(its own bindings). Hash tables move when they
//              double. A route allocates nothing, once the scratch memory has grown.
// Spec:        AMQP 0-9-1 §3.1.3; RabbitMQ: "Exchange to Exchange Bindings", "Alternate Exchanges".

#pragma once

#include "amqp/raw_table.h"
#include "message/ids.h"
#include "routing/default_exchange.h"
#include "routing/exchange.h"
#include "routing/exchange_type.h"
#include "routing/message_headers.h"
#include "routing/reached.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

namespace leveret {

/// What exchanges may look at in a message besides its routing key.
struct PublishedProperties {
  PublishedProperties() = default;
  PublishedProperties(amqp::RawTable of_headers) : headers(of_headers) {}
  PublishedProperties(amqp::RawTable of_headers, std::span<const std::byte> encoded)
      : headers(of_headers), properties(encoded) {}

  amqp::RawTable headers;
  std::span<const std::byte> properties;  ///< With the headers among them; empty: not given.
};

/// An exchange that a message came to, and that has more to do with it than to route it: a *gate*,
/// at which the route ended, for somebody else decides whether the message goes on; or one that
/// keeps a history.
struct Noted {
  const Exchange* exchange = nullptr;
  bool is_gate = false;
};

enum class Gate : std::uint8_t {
  shut,  ///< A route ends at every gate.
  open,  ///< The one that it begins with lets it through.
};

class RoutingTable {
 public:
  /// Has the default exchange "", which leads to the queue that the routing key names.
  RoutingTable();
  ~RoutingTable();
  RoutingTable(const RoutingTable&) = delete;
  RoutingTable& operator=(const RoutingTable&) = delete;

  /// `alternate_exchange` may be empty: none. It need not exist, now or ever.
  /// `arguments` are looked at by types that hash; with x-message-deduplication = true among them,
  /// or with the type of that name, the exchange is a gate. Requires: no exchange has this name.
  void add_exchange(std::string_view name, ExchangeType type, std::string_view alternate_exchange,
                    amqp::RawTable arguments = {});
  /// One that holds back messages with a delay, which reach the queue `held_back` and no other; for
  /// the rest it is an exchange of the type `behind`.
  void add_delayed_exchange(std::string_view name, ExchangeType behind,
                            std::string_view alternate_exchange, amqp::RawTable arguments,
                            QueueId held_back);
  /// In place of the one it has. An exchange that is not there changes nothing.
  void set_alternate_exchange(std::string_view name, std::string_view alternate_exchange);
  /// With the bindings from it and those to it. An exchange that is not there changes nothing.
  /// Requires: not the default exchange.
  void remove_exchange(std::string_view name);

  /// Requires: no queue has this name.
  void add_queue(std::string_view name, QueueId id);
  /// With its bindings. A queue that is not there changes nothing.
  void remove_queue(std::string_view name);

  /// A binding is its two ends, its key and its arguments; adding it again changes nothing.
  /// Arguments are the same whatever the order of their keys; the table keeps a copy.
  /// Requires: both ends exist; the exchange is not the default one; for a headers exchange,
  /// validate_headers_binding() had nothing to say.
  void bind_queue(std::string_view exchange, std::string_view queue, std::string_view routing_key,
                  amqp::RawTable arguments);
  void bind_exchange(std::string_view source, std::string_view destination,
                     std::string_view routing_key, amqp::RawTable arguments);
  /// A binding that is not there, also because an end is not, changes nothing.
  void unbind_queue(std::string_view exchange, std::string_view queue, std::string_view routing_key,
                    amqp::RawTable arguments);
  void unbind_exchange(std::string_view source, std::string_view destination,
                       std::string_view routing_key, amqp::RawTable arguments);

  /// Null when there is none. The exchange stays where it is until remove_exchange(), so that
  /// publishers can keep it while version() stands.
  [[nodiscard]] const Exchange* find(std::string_view exchange) const;

  /// Appends every queue that a message published to `exchange` reaches, each once, in no
  /// particular order.
  ///
  /// Each exchange on the way is asked once, so that circles end. One whose bindings match nothing
  /// passes the message to its alternate exchange, if that exists; a binding that leads to an
  /// exchange counts as a match, whatever becomes of the message there.
  /// Requires: `exchange` is of this table.
  void route(const Exchange& exchange, std::string_view routing_key,
             const PublishedProperties& properties, std::vector<QueueId>& queues,
             Gate first = Gate::shut);
  /// The same for a message with several keys (CC and BCC): it goes wherever one of them leads, and
  /// to an alternate exchange only where none does.
  void route(const Exchange& exchange, std::span<const std::string_view> routing_keys,
             const PublishedProperties& properties, std::vector<QueueId>& queues,
             Gate first = Gate::shut);
  /// What the last route() came to besides queues. Valid until the next one, or a change.
  [[nodiscard]] std::span<const Noted> noted() const { return noted_; }

  /// Grows with every change. While it stands, so does what route() would answer.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  /// Whether a message's headers can make a difference: an exchange that looks at them has a
  /// binding, or some exchange holds messages back.
  [[nodiscard]] bool looks_at_headers() const { return headers_binding_count_ != 0; }
  /// Whether the same message may go elsewhere the next time, or its other properties can make a
  /// difference: some exchange with a binding is like that.
  [[nodiscard]] bool is_unsteady() const { return unsteady_binding_count_ != 0; }
  /// Without those of the default exchange.
  [[nodiscard]] std::size_t binding_count() const { return bindings_.size(); }

 private:
  /// What makes a binding this one and no other.
  struct BindingKey {
    const Exchange* source;
    const Destination* destination;
    std::string_view routing_key;
    std::string_view arguments;
    std::size_t hash;
  };
  /// The hash is kept beside the binding: a growing set need not look at every one.
  struct OwnedBinding {
    std::unique_ptr<Binding> binding;
    std::size_t hash;
  };
  struct BindingHash {
    using is_transparent = void;
    std::size_t operator()(const OwnedBinding& owned) const { return owned.hash; }
    std::size_t operator()(const BindingKey& key) const { return key.hash; }
  };
  struct BindingEqual {
    using is_transparent = void;
    bool operator()(const OwnedBinding& a, const OwnedBinding& b) const {
      return a.binding == b.binding;  // No two that are the same are ever in the set.
    }
    bool operator()(const BindingKey& key, const OwnedBinding& owned) const;
    bool operator()(const OwnedBinding& owned, const BindingKey& key) const {
      return (*this)(key, owned);
    }
  };

  void add(std::unique_ptr<Exchange> exchange);
  [[nodiscard]] static BindingKey key_of(const Exchange& source, const Destination& destination,
                                         std::string_view routing_key, std::string_view arguments);
  [[nodiscard]] Exchange* find_exchange(std::string_view name);
  [[nodiscard]] QueueDestination* find_queue(std::string_view name);
  void bind(Exchange& source, Destination& destination, std::string_view routing_key,
            amqp::RawTable arguments);
  void unbind(Exchange& source, Destination& destination, std::string_view routing_key,
              amqp::RawTable arguments);
  void remove_bindings_to(Destination& destination);
  void remove_bindings_from(Exchange& source);
  void remove(Binding& binding);
  [[nodiscard]] std::size_t* count_for(const Exchange& source);

  QueuesByName queues_;
  boost::unordered_flat_map<std::string, std::unique_ptr<Exchange>, StringHash, std::equal_to<>>
      exchanges_;
  boost::unordered_flat_set<OwnedBinding, BindingHash, BindingEqual> bindings_;
  std::uint64_t version_ = 1;
  std::size_t headers_binding_count_ = 0;
  std::size_t unsteady_binding_count_ = 0;

  // Scratch of route().
  Reached reached_;
  MessageHeaders headers_;
  std::vector<Noted> noted_;
};

}  // namespace leveret
