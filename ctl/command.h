// SPDX-License-Identifier: Apache-2.0
//
// Command: one verb. All of them are in commands/, one file a group.
//
// Thread: one.

#pragma once

#include "ctl/exit_code.h"
#include "ctl/http_client.h"
#include "ctl/invocation.h"
#include "ctl/output.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leveret::ctl {

/// What a verb has while it runs.
struct Session {
  const Invocation& invocation;
  const HttpClient& api;

  /// A line above the result, for people.
  void banner(std::string_view line) const;
  void print(std::string_view text) const;
};

struct Command {
  std::string_view verb;
  std::string_view group;  ///< The heading in the list of all.
  std::string_view usage;  ///< Behind the general options: "add_vhost <vhost>".
  std::string_view summary;
  std::size_t arguments_min = 0;
  std::size_t arguments_max = 0;
  Outcome<void> (*run)(const Session& session) = nullptr;
  std::span<const Switch> switches = {};
  /// Of the listings: what may be asked for instead of arguments. The number of arguments is then
  /// not limited.
  std::span<const Column> columns = {};
  bool needs_broker = true;
  /// What else may be wrong with the arguments, when they are as many as they may be.
  Outcome<void> (*check)(const std::vector<std::string>& arguments) = nullptr;
};

[[nodiscard]] std::span<const Command> vhost_commands();
[[nodiscard]] std::span<const Command> user_commands();
[[nodiscard]] std::span<const Command> permission_commands();
[[nodiscard]] std::span<const Command> policy_commands();
[[nodiscard]] std::span<const Command> listing_commands();
[[nodiscard]] std::span<const Command> queue_commands();
[[nodiscard]] std::span<const Command> delayed_commands();
[[nodiscard]] std::span<const Command> connection_commands();
[[nodiscard]] std::span<const Command> node_commands();
[[nodiscard]] std::span<const Command> limit_commands();
[[nodiscard]] std::span<const Command> use_limit_commands();
[[nodiscard]] std::span<const Command> journal_commands();
[[nodiscard]] std::span<const Command> help_commands();

[[nodiscard]] std::vector<const Command*> all_commands();
/// Null: there is none.
[[nodiscard]] const Command* find_command(std::string_view verb);

/// "leveretctl [--node <node>] [--longnames] [--quiet] list_users ..."
[[nodiscard]] std::string usage_text(const Command& command);
/// What `help` says of one verb, and of all.
[[nodiscard]] std::string help_text(const Command& command);
[[nodiscard]] std::string help_text();

/// The columns asked for, in order; the defaults when none is.
/// Errors: usage, with the names that are no columns.
[[nodiscard]] Outcome<std::vector<Column>> asked_columns(
    const Command& command, const std::vector<std::string>& names,
    std::span<const std::string_view> otherwise);

/// The rows of a list, or why there are none.
[[nodiscard]] Outcome<boost::json::array> get_rows(const HttpClient& api, std::string_view path);

/// The one object that the path names, or why there is none.
[[nodiscard]] Outcome<boost::json::object> get_object(const HttpClient& api, std::string_view path);

/// The node's own name; "leveret" when it cannot be asked.
[[nodiscard]] std::string node_name(const Session& session);

/// Nothing, or why the request was not carried out.
[[nodiscard]] Outcome<void> expect_success(const Outcome<HttpAnswer>& answer);
/// What most verbs say of a missing vhost.
[[nodiscard]] std::unexpected<Failure> fail_no_vhost(const std::string& vhost);
/// What some of rabbitmqctl's verbs say of a missing user, and not what the others say.
[[nodiscard]] std::unexpected<Failure> fail_no_such_user_term(const std::string& user);

/// A refusal for which no verb has better words.
[[nodiscard]] std::unexpected<Failure> fail_with(const HttpAnswer& answer);

/// The whole program: returns its exit code.
[[nodiscard]] int run(const std::vector<std::string>& given, std::string_view environment_data_dir);

}  // namespace leveret::ctl
