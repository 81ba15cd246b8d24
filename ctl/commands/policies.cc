// SPDX-License-Identifier: Apache-2.0
//
// set_policy, clear_policy, list_policies, and the same of an operator.
#include "ctl/command.h"

#include <array>
#include <charconv>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

/// How the two kinds of policies differ here.
struct Kind {
  std::string_view path;
  std::string_view set;    ///< "Setting ... "
  std::string_view clear;  ///< "Clearing ... "
  std::string_view list;   ///< "Listing ... "
};
constexpr Kind of_users{"/api/policies/", "policy", "policy", "policies"};
constexpr Kind of_operator{"/api/operator-policies/", "operator policy override", "operator policy",
                           "operator policy overrides"};

std::string path_of(const Kind& kind, const std::string& vhost, const std::string& name) {
  return std::string(kind.path) + encode_percent(vhost) + "/" + encode_percent(name);
}

template <const Kind& Which>
Outcome<void> set_policy(const Session& session) {
  const Invocation& asked = session.invocation;
  const std::string& name = asked.arguments[0];
  const std::string& pattern = asked.arguments[1];
  const std::string& text = asked.arguments[2];
  std::string priority = asked.switch_or("--priority", "0");
  if (priority.starts_with('+')) priority.erase(0, 1);
  session.banner(
      fmt::format("Setting {} \"{}\" for pattern \"{}\" to \"{}\" with priority \"{}\" for "
                  "vhost \"{}\" ...",
                  Which.set, name, pattern, text, priority, asked.vhost));
  boost::system::error_code error;
  const json::value definition = json::parse(text, error);
  if (error) {
    return fail_titled(ExitCode::unavailable,
                       fmt::format("JSON decoding error. Reason: {}", error.message()));
  }
  std::int64_t number = 0;
  std::from_chars(priority.data(), priority.data() + priority.size(), number);
  const auto answer =
      session.api.put(path_of(Which, asked.vhost, name),
                      json::object{{"pattern", pattern},
                                   {"definition", definition},
                                   {"priority", number},
                                   {"apply-to", asked.switch_or("--apply-to", "all")}});
  if (answer && answer->status == 404) return fail_no_vhost(asked.vhost);
  return expect_success(answer);
}

template <const Kind& Which>
Outcome<void> clear_policy(const Session& session) {
  const Invocation& asked = session.invocation;
  const std::string& name = asked.arguments[0];
  session.banner(
      fmt::format("Clearing {} \"{}\" on vhost \"{}\" ...", Which.clear, name, asked.vhost));
  const auto answer = session.api.del(path_of(Which, asked.vhost, name));
  if (answer && answer->status == 404) {
    return fail_titled(ExitCode::unavailable, "Parameter does not exist");
  }
  return expect_success(answer);
}

template <const Kind& Which>
Outcome<void> list_policies(const Session& session) {
  const std::string& vhost = session.invocation.vhost;
  session.banner(fmt::format("Listing {} for vhost \"{}\" ...", Which.list, vhost));
  const auto answer = session.api.get(std::string(Which.path) + encode_percent(vhost));
  if (!answer) return std::unexpected(answer.error());
  if (answer->status == 404) return fail_no_vhost(vhost);
  if (!answer->is_success() || !answer->body.is_array()) return fail_with(*answer);
  json::array rows = answer->body.as_array();
  for (json::value& row : rows) {
    if (const json::value* definition = row.as_object().if_contains("definition")) {
      row.as_object()["definition"] = json::serialize(*definition);
    }
  }
  session.print(format_rows(rows,
                            {{"vhost", "vhost"},
                             {"name", "name"},
                             {"pattern", "pattern"},
                             {"apply-to", "apply-to"},
                             {"definition", "definition"},
                             {"priority", "priority"}},
                            session.invocation, true));
  return {};
}

constexpr std::array set_policy_switches{
    Switch{.name = "--priority",
           .has_value = true,
           .help = "Of the policies that match, the one with the highest counts",
           .is_integer = true},
    Switch{.name = "--apply-to",
           .has_value = true,
           .help = "queues, classic_queues, quorum_queues, streams, exchanges or all"},
};

}  // namespace

std::span<const Command> policy_commands() {
  static constexpr std::string_view group = "Policies";
  static constexpr Command commands[] = {
      {.verb = "clear_operator_policy",
       .group = group,
       .usage = "clear_operator_policy [--vhost <vhost>] <name>",
       .summary = "Clears an operator policy",
       .arguments_min = 1,
       .arguments_max = 1,
       .run = clear_policy<of_operator>},
      {.verb = "clear_policy",
       .group = group,
       .usage = "clear_policy [--vhost <vhost>] <name>",
       .summary = "Clears (removes) a policy",
       .arguments_min = 1,
       .arguments_max = 1,
       .run = clear_policy<of_users>},
      {.verb = "list_operator_policies",
       .group = group,
       .usage =
           "list_operator_policies [--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]",
       .summary = "Lists operator policy overrides for a virtual host",
       .run = list_policies<of_operator>},
      {.verb = "list_policies",
       .group = group,
       .usage = "list_policies [--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]",
       .summary = "Lists all policies in a virtual host",
       .run = list_policies<of_users>},
      {.verb = "set_operator_policy",
       .group = group,
       .usage = "set_operator_policy [--vhost <vhost>] [--priority <priority>] "
                "[--apply-to <apply-to>] <name> <pattern> <definition>",
       .summary = "Sets an operator policy that overrides a subset of arguments in user policies",
       .arguments_min = 3,
       .arguments_max = 3,
       .run = set_policy<of_operator>,
       .switches = set_policy_switches},
      {.verb = "set_policy",
       .group = group,
       .usage = "set_policy [--vhost <vhost>] [--priority <priority>] [--apply-to <apply-to>] "
                "<name> <pattern> <definition>",
       .summary = "Sets or updates a policy",
       .arguments_min = 3,
       .arguments_max = 3,
       .run = set_policy<of_users>,
       .switches = set_policy_switches},
  };
  return commands;
}

}  // namespace leveret::ctl
