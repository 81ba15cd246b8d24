// SPDX-License-Identifier: Apache-2.0
//
// FanoutExchange: the message goes everywhere; routing keys say nothing. So do the types that do
// more with a message than to route it: x-message-deduplication and x-recent-history.
//
// Thread: the table's.

#pragma once

#include "routing/exchange.h"

#include <string_view>

namespace leveret {

class FanoutExchange final : public Exchange {
 public:
  FanoutExchange(std::string_view name, ExchangeType type, std::string_view alternate_exchange)
      : Exchange(name, type, alternate_exchange) {}

 private:
  void add(Binding& binding) override;
  void remove(Binding& binding) override;
  void match(const Publication& publication, Reached& reached) const override;

  BindingList bindings_;
};

}  // namespace leveret
