// SPDX-License-Identifier: Apache-2.0
#include "leveret/connection_parameters.h"

#include "client/src/parameter_ranges.h"
#include "client/src/quoted.h"

#include <cstddef>
#include <ostream>
#include <stdexcept>

#include <fmt/format.h>

namespace leveret {
namespace {

using client::check;
using client::quoted;

constexpr std::uint16_t amqp_port = 5672;
constexpr std::uint16_t amqps_port = 5671;
constexpr std::size_t short_string_bytes_max = 255;

void check(const client::Range& range, std::chrono::milliseconds value) {
  check(range, value.count());
}

void check_short(std::string_view field, std::string_view value) {
  if (value.size() <= short_string_bytes_max) return;
  throw std::invalid_argument(
      fmt::format("{} has {} bytes; allowed: 0..{}", field, value.size(), short_string_bytes_max));
}

void check_no_nul(std::string_view field, std::string_view value) {
  if (value.find('\0') == std::string_view::npos) return;
  throw std::invalid_argument(fmt::format("{} holds a NUL byte; allowed: all others", field));
}

void check_credentials(const Credentials& credentials) {
  const auto* const plain = std::get_if<PlainCredentials>(&credentials);
  if (plain == nullptr) return;
  check_no_nul("credentials.username", plain->username);  // PLAIN ends either with one.
  check_no_nul("credentials.password", plain->password);
}

}  // namespace

void client::check(const Range& range, std::int64_t value) {
  if (value >= range.min && value <= range.max) return;
  throw std::invalid_argument(fmt::format("{} is {}{}; allowed: {}..{}{}", range.field, value,
                                          range.unit, range.min, range.max, range.unit));
}

std::uint16_t Heartbeat::operator()(std::uint16_t server_value) const {
  if (const auto* const number = std::get_if<std::int64_t>(&value_)) {
    return static_cast<std::uint16_t>(*number);
  }
  const auto* const choice = std::get_if<Choice>(&value_);
  return choice != nullptr && *choice ? (*choice)(server_value) : server_value;
}

std::optional<std::int64_t> Heartbeat::seconds() const {
  const auto* const number = std::get_if<std::int64_t>(&value_);
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

std::uint16_t ConnectionParameters::effective_port() const {
  return port.value_or(ssl_options ? amqps_port : amqp_port);
}

void ConnectionParameters::validate() const {
  if (host.empty()) throw std::invalid_argument("host is empty; allowed: a name or an address");
  check_no_nul("host", host);
  if (port) check(client::port_range, *port);
  check_short("virtual_host", virtual_host);
  check_credentials(credentials);
  check(client::channel_max_range, channel_max);
  check(client::frame_max_range, frame_max);
  if (const auto seconds = heartbeat.seconds()) check(client::heartbeat_range, *seconds);
  if (ssl_options && ssl_options->certfile.empty() && !ssl_options->keyfile.empty()) {
    throw std::invalid_argument(
        fmt::format("ssl_options.keyfile is {} with no certfile; allowed: "
                    "both, or certfile alone",
                    quoted(ssl_options->keyfile)));
  }
  check(client::connection_attempts_range, connection_attempts);
  check(client::retry_delay_range, retry_delay);
  check(client::socket_timeout_range, socket_timeout);
  check(client::stack_timeout_range, stack_timeout);
  check_short("locale", locale);
  if (blocked_connection_timeout) {
    check(client::blocked_connection_timeout_range, *blocked_connection_timeout);
  }
  for (const client::TcpOption& option : client::tcp_option_table) {
    if (const std::optional<int>& value = tcp_options.*option.member) check(option.range, *value);
  }
}

std::ostream& operator<<(std::ostream& out, const PlainCredentials& credentials) {
  return out << fmt::format("<PlainCredentials username={} password=(not shown)>",
                            quoted(credentials.username));
}

std::ostream& operator<<(std::ostream& out, const ExternalCredentials&) {
  return out << "<ExternalCredentials>";
}

std::ostream& operator<<(std::ostream& out, const SSLOptions& options) {
  return out << fmt::format(
             "<SSLOptions cafile={} capath={} certfile={} keyfile={} ciphers={} verify_mode={} "
             "check_hostname={} server_hostname={} minimum_version={}>",
             quoted(options.cafile), quoted(options.capath), quoted(options.certfile),
             quoted(options.keyfile), quoted(options.ciphers),
             options.verify_mode == VerifyMode::peer ? "peer" : "none", options.check_hostname,
             quoted(options.server_hostname),
             options.minimum_version == TLSVersion::tlsv1_3 ? "TLSv1_3" : "TLSv1_2");
}

std::ostream& operator<<(std::ostream& out, const ConnectionParameters& parameters) {
  return out << fmt::format("<ConnectionParameters host={} port={} virtual_host={} ssl={}>",
                            quoted(parameters.host), parameters.effective_port(),
                            quoted(parameters.virtual_host), parameters.ssl_options.has_value());
}

}  // namespace leveret
