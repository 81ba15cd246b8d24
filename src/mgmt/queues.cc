// SPDX-License-Identifier: Apache-2.0
//
//   GET    /api/queues
//   GET    /api/queues/{vhost}
//   GET    /api/queues/{vhost}/{queue}
//   DELETE /api/queues/{vhost}/{queue}            ?if-unused=true&if-empty=true
//   DELETE /api/queues/{vhost}/{queue}/contents
#include "mgmt/answers.h"
#include "mgmt/gather.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"
#include "vhost/queue_arguments.h"
#include "vhost/refusals.h"

#include <algorithm>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {
namespace {

namespace json = boost::json;

using SnapshotsById = boost::unordered_flat_map<QueueId, QueueSnapshot, std::hash<QueueId>>;

/// A queue that was declared while the numbers were gathered has none yet: it is empty.
json::object view_of(const Registry::QueueEntry& entry, const SnapshotsById& snapshots,
                     Broker& broker) {
  const QueueProperties& queue = entry.handle->properties;
  const auto found = snapshots.find(queue.id);
  const QueueSnapshot& numbers = found == snapshots.end() ? QueueSnapshot() : found->second;
  const Durability durability =
      durability_of(queue, entry.policy.in_force.get(), broker.journal_settings().durability);
  json::object view =
      queue_view(queue, broker.node_name(), durability, numbers.counts, numbers.totals);
  view["ledger"] = ledger_view(numbers.counts, numbers.totals, numbers.is_balanced);
  if (queue.number != 0) view["recovery"] = recovered_view(numbers.recovered);
  const auto name_of = [](const PolicyPtr& policy) {
    return policy == nullptr ? json::value() : json_text(policy->record.name);
  };
  view["policy"] = name_of(entry.policy.policy);
  view["operator_policy"] = name_of(entry.policy.of_operator);
  view["effective_policy_definition"] = entry.policy.in_force == nullptr
                                            ? json::object()
                                            : table_view(entry.policy.in_force->record.definition);
  return view;
}

void with_snapshots(Call call, void (*then)(Call, const SnapshotsById&)) {
  Broker& broker = call.broker();
  gather<QueueSnapshot>(broker, collect_queues,
                        [call = std::move(call), then](std::vector<QueueSnapshot> all) mutable {
                          SnapshotsById snapshots;
                          for (const QueueSnapshot& queue : all) snapshots[queue.id] = queue;
                          then(std::move(call), snapshots);
                        });
}

void respond_list(Call call, const SnapshotsById& snapshots, bool is_of_one_vhost) {
  const auto vhosts = asked_vhosts(call, is_of_one_vhost);
  if (!respond_if_error(call, vhosts)) return;
  json::array list;
  for (const auto* vhost : *vhosts) {
    std::vector<const Registry::QueueEntry*> queues;
    queues.reserve(vhost->queues.size());
    for (const auto& [name, entry] : vhost->queues) queues.push_back(&entry);
    std::ranges::sort(queues, {}, [](const Registry::QueueEntry* entry) -> const std::string& {
      return entry->handle->properties.name;
    });
    for (const Registry::QueueEntry* entry : queues) {
      list.push_back(view_of(*entry, snapshots, call.broker()));
    }
  }
  call.respond(HttpResponse::json(list));
}

void list_queues(Call asked) {
  with_snapshots(std::move(asked), [](Call call, const SnapshotsById& snapshots) {
    respond_list(std::move(call), snapshots, false);
  });
}

void list_vhost_queues(Call asked) {
  with_snapshots(std::move(asked), [](Call call, const SnapshotsById& snapshots) {
    respond_list(std::move(call), snapshots, true);
  });
}

/// Errors: the answer to give (401, 404).
std::expected<const Registry::QueueEntry*, HttpResponse> find_queue(const Call& call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!vhost) return std::unexpected(vhost.error());
  const auto found = (*vhost)->queues.find(call.name(1));
  if (found == (*vhost)->queues.end()) return std::unexpected(HttpResponse::not_found());
  return &found->second;
}

void get_queue(Call asked) {
  with_snapshots(std::move(asked), [](Call call, const SnapshotsById& snapshots) {
    const auto queue = find_queue(call);
    if (!respond_if_error(call, queue)) return;
    call.respond(HttpResponse::json(view_of(**queue, snapshots, call.broker())));
  });
}

void delete_queue(Call call) {
  const auto queue = find_queue(call);
  if (!respond_if_error(call, queue)) return;
  QueueDeletion deletion{.vhost = call.name(0),
                         .name = call.name(1),
                         .if_unused = call.has_flag("if-unused"),
                         .if_empty = call.has_flag("if-empty"),
                         .by = call.identity().by()};
  Registry& registry = call.broker().registry();
  registry.delete_queue(
      std::move(deletion),
      [call = std::move(call)](const amqp::AmqpResult<std::uint64_t>& done) mutable {
        call.respond(done ? HttpResponse::empty(204) : refusal_answer(done.error()));
      });
}

void purge_queue(Call call) {
  const auto queue = find_queue(call);
  if (!respond_if_error(call, queue)) return;
  const QueueProperties& properties = (*queue)->handle->properties;
  if (type_of(properties) == QueueType::stream) {
    const Refusal refused =
        refuse_by_stream("queue.purge", resource_text("queue", properties.name, properties.vhost));
    return call.respond(refusal_answer(refused.error()));
  }
  Shard& shard = call.broker().here();
  shard.purge(*(*queue)->handle,
              [call = std::move(call)](std::optional<std::uint64_t> dropped) mutable {
                call.respond(dropped ? HttpResponse::empty(204) : HttpResponse::not_found());
              });
}

}  // namespace

std::span<const Route> queue_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/queues", Need::management, list_queues},
      {"GET", "/api/queues/{}", Need::management, list_vhost_queues},
      {"GET", "/api/queues/{}/{}", Need::management, get_queue},
      {"DELETE", "/api/queues/{}/{}", Need::administrator, delete_queue},
      {"DELETE", "/api/queues/{}/{}/contents", Need::administrator, purge_queue},
  };
  return routes;
}

}  // namespace leveret
