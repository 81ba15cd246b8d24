// SPDX-License-Identifier: Apache-2.0
//
// set_vhost_limits, clear_vhost_limits, list_vhost_limits, and the same of users.
#include "ctl/command.h"

#include <array>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

Outcome<json::value> parse_definition(const std::string& text) {
  boost::system::error_code error;
  json::value definition = json::parse(text, error);
  if (!error) return definition;
  return fail_titled(ExitCode::unavailable,
                     fmt::format("JSON decoding error. Reason: {}", error.message()));
}

/// One thing's limits, or `of_none` where it has none; or a table of all that have some.
Outcome<void> print_limits(const Session& session, const Outcome<HttpAnswer>& answer,
                           std::string_view owner, std::string_view of_none, bool is_of_all) {
  if (const auto done = expect_success(answer); !done) return done;
  if (!answer->body.is_array()) return fail_with(*answer);
  json::array rows = answer->body.as_array();
  for (json::value& row : rows) {
    json::object& columns = row.as_object();
    columns["limits"] = json::serialize(columns.at("value"));
  }
  if (is_of_all) {
    session.print(
        format_rows(rows, {{owner, owner}, {"limits", "limits"}}, session.invocation, true));
  } else {
    session.print(rows.empty()
                      ? fmt::format("{}\n", of_none)
                      : fmt::format("{}\n", std::string_view(rows[0].at("limits").as_string())));
  }
  return {};
}

// Of vhosts.

Outcome<void> set_vhost_limits(const Session& session) {
  const Invocation& asked = session.invocation;
  session.banner(fmt::format("Setting vhost limits to \"{}\" for vhost \"{}\" ...",
                             asked.arguments[0], asked.vhost));
  const auto limits = parse_definition(asked.arguments[0]);
  if (!limits) return std::unexpected(limits.error());
  const auto answer = session.api.post("/api/leveret/set_vhost_limits",
                                       json::object{{"vhost", asked.vhost}, {"limits", *limits}});
  if (answer && answer->status == 404) return fail_no_vhost(asked.vhost);
  return expect_success(answer);
}

Outcome<void> clear_vhost_limits(const Session& session) {
  const std::string& vhost = session.invocation.vhost;
  session.banner(fmt::format("Clearing vhost \"{}\" limits ...", vhost));
  const auto there = session.api.get("/api/vhost-limits/" + encode_percent(vhost));
  if (!there) return std::unexpected(there.error());
  if (there->status == 404 || (there->body.is_array() && there->body.as_array().empty())) {
    return fail_titled(ExitCode::unavailable, "Parameter does not exist");
  }
  return expect_success(session.api.post(
      "/api/leveret/set_vhost_limits", json::object{{"vhost", vhost}, {"limits", json::object()}}));
}

Outcome<void> list_vhost_limits(const Session& session) {
  const Invocation& asked = session.invocation;
  const bool is_of_all = asked.has_switch("--global");
  session.banner(is_of_all ? "Listing limits for all vhosts ..."
                           : fmt::format("Listing limits for vhost \"{}\" ...", asked.vhost));
  const auto answer = session.api.get(
      is_of_all ? "/api/vhost-limits" : "/api/vhost-limits/" + encode_percent(asked.vhost));
  if (answer && answer->status == 404) return fail_no_vhost(asked.vhost);
  return print_limits(session, answer, "vhost", "", is_of_all);
}

// Of users.

Outcome<void> set_user_limits(const Session& session) {
  const auto& arguments = session.invocation.arguments;
  const std::string& user = arguments[0];
  session.banner(
      fmt::format("Setting user limits to \"{}\" for user \"{}\" ...", arguments[1], user));
  const auto limits = parse_definition(arguments[1]);
  if (!limits) return std::unexpected(limits.error());
  const auto answer = session.api.post("/api/leveret/set_user_limits",
                                       json::object{{"name", user}, {"limits", *limits}});
  if (answer && answer->error() == "no_such_user") return fail_no_such_user_term(user);
  return expect_success(answer);
}

Outcome<void> clear_user_limits(const Session& session) {
  const auto& arguments = session.invocation.arguments;
  const std::string& user = arguments[0];
  const bool is_of_all = arguments[1] == "all";
  session.banner(
      is_of_all ? fmt::format("Clearing all limits for user \"{}\" ...", user)
                : fmt::format("Clearing \"{}\" limit for user \"{}\" ...", arguments[1], user));
  const auto answer =
      is_of_all ? session.api.post("/api/leveret/clear_user_limits", json::object{{"name", user}})
                : session.api.del("/api/user-limits/" + encode_percent(user) + "/" +
                                  encode_percent(arguments[1]));
  if (answer && answer->error() == "no_such_user") return fail_no_such_user_term(user);
  return expect_success(answer);
}

Outcome<void> list_user_limits(const Session& session) {
  const Invocation& asked = session.invocation;
  const bool is_of_all = asked.has_switch("--global");
  const std::string user = asked.switch_or("--user", "guest");
  session.banner(is_of_all ? "Listing limits for all users ..."
                           : fmt::format("Listing limits for user \"{}\" ...", user));
  const auto answer =
      session.api.get(is_of_all ? "/api/user-limits" : "/api/user-limits/" + encode_percent(user));
  if (answer && answer->status == 404) return fail_no_such_user_term(user);
  return print_limits(session, answer, "user", "{}", is_of_all);
}

constexpr std::array of_all_vhosts{Switch{.name = "--global", .help = "those of every vhost"}};
constexpr std::array of_a_user_or_all{
    Switch{.name = "--user", .has_value = true, .help = "whose; guest's if nobody is named"},
    Switch{.name = "--global", .help = "those of every user"}};

}  // namespace

std::span<const Command> use_limit_commands() {
  static constexpr std::string_view of_vhosts = "Virtual hosts";
  static constexpr std::string_view of_users = "Users";
  static constexpr Command commands[] = {
      {.verb = "clear_user_limits",
       .group = of_users,
       .usage = "clear_user_limits <username> <limit_type> | all",
       .summary = "Clears user connection/channel limits",
       .arguments_min = 2,
       .arguments_max = 2,
       .run = clear_user_limits},
      {.verb = "clear_vhost_limits",
       .group = of_vhosts,
       .usage = "clear_vhost_limits [--vhost <vhost>]",
       .summary = "Clears virtual host limits",
       .run = clear_vhost_limits},
      {.verb = "list_user_limits",
       .group = of_users,
       .usage = "list_user_limits [--user <username>] [--global]",
       .summary = "Displays configured user limits",
       .run = list_user_limits,
       .switches = of_a_user_or_all},
      {.verb = "list_vhost_limits",
       .group = of_vhosts,
       .usage = "list_vhost_limits [--vhost <vhost>] [--global] [--no-table-headers]",
       .summary = "Displays configured virtual host limits",
       .run = list_vhost_limits,
       .switches = of_all_vhosts},
      {.verb = "set_user_limits",
       .group = of_users,
       .usage = "set_user_limits <username> <definition>",
       .summary = "Sets user limits",
       .arguments_min = 2,
       .arguments_max = 2,
       .run = set_user_limits},
      {.verb = "set_vhost_limits",
       .group = of_vhosts,
       .usage = "set_vhost_limits [--vhost <vhost>] <definition>",
       .summary = "Sets virtual host limits",
       .arguments_min = 1,
       .arguments_max = 1,
       .run = set_vhost_limits},
  };
  return commands;
}

}  // namespace leveret::ctl
