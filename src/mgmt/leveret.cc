// SPDX-License-Identifier: Apache-2.0
//
// What RabbitMQ's API does not have, or does not tell exactly enough for rabbitmqctl's answers:
// which of several things was missing, that a user was there already, how many messages went with a
// queue. Errors: 404 no_such_user, no_such_vhost, no_such_queue; 409 already_exists; 400
// bad_request, in_use, not_empty, not_authenticated.
//
//   GET  /api/leveret/ping
//   POST /api/leveret/stop
//   POST /api/leveret/add_user            {name, password}
//   POST /api/leveret/change_password     {name, password}
//   POST /api/leveret/clear_password      {name}
//   POST /api/leveret/authenticate_user   {name, password}
//   POST /api/leveret/set_user_tags       {name, tags}
//   POST /api/leveret/set_permissions     {user, vhost, configure, write, read}
//   POST /api/leveret/clear_permissions   {user, vhost}
//   POST /api/leveret/set_vhost_limits    {vhost, limits}   These and no others.
//   POST /api/leveret/set_user_limits     {name, limits}    Beside those that there are.
//   POST /api/leveret/clear_user_limits   {name}
//   POST /api/leveret/delete_queue        {vhost, name, if_unused, if_empty} -> {messages}
#include "base/log.h"
#include "mgmt/answers.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"
#include "vhost/limits.h"

#include <array>
#include <optional>

#include <fmt/format.h>

