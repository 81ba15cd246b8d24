// SPDX-License-Identifier: Apache-2.0
//
// ConnectionParameters: where the broker is, who we are, and what to agree on. Names and defaults
// are pika's; so is the order, which designated initialisers must keep:
//
//   ConnectionParameters{.host = "rabbit", .credentials = PlainCredentials{"u", "p"}, .heartbeat =
//   30} URLParameters("amqps://u:p@rabbit/orders?heartbeat=30&connection_attempts=3")
//
// A connection calls validate() and then keeps a copy: what is changed later changes the next one.
//
// Thread: values.
// Source: pika 1.2, connection.py; RabbitMQ: "URI Specification", "URI Query Parameters".

#pragma once

#include "leveret/credentials.h"
#include "leveret/field_table.h"
#include "leveret/ssl_options.h"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace leveret {

/// Heartbeat: the seconds after which a silent peer is dead; 0: never. Nothing: what the broker
/// proposes. A number wins over the broker's proposal, larger or smaller, as in pika.
class Heartbeat {
 public:
  /// Chooses, given the broker's proposal. Runs on the connection's own thread while it opens; must
  /// not throw, nor call the connection.
  using Choice = std::function<std::uint16_t(std::uint16_t server_value)>;

  Heartbeat() = default;
  Heartbeat(std::nullopt_t) {}
  /// Range: 0..65535, which validate() checks.
  template <std::integral Seconds>
  requires(!std::same_as<Seconds, bool>) Heartbeat(Seconds seconds)
      : value_(static_cast<std::int64_t>(seconds)) {}
  Heartbeat(std::chrono::seconds seconds) : Heartbeat(seconds.count()) {}
  template <std::invocable<std::uint16_t> Callable>
  requires(!std::same_as<Callable, Heartbeat>) Heartbeat(Callable choice)
      : value_(Choice(std::move(choice))) {}

  /// What to answer to the broker's proposal. Requires: seconds() in range.
  [[nodiscard]] std::uint16_t operator()(std::uint16_t server_value) const;
  /// The number, if it is one.
  [[nodiscard]] std::optional<std::int64_t> seconds() const;

 private:
  std::variant<std::monostate, std::int64_t, Choice> value_;
};

/// What to ask of the TCP socket; nothing: as the system has it. pika's keys, in lower case because
/// <netinet/tcp.h> makes macros of the others.
struct TcpOptions {
  std::optional<int> tcp_keepidle = {};   ///< Seconds of silence before the first probe. 1..32767
  std::optional<int> tcp_keepintvl = {};  ///< Seconds between probes. 1..32767
  std::optional<int> tcp_keepcnt = {};    ///< Lost probes that end the connection. 1..127
  /// Milliseconds that what was sent may stay unacknowledged. 0: the system's. 0..2147483647
  std::optional<int> tcp_user_timeout = {};

  /// Whether SO_KEEPALIVE is to be set: one of the first three is given.
  [[nodiscard]] bool requires_keepalive() const {
    return tcp_keepidle || tcp_keepintvl || tcp_keepcnt;
  }
  friend bool operator==(const TcpOptions&, const TcpOptions&) = default;
};

struct ConnectionParameters {
  std::string host = "localhost";  ///< A name or an address, IPv6 without brackets. Not empty.
  std::optional<std::uint16_t> port = {};  ///< Nothing: see effective_port(). 1..65535
  std::string virtual_host = "/";          ///< At most 255 bytes.
  Credentials credentials = PlainCredentials{"guest", "guest"};
  /// The most channels we want; the broker may allow fewer. 1..65535
  std::uint16_t channel_max = 65535;
  /// The largest frame we want, in bytes; the broker may allow less. 4096..2147483647: pika stops
  /// at its default; larger frames cost memory on both sides and save little. RabbitMQ 4.1 and
  /// later want at least 8192. "No limit" (0) cannot be asked for.
  std::uint32_t frame_max = 131072;
  Heartbeat heartbeat = {};
  std::optional<SSLOptions> ssl_options = {};  ///< Nothing: no TLS.
  /// How often to try, the first time included. At least 1.
  std::uint32_t connection_attempts = 1;

