// SPDX-License-Identifier: Apache-2.0
//
// Binding: one arrow from an exchange to a destination; Destination: where it leads, a queue or
// another exchange.
//
// A binding is threaded through the list of its source and the list of its destination, so that
// whichever goes takes its own bindings along and looks at no others. BindingList is the third
// place: the group (one routing key, one pattern) in which the exchange finds it.
//
// Thread: the table's. Owns: nothing; the RoutingTable owns bindings and destinations.

#pragma once

#include "message/ids.h"
#include "routing/name_hash.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>

namespace leveret {

class Exchange;
class Destination;

using SourceHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct SourceHookName>>;
using DestinationHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<struct DestinationHookName>>;

struct Binding : SourceHook, DestinationHook {
  Binding(Exchange& from, Destination& to, std::string key, std::string encoded_arguments)
      : source(from),
        destination(to),
        routing_key(std::move(key)),
        arguments(std::move(encoded_arguments)) {}

  Exchange& source;
  Destination& destination;
  const std::string routing_key;
  const std::string arguments;  ///< In the order of canonical_arguments().
  std::uint32_t slot = 0;       ///< Its place in the exchange's group, which alone writes it.
};

using BindingsOfSource = boost::intrusive::list<Binding, boost::intrusive::base_hook<SourceHook>,
                                                boost::intrusive::constant_time_size<false>>;
using BindingsOfDestination =
    boost::intrusive::list<Binding, boost::intrusive::base_hook<DestinationHook>,
                           boost::intrusive::constant_time_size<false>>;

class Destination {
 public:
  enum class Kind : std::uint8_t { queue, exchange };

  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  [[nodiscard]] Kind kind() const { return kind_; }
  /// Of its name: the same in every process.
  [[nodiscard]] std::uint64_t name_hash() const { return name_hash_; }

 protected:
  Destination(Kind kind, std::uint64_t name_hash) : name_hash_(name_hash), kind_(kind) {}
  ~Destination() = default;

 private:
  friend class Reached;
  friend class RoutingTable;

  mutable std::uint64_t reached_by_ = 0;  // The last route that came here.
  BindingsOfDestination incoming_;
  const std::uint64_t name_hash_;
  const Kind kind_;
};

/// A queue as routing knows it: an id, and the bindings that lead there.
class QueueDestination final : public Destination {
 public:
  QueueDestination(std::string_view name, QueueId id)
      : Destination(Kind::queue, hash_of_name(name)), id_(id) {}
  [[nodiscard]] QueueId id() const { return id_; }

 private:
  const QueueId id_;
};

/// BindingList: bindings that match together, in no order. Adding and removing is O(1); a list of
/// one, which most are, needs no memory of its own.
class BindingList {
 public:
  struct Entry {
    const Destination* destination;  // Also in `binding`; here it saves a step per message.
    Binding* binding;
  };

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() const { return entries_.end(); }

  void add(Binding& binding) {
    binding.slot = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({&binding.destination, &binding});
  }
  /// Requires: it is in this list.
  void remove(Binding& binding) {
    entries_[binding.slot] = entries_.back();
    entries_[binding.slot].binding->slot = binding.slot;
    entries_.pop_back();
    if (entries_.size() < entries_.capacity() / 4) entries_.shrink_to_fit();
  }

 private:
  boost::container::small_vector<Entry, 1> entries_;
};

}  // namespace leveret
