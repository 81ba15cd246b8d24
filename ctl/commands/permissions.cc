// SPDX-License-Identifier: Apache-2.0
//
// set_permissions, clear_permissions, list_permissions, list_user_permissions.
#include "ctl/command.h"

#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

/// rabbitmqctl has no quotes around the name here.
Outcome<void> expect_success(const Outcome<HttpAnswer>& answer, const std::string& user) {
  if (!answer) return std::unexpected(answer.error());
  if (answer->error() == "no_such_user") {
    return fail_titled(ExitCode::no_user, fmt::format("User {} does not exist", user));
  }
  if (!answer->is_success()) return fail_with(*answer);
  return {};
}

Outcome<void> set_permissions(const Session& session) {
  const auto& arguments = session.invocation.arguments;
  const std::string& vhost = session.invocation.vhost;
  session.banner(
      fmt::format("Setting permissions for user \"{}\" in vhost \"{}\" ...", arguments[0], vhost));
  return expect_success(
      session.api.post("/api/leveret/set_permissions", json::object{{"user", arguments[0]},
                                                                    {"vhost", vhost},
                                                                    {"configure", arguments[1]},
                                                                    {"write", arguments[2]},
                                                                    {"read", arguments[3]}}),
      arguments[0]);
}

Outcome<void> clear_permissions(const Session& session) {
  const std::string& user = session.invocation.arguments[0];
  const std::string& vhost = session.invocation.vhost;
  session.banner(
      fmt::format("Clearing permissions for user \"{}\" in vhost \"{}\" ...", user, vhost));
  return expect_success(session.api.post("/api/leveret/clear_permissions",
                                         json::object{{"user", user}, {"vhost", vhost}}),
                        user);
}

Outcome<void> list_permissions(const Session& session) {
  const std::string& vhost = session.invocation.vhost;
  session.banner(fmt::format("Listing permissions for vhost \"{}\" ...", vhost));
  const auto answer = session.api.get("/api/vhosts/" + encode_percent(vhost) + "/permissions");
  if (!answer) return std::unexpected(answer.error());
  if (answer->status == 404) {
    return fail(ExitCode::data, fmt::format("Virtual host '{}' does not exist", vhost));
  }
  if (!answer->is_success() || !answer->body.is_array()) return fail_with(*answer);
  session.print(format_rows(
      answer->body.as_array(),
      {{"user", "user"}, {"configure", "configure"}, {"write", "write"}, {"read", "read"}},
      session.invocation, true));
  return {};
}

Outcome<void> list_user_permissions(const Session& session) {
  const std::string& user = session.invocation.arguments[0];
  session.banner(fmt::format("Listing permissions for user \"{}\" ...", user));
  const auto answer = session.api.get("/api/users/" + encode_percent(user) + "/permissions");
  if (!answer) return std::unexpected(answer.error());
  if (answer->status == 404) {
    return fail_titled(ExitCode::unavailable, fmt::format("{{:no_such_user, \"{}\"}}", user));
  }
  if (!answer->is_success() || !answer->body.is_array()) return fail_with(*answer);
  session.print(format_rows(
      answer->body.as_array(),
      {{"vhost", "vhost"}, {"configure", "configure"}, {"write", "write"}, {"read", "read"}},
      session.invocation, true));
  return {};
}

}  // namespace

std::span<const Command> permission_commands() {
  static constexpr std::string_view group = "Access Control";
  static constexpr Command commands[] = {
      {"clear_permissions", group, "clear_permissions [--vhost <vhost>] <username>",
       "Revokes user permissions for a vhost", 1, 1, clear_permissions},
      {"list_permissions", group,
       "list_permissions [--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]",
       "Lists user permissions in a virtual host", 0, 0, list_permissions},
      {"list_user_permissions", group,
       "list_user_permissions [--no-table-headers] <username> [--timeout <timeout>]",
       "Lists permissions of a user across all virtual hosts", 1, 1, list_user_permissions},
      {"set_permissions", group,
       "set_permissions [--vhost <vhost>] <username> <conf> <write> <read>",
       "Sets user permissions for a vhost", 4, 4, set_permissions},
  };
  return commands;
}

}  // namespace leveret::ctl
