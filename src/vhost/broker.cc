// SPDX-License-Identifier: Apache-2.0
#include "vhost/broker.h"

#include "vhost/alarms.h"
#include "vhost/registry.h"
#include "vhost/shard.h"

namespace leveret {

Broker::Broker(const Deps& deps) : deps_(deps), alarms_(std::make_unique<Alarms>(*this)) {}

Broker::~Broker() = default;

Result<std::unique_ptr<Broker>> Broker::open(const Deps& deps) {
  std::unique_ptr<Broker> broker(new Broker(deps));
  for (unsigned worker = 0; worker < deps.executor->worker_count(); ++worker) {
    broker->shards_.push_back(
        std::make_unique<Shard>(*broker, WorkerId(static_cast<std::uint16_t>(worker))));
  }
  broker->registry_ = std::make_unique<Registry>(*broker, *deps.metadata);
  LEVERET_CHECK(broker->registry_->load());
  for (const auto& shard : broker->shards_) {
    LEVERET_CHECK(shard->open_journals());
  }
  return broker;
}

void Broker::close() {
  for (const auto& shard : shards_) shard->close_journals();
}

}  // namespace leveret
