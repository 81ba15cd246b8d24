// SPDX-License-Identifier: Apache-2.0
//
//   GET    /api/vhosts
//   GET    /api/vhosts/{vhost}
//   PUT    /api/vhosts/{vhost}              {description, tags, default_queue_type, tracing}
//   DELETE /api/vhosts/{vhost}
//
// Of a vhost that is there PUT changes what is given and leaves the rest as it is.
#include "mgmt/answers.h"
#include "mgmt/gather.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {
namespace {

namespace json = boost::json;
using CountsById = boost::unordered_flat_map<QueueId, QueueCounts, std::hash<QueueId>>;

json::object vhost_view(const Registry::VhostEntry& vhost, const CountsById& counts,
                        const std::string& node) {
  std::uint64_t ready = 0;
  std::uint64_t unacked = 0;
  for (const auto& [name, queue] : vhost.queues) {
    const auto found = counts.find(queue.handle->properties.id);
    if (found == counts.end()) continue;  // Declared or deleted meanwhile.
    ready += found->second.ready;
    unacked += found->second.unacked;
  }
  const VhostRecord& record = vhost.record;
  const std::string& type = record.default_queue_type;
  return {{"name", json_text(record.name)},
          {"description", json_text(record.description)},
          {"tags", texts_view(record.tags)},
          {"default_queue_type", type.empty() ? "undefined" : type},
          {"metadata", json::object{{"description", json_text(record.description)},
                                    {"tags", texts_view(record.tags)}}},
          {"tracing", vhost.is_traced},
          {"cluster_state", json::object{{node, "running"}}},
          {"messages", ready + unacked},
          {"messages_ready", ready},
          {"messages_unacknowledged", unacked}};
}

void with_counts(Call call, void (*then)(Call, const CountsById&)) {
  Broker& broker = call.broker();
  gather<QueueSnapshot>(
      broker, collect_queues,
      [call = std::move(call), then](std::vector<QueueSnapshot> snapshots) mutable {
        CountsById counts;
        for (const QueueSnapshot& queue : snapshots) counts[queue.id] = queue.counts;
        then(std::move(call), counts);
      });
}

void list_vhosts(Call asked) {
  with_counts(std::move(asked), [](Call call, const CountsById& counts) {
    json::array list;
    for (const auto* vhost : seen_vhosts(call)) {
      list.push_back(vhost_view(*vhost, counts, call.broker().node_name()));
    }
    call.respond(HttpResponse::json(list));
  });
}

void get_vhost(Call asked) {
  with_counts(std::move(asked), [](Call call, const CountsById& counts) {
    const auto vhost = find_vhost(call, call.name(0));
    if (!respond_if_error(call, vhost)) return;
    call.respond(HttpResponse::json(vhost_view(**vhost, counts, call.broker().node_name())));
  });
}

/// Traces the vhost or does not, where that was asked, and answers `status`.
void set_tracing(Call call, int status, const std::string& name, std::optional<bool> tracing) {
  if (!tracing) return call.respond(HttpResponse::empty(status));
  Registry& registry = call.broker().registry();
  registry.set_tracing(
      name, *tracing,
      [call = std::move(call), status](std::expected<void, AdminRefusal> done) mutable {
        call.respond(done ? HttpResponse::empty(status) : refusal_answer(done.error()));
      });
}

void put_vhost(Call call) {
  const auto body = call.body();
  if (!respond_if_error(call, body)) return;
  const auto description = find_text(*body, "description");
  if (!respond_if_error(call, description)) return;
  const auto tags = find_tags(*body);
  if (!respond_if_error(call, tags)) return;
  const auto queue_type = find_text(*body, "default_queue_type");
  if (!respond_if_error(call, queue_type)) return;
  std::string type = queue_type->value_or("");
  if (type == "undefined") type.clear();
  if (!type.empty() && !parse_queue_type(type)) {
    return call.respond(HttpResponse::bad_request("default_queue_type '" + type +
                                                  "' is not supported: classic, quorum, stream"));
  }
  const json::value* traced = body->if_contains("tracing");
  if (traced != nullptr && !traced->is_bool()) {
    return call.respond(HttpResponse::bad_request("tracing is not a boolean"));
  }
  const std::optional<bool> tracing =
      traced != nullptr ? std::optional(traced->get_bool()) : std::nullopt;

  Registry& registry = call.broker().registry();
  const std::string name = call.name(0);
  std::string by = call.identity().by();
  if (registry.vhosts().contains(name)) {
    if (!*description && !*tags && !*queue_type) {
      return set_tracing(std::move(call), 204, name, tracing);
    }
    return registry.change_vhost(
        name,
        [description = *description, tags = *tags, has_type = queue_type->has_value(),
         type](VhostRecord& record) {
          record.description = description.value_or(record.description);
          record.tags = tags.value_or(record.tags);
          if (has_type) record.default_queue_type = type;
        },
        [call = std::move(call), name, tracing](std::expected<void, AdminRefusal> done) mutable {
          if (!done) return call.respond(refusal_answer(done.error()));
          set_tracing(std::move(call), 204, name, tracing);
        },
        std::move(by));
  }
  VhostRecord record{.name = name,
                     .description = description->value_or(""),
                     .tags = tags->value_or(std::vector<std::string>()),
                     .default_queue_type = type};
  registry.add_vhost(
      std::move(record),
      [&registry, call = std::move(call), name,
       tracing](std::expected<void, AdminRefusal> done) mutable {
        if (!done) return call.respond(refusal_answer(done.error()));
        const std::string user = call.identity().user();
        if (user.empty()) return set_tracing(std::move(call), 201, name, tracing);
        // Every worker hears it before it hears of the permission; a vhost that has gone meanwhile
        // is told by that.
        if (tracing) registry.set_tracing(name, *tracing, [](auto) {});
        // RabbitMQ: whoever makes a vhost over HTTP may do everything in it.
        change_users(std::move(call), 201, [user, name](Users& users) {
          return users.set_permissions({user, name, ".*", ".*", ".*"});
        });
      },
      std::move(by));
}

void delete_vhost(Call call) {
  Registry& registry = call.broker().registry();
  const std::string name = call.name(0);
  std::string by = call.identity().by();
  registry.delete_vhost(
      name,
      [call = std::move(call)](std::expected<void, AdminRefusal> done) mutable {
        if (done) return call.respond(HttpResponse::empty(204));
        call.respond(done.error().error == AdminError::no_such_vhost
                         ? HttpResponse::not_found()
                         : refusal_answer(done.error()));
      },
      std::move(by));
}

}  // namespace

std::span<const Route> vhost_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/vhosts", Need::management, list_vhosts},
      {"GET", "/api/vhosts/{}", Need::management, get_vhost},
      {"PUT", "/api/vhosts/{}", Need::administrator, put_vhost},
      {"DELETE", "/api/vhosts/{}", Need::administrator, delete_vhost},
  };
  return routes;
}

}  // namespace leveret
