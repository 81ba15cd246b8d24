// SPDX-License-Identifier: Apache-2.0
//
// DirectExchange: the message goes where its routing key equals the binding's.
//
// Thread: the table's.

#pragma once

#include "routing/exchange.h"
#include "routing/key_index.h"

#include <string_view>

namespace leveret {

class DirectExchange final : public Exchange {
 public:
  DirectExchange(std::string_view name, std::string_view alternate_exchange)
      : Exchange(name, ExchangeType::direct, alternate_exchange) {}

 private:
  void add(Binding& binding) override;
  void remove(Binding& binding) override;
  void match(const Publication& publication, Reached& reached) const override;

  KeyIndex bindings_;
};

}  // namespace leveret
