// SPDX-License-Identifier: Apache-2.0
//
// What can go wrong before a connection is open. RabbitMQ says nothing to a peer that misbehaves
// before it is authenticated and tuned: it waits three seconds and hangs up, whatever the mistake.
// Those rows run side by side, so that their waits are one wait.

#include "broker.h"
#include "refusal.h"

#include <chrono>
#include <memory>

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.
using std::chrono::steady_clock;

const Target& target() { return Broker::instance().target(); }

/// How far the handshake has come, properly, when a row's bytes are sent.
enum class Stage { connected, started, authenticated, tuned };

struct Row {
  std::string name;
  Stage stage;
  std::string bytes;
};

std::unique_ptr<WireClient> client_at(Stage stage, const Login& login = {}) {
  auto client = std::make_unique<WireClient>(target());
  if (stage == Stage::started) client->begin();
  if (stage == Stage::authenticated) client->authenticate(login);
  if (stage == Stage::tuned) client->tune(login);
  return client;
}

std::string tune_ok(unsigned channel_max, std::uint32_t frame_max) {
  return method(ConnectionTuneOk{.channel_max = static_cast<std::uint16_t>(channel_max),
                                 .frame_max = frame_max},
                0);
}

std::string start_ok_with(std::string_view mechanism, std::string_view response) {
  const std::string properties = client_properties(true);
  return method(
      ConnectionStartOk{.client_properties = RawTable(std::as_bytes(std::span(properties))),
                        .mechanism = mechanism,
                        .response = response,
                        .locale = "en_US"},
      0);
}

const std::string open = method(ConnectionOpen{.virtual_host = "/"}, 0);
const std::string close = method(ConnectionClose{.reply_code = 200}, 0);
constexpr std::string_view plain("\0guest\0guest", 12);

std::vector<Row> silent_rows() {
  using enum Stage;
  const std::string arguments_without_locale = u32(0) + short_string("PLAIN") + long_string(plain);
  return {
      {"unknown mechanism", started, start_ok_with("NOSUCH", plain)},
      {"mechanism that is not offered", started, start_ok_with("EXTERNAL", "")},
      {"PLAIN without separators", started, start_ok_with("PLAIN", "guest")},
      {"PLAIN with an identity to act for", started,
       start_ok_with("PLAIN", std::string_view("a\0guest\0guest", 13))},
      {"AMQPLAIN without a password", started,
       start_ok_with("AMQPLAIN", Fields().string("LOGIN", "guest").bytes())},
      {"AMQPLAIN that is no table", started, start_ok_with("AMQPLAIN", "\x05LOGINS")},
      {"wrong password, capability not declared", started,
       start_ok({.password = "wrong", .with_capabilities = false})},
      {"unknown user, capability not declared", started,
       start_ok({.user = "wire.nobody", .with_capabilities = false})},
      {"start-ok without arguments", started, raw_method(0, 10, 11)},
      {"start-ok cut short", started, raw_method(0, 10, 11, arguments_without_locale)},
      {"start-ok with a malformed table", started,
       raw_method(0, 10, 11,
                  long_string("\x05"
                              "ab") +
                      short_string("PLAIN") + long_string(plain) + short_string("en_US"))},
      {"tune-ok before start-ok", started, tune_ok(2047, 131072)},
      {"connection.open before start-ok", started, open},
      {"connection.close before start-ok", started, close},
      {"secure-ok without secure", started, method(ConnectionSecureOk{.response = "x"}, 0)},
      {"channel.open before start-ok", started, method(ChannelOpen{}, 1)},
      {"queue.declare before start-ok", started, method(QueueDeclare{.queue = "wire.q"}, 0)},
      {"wrong frame end", started, frame(heartbeat_frame, 0, "", '\xCD')},
      {"unknown frame type", started, frame(4, 0, "")},
      {"empty method frame", started, frame(method_frame, 0, "")},
      {"heartbeat on a channel", started, frame(heartbeat_frame, 1, "")},
      {"payload above the initial frame_max of 4096", started, u8(1) + u16(0) + u32(4097)},
      {"start-ok twice", authenticated, start_ok({})},
      {"connection.open before tune-ok", authenticated, open},
      {"connection.close before tune-ok", authenticated, close},
      {"channel.open before tune-ok", authenticated, method(ChannelOpen{}, 1)},
      {"tune-ok cut short", authenticated, raw_method(0, 10, 31, u16(1))},
      {"tune-ok with bytes left over", authenticated,
       raw_method(0, 10, 31, u16(2047) + u32(131072) + u16(0) + "abc")},
      {"no limit on channels where the broker has one", authenticated, tune_ok(0, 131072)},
      {"channel_max above the broker's", authenticated, tune_ok(2048, 131072)},
      {"no limit on frames where the broker has one", authenticated, tune_ok(2047, 0)},
      {"frame_max above the broker's", authenticated, tune_ok(2047, 131073)},
      {"frame_max below the specification's least", authenticated, tune_ok(2047, 4095)},
  };
}

