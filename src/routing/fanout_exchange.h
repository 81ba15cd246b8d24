// SPDX-License-Identifier: Apache-2.0
//
// FanoutExchange: the message goes everywhere; routing keys say nothing.
//
// Thread: the table's.

#pragma once

#include "routing/exchange.h"

#include <string_view>

namespace leveret {

class FanoutExchange final : public Exchange {
 public:
  FanoutExchange(std::string_view name, std::string_view alternate_exchange)
      : Exchange(name, ExchangeType::fanout, alternate_exchange) {}

 private:
  void add(Binding& binding) override;
  void remove(Binding& binding) override;
  void match(const Publication& publication, Reached& reached) const override;

  BindingList bindings_;
};

}  // namespace leveret
