// SPDX-License-Identifier: Apache-2.0
//
// From the command line to the verb, and from what became of it to the exit code.
#include "ctl/command.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

namespace leveret::ctl {
namespace {

int exit_with(ExitCode code) { return static_cast<int>(code); }

void complain(std::string_view text) {
  std::fflush(stdout);
  fmt::print(stderr, "{}\n", text);
}

/// How alike two words are: the least number of letters to change, add or drop.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

int refuse_verb(const std::string& verb) {
  if (verb.empty()) {
    complain(help_text());
    return exit_with(ExitCode::usage);
  }
  const Command* nearest = nullptr;
  std::size_t nearest_distance = 3;  // Two letters wrong are a slip, three another word.
  for (const Command* command : all_commands()) {
    const std::size_t apart = distance(verb, command->verb);
    if (apart < nearest_distance) {
      nearest = command;
      nearest_distance = apart;
    }
  }
  if (nearest != nullptr) {
    complain(fmt::format("\nCommand '{}' not found. \nDid you mean '{}'? \n", verb, nearest->verb));
  } else {
    complain(fmt::format("\nCommand '{}' not found. \n{}", verb, help_text()));
  }
  return exit_with(ExitCode::usage);
}

int refuse_arguments(const Command& command, const std::vector<std::string>& given,
                     std::string_view why, ExitCode code = ExitCode::usage) {
  complain(fmt::format("Error (argument validation): {}\nArguments given:\n\t{}\n\n{}\n\n{}", why,
                       fmt::join(given, " "), bold("Usage"), usage_text(command)));
  return exit_with(code);
}

int report(const Command& command, const Invocation& invocation, const Failure& failure) {
  const std::string node = invocation.node.empty() ? "leveret" : invocation.node;
  if (failure.code == ExitCode::timeout) {
    complain(fmt::format(
        "Error: operation {} on node {} timed out. Timeout value used: {}", command.verb, node,
        std::chrono::milliseconds(invocation.timeout.value_or(std::chrono::seconds(60))).count()));
  } else if (failure.code == ExitCode::unavailable && !failure.is_under_title) {
    complain(fmt::format(
        "Error: unable to perform an operation on node '{}'. Please see diagnostics information "
        "and suggestions below.\n\n"
        "Most common reasons for this are:\n\n"
        " * The broker is not running\n"
        " * Its data directory is another one: see --data-dir, LEVERET_DATA_DIR\n"
        " * This user may not use its socket: only root and the broker's own user may\n\n"
        "DIAGNOSTICS\n===========\n\n"
        "attempted to contact: {}\n  * {}\n",
        node, invocation.target.text(), failure.text));
  } else {
    complain(failure.is_under_title ? "Error:\n" + failure.text : failure.text);
  }
  return exit_with(failure.code);
}

}  // namespace

int run(const std::vector<std::string>& given, std::string_view environment_data_dir) {
  const std::string verb = find_verb(given);
  const Command* command = find_command(verb);
  if (command == nullptr) {
    const bool wants_help = std::ranges::any_of(
        given, [](const std::string& word) { return word == "--help" || word == "-?"; });
    if (!verb.empty() || !wants_help) return refuse_verb(verb);
    fmt::print("{}\n", help_text());
    return exit_with(ExitCode::ok);
  }
  const auto invocation = read_invocation(given, command->switches, environment_data_dir);
  if (!invocation) {
    return refuse_arguments(*command, given,
                            fmt::format("Invalid options for this command:\n{}",
                                        fmt::join(invocation.error().options, "\n")));
  }
  if (invocation->wants_help) {
    fmt::print("{}\n", help_text(*command));
    return exit_with(ExitCode::ok);
  }
  const std::size_t count = invocation->arguments.size();
  if (count < command->arguments_min) {
    return refuse_arguments(*command, given, "not enough arguments.");
  }
  if (count > command->arguments_max && command->columns.empty()) {
    return refuse_arguments(*command, given, "too many arguments.");
  }
  if (command->check != nullptr) {
    const auto checked = command->check(invocation->arguments);
    if (!checked) {
      return refuse_arguments(*command, given, checked.error().text, checked.error().code);
    }
  }
  if (!command->columns.empty()) {
    const auto columns = asked_columns(*command, invocation->arguments, {});
    if (!columns) return refuse_arguments(*command, given, columns.error().text);
  }

  const bool has_socket_or_address =
      !invocation->target.socket.empty() || std::ranges::any_of(given, [](const std::string& word) {
        return word.starts_with("--host") || word.starts_with("--port");
      });
  if (command->needs_broker && !has_socket_or_address) {
    return refuse_arguments(*command, given,
                            "which broker? Give --data-dir, --socket, --host or --port, or set "
                            "LEVERET_DATA_DIR.");
  }
  const HttpClient api(invocation->target, invocation->timeout);
  const auto outcome = command->run({*invocation, api});
  if (!outcome) return report(*command, *invocation, outcome.error());
  return std::fflush(stdout) == 0 ? exit_with(ExitCode::ok) : exit_with(ExitCode::software);
}

}  // namespace leveret::ctl
