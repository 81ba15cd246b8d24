// SPDX-License-Identifier: Apache-2.0
//
// DefaultExchange: the exchange without a name. Every queue is bound to it by its own name, and
// nothing else can be; so it has no bindings but looks the queue up.
//
// Thread: the table's. Borrows: the table's queues.
// Spec: AMQP 0-9-1 §3.1.3.3.

#pragma once

#include "base/string_map.h"
#include "routing/exchange.h"

#include <functional>
#include <memory>
#include <string>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

using QueuesByName = boost::unordered_flat_map<std::string, std::unique_ptr<QueueDestination>,
                                               StringHash, std::equal_to<>>;

class DefaultExchange final : public Exchange {
 public:
  explicit DefaultExchange(const QueuesByName& queues)
      : Exchange("", ExchangeType::direct, ""), queues_(queues) {}

 private:
  void add(Binding& binding) override;
  void remove(Binding& binding) override;
  void match(const Publication& publication, Reached& reached) const override;

  const QueuesByName& queues_;
};

}  // namespace leveret
