// SPDX-License-Identifier: Apache-2.0
#include "routing/fanout_exchange.h"

#include "routing/reached.h"

namespace leveret {

void FanoutExchange::add(Binding& binding) { bindings_.add(binding); }

void FanoutExchange::remove(Binding& binding) { bindings_.remove(binding); }

void FanoutExchange::match(const Publication&, Reached& reached) const { reached.add(bindings_); }

}  // namespace leveret
