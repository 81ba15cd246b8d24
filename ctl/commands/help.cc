// SPDX-License-Identifier: Apache-2.0
//
// help, version: what needs no broker.
#include "ctl/command.h"

#include <fmt/format.h>

namespace leveret::ctl {
namespace {

Outcome<void> help(const Session& session) {
  const auto& arguments = session.invocation.arguments;
  if (arguments.empty()) {
    session.print(help_text() + "\n");
    return {};
  }
  const Command* command = find_command(arguments[0]);
  if (command == nullptr) {
    return fail_titled(ExitCode::usage, fmt::format("\nCommand '{}' not found.", arguments[0]));
  }
  session.print(help_text(*command) + "\n");
  return {};
}

Outcome<void> version(const Session& session) {
  session.print(LEVERET_VERSION "\n");
  return {};
}

}  // namespace

std::span<const Command> help_commands() {
  static constexpr std::string_view group = "Help";
  static constexpr Command commands[] = {
      {.verb = "help",
       .group = group,
       .usage = "help [<command>]",
       .summary = "Displays usage information for a command",
       .arguments_max = 1,
       .run = help,
       .needs_broker = false},
      {.verb = "version",
       .group = group,
       .usage = "version",
       .summary = "Displays CLI tools version",
       .run = version,
       .needs_broker = false},
  };
  return commands;
}

}  // namespace leveret::ctl
