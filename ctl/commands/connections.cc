// SPDX-License-Identifier: Apache-2.0
//
// close_connection.
#include "ctl/command.h"

#include <algorithm>

#include <fmt/format.h>

namespace leveret::ctl {
namespace {

/// "<node.1.2.3>"
bool is_pid(std::string_view text) {
  return text.size() > 2 && text.front() == '<' && text.back() == '>' &&
         std::ranges::count(text, '.') >= 3;
}

Outcome<void> close_connection(const Session& session) {
  const std::string& pid = session.invocation.arguments[0];
  const std::string& explanation = session.invocation.arguments[1];
  session.banner(fmt::format("Closing connection {}, reason: {}...", pid, explanation));
  if (!is_pid(pid)) {
    return fail_titled(ExitCode::unavailable,
                       fmt::format("Error:\n{{:invalid_pid_syntax, \"{}\"}}", pid));
  }
  const auto rows = get_rows(session.api, "/api/connections");
  if (!rows) return std::unexpected(rows.error());
  for (const boost::json::value& row : *rows) {
    if (cell_text(cell(row.as_object(), "pid"), CellKind::plain) != pid) continue;
    const std::string name = cell_text(cell(row.as_object(), "name"), CellKind::plain);
    const auto answer = session.api.del("/api/connections/" + encode_percent(name), explanation);
    if (!answer) return std::unexpected(answer.error());
    // It may have gone meanwhile, which is what was wanted.
    if (!answer->is_success() && answer->status != 404) return fail_with(*answer);
    return {};
  }
  return {};  // As rabbitmqctl: a connection that is not there is closed.
}

}  // namespace

std::span<const Command> connection_commands() {
  static constexpr Command commands[] = {
      {"close_connection", "Operations", "close_connection <connection pid> <explanation>",
       "Instructs the broker to close the connection with this pid (see list_connections)", 2, 2,
       close_connection},
  };
  return commands;
}

}  // namespace leveret::ctl
