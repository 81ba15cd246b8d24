// SPDX-License-Identifier: Apache-2.0
#include "ctl/invocation.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace leveret::ctl {
namespace {

constexpr std::array general_switches{
    Switch{"--node", "-n", true},
    Switch{"--vhost", "-p", true},
    Switch{"--timeout", "-t", true},
    Switch{"--formatter", "", true},
    Switch{"--data-dir", "", true},
    Switch{"--socket", "", true},
    Switch{"--host", "", true},
    Switch{"--port", "", true},
    Switch{"--user", "", true},
    Switch{"--password", "", true},
    Switch{"--quiet", "-q"},
    Switch{"--silent", "-s"},
    Switch{"--no-table-headers", ""},
    Switch{"--help", "-?"},
    // Erlang's, of no consequence where there is no Erlang; scripts pass it.
    Switch{"--longnames", "-l"},
};

const Switch* find_switch(std::span<const Switch> switches, std::string_view name) {
  const auto found = std::ranges::find_if(switches, [&](const Switch& one) {
    return one.name == name || (!one.letter.empty() && one.letter == name);
  });
  return found == switches.end() ? nullptr : &*found;
}

/// A lone "-" and negative numbers are no options.
bool is_option(std::string_view text) {
  return text.size() > 1 && text[0] == '-' && !(text[1] >= '0' && text[1] <= '9');
}

bool is_integer(std::string_view text) {
  if (text.starts_with('+')) return text.size() > 1 && text[1] != '-' && is_integer(text.substr(1));
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<Format> parse_format(std::string_view name) {
  if (name == "table") return Format::table;
  if (name == "json") return Format::json;
  if (name == "csv") return Format::csv;
  if (name == "pretty_table") return Format::pretty_table;
  return std::nullopt;
}

/// False: the value makes no sense.
bool apply_general(Invocation& invocation, std::string_view name, const std::string& value) {
  Target& target = invocation.target;
  if (name == "--quiet") {
    invocation.is_quiet = true;
  } else if (name == "--silent") {
    invocation.is_silent = true;
  } else if (name == "--no-table-headers") {
    invocation.has_table_headers = false;
  } else if (name == "--help") {
    invocation.wants_help = true;
  } else if (name == "--node") {
    invocation.node = value;
  } else if (name == "--vhost") {
    invocation.vhost = value;
  } else if (name == "--timeout") {
    unsigned seconds = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (read.ec != std::errc() || read.ptr != value.data() + value.size()) return false;
    invocation.timeout = std::chrono::seconds(seconds);
  } else if (name == "--formatter") {
    const auto format = parse_format(value);
    if (!format) return false;
    invocation.format = *format;
  } else if (name == "--data-dir") {
    target.socket = value + "/leveret.sock";
  } else if (name == "--socket") {
    target.socket = value;
  } else if (name == "--host") {
    target.host = value;
  } else if (name == "--port") {
    target.port = value;
  } else if (name == "--user") {
    target.user = value;
  } else if (name == "--password") {
    target.password = value;
  }
  return true;
}

bool names_tcp(std::string_view name) {
  return name == "--host" || name == "--port" || name == "--user" || name == "--password";
}

}  // namespace

std::string Invocation::switch_or(std::string_view name, std::string_view otherwise) const {
  const auto found = switches.find(name);
  return found == switches.end() ? std::string(otherwise) : found->second;
}

std::string find_verb(std::span<const std::string> given) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!is_option(given[i])) return given[i];
    const Switch* general = find_switch(general_switches, given[i]);
    if (general != nullptr && general->has_value) ++i;
  }
  return {};
}

std::expected<Invocation, InvalidOptions> read_invocation(std::vector<std::string> given,
                                                          std::span<const Switch> switches,
                                                          std::string_view environment_data_dir) {
  Invocation invocation;
  InvalidOptions invalid;
  bool is_socket_named = false;
  bool is_tcp_named = false;
  bool are_options_over = false;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string& word = given[i];
    if (word == "--" && !are_options_over) {
      are_options_over = true;
      continue;
    }
    if (are_options_over || !is_option(word)) {
      if (invocation.verb.empty()) {
        invocation.verb = word;
      } else {
        invocation.arguments.push_back(word);
      }
      continue;
    }
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string name = word.substr(0, equals);
    const Switch* own = find_switch(switches, name);
    const Switch* found = own != nullptr ? own : find_switch(general_switches, name);
    if (found == nullptr || (equals != std::string::npos && !found->has_value)) {
      invalid.options.push_back(name + " : ");
      continue;
    }
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (found->has_value) {
      if (i + 1 == given.size()) {
        invalid.options.push_back(name + " : ");
        continue;
      }
      value = given[++i];
    }
    if (own != nullptr) {
      if (own->is_integer && !is_integer(value)) invalid.options.push_back(name + " : " + value);
      invocation.switches[std::string(own->name)] = value;
      continue;
    }
    is_socket_named |= found->name == "--socket" || found->name == "--data-dir";
    is_tcp_named |= names_tcp(found->name);
    if (!apply_general(invocation, found->name, value)) {
      invalid.options.push_back(name + " : " + value);
    }
  }
  if (!invalid.options.empty()) return std::unexpected(std::move(invalid));
  if (is_socket_named && is_tcp_named) {
    return std::unexpected(InvalidOptions{{"--host : a socket and an address cannot go together"}});
  }
  if (!is_socket_named && !is_tcp_named && !environment_data_dir.empty()) {
    invocation.target.socket = std::string(environment_data_dir) + "/leveret.sock";
  }
  invocation.given = std::move(given);
  return invocation;
}

}  // namespace leveret::ctl
