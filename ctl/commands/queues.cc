// SPDX-License-Identifier: Apache-2.0
//
// delete_queue, purge_queue.
#include "ctl/command.h"

#include <array>

#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

std::string_view condition_text(bool if_empty, bool if_unused) {
  if (if_empty && if_unused) return " if queue is empty and unused";
  if (if_empty) return " if queue is empty";
  return if_unused ? " if queue is unused" : "";
}

Outcome<void> delete_queue(const Session& session) {
  const Invocation& asked = session.invocation;
  const std::string& name = asked.arguments[0];
  const bool if_empty = asked.has_switch("--if-empty");
  const bool if_unused = asked.has_switch("--if-unused");
  session.banner(fmt::format("Deleting queue '{}' on vhost '{}'{} ...", name, asked.vhost,
                             condition_text(if_empty, if_unused)));
  const auto answer =
      session.api.post("/api/leveret/delete_queue", json::object{{"vhost", asked.vhost},
                                                                 {"name", name},
                                                                 {"if_empty", if_empty},
                                                                 {"if_unused", if_unused}});
  if (!answer) return std::unexpected(answer.error());
  if (answer->error() == "no_such_queue") return fail_titled(ExitCode::usage, "Queue not found");
  if (answer->error() == "in_use") return fail_titled(ExitCode::usage, "Queue is in use");
  if (answer->error() == "not_empty") return fail_titled(ExitCode::usage, "Queue is not empty");
  if (!answer->is_success()) return fail_with(*answer);
  const json::value* messages = answer->body.as_object().if_contains("messages");
  session.print(fmt::format("Queue was successfully deleted with {} ready messages\n",
                            messages == nullptr ? 0 : messages->to_number<std::int64_t>()));
  return {};
}

Outcome<void> purge_queue(const Session& session) {
  const std::string& name = session.invocation.arguments[0];
  const std::string& vhost = session.invocation.vhost;
  session.banner(fmt::format("Purging queue '{}' in vhost '{}' ...", name, vhost));
  const auto answer = session.api.del(
      fmt::format("/api/queues/{}/{}/contents", encode_percent(vhost), encode_percent(name)));
  if (!answer) return std::unexpected(answer.error());
  if (answer->status == 404) return fail_titled(ExitCode::unavailable, "not_found");
  if (!answer->is_success()) return fail_with(*answer);
  return {};
}

constexpr std::array delete_queue_switches{
    Switch{"--if-empty", "-e", false,
           "delete the queue if it is empty (has no messages ready for delivery)"},
    Switch{"--if-unused", "-u", false, "delete the queue only if it has no consumers"},
};

}  // namespace

std::span<const Command> queue_commands() {
  static constexpr std::string_view group = "Queues";
  static constexpr Command commands[] = {
      {.verb = "delete_queue",
       .group = group,
       .usage = "delete_queue [--vhost <vhost>] <queue_name> [--if-empty|-e] [--if-unused|-u] "
                "[--timeout <timeout>]",
       .summary = "Deletes a queue",
       .arguments_min = 1,
       .arguments_max = 1,
       .run = delete_queue,
       .switches = delete_queue_switches},
      {.verb = "purge_queue",
       .group = group,
       .usage = "purge_queue <queue> [--timeout <timeout>]",
       .summary = "Purges a queue (removes all messages in it)",
       .arguments_min = 1,
       .arguments_max = 1,
       .run = purge_queue},
  };
  return commands;
}

}  // namespace leveret::ctl