TEST(Handshake, hangs_up_without_a_word_and_not_at_once_on_a_peer_that_misbehaves_early) {
  const std::vector<Row> rows = silent_rows();
  std::vector<std::unique_ptr<WireClient>> clients;
  clients.reserve(rows.size());
  for (const Row& row : rows) clients.push_back(client_at(row.stage));

  const auto sent_at = steady_clock::now();
  for (std::size_t i = 0; i < rows.size(); ++i) clients[i]->send(rows[i].bytes);

  for (std::size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(rows[i].name);
    EXPECT_EQ(clients[i]->next_answer(), ends());
    // Time is what guessing passwords must cost.
    EXPECT_GE(steady_clock::now() - sent_at, std::chrono::milliseconds(2900));
  }
  expect_broker_serves();
}

TEST(Handshake, answers_a_wrong_protocol_header_with_its_own_and_hangs_up) {
  using namespace std::string_view_literals;
  for (const std::string_view header :
       {"AMQP\x00\x00\x09\x02"sv, "AMQP\x00\x00\x09\x00"sv, "AMQP\x00\x00\x08\x00"sv,
        "AMQP\x00\x01\x00\x00"sv, "AMQP\x03\x01\x00\x00"sv, "AMQP\x01\x01\x00\x0A"sv,
        "AMQX\x00\x00\x09\x01"sv, "GET / HTTP/1.1\r\n\r\n"sv,
        "\x16\x03\x01\x00\xA5\x01\x00\x00\xA1\x03\x03"sv, "\0\0\0\0\0\0\0\0"sv}) {
    SCOPED_TRACE(testing::PrintToString(header));
    WireClient client(target());
    client.send(header);
    EXPECT_EQ(client.next_answer().kind, Answer::Kind::protocol_header);
    EXPECT_EQ(client.next_answer(), ends());
  }
  expect_broker_serves();
}

TEST(Handshake, waits_for_the_rest_of_a_protocol_header) {
  WireClient client(target());
  client.send(protocol_header_0_9_1.substr(0, 4));
  EXPECT_FALSE(client.has_more(std::chrono::milliseconds(50)));
  client.send(protocol_header_0_9_1.substr(4));
  EXPECT_EQ(client.next_answer(), answers(ConnectionStart::key));
}

TEST(Handshake, takes_bytes_one_by_one) {
  WireClient client(target());
  for (const char byte : std::string(protocol_header_0_9_1)) client.send({&byte, 1});
  client.expect_method(ConnectionStart::key, 0);
  for (const char byte : start_ok({})) client.send({&byte, 1});
  client.expect_method(ConnectionTune::key, 0);
}

TEST(Handshake, tells_of_a_refused_login_at_once_when_the_client_can_hear_it) {
  for (const Login& login : {Login{.password = "wrong"}, Login{.user = "wire.nobody"},
                             Login{.password = "wrong", .mechanism = "AMQPLAIN"}}) {
    SCOPED_TRACE(login.user + " " + login.mechanism);
    const auto client = client_at(Stage::started);
    client->send(start_ok(login));
    EXPECT_EQ(
        client->next_answer(),
        closes_connection(ReplyCode::access_refused,
                          "ACCESS_REFUSED - Login was refused using authentication mechanism " +
                              login.mechanism + ". For details see the broker logfile.",
                          0));
    client->send(method(ConnectionCloseOk{}, 0));
    client->expect_end_of_stream();
  }
  expect_broker_serves();
}

