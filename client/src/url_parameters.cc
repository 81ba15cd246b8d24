// SPDX-License-Identifier: Apache-2.0
#include "client/src/parameter_ranges.h"
#include "client/src/python_literal.h"
#include "client/src/quoted.h"
#include "client/src/ssl_options_table.h"
#include "leveret/connection_parameters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace leveret::client {
namespace {

using std::chrono::milliseconds;

[[noreturn]] void refuse(const std::string& text) { throw std::invalid_argument(text); }

[[noreturn]] void refuse_value(std::string_view key, std::string_view value,
                               std::string_view allowed) {
  refuse(fmt::format("{} is {} in the URL; allowed: {}", key, quoted(value), allowed));
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// Returns what is before the first `end`, and leaves in `text` what is after it.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

/// What is no escape stays as it is.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view digits = text.substr(at + 1, 2);
    unsigned octet = 0;
    const char* const end = digits.data() + digits.size();
    if (text[at] == '%' && digits.size() == 2 &&
        std::from_chars(digits.data(), end, octet, 16).ptr == end) {
      out += static_cast<char>(octet);
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

std::string form_decoded(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return percent_decoded(spaced);
}

/// What of an unknown key may be shown: with `ssl_options{'password'...` the = was forgotten.
std::string name_in(std::string_view key) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  const auto end = std::ranges::find_if_not(key, is_word);
  return std::string(key.begin(), end) + (end == key.end() ? "" : "...");
}

/// As Python's int() and float() take it: perhaps with a sign, and spaces around.
template <class Number>
std::optional<Number> number_in(std::string_view text) {
  constexpr std::string_view spaces = " \t\n\r\f\v";
  text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
  text = text.substr(0, text.find_last_not_of(spaces) + 1);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

/// Reads one URL into parameters that have their defaults.
class UrlReader {
 public:
  explicit UrlReader(ConnectionParameters& parameters) : parameters_(parameters) {}

  void read(std::string_view url);

 private:
  struct Key {
    std::string_view key;
    void (UrlReader::*set)(const std::string& value);
  };
  static const std::array<Key, 17> keys;

  void read_authority(std::string_view authority);
  void read_address(std::string_view address);
  void read_port(std::string_view port);
  void read_query(std::string_view query);

  static std::int64_t whole(const Range& range, std::string_view value);
  static milliseconds time(const Range& range, std::string_view value);
  static std::optional<FieldTable> table(std::string_view key, std::string_view value);

  void set_blocked_connection_timeout(const std::string& value) {
    parameters_.blocked_connection_timeout = time(blocked_connection_timeout_range, value);
  }
  void set_channel_max(const std::string& value) {
    parameters_.channel_max = static_cast<std::uint16_t>(whole(channel_max_range, value));
  }
  void set_client_properties(const std::string& value) {
    parameters_.client_properties = table("client_properties", value);
  }
  void set_connection_attempts(const std::string& value) {
    parameters_.connection_attempts =
        static_cast<std::uint32_t>(whole(connection_attempts_range, value));
  }
  void set_frame_max(const std::string& value) {
    parameters_.frame_max = static_cast<std::uint32_t>(whole(frame_max_range, value));
  }
  void set_heartbeat(const std::string& value) {
    parameters_.heartbeat = whole(heartbeat_range, value);
  }
  void set_locale(const std::string& value) { parameters_.locale = value; }
  void set_retry_delay(const std::string& value) {
    parameters_.retry_delay = time(retry_delay_range, value);
  }
  void set_socket_timeout(const std::string& value) {
    parameters_.socket_timeout = time(socket_timeout_range, value);
  }
  void set_stack_timeout(const std::string& value) {
    parameters_.stack_timeout = time(stack_timeout_range, value);
  }
  void set_ssl_options(const std::string& value);
  void set_tcp_options(const std::string& value);

  // RabbitMQ's.
  SSLOptions& ssl_options_for(std::string_view key);
  void set_cacertfile(const std::string& value) { ssl_options_for("cacertfile").cafile = value; }
  void set_certfile(const std::string& value) { ssl_options_for("certfile").certfile = value; }
  void set_keyfile(const std::string& value) { ssl_options_for("keyfile").keyfile = value; }
  void set_verify(const std::string& value);
  void set_server_name_indication(const std::string& value);

  ConnectionParameters& parameters_;
  bool is_amqps_ = false;
};

constexpr std::array<UrlReader::Key, 17> UrlReader::keys{{
    {"blocked_connection_timeout", &UrlReader::set_blocked_connection_timeout},
    {"channel_max", &UrlReader::set_channel_max},
    {"client_properties", &UrlReader::set_client_properties},
    {"connection_attempts", &UrlReader::set_connection_attempts},
    {"frame_max", &UrlReader::set_frame_max},
    {"heartbeat", &UrlReader::set_heartbeat},
    {"locale", &UrlReader::set_locale},
    {"retry_delay", &UrlReader::set_retry_delay},
    {"socket_timeout", &UrlReader::set_socket_timeout},
    {"ssl_options", &UrlReader::set_ssl_options},
    {"stack_timeout", &UrlReader::set_stack_timeout},
    {"tcp_options", &UrlReader::set_tcp_options},
    {"cacertfile", &UrlReader::set_cacertfile},
    {"certfile", &UrlReader::set_certfile},
    {"keyfile", &UrlReader::set_keyfile},
    {"verify", &UrlReader::set_verify},
    {"server_name_indication", &UrlReader::set_server_name_indication},
}};

void UrlReader::read(std::string_view url) {
  const std::string scheme = lowered(url.substr(0, url.find("://")));
  if (scheme.size() == url.size() || (scheme != "amqp" && scheme != "amqps")) {
    refuse("the URL does not begin with amqp:// or amqps://");
  }
  is_amqps_ = scheme == "amqps";
  if (is_amqps_) parameters_.ssl_options.emplace();
  url.remove_prefix(scheme.size() + std::string_view("://").size());
  const std::string_view after_authority =
      url.substr(std::min(url.find_first_of("/?#"), url.size()));
  try {
    url = take_until(url, '#');
    std::string_view path = take_until(url, '?');
    read_authority(take_until(path, '/'));
    if (!path.empty()) parameters_.virtual_host = percent_decoded(take_until(path, '/'));
    read_query(url);
    parameters_.validate();
  } catch (const std::invalid_argument&) {
    // With amqp://user:pass/word@host, `pass` is a port and `word@host` a virtual host.
    if (after_authority.find('@') == std::string_view::npos) throw;
    refuse(
        "the URL is wrong, and what is wrong may be part of a password, since there is an @ after "
        "the host. In username and password write / as %2F, ? as %3F, # as %23; elsewhere @ as "
        "%40, to be told more");
  }
}

void UrlReader::read_authority(std::string_view authority) {
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    std::string_view user = authority.substr(0, at);
    if (user.find(':') == std::string_view::npos) refuse("the URL has a username and no password");
    PlainCredentials plain;
    plain.username = percent_decoded(take_until(user, ':'));
    plain.password = percent_decoded(user);
    parameters_.credentials = std::move(plain);
    authority.remove_prefix(at + 1);
  }
  std::string_view port = authority;
  if (authority.starts_with('[')) {
    port.remove_prefix(1);
    const std::string_view address = take_until(port, ']');
    const bool is_closed = authority.size() > address.size() + 1;
    if (!is_closed || (!port.empty() && !port.starts_with(':'))) {
      refuse("the URL has an unbalanced [ in its host");
    }
    read_address(address);
    if (!port.empty()) port.remove_prefix(1);
  } else {
    const std::string_view host = take_until(port, ':');
    if (host.find_first_of("[]") != std::string_view::npos) {
      refuse("the URL has a [ or ] within its host");
    }
    if (!host.empty()) parameters_.host = lowered(host);
  }
  read_port(port);
}

void UrlReader::read_address(std::string_view address) {
  std::string_view zone = address;
  const std::string_view number = take_until(zone, '%');
  if (number.find(':') == std::string_view::npos ||
      number.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) {
    refuse("the URL has no IPv6 address in the [] of its host");
  }
  parameters_.host = lowered(number);
  if (zone.starts_with("25")) zone.remove_prefix(2);  // RFC 6874: the % of a zone is escaped.
  if (!zone.empty()) parameters_.host += fmt::format("%{}", zone);
}

void UrlReader::read_port(std::string_view port) {
  parameters_.port = is_amqps_ ? 5671 : 5672;  // Also with amqp:// and ssl_options, as in pika.
  if (port.empty()) return;
  const auto number = number_in<std::uint32_t>(port);
  if (!number || *number < port_range.min || *number > port_range.max ||
      port.find_first_not_of("0123456789") != std::string_view::npos) {
    // With amqp://user:password, it is the password.
    refuse("the URL has a wrong port, not shown here; allowed: 1..65535");
  }
  parameters_.port = static_cast<std::uint16_t>(*number);
}

void UrlReader::read_query(std::string_view query) {
  std::map<std::string, std::string, std::less<>> given;
  while (!query.empty()) {
    std::string_view pair = take_until(query, '&');
    if (pair.empty()) continue;
    const std::string name = form_decoded(take_until(pair, '='));
    const auto key = std::ranges::find(keys, name, &Key::key);
    if (key == keys.end()) {
      refuse(fmt::format("the URL has the unknown key {}; known: {}", quoted(name_in(name)),
                         names_of(keys)));
    }
    if (pair.empty()) continue;
    const auto [first, is_first] = given.try_emplace(name, form_decoded(pair));
    if (!is_first) {
      refuse(name == "ssl_options"
                 ? "the URL has the key ssl_options twice"
                 : fmt::format("the URL has the key {} twice: {}, {}", name, quoted(first->second),
                               quoted(form_decoded(pair))));
    }
    (this->*key->set)(first->second);
  }
  if (!given.contains("ssl_options")) return;
  for (const std::string_view other :
       {"cacertfile", "certfile", "keyfile", "verify", "server_name_indication"}) {
    if (!given.contains(other)) continue;
    refuse(fmt::format("the URL has both ssl_options and {}; allowed: one of them", other));
  }
}

std::int64_t UrlReader::whole(const Range& range, std::string_view value) {
  const auto number = number_in<std::int64_t>(value);
  if (!number)
    refuse_value(range.field, value, fmt::format("whole numbers {}..{}", range.min, range.max));
  check(range, *number);
  return *number;
}

milliseconds UrlReader::time(const Range& range, std::string_view value) {
  const auto seconds = number_in<double>(value);
  // Within what a number of milliseconds can hold.
  if (!seconds || !std::isfinite(*seconds) || std::abs(*seconds) > 1e12) {
    refuse_value(range.field, value, "seconds, such as 2 or 0.25");
  }
  const milliseconds time(std::llround(*seconds * 1000));
  check(range, time.count());
  return time;
}

std::optional<FieldTable> UrlReader::table(std::string_view key, std::string_view value) {
  const auto literal = parse_python_literal(value);
  if (!literal) refuse(fmt::format("{} in the URL: {}", key, literal.error()));
  if (literal->get_if<Void>() != nullptr) return std::nullopt;
  if (literal->as_table() == nullptr) {
    refuse(fmt::format("{} in the URL is neither a {{...}} nor None", key));
  }
  return *literal->as_table();
}

void UrlReader::set_tcp_options(const std::string& value) {
  const auto options = table("tcp_options", value);
  if (!options) return;
  for (const auto& [name, number] : *options) {
    const auto row = std::ranges::find(tcp_option_table, name, &TcpOption::key);
    if (row == tcp_option_table.end()) {
      refuse(fmt::format("tcp_options has the unknown key {} in the URL; known: {}", quoted(name),
                         names_of(tcp_option_table)));
    }
    if (!number.as_integer()) {
      refuse(fmt::format("tcp_options has the {} {} in the URL; allowed: whole numbers", name,
                         number.to_text()));
    }
    check(row->range, *number.as_integer());
    parameters_.tcp_options.*row->member = static_cast<int>(*number.as_integer());
  }
}

void UrlReader::set_ssl_options(const std::string& value) {
  const auto options = table("ssl_options", value);
  if (!options && is_amqps_) refuse("ssl_options is None in the URL; allowed: that with amqp://");
  if (options) parameters_.ssl_options = ssl_options_in(*options);
}

SSLOptions& UrlReader::ssl_options_for(std::string_view key) {
  if (!is_amqps_) refuse(fmt::format("the URL has the key {}; allowed: that with amqps://", key));
  return *parameters_.ssl_options;
}

void UrlReader::set_verify(const std::string& value) {
  if (value != "verify_peer" && value != "verify_none") {
    refuse_value("verify", value, "verify_peer, verify_none");
  }
  ssl_options_for("verify").verify_mode =
      value == "verify_peer" ? VerifyMode::peer : VerifyMode::none;
}

void UrlReader::set_server_name_indication(const std::string& value) {
  SSLOptions& options = ssl_options_for("server_name_indication");
  if (value == "disable") {  // Erlang's word, which also says that any name will do.
    options.check_hostname = false;
  } else {
    options.server_hostname = value;
  }
}

}  // namespace
}  // namespace leveret::client

namespace leveret {

URLParameters::URLParameters(std::string_view url) {
  std::string clean(url);
  std::erase_if(clean, [](char c) { return c == '\t' || c == '\r' || c == '\n'; });
  client::UrlReader(*this).read(clean);
}

}  // namespace leveret
