// SPDX-License-Identifier: Apache-2.0
//
// list_delayed_messages, cancel_delayed_message.
#include "ctl/command.h"

#include <array>
#include <chrono>
#include <ctime>
#include <string>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

/// The API's most at once.
constexpr std::size_t page_messages = 1000;

std::string path_of(const Session& session) {
  return fmt::format("/api/leveret/delayed/{}/{}", encode_percent(session.invocation.vhost),
                     encode_percent(session.invocation.arguments[0]));
}

std::unexpected<Failure> fail_no_exchange(const Session& session) {
  return fail_titled(ExitCode::unavailable,
                     fmt::format("There is no exchange '{}' in vhost '{}' that holds messages back",
                                 session.invocation.arguments[0], session.invocation.vhost));
}

/// As far as seconds; a column sorts as its times do.
void write_out_time(json::object& row) {
  const auto due_ms = row.at("due_at").to_number<std::uint64_t>();
  row["due_at"] =
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(due_ms / 1000)));
}

Outcome<void> list_delayed_messages(const Session& session) {
  session.banner(fmt::format("Listing delayed messages of exchange '{}' in vhost '{}' ...",
                             session.invocation.arguments[0], session.invocation.vhost));
  json::array rows;
  std::string after = "0";
  for (bool has_more = true; has_more;) {
    const auto answer = session.api.get(
        fmt::format("{}?count={}&after={}", path_of(session), page_messages, after));
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == 404) return fail_no_exchange(session);
    if (!answer->is_success() || !answer->body.is_array()) return fail_with(*answer);
    const json::array& page = answer->body.as_array();
    for (const json::value& row : page) {
      rows.push_back(row);
      write_out_time(rows.back().as_object());
    }
    has_more = !page.empty();
    if (has_more) after = page.back().at("id").as_string();
  }
  session.print(format_rows(rows,
                            {{"id", "id"},
                             {"due_at", "due_at"},
                             {"routing_key", "routing_key"},
                             {"payload_bytes", "payload_bytes"}},
                            session.invocation, true));
  return {};
}

Outcome<void> cancel_delayed_message(const Session& session) {
  const std::string& id = session.invocation.arguments[1];
  session.banner(fmt::format("Cancelling delayed message {} of exchange '{}' in vhost '{}' ...", id,
                             session.invocation.arguments[0], session.invocation.vhost));
  const auto answer = session.api.del(path_of(session) + "/" + encode_percent(id));
  if (answer && answer->status == 404) {
    return fail_titled(ExitCode::unavailable,
                       "There is no such delayed message: it may have been sent on");
  }
  return expect_success(answer);
}

}  // namespace

std::span<const Command> delayed_commands() {
  static constexpr std::string_view group = "Delayed messages";
  static constexpr Command commands[] = {
      {.verb = "cancel_delayed_message",
       .group = group,
       .usage = "cancel_delayed_message [--vhost <vhost>] <exchange> <id>",
       .summary = "Drops a message that an exchange holds back, before it is due",
       .arguments_min = 2,
       .arguments_max = 2,
       .run = cancel_delayed_message},
      {.verb = "list_delayed_messages",
       .group = group,
       .usage = "list_delayed_messages [--vhost <vhost>] <exchange>",
       .summary = "Lists the messages that an exchange holds back, the one that is due first above",
       .arguments_min = 1,
       .arguments_max = 1,
       .run = list_delayed_messages},
  };
  return commands;
}

}  // namespace leveret::ctl
