// SPDX-License-Identifier: Apache-2.0
//
// add_user, delete_user, change_password, clear_password, authenticate_user, set_user_tags,
// list_users.
#include "ctl/command.h"
#include "ctl/commands/password.h"

#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

Outcome<void> add_user(const Session& session) {
  const std::string& name = session.invocation.arguments[0];
  session.banner(fmt::format("Adding user \"{}\" ...", name));
  const auto password = password_argument(session, 1);
  if (!password) return std::unexpected(password.error());
  const auto done = expect_success(session.api.post(
      "/api/leveret/add_user", json::object{{"name", name}, {"password", *password}}));
  if (!done) return done;
  session.banner(
      "Done. Don't forget to grant the user permissions to some virtual hosts! See 'leveretctl "
      "help "
      "set_permissions' to learn more.");
  return {};
}

Outcome<void> delete_user(const Session& session) {
  const std::string& name = session.invocation.arguments[0];
  session.banner(fmt::format("Deleting user \"{}\" ...", name));
  const auto answer = session.api.del("/api/users/" + encode_percent(name));
  if (answer && answer->status == 404) {
    return fail_titled(ExitCode::no_user, fmt::format("User \"{}\" does not exist", name));
  }
  return expect_success(answer);
}

Outcome<void> change_password(const Session& session) {
  const std::string& name = session.invocation.arguments[0];
  session.banner(fmt::format("Changing password for user \"{}\" ...", name));
  const auto password = password_argument(session, 1);
  if (!password) return std::unexpected(password.error());
  return expect_success(session.api.post("/api/leveret/change_password",
                                         json::object{{"name", name}, {"password", *password}}));
}

Outcome<void> clear_password(const Session& session) {
  const std::string& name = session.invocation.arguments[0];
  session.banner(fmt::format("Clearing password for user \"{}\" ...", name));
  const auto answer = session.api.post("/api/leveret/clear_password", json::object{{"name", name}});
  if (answer && answer->error() == "no_such_user") return fail_no_such_user_term(name);
  return expect_success(answer);
}

Outcome<void> authenticate_user(const Session& session) {
  const std::string& name = session.invocation.arguments[0];
  session.banner(fmt::format("Authenticating user \"{}\" ...", name));
  const auto password = password_argument(session, 1);
  if (!password) return std::unexpected(password.error());
  const auto answer = session.api.post("/api/leveret/authenticate_user",
                                       json::object{{"name", name}, {"password", *password}});
  if (answer && answer->error() == "not_authenticated") {
    return fail_titled(ExitCode::data, fmt::format("Error: failed to authenticate user \"{}\"\n{}",
                                                   name, answer->reason()));
  }
  const auto done = expect_success(answer);
  if (done) session.print("Success\n");
  return done;
}

Outcome<void> set_user_tags(const Session& session) {
  const auto& arguments = session.invocation.arguments;
  const std::string& name = arguments[0];
  json::array tags;
  for (std::size_t i = 1; i < arguments.size(); ++i) tags.emplace_back(arguments[i]);
  session.banner(fmt::format("Setting tags for user \"{}\" to [{}] ...", name,
                             fmt::join(arguments.begin() + 1, arguments.end(), ", ")));
  return expect_success(
      session.api.post("/api/leveret/set_user_tags", json::object{{"name", name}, {"tags", tags}}));
}

Outcome<void> list_users(const Session& session) {
  session.banner("Listing users ...");
  const auto rows = get_rows(session.api, "/api/users");
  if (!rows) return std::unexpected(rows.error());
  session.print(format_rows(*rows, {{"user", "name"}, {"tags", "tags", CellKind::atoms}},
                            session.invocation, true));
  return {};
}

}  // namespace

std::span<const Command> user_commands() {
  static constexpr std::string_view group = "Users";
  static constexpr std::size_t any = 1000;
  static constexpr Command commands[] = {
      {"add_user", group, "add_user <username> <password>",
       "Creates a new user in the internal database. This user will have no permissions for any "
       "virtual hosts by default.",
       1, 2, add_user},
      {"authenticate_user", group, "authenticate_user <username> <password>",
       "Attempts to authenticate a user. Exits with a non-zero code if authentication fails.", 1, 2,
       authenticate_user},
      {"change_password", group, "change_password <username> <password>",
       "Changes the user password", 1, 2, change_password},
      {"clear_password", group, "clear_password <username>",
       "Clears (resets) password and disables password login for a user", 1, 1, clear_password},
      {"delete_user", group, "delete_user <username>", "Removes a user from the internal database",
       1, 1, delete_user},
      {"list_users", group, "list_users [--no-table-headers] [--timeout <timeout>]",
       "List user names and tags", 0, 0, list_users},
      {"set_user_tags", group, "set_user_tags <username> <tag> [...]", "Sets user tags", 1, any,
       set_user_tags},
  };
  return commands;
}

}  // namespace leveret::ctl
