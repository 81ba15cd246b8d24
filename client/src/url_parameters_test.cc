// SPDX-License-Identifier: Apache-2.0
#include "leveret/connection_parameters.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string complaint(std::string_view url) {
  try {
    const URLParameters parameters(url);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

PlainCredentials plain(const ConnectionParameters& parameters) {
  return std::get<PlainCredentials>(parameters.credentials);
}

struct Place {
  std::string_view url;
  std::string_view host = "localhost";
  std::uint16_t port = 5672;
  std::string_view virtual_host = "/";
  std::string_view username = "guest";
  std::string_view password = "guest";
};

void expect_place(const Place& place) {
  SCOPED_TRACE(place.url);
  const URLParameters parameters(place.url);
  EXPECT_EQ(parameters.host, place.host);
  EXPECT_EQ(parameters.effective_port(), place.port);
  EXPECT_EQ(parameters.virtual_host, place.virtual_host);
  EXPECT_EQ(plain(parameters).username, place.username);
  EXPECT_EQ(plain(parameters).password, place.password);
}

// Rows that pika 1.2 with Python 3.11 was seen to read in this way.
TEST(URLParameters, find_host_port_virtual_host_and_user_where_pika_finds_them) {
  for (const Place& place : {
           Place{"amqp://"},
           Place{"amqp:///"},
           Place{"amqp:///%2f"},
           Place{"amqp://host/", "host"},
           Place{"amqp://host/%2F", "host"},
           Place{"amqp://host//", "host", 5672, ""},
           Place{"amqp://host/vh", "host", 5672, "vh"},
           Place{"amqp://host/vh/", "host", 5672, "vh"},
           Place{"amqp://host/a/b", "host", 5672, "a"},
           Place{"amqp://host/a%2Fb", "host", 5672, "a/b"},
           Place{"amqp://host/a+b", "host", 5672, "a+b"},
           Place{"amqp://host/%zz%4", "host", 5672, "%zz%4"},
           Place{"amqp://host/%C3%A9", "host", 5672, "\xC3\xA9"},
           Place{"AMQP://HOST:5673/V", "host", 5673, "V"},
           Place{"AMQPS://Host", "host", 5671},
           Place{"amqps://host:5672", "host", 5672},
           Place{"amqps://host:/", "host", 5671},
           Place{"amqp://:5673", "localhost", 5673},
           Place{"amqp://host:65535", "host", 65535},
           Place{"amqp://u:p@host:5673/v", "host", 5673, "v", "u", "p"},
           Place{"amqp://u%40x:p%3Aq%2F@host", "host", 5672, "/", "u@x", "p:q/"},
           Place{"amqp://u:p:q@host", "host", 5672, "/", "u", "p:q"},
           Place{"amqp://u:p@q@host", "host", 5672, "/", "u", "p@q"},
           Place{"amqp://u:a+b@host", "host", 5672, "/", "u", "a+b"},
           Place{"amqp://u:@host", "host", 5672, "/", "u", ""},
           Place{"amqp://:p@host", "host", 5672, "/", "", "p"},
           Place{"amqp://[::1]", "::1"},
           Place{"amqp://[::1]:5673/v", "::1", 5673, "v"},
           Place{"amqp://[FE80::1%Eth0]:5673", "fe80::1%Eth0", 5673},
           Place{"amqp://u:p@[::1]/", "::1", 5672, "/", "u", "p"},
           Place{"amqp://host#frag", "host"},
           Place{"amqp://host/v#?heartbeat=1", "host", 5672, "v"},
           Place{"amqp://host/v ", "host", 5672, "v "},
           Place{"amqp://h\nost/v\n", "host", 5672, "v"},
       }) {
    expect_place(place);
  }
}

TEST(URLParameters, go_their_own_way_in_few_places) {
  expect_place({"amqp://host/v;x", "host", 5672, "v;x"});              // pika: v
  expect_place({"amqp://host/%FF", "host", 5672, "\xFF"});             // pika: U+FFFD
  expect_place({"amqp://[FE80::1%25eth0]", "fe80::1%eth0"});           // pika: fe80::1%25eth0
  EXPECT_NE(complaint("http://host"), "");                             // pika: as amqp
  EXPECT_NE(complaint("//host"), "");                                  // pika: as amqp
  EXPECT_NE(complaint("amqp:/v"), "");                                 // pika: v on localhost
  EXPECT_NE(complaint("amqp://host:0"), "");                           // pika: port 0
  EXPECT_NE(complaint("amqp://host?foo"), "");                         // pika: ignored
  EXPECT_NE(complaint("amqp://host?heartbeat=65536"), "");             // pika: cannot be sent
  EXPECT_NE(complaint("amqp://host?heartbeat=1_0"), "");               // pika: 10
  EXPECT_NE(complaint("amqp://host?socket_timeout=nan"), "");          // pika: not a number
  EXPECT_NE(complaint("amqp://host?retry_delay=-1"), "");              // pika: fails when it waits
  EXPECT_EQ(complaint("amqp://host?frame_max=1048576"), "");           // pika: refused
  EXPECT_EQ(complaint("amqp://host?ssl_options={}"), "");              // pika: refused
  EXPECT_NE(complaint("amqp://host?tcp_options={'X': 1}"), "");        // pika: a warning
  EXPECT_NE(complaint("amqp://host?ssl_options={'cafil': 'x'}"), "");  // pika: ignored
}

TEST(URLParameters, refuse_what_is_no_url_of_a_broker) {
  for (const char* url : {"",
                          "amqp",
                          "host",
                          "/v",
                          "amqp:host",
                          " amqp://host",
                          "ftp://host",
                          "amqpx://host",
                          "amqp://host:x",
                          "amqp://host:-1",
                          "amqp://host:+1",
                          "amqp://host: 1",
                          "amqp://host:65536",
                          "amqp://host:99999999999",
                          "amqp://u@host",
                          "amqp://@host",
                          "amqp://[::1",
                          "amqp://::1",
                          "amqp://[::1]x",
                          "amqp://x[::1]",
                          "amqp://[::1]x:5",
                          "amqp://[x]",
                          "amqp://[]"}) {
    EXPECT_NE(complaint(url), "") << url;
  }
}

TEST(URLParameters, read_every_key) {
  const URLParameters read(
      "amqp://host/v?blocked_connection_timeout=300&channel_max=10&connection_attempts=3&"
      "frame_max=8192&heartbeat=30&locale=de_DE&retry_delay=0.5&socket_timeout=.25&"
      "stack_timeout=1e1&client_properties=%7B%27connection_name%27%3A+%27web+1%27%7D&"
      "tcp_options=%7B%27TCP_KEEPIDLE%27:60,'TCP_KEEPINTVL':10,'TCP_KEEPCNT':3,"
      "'TCP_USER_TIMEOUT':30000%7D");
  EXPECT_EQ(read.blocked_connection_timeout, 300s);
  EXPECT_EQ(read.channel_max, 10);
  EXPECT_EQ(read.connection_attempts, 3u);
  EXPECT_EQ(read.frame_max, 8192u);
  EXPECT_EQ(read.heartbeat.seconds(), 30);
  EXPECT_EQ(read.locale, "de_DE");
  EXPECT_EQ(read.retry_delay, 500ms);
  EXPECT_EQ(read.socket_timeout, 250ms);
  EXPECT_EQ(read.stack_timeout, 10s);
  EXPECT_EQ(read.client_properties, (FieldTable{{"connection_name", "web 1"}}));
  EXPECT_EQ(read.tcp_options, (TcpOptions{60, 10, 3, 30000}));
  EXPECT_FALSE(read.ssl_options);
}

TEST(URLParameters, read_keys_and_numbers_as_leniently_as_pika) {
  EXPECT_EQ(URLParameters("amqp://h?heart%62eat=%31%30").heartbeat.seconds(), 10);
  EXPECT_EQ(URLParameters("amqp://h?heartbeat=+5").heartbeat.seconds(), 5);
  EXPECT_EQ(URLParameters("amqp://h?heartbeat=%2B5").heartbeat.seconds(), 5);
  EXPECT_EQ(URLParameters("amqp://h?heartbeat=%20%207%20").heartbeat.seconds(), 7);
  EXPECT_EQ(URLParameters("amqp://h?heartbeat=007").heartbeat.seconds(), 7);
  EXPECT_EQ(URLParameters("amqp://h?heartbeat=0").heartbeat.seconds(), 0);
  EXPECT_EQ(URLParameters("amqp://h?heartbeat=").heartbeat.seconds(), std::nullopt);
  EXPECT_EQ(URLParameters("amqp://h?heartbeat").heartbeat.seconds(), std::nullopt);
  EXPECT_EQ(URLParameters("amqp://h?heartbeat=1&heartbeat=").heartbeat.seconds(), 1);
  EXPECT_EQ(URLParameters("amqp://h?&&heartbeat=1&").heartbeat.seconds(), 1);
  EXPECT_EQ(URLParameters("amqp://h?socket_timeout=5.").socket_timeout, 5s);
  EXPECT_EQ(URLParameters("amqp://h?retry_delay=1e3").retry_delay, 1000s);
  EXPECT_EQ(URLParameters("amqp://h?blocked_connection_timeout=0").blocked_connection_timeout, 0s);
  EXPECT_EQ(URLParameters("amqp://h?channel_max=65535").channel_max, 65535);
  EXPECT_FALSE(URLParameters("amqp://h?client_properties=None").client_properties);
  EXPECT_EQ(URLParameters("amqp://h?tcp_options=None").tcp_options, TcpOptions());
  EXPECT_EQ(
      URLParameters("amqp://h?client_properties={'a':1,'b':{'c':[True,None]}}").client_properties,
      (FieldTable{{"a", 1}, {"b", FieldTable{{"c", FieldArray{true, FieldValue()}}}}}));
}

TEST(URLParameters, name_key_value_and_what_is_allowed_when_they_refuse) {
  const std::string known =
      "known: blocked_connection_timeout, channel_max, client_properties, connection_attempts, "
      "frame_max, heartbeat, locale, retry_delay, socket_timeout, ssl_options, stack_timeout, "
      "tcp_options, cacertfile, certfile, keyfile, verify, server_name_indication";
  EXPECT_EQ(complaint("amqp://h?foo=1"), "the URL has the unknown key \"foo\"; " + known);
  EXPECT_EQ(complaint("amqp://h?HEARTBEAT=1"),
            "the URL has the unknown key \"HEARTBEAT\"; " + known);
  EXPECT_EQ(complaint("amqp://h?=5"), "the URL has the unknown key \"\"; " + known);
  EXPECT_EQ(complaint("amqp://h?heartbeat=1&heartbeat=2"),
            "the URL has the key heartbeat twice: \"1\", \"2\"");
  EXPECT_EQ(complaint("amqp://h?heartbeat=1.5"),
            "heartbeat is \"1.5\" in the URL; allowed: whole numbers 0..65535");
  EXPECT_EQ(complaint("amqp://h?heartbeat=1;retry_delay=2"),
            "heartbeat is \"1;retry_delay=2\" in the URL; allowed: whole numbers 0..65535");
  EXPECT_EQ(complaint("amqp://h?heartbeat=-1"), "heartbeat is -1 s; allowed: 0..65535 s");
  EXPECT_EQ(complaint("amqp://h?channel_max=65536"), "channel_max is 65536; allowed: 1..65535");
  EXPECT_EQ(complaint("amqp://h?channel_max=0"), "channel_max is 0; allowed: 1..65535");
  EXPECT_EQ(complaint("amqp://h?frame_max=99999999999999999999"),
            "frame_max is \"99999999999999999999\" in the URL; allowed: whole numbers "
            "4096..2147483647");
  EXPECT_EQ(complaint("amqp://h?connection_attempts=0"),
            "connection_attempts is 0; allowed: 1..4294967295");
  EXPECT_EQ(complaint("amqp://h?socket_timeout=0"),
            "socket_timeout is 0 ms; allowed: 1..2147483647 ms");
  EXPECT_EQ(complaint("amqp://h?stack_timeout=x"),
            "stack_timeout is \"x\" in the URL; allowed: seconds, such as 2 or 0.25");
  for (const char* no_time : {"inf", "-inf", "nan", "1e13", "1e999", "None", "+-1", "1.2.3"}) {
    EXPECT_NE(complaint("amqp://h?socket_timeout=" + std::string(no_time)), "") << no_time;
  }
  EXPECT_EQ(complaint("amqp://h:x"), "the URL has a wrong port, not shown here; allowed: 1..65535");
  EXPECT_EQ(complaint("amqp://h?client_properties=[1]"),
            "client_properties in the URL is neither a {...} nor None");
  EXPECT_EQ(complaint("amqp://h?client_properties={'a':1"),
            "client_properties in the URL: at character 7: ',' or '}' is expected");
  EXPECT_EQ(complaint("amqp://h?tcp_options={'X':1}"),
            "tcp_options has the unknown key \"X\" in the URL; known: TCP_KEEPIDLE, TCP_KEEPINTVL, "
            "TCP_KEEPCNT, TCP_USER_TIMEOUT");
  EXPECT_EQ(complaint("amqp://h?tcp_options={'TCP_KEEPCNT':'3'}"),
            "tcp_options has the TCP_KEEPCNT \"3\" in the URL; allowed: whole numbers");
  EXPECT_EQ(complaint("amqp://h?tcp_options={'TCP_KEEPCNT':999999999999}"),
            "tcp_options.tcp_keepcnt is 999999999999; allowed: 1..127");
}

TEST(URLParameters, turn_tls_on_with_the_safe_choice_for_amqps) {
  EXPECT_EQ(URLParameters("amqps://host").ssl_options, SSLOptions());
  EXPECT_EQ(SSLOptions().verify_mode, VerifyMode::peer);
  EXPECT_TRUE(SSLOptions().check_hostname);
}

TEST(URLParameters, turn_tls_on_with_ssl_options_and_keep_the_port_of_amqp) {
  const URLParameters read(
      "amqp://host?ssl_options={'ca_certs':'/ca.pem','capath':'/ca.d','cadata':'PEM','certfile':"
      "'c.pem','keyfile':'k.pem','password':'pw','ciphers':'HIGH','server_hostname':'broker'}");
  EXPECT_EQ(read.ssl_options, (SSLOptions{.cafile = "/ca.pem",
                                          .capath = "/ca.d",
                                          .cadata = "PEM",
                                          .certfile = "c.pem",
                                          .keyfile = "k.pem",
                                          .password = "pw",
                                          .ciphers = "HIGH",
                                          .server_hostname = "broker"}));
  EXPECT_EQ(read.effective_port(), 5672);
  EXPECT_EQ(URLParameters("amqps://host?ssl_options={}").ssl_options, SSLOptions());
  EXPECT_EQ(URLParameters("amqps://host?ssl_options={}").effective_port(), 5671);
  EXPECT_FALSE(URLParameters("amqp://host?ssl_options=None").ssl_options);
  EXPECT_EQ(complaint("amqps://host?ssl_options=None"),
            "ssl_options is None in the URL; allowed: that with amqp://");
}

TEST(URLParameters, know_both_names_of_what_ssl_options_name_twice) {
  const auto options = [](const std::string& literal) {
    return URLParameters("amqps://host?ssl_options=" + literal).ssl_options.value();
  };
  EXPECT_EQ(options("{'cafile':'a','ca_certs':'b'}").cafile, "b");
  EXPECT_EQ(options("{'ca_certs':'b','cafile':'a'}").cafile, "b");
  EXPECT_EQ(options("{'ca_certs':'','cafile':'a'}").cafile, "a");
  EXPECT_EQ(options("{'ca_certs':None,'cafile':'a'}").cafile, "a");
  EXPECT_EQ(options("{'ca_path':'p'}").capath, "p");
  EXPECT_EQ(options("{'ca_data':'d'}").cadata, "d");
  EXPECT_EQ(options("{'verify_mode':0}").verify_mode, VerifyMode::none);
  EXPECT_EQ(options("{'cert_reqs':2}").verify_mode, VerifyMode::peer);
  EXPECT_FALSE(options("{'check_hostname':False}").check_hostname);
  EXPECT_EQ(options("{'minimum_version':'TLSv1_3'}").minimum_version, TLSVersion::tlsv1_3);
  EXPECT_EQ(options("{'protocol':2}"), SSLOptions());
}

TEST(URLParameters, refuse_ssl_options_without_showing_their_values) {
  const auto refusal = [](const std::string& literal) {
    return complaint("amqps://host?ssl_options=" + literal);
  };
  EXPECT_EQ(refusal("{'password':12345}"),
            "ssl_options has a wrong password in the URL; allowed: text, None");
  EXPECT_EQ(refusal("{'verify_mode':3}"),
            "ssl_options has a wrong verify_mode in the URL; allowed: 0, 1, 2");
  EXPECT_EQ(refusal("{'check_hostname':1}"),
            "ssl_options has a wrong check_hostname in the URL; allowed: True, False");
  EXPECT_EQ(refusal("{'minimum_version':'SSLv3'}"),
            "ssl_options has a wrong minimum_version in the URL; allowed: 'TLSv1_2', 'TLSv1_3'");
  EXPECT_EQ(refusal("{'protocol':3}"),
            "ssl_options has a wrong protocol in the URL; allowed: 2, 5, 16");
  EXPECT_THAT(refusal("{'cafil':'x'}"),
              HasSubstr("ssl_options has the unknown key \"cafil\" in the URL; known: cafile, "));
  EXPECT_EQ(refusal("5"), "ssl_options in the URL is neither a {...} nor None");
  for (const char* url :
       {"amqps://h?ssl_options={'password':'secret'", "amqps://h?ssl_options={'password':secret}",
        "amqps://h?ssl_options={'password':['secret']}",
        "amqps://h?ssl_options{'password':'secret'}", "amqps://h?ssl_options='secret'",
        "amqps://h?ssl_options={'password':'secret'}&ssl_options={'password':'secret'}"}) {
    EXPECT_THAT(complaint(url), AllOf(HasSubstr("ssl_options"), Not(HasSubstr("secret"))));
  }
}

TEST(URLParameters, take_the_tls_keys_of_rabbitmq_with_amqps) {
  const URLParameters read(
      "amqps://host?cacertfile=/ca.pem&certfile=/c.pem&keyfile=/k.pem&verify=verify_peer&"
      "server_name_indication=broker");
  EXPECT_EQ(read.ssl_options, (SSLOptions{.cafile = "/ca.pem",
                                          .certfile = "/c.pem",
                                          .keyfile = "/k.pem",
                                          .server_hostname = "broker"}));
  EXPECT_EQ(URLParameters("amqps://h?verify=verify_none").ssl_options->verify_mode,
            VerifyMode::none);
  EXPECT_FALSE(
      URLParameters("amqps://h?server_name_indication=disable").ssl_options->check_hostname);

  EXPECT_EQ(complaint("amqps://h?verify=yes"),
            "verify is \"yes\" in the URL; allowed: verify_peer, verify_none");
  EXPECT_EQ(complaint("amqp://h?cacertfile=/ca.pem"),
            "the URL has the key cacertfile; allowed: that with amqps://");
  EXPECT_EQ(complaint("amqps://h?cacertfile=/ca.pem&ssl_options={}"),
            "the URL has both ssl_options and cacertfile; allowed: one of them");
  EXPECT_NE(complaint("amqps://h?keyfile=/k.pem"), "");
}

TEST(URLParameters, never_show_a_password_however_it_was_mistyped) {
  for (const char* url : {
           "amqp://user:secret/word@host",
           "amqp://user:secret?word@host",
           "amqp://user:secret#word@host",
           "amqp://user:12/secret?x@host",
           "amqp://user:12?secret@host",
           "amqp://user:12?secret=word@host",
           "amqp://user:12?heartbeat=secret@host",
           "amqp://user:12?secret&x@host",
           "amqp://user:pa@12?secret=word@host",
           "amqp://user:12?keyfile=secret&y@host",
           "amqps://user:12?verify=secret&y@host",
           "amqp://user:secret",
           "amqp://secret@host",
           "amqp://user:secret@host:x",
           "amqp://user:secret@host?foo=1",
           "amqp://user:secret%00@host",
           "secret://user:secret@host",
           "amqp:/user:secret@host",
       }) {
    EXPECT_THAT(complaint(url), AllOf(Not(""), Not(HasSubstr("secret")))) << url;
  }
}

TEST(URLParameters, take_an_at_sign_after_the_host_if_all_is_well) {
  const URLParameters read("amqp://host/a@b?client_properties={'contact':'a@b'}");
  EXPECT_EQ(read.virtual_host, "a@b");
  EXPECT_THAT(complaint("amqp://host/a@b?heartbeat=x"), HasSubstr("elsewhere @ as %40"));
}

TEST(URLParameters, are_connection_parameters) {
  URLParameters read("amqp://host");
  read.heartbeat = 10;
  const ConnectionParameters parameters = read;
  EXPECT_EQ(parameters.host, "host");
  EXPECT_EQ(parameters.heartbeat.seconds(), 10);
}

}  // namespace
}  // namespace leveret