namespace leveret {
namespace {

namespace json = boost::json;

/// The texts that a verb needs, in the order of `keys`. Nothing: the call has been answered.
template <std::size_t Count>
std::optional<std::array<std::string, Count>> needed_texts(
    Call& call, const std::array<std::string_view, Count>& keys) {
  const auto body = call.body();
  if (!respond_if_error(call, body)) return std::nullopt;
  std::array<std::string, Count> texts;
  for (std::size_t i = 0; i < Count; ++i) {
    auto text = find_text(*body, keys[i]);
    if (!respond_if_error(call, text)) return std::nullopt;
    if (!*text) {
      call.respond(HttpResponse::bad_request(fmt::format("{} is missing", keys[i])));
      return std::nullopt;
    }
    texts[i] = std::move(**text);
  }
  return texts;
}

using Keys1 = std::array<std::string_view, 1>;
using Keys2 = std::array<std::string_view, 2>;
using Keys5 = std::array<std::string_view, 5>;

void ping(Call call) { call.respond(HttpResponse::json(json::object{{"status", "ok"}})); }

void stop(Call call) {
  log(LogLevel::info, "mgmt", "stop_requested by=\"{}\"",
      call.identity().user().empty() ? "owner" : log_safe(call.identity().user()));
  const auto request_stop = call.context().deps.request_stop;
  call.respond(HttpResponse::empty(204));
  request_stop();
}

void add_user(Call call) {
  auto texts = needed_texts(call, Keys2{"name", "password"});
  if (!texts) return;
  change_users(std::move(call), 204, [texts = std::move(*texts)](Users& users) {
    return users.add_user(texts[0], texts[1]);
  });
}

void change_password(Call call) {
  auto texts = needed_texts(call, Keys2{"name", "password"});
  if (!texts) return;
  change_users(std::move(call), 204, [texts = std::move(*texts)](Users& users) {
    return users.change_password(texts[0], texts[1]);
  });
}

void clear_password(Call call) {
  auto texts = needed_texts(call, Keys1{"name"});
  if (!texts) return;
  change_users(std::move(call), 204, [texts = std::move(*texts)](Users& users) {
    return users.clear_password(texts[0]);
  });
}

void authenticate_user(Call call) {
  const auto texts = needed_texts(call, Keys2{"name", "password"});
  if (!texts) return;
  const auto snapshot = call.broker().registry().users().snapshot();
  if (snapshot->authenticate((*texts)[0], (*texts)[1])) {
    return call.respond(HttpResponse::empty(204));
  }
  call.respond(HttpResponse::error(400, "not_authenticated",
                                   fmt::format("user '{}' - invalid credentials", (*texts)[0])));
}

void set_user_tags(Call call) {
  auto texts = needed_texts(call, Keys1{"name"});
  if (!texts) return;
  const auto body = call.body();
  if (!respond_if_error(call, body)) return;
  auto tags = find_tags(*body);
  if (!respond_if_error(call, tags)) return;
  if (!*tags) return call.respond(HttpResponse::bad_request("tags is missing"));
  change_users(std::move(call), 204,
               [name = (*texts)[0], tags = std::move(**tags)](Users& users) mutable {
                 return users.set_tags(name, std::move(tags));
               });
}

void set_permissions(Call call) {
  auto texts = needed_texts(call, Keys5{"user", "vhost", "configure", "write", "read"});
  if (!texts) return;
  auto& [user, vhost, configure, write, read] = *texts;
  PermissionRecord record{user, vhost, configure, write, read};
  change_users(std::move(call), 204, [record = std::move(record)](Users& users) mutable {
    return users.set_permissions(std::move(record));
  });
}

void clear_permissions(Call call) {
  auto texts = needed_texts(call, Keys2{"user", "vhost"});
  if (!texts) return;
  change_users(std::move(call), 204, [texts = std::move(*texts)](Users& users) {
    return users.clear_permissions(texts[0], texts[1]);
  });
}

std::optional<LimitsRecord> needed_limits(Call& call, const LimitNames& allowed) {
  const auto body = call.body();
  if (!respond_if_error(call, body)) return std::nullopt;
  const json::value* given = body->if_contains("limits");
  if (given != nullptr && given->is_object()) {
    return needed_limits(call, given->as_object(), allowed);
  }
  call.respond(HttpResponse::bad_request("limits should be an object"));
  return std::nullopt;
}

void set_vhost_limits(Call call) {
  const auto texts = needed_texts(call, Keys1{"vhost"});
  if (!texts) return;
  auto limits = needed_limits(call, vhost_limit_names);
  if (!limits) return;
  change_vhost_limits(
      std::move(call), (*texts)[0],
      [limits = std::move(*limits)](LimitsRecord& all) mutable { all = std::move(limits); });
}

void set_user_limits(Call call) {
  const auto texts = needed_texts(call, Keys1{"name"});
  if (!texts) return;
  auto limits = needed_limits(call, user_limit_names);
  if (!limits) return;
  change_users(std::move(call), 204,
               [name = (*texts)[0], limits = std::move(*limits)](Users& users) {
                 return users.set_limits(name, limits);
               });
}

void clear_user_limits(Call call) {
  const auto texts = needed_texts(call, Keys1{"name"});
  if (!texts) return;
  change_users(std::move(call), 204,
               [name = (*texts)[0]](Users& users) { return users.clear_limits(name); });
}

HttpResponse no_such_queue() {
  return HttpResponse::error(404, "no_such_queue", "Queue not found");
}

HttpResponse deletion_refused(const amqp::AmqpError& error, const QueueDeletion& deletion) {
  // The two conditions have one code; the queue checks them in this order.
  if (error.code == amqp::ReplyCode::precondition_failed) {
    const bool is_in_use = deletion.if_unused && error.text.ends_with("in use");
    return HttpResponse::error(400, is_in_use ? "in_use" : "not_empty", error.text);
  }
  return refusal_answer(error);
}

void delete_queue(Call call) {
  const auto texts = needed_texts(call, Keys2{"vhost", "name"});
  if (!texts) return;
  const auto body = call.body();
  if (!respond_if_error(call, body)) return;
  const auto is_set = [&](std::string_view key) {
    const json::value* flag = body->if_contains({key.data(), key.size()});
    return flag != nullptr && *flag == true;
  };
  QueueDeletion deletion{.vhost = (*texts)[0],
                         .name = (*texts)[1],
                         .if_unused = is_set("if_unused"),
                         .if_empty = is_set("if_empty"),
                         .by = call.identity().by()};
  Registry& registry = call.broker().registry();
  const auto vhost = registry.vhosts().find(deletion.vhost);
  if (vhost == registry.vhosts().end()) return call.respond(no_such_queue());
  const auto queue = vhost->second.queues.find(deletion.name);
  if (queue == vhost->second.queues.end()) return call.respond(no_such_queue());
  // An operator may delete a queue that is exclusive to a connection, and does so in its name.
  deletion.connection = queue->second.handle->properties.exclusive_owner;
  QueueDeletion asked = deletion;
  registry.delete_queue(std::move(deletion),
                        [call = std::move(call), asked = std::move(asked)](
                            const amqp::AmqpResult<std::uint64_t>& done) mutable {
                          if (!done) return call.respond(deletion_refused(done.error(), asked));
                          call.respond(HttpResponse::json(json::object{{"messages", *done}}));
                        });
}

}  // namespace

std::span<const Route> leveret_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/leveret/ping", Need::management, ping},
      {"POST", "/api/leveret/stop", Need::administrator, stop},
      {"POST", "/api/leveret/add_user", Need::administrator, add_user},
      {"POST", "/api/leveret/change_password", Need::administrator, change_password},
      {"POST", "/api/leveret/clear_password", Need::administrator, clear_password},
      {"POST", "/api/leveret/authenticate_user", Need::administrator, authenticate_user},
      {"POST", "/api/leveret/set_user_tags", Need::administrator, set_user_tags},
      {"POST", "/api/leveret/set_permissions", Need::administrator, set_permissions},
      {"POST", "/api/leveret/clear_permissions", Need::administrator, clear_permissions},
      {"POST", "/api/leveret/set_vhost_limits", Need::administrator, set_vhost_limits},
      {"POST", "/api/leveret/set_user_limits", Need::administrator, set_user_limits},
      {"POST", "/api/leveret/clear_user_limits", Need::administrator, clear_user_limits},
      {"POST", "/api/leveret/delete_queue", Need::administrator, delete_queue},
  };
  return routes;
}

}  // namespace leveret
