// SPDX-License-Identifier: Apache-2.0
//
// gather(): asks every worker for values, with one task each, and hands over all of them. What is
// in them was true on each worker at some moment since the question, not at one.
//
// Thread: worker 0 calls and is answered; `collect` runs on each worker, on its own shard.

#pragma once

#include "base/executor.h"
#include "vhost/broker.h"
#include "vhost/shard.h"

#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace leveret {

/// `done` is called once, in a later turn of worker 0; never when the workers stop first.
template <class Value>
void gather(Broker& broker, void (*collect)(Shard&, std::vector<Value>&),
            std::move_only_function<void(std::vector<Value>)> done) {
  struct Gathering {
    std::size_t workers_left;
    std::vector<Value> values;  // Worker 0's.
    std::move_only_function<void(std::vector<Value>)> done;
  };
  auto gathering = std::make_unique<Gathering>();
  gathering->workers_left = broker.worker_count();
  gathering->done = std::move(done);
  // The Gathering never leaves worker 0, though every task carries a reference: they only hand it
  // back, and the last of them destroys it there.
  std::shared_ptr<Gathering> shared = std::move(gathering);
  for (unsigned index = 0; index < broker.worker_count(); ++index) {
    broker.executor().post(WorkerId(static_cast<std::uint16_t>(index)), [&broker, collect,
                                                                         shared]() mutable {
      auto mine = std::make_unique<std::vector<Value>>();
      collect(broker.here(), *mine);
      broker.executor().post(Broker::control, [shared = std::move(shared), mine = std::move(mine)] {
        std::ranges::move(*mine, std::back_inserter(shared->values));
        if (--shared->workers_left > 0) return;
        shared->done(std::move(shared->values));
      });
    });
  }
}

}  // namespace leveret
