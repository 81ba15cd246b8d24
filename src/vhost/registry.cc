// SPDX-License-Identifier: Apache-2.0
#include "vhost/registry.h"

#include "base/assert.h"
#include "base/log.h"
#include "routing/delayed_exchange.h"
#include "vhost/limits.h"
#include "vhost/refusals.h"
#include "vhost/shard.h"

#include <algorithm>
#include <future>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace leveret {
namespace {

/// A change on its way to every worker, and how many have not yet said that they made it.
struct Broadcast {
  std::vector<TopologyChange> changes;
  unsigned left = 0;  // Control worker only.
  std::move_only_function<void()> done;
};

void apply_all(Shard& shard, const std::vector<TopologyChange>& changes) {
  for (const TopologyChange& change : changes) shard.apply(change);
}

}  // namespace

bool has_reserved_prefix(std::string_view name) { return name.starts_with("amq."); }

Registry::Registry(Broker& broker, MetadataStore& metadata) : broker_(broker), metadata_(metadata) {
  for (unsigned worker = 0; worker < broker.executor().worker_count(); ++worker) {
    queue_ids_.emplace_back(WorkerId(static_cast<std::uint16_t>(worker)));
  }
}

WorkerId Registry::home_of_journal(std::uint16_t journal) const {
  return WorkerId(static_cast<std::uint16_t>(journal % broker_.worker_count()));
}

QueueId Registry::next_queue_id(WorkerId home) { return queue_ids_[home.value()].next(); }

Registry::VhostEntry* Registry::find_vhost(const std::string& name) {
  const auto found = vhosts_.find(name);
  return found == vhosts_.end() ? nullptr : &found->second;
}

TopologyChange Registry::auth_change() { return AuthChanged{users_.snapshot()}; }

Registry::ExchangeEntry::ExchangeEntry(ExchangePtr of) : exchange(std::move(of)) {
  if (exchange->type == ExchangeType::recent_history) {
    history = std::make_unique<RecentHistory>(raw_table(exchange->arguments));
  }
}

// Making a change true everywhere.

void Registry::broadcast(std::vector<TopologyChange> changes,
                         std::move_only_function<void()> done) {
  if (changes.empty() || broker_.worker_count() == 1) {
    apply_all(broker_.shard(Broker::control), changes);
    return done();
  }
  auto* broadcast = new Broadcast{std::move(changes), broker_.worker_count(), std::move(done)};
  for (unsigned worker = 0; worker < broker_.worker_count(); ++worker) {
    const WorkerId target(static_cast<std::uint16_t>(worker));
    const auto heard = [broadcast] {
      if (--broadcast->left > 0) return;
      auto finished = std::move(broadcast->done);
      delete broadcast;
      finished();
    };
    if (target == Broker::control) {
      apply_all(broker_.shard(target), broadcast->changes);
      broker_.executor().post(Broker::control, heard);
      continue;
    }
    broker_.executor().post(target, [&broker = broker_, broadcast, heard] {
      apply_all(broker.here(), broadcast->changes);
      broker.executor().post(Broker::control, heard);
    });
  }
}

void Registry::commit(std::vector<TopologyChange> topology, std::vector<Change> durable,
                      std::move_only_function<void(Result<void>)> done) {
  struct Both {
    unsigned left = 2;
    Result<void> written;
    std::move_only_function<void(Result<void>)> done;
    void one_done() {
      if (--left == 0) done(std::move(written));
    }
  };
  const bool is_barrier = topology.empty() && durable.empty();
  auto both = std::make_shared<Both>();
  both->done = std::move(done);
  broadcast(std::move(topology), [both] { both->one_done(); });

  auto committed = [this, both](Result<void> written) {
    // On the metadata thread.
    auto result = std::make_unique<Result<void>>(std::move(written));
    broker_.executor().post_from_outside(Broker::control,
                                         [both, result = std::move(result)]() mutable {
                                           both->written = std::move(*result);
                                           both->one_done();
                                         });
  };
  if (is_barrier) {
    metadata_.barrier(std::move(committed));
  } else if (durable.empty()) {
    both->one_done();
  } else {
    metadata_.submit(std::move(durable), std::move(committed));
  }
}

void Registry::commit_and_tell(std::vector<TopologyChange> topology, std::vector<Change> durable,
                               std::string by, std::move_only_function<void(Result<void>)> done) {
  std::vector<TopologyChange> told = topology;
  commit(std::move(topology), std::move(durable),
         [this, told = std::move(told), by = std::move(by),
          done = std::move(done)](Result<void> written) mutable {
           if (written) tell(told, by);
           done(std::move(written));
         });
}

