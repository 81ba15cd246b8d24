// SPDX-License-Identifier: Apache-2.0
#include "routing/direct_exchange.h"

namespace leveret {

void DirectExchange::add(Binding& binding) { bindings_.add(binding); }

void DirectExchange::remove(Binding& binding) { bindings_.remove(binding); }

void DirectExchange::match(const Publication& publication, Reached& reached) const {
  for (const std::string_view key : publication.routing_keys) bindings_.match(key, reached);
}

}  // namespace leveret
