// SPDX-License-Identifier: Apache-2.0
#include "leveret/connection_parameters.h"

#include "leveret/exchange_type.h"

#include <functional>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

std::string complaint(const ConnectionParameters& parameters) {
  try {
    parameters.validate();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

template <class Value>
std::string printed(const Value& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

TEST(ConnectionParameters, have_the_defaults_of_pika) {
  const ConnectionParameters parameters;
  EXPECT_EQ(parameters.host, "localhost");
  EXPECT_EQ(parameters.effective_port(), 5672);
  EXPECT_EQ(parameters.virtual_host, "/");
  EXPECT_EQ(parameters.credentials, Credentials(PlainCredentials{"guest", "guest"}));
  EXPECT_EQ(parameters.channel_max, 65535);
  EXPECT_EQ(parameters.frame_max, 131072u);
  EXPECT_EQ(parameters.heartbeat(60), 60);
  EXPECT_FALSE(parameters.ssl_options);
  EXPECT_EQ(parameters.connection_attempts, 1u);
  EXPECT_EQ(parameters.retry_delay, 2s);
  EXPECT_EQ(parameters.socket_timeout, 10s);
  EXPECT_EQ(parameters.stack_timeout, 15s);
  EXPECT_EQ(parameters.locale, "en_US");
  EXPECT_FALSE(parameters.blocked_connection_timeout);
  EXPECT_FALSE(parameters.client_properties);
  EXPECT_EQ(parameters.tcp_options, TcpOptions());
  EXPECT_EQ(complaint(parameters), "");
}

TEST(ConnectionParameters, are_named_in_the_order_of_pika) {
  const ConnectionParameters parameters{.host = "rabbit",
                                        .port = 5673,
                                        .virtual_host = "orders",
                                        .credentials = ExternalCredentials{},
                                        .channel_max = 10,
                                        .frame_max = 1 << 20,
                                        .heartbeat = 30,
                                        .ssl_options = SSLOptions{.cafile = "ca.pem"},
                                        .connection_attempts = 3,
                                        .retry_delay = 500ms,
                                        .socket_timeout = 5s,
                                        .stack_timeout = 7s,
                                        .locale = "de_DE",
                                        .blocked_connection_timeout = 0s,
                                        .client_properties = FieldTable{{"product", "test"}},
                                        .tcp_options = {.tcp_keepidle = 60}};
  EXPECT_EQ(complaint(parameters), "");
  EXPECT_EQ(parameters.effective_port(), 5673);
  EXPECT_TRUE(parameters.tcp_options.requires_keepalive());
  EXPECT_FALSE(TcpOptions{.tcp_user_timeout = 1}.requires_keepalive());
}

TEST(ConnectionParameters, choose_the_port_by_tls_when_none_is_given) {
  EXPECT_EQ(ConnectionParameters{.ssl_options = SSLOptions()}.effective_port(), 5671);
  EXPECT_EQ((ConnectionParameters{.port = 5672, .ssl_options = SSLOptions()}.effective_port()),
            5672);
}

TEST(Heartbeat, is_what_the_broker_proposes_a_number_or_a_choice) {
  EXPECT_EQ(Heartbeat()(60), 60);
  EXPECT_EQ(Heartbeat(std::nullopt)(60), 60);
  EXPECT_EQ(Heartbeat(0)(60), 0);
  EXPECT_EQ(Heartbeat(600)(60), 600);
  EXPECT_EQ(Heartbeat(30u)(60), 30);
  EXPECT_EQ(Heartbeat(2min)(60), 120);
  const Heartbeat half([](std::uint16_t server_value) { return server_value / 2; });
  EXPECT_EQ(half(60), 30);
  EXPECT_EQ(Heartbeat(half)(60), 30);
  EXPECT_EQ(Heartbeat(Heartbeat::Choice())(60), 60);
  const std::function<std::uint16_t(std::uint16_t)> kept = half;
  EXPECT_EQ(kept(60), 30);
  EXPECT_EQ(Heartbeat(45).seconds(), 45);
  EXPECT_FALSE(Heartbeat().seconds());
  EXPECT_FALSE(half.seconds());
}

TEST(ConnectionParameters, refuse_what_is_out_of_range_with_field_value_and_range) {
  EXPECT_EQ(complaint({.host = ""}), "host is empty; allowed: a name or an address");
  EXPECT_EQ(complaint({.port = 0}), "port is 0; allowed: 1..65535");
  EXPECT_EQ(complaint({.virtual_host = std::string(256, 'v')}),
            "virtual_host has 256 bytes; allowed: 0..255");
  EXPECT_EQ(complaint({.channel_max = 0}), "channel_max is 0; allowed: 1..65535");
  EXPECT_EQ(complaint({.frame_max = 4095}), "frame_max is 4095; allowed: 4096..2147483647");
  EXPECT_EQ(complaint({.frame_max = 0}), "frame_max is 0; allowed: 4096..2147483647");
  EXPECT_EQ(complaint({.heartbeat = -1}), "heartbeat is -1 s; allowed: 0..65535 s");
  EXPECT_EQ(complaint({.heartbeat = 65536}), "heartbeat is 65536 s; allowed: 0..65535 s");
  EXPECT_NE(complaint({.heartbeat = std::numeric_limits<std::uint64_t>::max()}), "");
  EXPECT_EQ(
      complaint({.ssl_options = SSLOptions{.keyfile = "key.pem"}}),
      "ssl_options.keyfile is \"key.pem\" with no certfile; allowed: both, or certfile alone");
  EXPECT_EQ(complaint({.connection_attempts = 0}),
            "connection_attempts is 0; allowed: 1..4294967295");
  EXPECT_EQ(complaint({.retry_delay = -1ms}), "retry_delay is -1 ms; allowed: 0..2147483647 ms");
  EXPECT_EQ(complaint({.socket_timeout = 0s}), "socket_timeout is 0 ms; allowed: 1..2147483647 ms");
  EXPECT_EQ(complaint({.stack_timeout = milliseconds::max()}),
            "stack_timeout is 9223372036854775807 ms; allowed: 1..2147483647 ms");
  EXPECT_EQ(complaint({.locale = std::string(256, 'l')}), "locale has 256 bytes; allowed: 0..255");
  EXPECT_EQ(complaint({.blocked_connection_timeout = -1ms}),
            "blocked_connection_timeout is -1 ms; allowed: 0..2147483647 ms");
  EXPECT_EQ(complaint({.tcp_options = {.tcp_keepidle = 0}}),
            "tcp_options.tcp_keepidle is 0 s; allowed: 1..32767 s");
  EXPECT_EQ(complaint({.tcp_options = {.tcp_keepintvl = 32768}}),
            "tcp_options.tcp_keepintvl is 32768 s; allowed: 1..32767 s");
  EXPECT_EQ(complaint({.tcp_options = {.tcp_keepcnt = 128}}),
            "tcp_options.tcp_keepcnt is 128; allowed: 1..127");
  EXPECT_EQ(complaint({.tcp_options = {.tcp_user_timeout = -1}}),
            "tcp_options.tcp_user_timeout is -1 ms; allowed: 0..2147483647 ms");
}

TEST(ConnectionParameters, take_both_ends_of_each_range) {
  EXPECT_EQ(complaint({.port = 1,
                       .virtual_host = std::string(255, 'v'),
                       .channel_max = 1,
                       .frame_max = 4096,
                       .heartbeat = 0,
                       .retry_delay = 0ms,
                       .socket_timeout = 1ms,
                       .stack_timeout = 1ms,
                       .locale = "",
                       .blocked_connection_timeout = 0ms,
                       .tcp_options = {1, 1, 1, 0}}),
            "");
  EXPECT_EQ(complaint({.port = 65535,
                       .virtual_host = "",
                       .frame_max = 2147483647,
                       .heartbeat = 65535,
                       .connection_attempts = 4294967295,
                       .retry_delay = 2147483647ms,
                       .tcp_options = {32767, 32767, 127, 2147483647}}),
            "");
}

TEST(ConnectionParameters, refuse_a_nul_byte_in_a_password_without_showing_it) {
  EXPECT_EQ(complaint({.credentials = PlainCredentials{"u", std::string("top\0secret", 10)}}),
            "credentials.password holds a NUL byte; allowed: all others");
  EXPECT_EQ(complaint({.credentials = PlainCredentials{std::string("\0", 1), "p"}}),
            "credentials.username holds a NUL byte; allowed: all others");
}

TEST(ConnectionParameters, are_printed_without_secrets) {
  const PlainCredentials plain{"u\n", "secret"};
  const SSLOptions tls{.cafile = "ca.pem", .cadata = "secret", .password = "secret"};
  EXPECT_EQ(printed(plain), R"(<PlainCredentials username="u\u000a" password=(not shown)>)");
  EXPECT_EQ(printed(ExternalCredentials()), "<ExternalCredentials>");
  EXPECT_EQ(printed(tls),
            R"(<SSLOptions cafile="ca.pem" capath="" certfile="" keyfile="" ciphers="" )"
            R"(verify_mode=peer check_hostname=true server_hostname="" minimum_version=TLSv1_2>)");
  const ConnectionParameters parameters{.host = "h", .credentials = plain, .ssl_options = tls};
  EXPECT_EQ(printed(parameters),
            R"(<ConnectionParameters host="h" port=5671 virtual_host="/" ssl=true>)");
  EXPECT_THAT(testing::PrintToString(parameters.credentials),
              testing::Not(testing::HasSubstr("secret")));
}

TEST(ExchangeType, is_spelled_as_on_the_wire) {
  EXPECT_EQ(to_string(ExchangeType::direct), "direct");
  EXPECT_EQ(to_string(ExchangeType::fanout), "fanout");
  EXPECT_EQ(to_string(ExchangeType::headers), "headers");
  EXPECT_EQ(to_string(ExchangeType::topic), "topic");
}

}  // namespace
}  // namespace leveret