void Registry::tell(const std::vector<TopologyChange>& topology, std::string_view by) const {
  Shard& here = broker_.here();
  if (!here.has_event_listener()) return;
  // RabbitMQ: what goes with a queue goes by itself.
  const bool is_of_queue =
      !topology.empty() && std::holds_alternative<QueueRemoved>(topology.back());
  for (const TopologyChange& change : topology) {
    const bool is_by_itself = is_of_queue && !std::holds_alternative<QueueRemoved>(change);
    const auto event = event_of(change, {here.node_name(), is_by_itself ? by_broker : by});
    if (event) here.tell(*event);
  }
}

void Registry::tell(const std::vector<Event>& events) const {
  for (const Event& event : events) broker_.here().tell(event);
}

// The start.

std::vector<ExchangePtr> Registry::predeclared_exchanges(const std::string& vhost) const {
  const auto make = [&vhost](std::string name, ExchangeType type, bool is_internal = false) {
    ExchangeProperties exchange;
    exchange.vhost = vhost;
    exchange.name = std::move(name);
    exchange.type = exchange.routes_as = type;
    exchange.is_durable = true;
    exchange.is_internal = is_internal;
    return std::make_shared<const ExchangeProperties>(std::move(exchange));
  };
  std::vector<ExchangePtr> exchanges{
      make("", ExchangeType::direct),
      make("amq.direct", ExchangeType::direct),
      make("amq.fanout", ExchangeType::fanout),
      make("amq.headers", ExchangeType::headers),
      make("amq.match", ExchangeType::headers),
      make("amq.rabbitmq.trace", ExchangeType::topic, /*is_internal=*/true),
      make("amq.topic", ExchangeType::topic)};
  if (vhost == broker_.event_vhost()) {
    exchanges.push_back(make(std::string(event_exchange), ExchangeType::topic,
                             /*is_internal=*/true));
  }
  return exchanges;
}

Registry::VhostEntry& Registry::put_in_vhost(VhostRecord record,
                                             std::vector<TopologyChange>& topology) {
  const std::string name = record.name;
  VhostEntry& vhost = vhosts_[name];
  vhost.record = std::move(record);
  topology.emplace_back(VhostAdded{name, vhost.connections,
                                   limit_of(vhost.record.limits, max_connections),
                                   vhost.record.default_queue_type});
  for (ExchangePtr& exchange : predeclared_exchanges(name)) {
    vhost.exchanges.emplace(exchange->name, exchange);
    topology.emplace_back(ExchangeAdded{.exchange = std::move(exchange)});
  }
  return vhost;
}

