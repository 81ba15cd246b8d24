// SPDX-License-Identifier: Apache-2.0
//
// set_vm_memory_high_watermark, set_disk_free_limit. The words of a refusal are rabbitmqctl's,
// which looks at the value itself, and differently for the two.
#include "ctl/command.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

constexpr std::string_view bad_argument = "Bad argument.";

/// A number as Erlang reads it, and nothing behind it: "0.5" and "1", not ".5" or "1.".
std::optional<double> read_number(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end == text.data() + text.size() &&
                         !digits.starts_with('.') && !text.ends_with('.');
  return is_number ? std::optional(number) : std::nullopt;
}

/// "1GB" -> "GB". None: it does not begin with a whole number.
std::optional<std::string_view> unit_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return text.substr(static_cast<std::size_t>(end - text.data()));
}

bool is_unit(std::string_view unit) {
  constexpr std::array<std::string_view, 10> units{"",  "k",   "kiB", "M",  "MiB",
                                                   "G", "GiB", "kB",  "MB", "GB"};
  return std::ranges::find(units, unit) != units.end();
}

std::unexpected<Failure> refuse(std::string_view why) {
  return fail(ExitCode::data, std::string(why));
}

/// One value, or the word and a value.
Outcome<void> check_count(const std::vector<std::string>& arguments, std::string_view word) {
  const bool has_word = arguments[0] == word;
  if (has_word && arguments.size() < 2) return fail(ExitCode::usage, "not enough arguments.");
  if (!has_word && arguments.size() > 1) return fail(ExitCode::usage, "too many arguments.");
  return {};
}

Outcome<void> check_memory(const std::vector<std::string>& arguments) {
  if (auto counted = check_count(arguments, "absolute"); !counted) return counted;
  if (arguments.size() == 1) {
    const auto fraction = read_number(arguments[0]);
    if (!fraction) return refuse(bad_argument);
    if (*fraction < 0 || *fraction > 1) {
      return refuse("Bad argument: The threshold should be a fraction between 0.0 and 1.0");
    }
    return {};
  }
  const auto unit = unit_of(arguments[1]);
  if (!unit || arguments[1].starts_with('-')) return refuse(bad_argument);
  if (is_unit(*unit)) return {};
  return refuse(read_number(arguments[1]) || unit->starts_with('.')
                    ? "Bad argument: The threshold should be an integer."
                    : "Bad argument: Invalid units.");
}

Outcome<void> check_disk(const std::vector<std::string>& arguments) {
  if (auto counted = check_count(arguments, "mem_relative"); !counted) return counted;
  if (arguments.size() == 2) {
    const auto fraction = read_number(arguments[1]);
    if (!fraction || *fraction < 0) return refuse(bad_argument);
    return {};
  }
  const auto unit = unit_of(arguments[0]);
  if (!unit || !is_unit(*unit)) return refuse(bad_argument);
  return {};
}

Outcome<void> post_limit(const Session& session, std::string_view path, const json::object& limit) {
  const auto answer = session.api.post(path, limit);
  if (!answer) return std::unexpected(answer.error());
  if (!answer->is_success()) return fail_with(*answer);
  return {};
}

Outcome<void> set_memory(const Session& session) {
  const std::vector<std::string>& given = session.invocation.arguments;
  const bool is_absolute = given.size() == 2;
  if (session.invocation.shows_banner()) {
    session.banner(fmt::format("Setting memory threshold on {} to {}{} ...", node_name(session),
                               given.back(), is_absolute ? " bytes" : ""));
  }
  return post_limit(session, "/api/leveret/set_vm_memory_high_watermark",
                    is_absolute ? json::object{{"absolute", given[1]}}
                                : json::object{{"relative", *read_number(given[0])}});
}

Outcome<void> set_disk(const Session& session) {
  const std::vector<std::string>& given = session.invocation.arguments;
  const bool is_relative = given.size() == 2;
  if (session.invocation.shows_banner()) {
    session.banner(fmt::format("Setting disk free limit on {} to {} {} ...", node_name(session),
                               given.back(), is_relative ? "times the total RAM" : "bytes"));
  }
  if (is_relative) {
    return post_limit(session, "/api/leveret/set_disk_free_limit",
                      {{"mem_relative", *read_number(given[1])}});
  }
  // Less than nothing is never reached, as nothing is not.
  const std::string_view bytes = given[0].starts_with('-') ? "0" : std::string_view(given[0]);
  return post_limit(session, "/api/leveret/set_disk_free_limit", {{"absolute", bytes}});
}

}  // namespace

std::span<const Command> limit_commands() {
  static constexpr Command commands[] = {
      {.verb = "set_disk_free_limit",
       .group = "Configuration and Environment",
       .usage = "set_disk_free_limit <disk_limit> | mem_relative <fraction>",
       .summary = "Sets the disk_free_limit setting",
       .arguments_min = 1,
       .arguments_max = 2,
       .run = set_disk,
       .check = check_disk},
      {.verb = "set_vm_memory_high_watermark",
       .group = "Configuration and Environment",
       .usage = "set_vm_memory_high_watermark <fraction> | absolute <value>",
       .summary = "Sets the vm_memory_high_watermark setting",
       .arguments_min = 1,
       .arguments_max = 2,
       .run = set_memory,
       .check = check_memory},
  };
  return commands;
}

}  // namespace leveret::ctl
