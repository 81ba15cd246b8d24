// SPDX-License-Identifier: Apache-2.0
//
// add_vhost, delete_vhost, trace_on, trace_off.
#include "ctl/command.h"

#include <array>

#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

std::string path_of(const std::string& vhost) { return "/api/vhosts/" + encode_percent(vhost); }

Outcome<void> add_vhost(const Session& session) {
  const Invocation& asked = session.invocation;
  const std::string& name = asked.arguments[0];
  session.banner(fmt::format("Adding vhost \"{}\" ...", name));
  // One that is there stays as it is.
  if (const auto found = session.api.get(path_of(name)); found && found->is_success()) return {};
  const auto answer = session.api.put(
      path_of(name),
      json::object{{"description", asked.switch_or("--description", "")},
                   {"tags", asked.switch_or("--tags", "")},
                   {"default_queue_type", asked.switch_or("--default-queue-type", "undefined")}});
  if (!answer) return std::unexpected(answer.error());
  if (!answer->is_success()) return fail_with(*answer);
  return {};
}

Outcome<void> delete_vhost(const Session& session) {
  const std::string& name = session.invocation.arguments[0];
  session.banner(fmt::format("Deleting vhost \"{}\" ...", name));
  const auto answer = session.api.del(path_of(name));
  if (!answer) return std::unexpected(answer.error());
  if (answer->status == 404) {
    return fail(ExitCode::data, fmt::format("Virtual host '{}' does not exist", name));
  }
  if (!answer->is_success()) return fail_with(*answer);
  return {};
}

/// The vhost must be there: a request that names another would make it.
Outcome<void> set_tracing(const Session& session, bool is_traced) {
  const std::string& name = session.invocation.vhost;
  session.banner(
      fmt::format("{} tracing for vhost \"{}\" ...", is_traced ? "Starting" : "Stopping", name));
  const auto found = session.api.get(path_of(name));
  if (found && found->status == 404) return fail_no_vhost(name);
  if (auto seen = expect_success(found); !seen) return seen;
  const auto answer = session.api.put(path_of(name), json::object{{"tracing", is_traced}});
  if (auto done = expect_success(answer); !done) return done;
  session.print(fmt::format("Trace {} for vhost {}\n", is_traced ? "enabled" : "disabled", name));
  return {};
}

Outcome<void> trace_on(const Session& session) { return set_tracing(session, true); }
Outcome<void> trace_off(const Session& session) { return set_tracing(session, false); }

constexpr std::array add_vhost_switches{
    Switch{"--description", "", true, "Virtual host description"},
    Switch{"--tags", "", true, "Comma separated list of tags"},
    Switch{"--default-queue-type", "", true,
           "Queue type to use if no type is explicitly provided by the client"},
};

}  // namespace

std::span<const Command> vhost_commands() {
  static constexpr std::string_view group = "Virtual hosts";
  static constexpr Command commands[] = {
      {.verb = "add_vhost",
       .group = group,
       .usage = "add_vhost <vhost> [--description <description> --tags \"<tag1>,<tag2>,<...>\" "
                "--default-queue-type <quorum|classic|stream>]",
       .summary = "Creates a virtual host",
       .arguments_min = 1,
       .arguments_max = 1,
       .run = add_vhost,
       .switches = add_vhost_switches},
      {.verb = "delete_vhost",
       .group = group,
       .usage = "delete_vhost <vhost>",
       .summary = "Deletes a virtual host",
       .arguments_min = 1,
       .arguments_max = 1,
       .run = delete_vhost},
      {.verb = "trace_on",
       .group = group,
       .usage = "trace_on [--vhost <vhost>]",
       .summary = "Shows what is published and delivered to amq.rabbitmq.trace, until the broker "
                  "stops",
       .run = trace_on},
      {.verb = "trace_off",
       .group = group,
       .usage = "trace_off [--vhost <vhost>]",
       .summary = "Ends trace_on",
       .run = trace_off},
  };
  return commands;
}

}  // namespace leveret::ctl