Result<void> Registry::load() {
  LEVERET_TRY(Snapshot snapshot, metadata_.load());
  std::vector<TopologyChange> topology;
  for (VhostRecord& vhost : snapshot.vhosts) put_in_vhost(std::move(vhost), topology);

  queue_numbers_reserved_ = snapshot.queue_numbers_reserved;
  last_queue_number_ = snapshot.queue_numbers_reserved;
  for (ExchangeRecord& record : snapshot.exchanges) {
    const auto vhost = vhosts_.find(record.vhost);
    const auto type = parse_exchange_type(record.type);
    const auto routes_as = type ? routing_type(*type, raw_table(record.arguments)) : std::nullopt;
    if (vhost == vhosts_.end() || !routes_as) {
      return failure("exchange '" + record.name + "' in vhost '" + record.vhost +
                     "' cannot be loaded: its vhost or its type '" + record.type + "' is unknown");
    }
    auto exchange = std::make_shared<ExchangeProperties>();
    exchange->vhost = record.vhost;
    exchange->name = record.name;
    exchange->type = *type;
    exchange->is_durable = true;
    exchange->is_auto_delete = record.auto_delete;
    exchange->is_internal = record.internal;
    exchange->arguments = std::move(record.arguments);
    exchange->alternate_exchange = alternate_exchange_of(raw_table(exchange->arguments));
    exchange->routes_as = *routes_as;
    const std::uint64_t number = record.held_back_number;
    const bool is_delayed = is_delayed_exchange(*type, raw_table(exchange->arguments));
    // Without a number: declared when the argument meant nothing yet.
    if (is_delayed && (number != 0 || *type == ExchangeType::delayed_message)) {
      if (number == 0 || number > snapshot.queue_numbers_reserved) {
        return failure(fmt::format(
            "exchange '{}' in vhost '{}' cannot be loaded: the number {} of what it holds back is "
            "not among those that were given, 1 to {}",
            record.name, record.vhost, number, snapshot.queue_numbers_reserved));
      }
      hold_back_at(*exchange, home_of_journal(record.held_back_journal), number,
                   record.held_back_journal);
    }
    vhost->second.exchanges.emplace(record.name, exchange);
    topology.emplace_back(ExchangeAdded{.exchange = exchange});
  }

  for (PolicyRecord& record : snapshot.policies) {
    const auto vhost = vhosts_.find(record.vhost);
    const std::string what =
        "policy '" + record.name + "' in vhost '" + record.vhost + "' cannot be loaded: ";
    if (vhost == vhosts_.end()) return failure(what + "its vhost is unknown");
    const auto definition = amqp::FieldTable::decode(raw_table(record.definition));
    if (!definition) return failure(what + definition.error().text);
    auto policy = Policy::read(std::move(record), *definition);
    if (!policy) return failure(what + policy.error());
    vhost->second.policies->put(std::make_shared<const Policy>(std::move(*policy)));
  }

  for (auto& [name, vhost] : vhosts_) assign_exchange_policies(vhost, topology);

  for (QueueRecord& record : snapshot.queues) {
    const auto vhost = vhosts_.find(record.vhost);
    if (vhost == vhosts_.end()) {
      return failure("queue '" + record.name + "' cannot be loaded: there is no vhost '" +
                     record.vhost + "'");
    }
    if (record.number == 0 || record.number > snapshot.queue_numbers_reserved) {
      return failure(
          fmt::format("queue '{}' in vhost '{}' cannot be loaded: its number {} is not "
                      "among those that were given, 1 to {}",
                      record.name, record.vhost, record.number, snapshot.queue_numbers_reserved));
    }
    QueueProperties properties;
    properties.id = next_queue_id(home_of_journal(record.journal));
    properties.number = record.number;
    properties.journal = record.journal;
    properties.vhost = record.vhost;
    properties.name = record.name;
    properties.is_durable = true;
    properties.is_auto_delete = record.auto_delete;
    properties.arguments = std::move(record.arguments);
    const QueueHandlePtr handle(new QueueHandle(std::move(properties)));
    QueueEntry& entry = vhost->second.queues[record.name];
    entry.handle = handle;
    entry.policy = vhost->second.policies->match_queue(record.name, type_of(handle->properties));
    topology.emplace_back(QueueAdded{.queue = handle, .policy = entry.policy.in_force});
  }

  for (BindingRecord& record : snapshot.bindings) {
    BindingProperties binding{.vhost = std::move(record.vhost),
                              .source = std::move(record.source),
                              .destination = std::move(record.destination),
                              .is_to_queue = record.destination_is_queue,
                              .routing_key = std::move(record.routing_key),
                              .arguments = std::move(record.arguments)};
    const auto vhost = vhosts_.find(binding.vhost);
    const bool has_ends =
        vhost != vhosts_.end() && vhost->second.exchanges.contains(binding.source) &&
        (binding.is_to_queue ? vhost->second.queues.contains(binding.destination)
                             : vhost->second.exchanges.contains(binding.destination));
    if (!has_ends) {
      return failure("the binding from '" + binding.source + "' to '" + binding.destination +
                     "' in vhost '" + binding.vhost + "' cannot be loaded: one end is missing");
    }
    topology.emplace_back(BindingAdded{put_in_binding(vhost->second, std::move(binding))});
  }

  const bool is_first_start = snapshot.vhosts.empty() && snapshot.users.empty();
  users_ = Users(std::move(snapshot.users), std::move(snapshot.permissions),
                 [this](const std::string& name) { return vhosts_.contains(name); });
  if (is_first_start) {
    LEVERET_CHECK(make_defaults(topology));
  }
  topology.push_back(auth_change());
  for (unsigned worker = 0; worker < broker_.worker_count(); ++worker) {
    apply_all(broker_.shard(WorkerId(static_cast<std::uint16_t>(worker))), topology);
  }
  return {};
}

Result<void> Registry::make_defaults(std::vector<TopologyChange>& topology) {
  VhostRecord vhost{.name = "/", .description = "Default virtual host"};
  std::vector<Change> changes;
  changes.emplace_back(PutVhost{vhost});
  put_in_vhost(std::move(vhost), topology);
  for (auto made : {users_.add_user("guest", "guest"), users_.set_tags("guest", {"administrator"}),
                    users_.set_permissions({"guest", "/", ".*", ".*", ".*"})}) {
    if (!made) return failure("cannot make the default user: " + made.error().text);
    std::ranges::move(*made, std::back_inserter(changes));
  }
  std::promise<Result<void>> written;
  metadata_.submit(std::move(changes),
                   [&written](Result<void> result) { written.set_value(std::move(result)); });
  return written.get_future().get();
}

}  // namespace leveret