TEST(Handshake, lets_in_by_amqplain_and_looks_at_no_locale) {
  WireClient client(target());
  client.open({.mechanism = "AMQPLAIN"});
  client.close();

  const auto other = client_at(Stage::started);
  other->send(
      method(ConnectionStartOk{.mechanism = "PLAIN", .response = plain, .locale = "tlh_QO"}, 0));
  EXPECT_EQ(other->next_answer(), answers(ConnectionTune::key));
}

TEST(Handshake, takes_heartbeats_before_the_connection_is_open) {
  const auto client = client_at(Stage::started);
  client->send(frame(heartbeat_frame, 0, "") + start_ok({}));
  EXPECT_EQ(client->next_answer(), answers(ConnectionTune::key));
}

TEST(Handshake, takes_the_least_frame_max_and_any_heartbeat) {
  WireClient client(target());
  client.open({.channel_max = 1, .frame_max = 4096, .heartbeat = 65535});
  client.close();
}

TEST(Handshake, refuses_by_name_what_comes_between_tune_ok_and_open_ok) {
  const auto out_of_turn = [](MethodKey key) {
    return closes_connection(ReplyCode::channel_error,
                             "CHANNEL_ERROR - unexpected method in connection state opening", key);
  };
  const auto no_vhost = [](std::string detail) {
    return closes_connection(ReplyCode::not_allowed, "NOT_ALLOWED - " + detail,
                             ConnectionOpen::key);
  };
  struct OpeningRow {
    std::string bytes;
    Answer expected;
  };
  for (const OpeningRow& row : std::vector<OpeningRow>{
           {tune_ok(2047, 131072), out_of_turn(ConnectionTuneOk::key)},
           {start_ok({}), out_of_turn(ConnectionStartOk::key)},
           {close, out_of_turn(ConnectionClose::key)},
           {method(ChannelOpen{}, 1),
            closes_connection(ReplyCode::unexpected_frame,
                              "UNEXPECTED_FRAME - type 1, all octets = <<0,20,0,10,0>>", 0)},
           {method(ConnectionOpen{.virtual_host = "wire.none"}, 0),
            no_vhost("vhost wire.none not found")},
       }) {
    SCOPED_TRACE(testing::PrintToString(row.expected));
    const auto client = client_at(Stage::tuned);
    client->send(row.bytes);
    EXPECT_EQ(client->next_answer(), row.expected);
    client->send(method(ConnectionCloseOk{}, 0));
    client->expect_end_of_stream();
  }
  expect_broker_serves();
}

TEST(Handshake, refuses_virtual_hosts_without_permission) {
  if (!Broker::instance().has_ctl()) GTEST_SKIP() << "needs users; set LEVERET_WIRE_CTL";
  Broker::instance().make_users();
  for (const Login& login :
       {Login{.user = "wire.outsider", .password = "wire.outsider", .vhost = "/"},
        Login{.user = "wire.limited", .password = "wire.limited", .vhost = "wire.other"}}) {
    SCOPED_TRACE(login.user);
    const auto client = client_at(Stage::tuned, login);
    client->send(method(ConnectionOpen{.virtual_host = login.vhost}, 0));
    EXPECT_EQ(client->next_answer(),
              closes_connection(ReplyCode::not_allowed,
                                "NOT_ALLOWED - access to vhost '" + login.vhost +
                                    "' refused for user '" + login.user + "'",
                                ConnectionOpen::key));
  }
  expect_broker_serves();
}

TEST(Handshake, takes_a_new_secret) {
  WireClient client(target());
  client.open();
  client.call(method(ConnectionUpdateSecret{.new_secret = "guest", .reason = "rotation"}, 0),
              ConnectionUpdateSecretOk::key, 0);
  client.close();
}

}  // namespace
}  // namespace leveret::wire
