// SPDX-License-Identifier: Apache-2.0
//
// KeyIndex: bindings by the whole routing key. All a direct exchange has, and the larger part of
// most topic exchanges.
//
// Thread: the table's. Complexity: one hash lookup for everything; growing moves the index at
// times.

#pragma once

#include "base/assert.h"
#include "base/string_map.h"
#include "routing/binding.h"
#include "routing/reached.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

class KeyIndex {
 public:
  void add(Binding& binding) { bindings_[binding.routing_key].add(binding); }

  void remove(Binding& binding) {
    const auto found = bindings_.find(binding.routing_key);
    LEVERET_ASSERT(found != bindings_.end(), "routing key '{}' has no bindings",
                   binding.routing_key);
    found->second.remove(binding);
    if (!found->second.empty()) return;
    bindings_.erase(found);
    if (bindings_.empty()) bindings_ = {};  // Erasing keeps the memory.
  }

  void match(std::string_view routing_key, Reached& reached) const {
    const auto found = bindings_.find(routing_key);
    if (found != bindings_.end()) reached.add(found->second);
  }

  /// Different keys.
  [[nodiscard]] std::size_t size() const { return bindings_.size(); }

 private:
  boost::unordered_flat_map<std::string, BindingList, StringHash, std::equal_to<>> bindings_;
};

}  // namespace leveret