  // Times, up to 2147483647 ms. pika's None, to wait without end, is not offered for the first
  // three.
  std::chrono::milliseconds retry_delay{2'000};      ///< Between attempts. From 0.
  std::chrono::milliseconds socket_timeout{10'000};  ///< For TCP and TLS to one address. From 1.
  std::chrono::milliseconds stack_timeout{15'000};   ///< Until the connection is open. From 1.

  std::string locale = "en_US";  ///< At most 255 bytes.
  /// How long the broker may block us before we give up (ConnectionBlockedTimeout); nothing: as
  /// long as it likes. From 0.
  std::optional<std::chrono::milliseconds> blocked_connection_timeout = {};
  /// Added to what the library says of itself, and instead of it where the names are the same.
  /// RabbitMQ shows `connection_name`.
  std::optional<FieldTable> client_properties = {};
  TcpOptions tcp_options = {};

  /// `port`, or 5671 with ssl_options and 5672 without.
  [[nodiscard]] std::uint16_t effective_port() const;
  /// Throws: std::invalid_argument with the field, its value unless it is secret, and what is
  /// allowed.
  void validate() const;

  /// Host, port, virtual host and whether TLS is on, in pika's form.
  friend std::ostream& operator<<(std::ostream& out, const ConnectionParameters& parameters);
};

/// URLParameters: ConnectionParameters read from a URL, which are then to be changed as any others.
///
///   amqp[s]://[username:password@][host][:port][/virtual_host][?key=value&...]
///
/// As pika reads it. Scheme and host: in any case; amqps turns TLS on, with SSLOptions{}. Username,
/// password, virtual host, keys and values are percent-decoded ("/" is %2F); in keys and values +
/// is a space. What is absent has its default, a key with no value too, and the port that of the
/// scheme. What follows a second / or a # is ignored; tabs and line ends are, too.
///
///   connection_attempts, channel_max, frame_max    whole numbers
///   heartbeat                                      whole seconds
///   retry_delay, socket_timeout, stack_timeout,
///   blocked_connection_timeout                     seconds; 0.25 is a quarter
///   locale                                         text
///   client_properties                              {'connection_name': 'web 1'} or None
///   tcp_options                                    {'TCP_KEEPIDLE': 60} or None; names as in pika
///   ssl_options                                    {'ca_certs': '/ca.pem'} or None
///
/// The last three are Python literals: text in ' or ", numbers, True, False, None, [...], {...}.
/// ssl_options turns TLS on with amqp:// as well, and the port stays 5672. Its keys: ca_certs or
/// cafile, ca_path or capath, ca_data or cadata, certfile, keyfile, password, ciphers,
/// server_hostname; and, beyond pika's, verify_mode or cert_reqs (0: none; 1 or 2: peer),
/// check_hostname (True, False), minimum_version ('TLSv1_2', 'TLSv1_3'). `protocol` may be 2, 5 or
/// 16, the numbers in Python's ssl of TLS, TLS 1.2 and a TLS client, and changes nothing.
///
/// RabbitMQ's keys, with amqps:// and without ssl_options: cacertfile, certfile, keyfile,
/// verify (verify_peer, verify_none), server_name_indication (`disable`: any name will do).
///
/// Unlike pika: with ssl_options, too, the broker's certificate is checked unless verify_mode says
/// otherwise, and {} will do; frame_max may be larger; a virtual host may hold ; unescaped; other
/// schemes than the two, unknown keys without a value or inside ssl_options and tcp_options,
/// port 0, and numbers such as 1_000, nan or inf are refused; and bytes that are not UTF-8 stay.
struct URLParameters : ConnectionParameters {
  /// Throws: std::invalid_argument, also for what validate() refuses. Its text has the key and the
  /// value, and never a password: where an unescaped character may have made a key, a value or a
  /// port of one, it is left out.
  explicit URLParameters(std::string_view url);
};

}  // namespace leveret
