// SPDX-License-Identifier: Apache-2.0
#include "routing/default_exchange.h"

#include "base/assert.h"
#include "routing/reached.h"

namespace leveret {

void DefaultExchange::add(Binding& binding) {
  LEVERET_ASSERT(false, "bound with key '{}' to the default exchange", binding.routing_key);
}

void DefaultExchange::remove(Binding& binding) {
  LEVERET_ASSERT(false, "unbound with key '{}' from the default exchange", binding.routing_key);
}

void DefaultExchange::match(const Publication& publication, Reached& reached) const {
  for (const std::string_view key : publication.routing_keys) {
    const auto found = queues_.find(key);
    if (found != queues_.end()) reached.add(*found->second);
  }
}

}  // namespace leveret
