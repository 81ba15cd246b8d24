// SPDX-License-Identifier: Apache-2.0
//
// Invocation: the command line, read. Options may stand before or after the verb; what is none of
// the general options and none of the verb's own is an error, as with rabbitmqctl.
//
// Thread: a value.

#pragma once

#include "ctl/exit_code.h"
#include "ctl/http_client.h"

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leveret::ctl {

/// An option of one verb.
struct Switch {
  std::string_view name;         ///< "--if-empty"
  std::string_view letter = {};  ///< "-e"; empty: none.
  bool has_value = false;
  std::string_view help = {};
  bool is_integer = false;  ///< The value is a whole number.
};

enum class Format { table, json, csv, pretty_table };

struct Invocation {
  std::vector<std::string> given;  ///< As typed, for messages.
  std::string verb;
  std::vector<std::string> arguments;                        ///< Behind the verb, without options.
  std::map<std::string, std::string, std::less<>> switches;  ///< The verb's own, by name.

  bool is_quiet = false;   ///< No banner.
  bool is_silent = false;  ///< And no table header.
  bool has_table_headers = true;
  bool wants_help = false;
  std::string node;
  std::string vhost = "/";
  std::optional<std::chrono::seconds> timeout;
  Format format = Format::table;
  Target target;

  [[nodiscard]] bool has_switch(std::string_view name) const { return switches.contains(name); }
  [[nodiscard]] std::string switch_or(std::string_view name, std::string_view otherwise) const;
  /// The banner is for people who read a terminal.
  [[nodiscard]] bool shows_banner() const {
    return !is_quiet && !is_silent && format != Format::json && format != Format::csv;
  }
  [[nodiscard]] bool shows_headers() const { return has_table_headers && !is_silent; }
};

/// What is wrong with the options: each as "--name : value".
struct InvalidOptions {
  std::vector<std::string> options;
};

/// The verb, which decides what the options mean: the first argument that is neither an option nor
/// a general option's value. Empty: there is none.
[[nodiscard]] std::string find_verb(std::span<const std::string> given);

/// `environment_data_dir`: LEVERET_DATA_DIR, or empty.
[[nodiscard]] std::expected<Invocation, InvalidOptions> read_invocation(
    std::vector<std::string> given, std::span<const Switch> switches,
    std::string_view environment_data_dir);

}  // namespace leveret::ctl
