// SPDX-License-Identifier: Apache-2.0
//
// All verbs in one list, and what they share.
#include "ctl/command.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

namespace leveret::ctl {

void Session::banner(std::string_view line) const {
  if (invocation.shows_banner()) fmt::print("{}\n", line);
}

void Session::print(std::string_view text) const { fmt::print("{}", text); }

std::vector<const Command*> all_commands() {
  std::vector<const Command*> all;
  for (const auto group : {help_commands(), node_commands(), user_commands(), permission_commands(),
                           listing_commands(), vhost_commands(), connection_commands(),
                           queue_commands(), delayed_commands(), policy_commands(),
                           limit_commands(), use_limit_commands(), journal_commands()}) {
    for (const Command& command : group) all.push_back(&command);
  }
  return all;
}

const Command* find_command(std::string_view verb) {
  for (const Command* command : all_commands()) {
    if (command->verb == verb) return command;
  }
  return nullptr;
}

std::string usage_text(const Command& command) {
  return fmt::format("leveretctl [--node <node>] [--longnames] [--quiet] {}", command.usage);
}

std::string help_text(const Command& command) {
  std::string text =
      fmt::format("\n{}\n\n{}\n\n{}.\n", bold("Usage"), usage_text(command), command.summary);
  if (!command.columns.empty() || !command.switches.empty()) {
    text += fmt::format("\n\n{}\n", bold("Arguments and Options"));
  }
  if (!command.columns.empty()) {
    std::vector<std::string_view> names;
    for (const Column& column : command.columns) names.push_back(column.name);
    std::ranges::sort(names);
    text += fmt::format("\n<column>\n\tmust be one of {}\n", fmt::join(names, ", "));
  }
  for (const Switch& option : command.switches) {
    text += fmt::format("\n{}\n\t{}\n", option.name, option.help);
  }
  text += fmt::format(
      "\n\n{}\n\n"
      "  -?, --help               shows this\n"
      "  -p, --vhost <vhost>      of the verbs that are about one virtual host (default: /)\n"
      "  -t, --timeout <seconds>  how long to wait for the broker\n"
      "  -q, --quiet              no banner\n"
      "  -s, --silent             no banner and no table header\n"
      "      --no-table-headers   no table header\n"
      "      --formatter <name>   table, json, csv or pretty_table\n"
      "  -n, --node <node>        accepted; there is one node\n"
      "      --data-dir <path>    the broker's data directory (default: LEVERET_DATA_DIR)\n"
      "      --socket <path>      the broker's management socket\n"
      "      --host <host> --port <port> --user <user> --password <password>\n"
      "                           the broker's management address, for another machine\n",
      bold("General Options"));
  return text;
}

std::string help_text() {
  std::string text = fmt::format(
      "\n{}\n\nleveretctl [--node <node>] [--timeout <timeout>] [--longnames] [--quiet] <command> "
      "[<command options>]\n\nAvailable commands:\n",
      bold("Usage"));
  std::string_view group;
  for (const Command* command : all_commands()) {
    if (command->group != group) text += fmt::format("\n{}:\n\n", bold(command->group));
    group = command->group;
    text += fmt::format("   {:<29} {}\n", command->verb, command->summary);
  }
  return text + "\nUse 'leveretctl help <command>' to learn more about a specific command";
}

Outcome<std::vector<Column>> asked_columns(const Command& command,
                                           const std::vector<std::string>& names,
                                           std::span<const std::string_view> otherwise) {
  std::vector<std::string> asked = names;
  if (asked.empty()) asked.assign(otherwise.begin(), otherwise.end());
  std::vector<Column> columns;
  std::vector<std::string> unknown;
  for (const std::string& name : asked) {
    const auto found = std::ranges::find(command.columns, name, &Column::name);
    if (found == command.columns.end()) {
      unknown.push_back(name);
    } else {
      columns.push_back(*found);
    }
  }
  if (unknown.empty()) return columns;
  std::ranges::sort(unknown);
  return fail(ExitCode::usage,
              fmt::format("Info key(s) {} are not supported", fmt::join(unknown, ",")));
}

Outcome<boost::json::array> get_rows(const HttpClient& api, std::string_view path) {
  const auto answer = api.get(path);
  if (!answer) return std::unexpected(answer.error());
  if (!answer->is_success()) return fail_with(*answer);
  if (!answer->body.is_array()) return fail_titled(ExitCode::software, "the answer is no list");
  return answer->body.as_array();
}

Outcome<boost::json::object> get_object(const HttpClient& api, std::string_view path) {
  const auto answer = api.get(path);
  if (!answer) return std::unexpected(answer.error());
  if (!answer->is_success() || !answer->body.is_object()) return fail_with(*answer);
  return answer->body.as_object();
}

std::string node_name(const Session& session) {
  if (!session.invocation.node.empty()) return session.invocation.node;
  const auto overview = get_object(session.api, "/api/overview");
  return overview ? cell_text(cell(*overview, "node"), CellKind::plain) : "leveret";
}

Outcome<void> expect_success(const Outcome<HttpAnswer>& answer) {
  if (!answer) return std::unexpected(answer.error());
  if (!answer->is_success()) return fail_with(*answer);
  return {};
}

std::unexpected<Failure> fail_no_vhost(const std::string& vhost) {
  return fail(ExitCode::data, fmt::format("Virtual host '{}' does not exist", vhost));
}

std::unexpected<Failure> fail_no_such_user_term(const std::string& user) {
  return fail_titled(ExitCode::unavailable, fmt::format("{{:no_such_user, \"{}\"}}", user));
}

std::unexpected<Failure> fail_with(const HttpAnswer& answer) {
  const std::string reason = answer.reason();
  if (answer.error() == "no_such_user") return fail_titled(ExitCode::no_user, reason);
  if (answer.error() == "no_such_vhost") return fail_titled(ExitCode::unavailable, reason);
  if (answer.error() == "already_exists") return fail_titled(ExitCode::software, reason);
  return fail_titled(
      ExitCode::unavailable,
      reason.empty() ? fmt::format("the broker answered {}", answer.status) : reason);
}

}  // namespace leveret::ctl
