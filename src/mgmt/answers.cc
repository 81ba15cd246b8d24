// SPDX-License-Identifier: Apache-2.0
#include "mgmt/answers.h"

#include "mgmt/field_values.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

AdminError admin_error(UsersError error) {
  switch (error) {
    case UsersError::user_exists:
      return AdminError::already_exists;
    case UsersError::no_such_user:
      return AdminError::no_such_user;
    case UsersError::no_such_vhost:
      return AdminError::no_such_vhost;
    case UsersError::invalid_name:
    case UsersError::invalid_regex:
    case UsersError::invalid_password_hash:
    case UsersError::unknown_hashing_algorithm:
      break;
  }
  return AdminError::invalid;
}

}  // namespace

std::expected<const Registry::VhostEntry*, HttpResponse> find_vhost(const Call& call,
                                                                    const std::string& name) {
  const auto& vhosts = call.broker().registry().vhosts();
  const auto found = vhosts.find(name);
  if (found == vhosts.end()) return std::unexpected(HttpResponse::not_found());
  if (!call.identity().sees_vhost(name)) {
    return std::unexpected(
        HttpResponse::error(401, "not_authorised", "User not authorised to access virtual host"));
  }
  return &found->second;
}

std::vector<const Registry::VhostEntry*> seen_vhosts(const Call& call) {
  std::vector<const Registry::VhostEntry*> seen;
  for (const auto& [name, vhost] : call.broker().registry().vhosts()) {
    if (call.identity().sees_vhost(name)) seen.push_back(&vhost);
  }
  std::ranges::sort(seen, {}, [](const Registry::VhostEntry* vhost) -> const std::string& {
    return vhost->record.name;
  });
  return seen;
}

std::expected<std::vector<const Registry::VhostEntry*>, HttpResponse> asked_vhosts(const Call& call,
                                                                                   bool has_name) {
  if (!has_name) return seen_vhosts(call);
  const auto vhost = find_vhost(call, call.name(0));
  if (!vhost) return std::unexpected(vhost.error());
  return std::vector{*vhost};
}

HttpResponse refusal_answer(const AdminRefusal& refusal) {
  switch (refusal.error) {
    case AdminError::no_such_vhost:
      return HttpResponse::error(404, "no_such_vhost", refusal.text);
    case AdminError::no_such_user:
      return HttpResponse::error(404, "no_such_user", refusal.text);
    case AdminError::no_such_policy:
      return HttpResponse::error(404, "no_such_policy", refusal.text);
    case AdminError::already_exists:
      return HttpResponse::error(409, "already_exists", refusal.text);
    case AdminError::invalid:
      return HttpResponse::bad_request(refusal.text);
    case AdminError::storage_failed:
      break;
  }
  return HttpResponse::error(500, "internal_error", refusal.text);
}

HttpResponse refusal_answer(const amqp::AmqpError& error) {
  const std::string text = fmt::format("{} {}", std::to_underlying(error.code), error.reply_text());
  if (error.code == amqp::ReplyCode::internal_error) {
    return HttpResponse::error(500, "internal_error", text);
  }
  return HttpResponse::bad_request(text);
}

std::optional<LimitsRecord> needed_limits(Call& call, const boost::json::object& given,
                                          const LimitNames& allowed) {
  auto limits = read_limits(field_table_of(given), allowed);
  if (limits) return std::move(*limits);
  call.respond(HttpResponse::bad_request(limits.error()));
  return std::nullopt;
}

void change_vhost_limits(Call call, const std::string& vhost,
                         std::move_only_function<void(LimitsRecord&)> change) {
  Registry& registry = call.broker().registry();
  std::string by = call.identity().by();
  registry.change_vhost_limits(
      vhost, std::move(change),
      [call = std::move(call)](const std::expected<void, AdminRefusal>& done) mutable {
        call.respond(done ? HttpResponse::empty(204) : refusal_answer(done.error()));
      },
      std::move(by));
}

void change_users(Call call, int status, std::move_only_function<UsersChanges(Users&)> change) {
  Registry& registry = call.broker().registry();
  std::string by = call.identity().by();
  registry.change_users(
      [change = std::move(change)](
          Users& users) mutable -> std::expected<std::vector<Change>, AdminRefusal> {
        auto changes = change(users);
        if (changes) return std::move(*changes);
        return std::unexpected(
            AdminRefusal{admin_error(changes.error().error), changes.error().text});
      },
      [call = std::move(call), status](std::expected<void, AdminRefusal> done) mutable {
        call.respond(done ? HttpResponse::empty(status) : refusal_answer(done.error()));
      },
      std::move(by));
}

}  // namespace leveret
