// SPDX-License-Identifier: Apache-2.0
//
// The one test behind every row, and the bystander.

#include "refusal.h"

#include "broker.h"

#include <memory>
#include <stdexcept>

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

constexpr std::uint16_t other_channel = 2;

/// A connection that no row concerns.
class Bystander {
 public:
  explicit Bystander(const Target& target) : client_(target) {
    client_.open();
    client_.open_channel(1);
    client_.call(method(QueueDeclare{.queue = "wire.locked", .exclusive = true}),
                 QueueDeclareOk::key);
    client_.call(method(QueueDeclare{.queue = "wire.bystander", .exclusive = true}),
                 QueueDeclareOk::key);
    client_.call(
        method(ExchangeDeclare{.exchange = "wire.internal", .type = "direct", .internal = true}),
        ExchangeDeclareOk::key);
    client_.call(method(BasicConsume{.queue = "wire.bystander", .no_ack = true}),
                 BasicConsumeOk::key);
  }

  /// Has the next message of its queue, and it is `text`.
  void expect_message(std::string_view text) {
    client_.expect_method(BasicDeliver::key);
    const std::optional<ReceivedFrame> properties = client_.read_frame();
    const std::optional<ReceivedFrame> body_frame = client_.read_frame();
    ASSERT_TRUE(properties && body_frame);
    EXPECT_EQ(body_frame->payload, text);
  }

 private:
  WireClient client_;
};

/// Made by the first row, and again after a row that broke it, so that one failure stays one.
std::unique_ptr<Bystander> bystander;

Bystander& the_bystander() {
  if (!bystander) bystander = std::make_unique<Bystander>(Broker::instance().target());
  return *bystander;
}

/// Reads up to the row's answer. Where a method is expected, the channel must get past the whole of
/// the bytes: access.request, sent behind them, is answered.
Answer answer_to(WireClient& client, const Refusal& row, const Answer& expected) {
  client.send(row.bytes);
  const bool is_accepted = expected.kind == Answer::Kind::method;
  if (is_accepted) client.send(method(AccessRequest{.realm = "/data"}, row.channel));
  bool has_come = false;
  bool is_past = false;
  while (true) {
    const Answer came = client.next_answer();
    switch (came.kind) {
      case Answer::Kind::method:
        // In any order: what a queue answers may come after what the channel answers later.
        if (came == expected) has_come = true;
        if (came.method == AccessRequestOk::key) is_past = true;
        if (has_come && is_past) return expected;
        break;
      case Answer::Kind::content:
      case Answer::Kind::heartbeat:
        break;
      default:
        return came;
    }
  }
}

/// What must hold after the answer, on the row's own connection.
void expect_aftermath(WireClient& client, const Refusal& row, const Answer& came) {
  switch (came.kind) {
    case Answer::Kind::channel_close:
      client.send(method(ChannelCloseOk{}, row.channel));
      client.open_channel(row.channel);
      [[fallthrough]];
    case Answer::Kind::method:
      client.call(method(ChannelFlow{.active = true}, other_channel), ChannelFlowOk::key,
                  other_channel);
      client.close();
      break;
    case Answer::Kind::connection_close:
      client.send(method(ConnectionCloseOk{}, 0));
      if (row.keeps_framing || !Broker::instance().is_rabbitmq()) client.expect_end_of_stream();
      break;
    default:
      break;
  }
}

}  // namespace

std::string row_name(const testing::TestParamInfo<Refusal>& info) { return info.param.name; }

void expect_broker_serves() try {
  the_bystander();
  WireClient fresh(Broker::instance().target());
  fresh.open();
  fresh.open_channel(1);
  constexpr std::string_view queue = "wire.probe";
  fresh.call(method(QueueDeclare{.queue = queue, .exclusive = true}), QueueDeclareOk::key);
  fresh.send(publish({.routing_key = queue}));
  fresh.call(method(BasicGet{.queue = queue, .no_ack = true}), BasicGetOk::key);
  fresh.send(method(BasicPublish{.routing_key = "wire.bystander"}) + content("still there"));
  the_bystander().expect_message("still there");
  fresh.call(method(QueueDelete{.queue = "wire.q"}), QueueDeleteOk::key);
  fresh.call(method(ExchangeDelete{.exchange = "wire.x"}), ExchangeDeleteOk::key);
  fresh.close();
} catch (const std::runtime_error& error) {
  bystander.reset();
  ADD_FAILURE() << "the broker does not serve others: " << error.what();
}

TEST_P(Refusals, is_answered_as_promised_and_disturbs_nobody) {
  const Refusal& row = GetParam();
  Broker& broker = Broker::instance();
  if (!broker.is_rabbitmq() && !row.leveret_lacks.empty()) {
    GTEST_SKIP() << "not there yet: " << row.leveret_lacks;
  }
  if (row.login.user != "guest") {
    if (!broker.has_ctl()) GTEST_SKIP() << "needs users; set LEVERET_WIRE_CTL";
    broker.make_users();
  }
  try {
    the_bystander();
    const Answer& expected =
        broker.is_rabbitmq() && row.rabbitmq_differs ? *row.rabbitmq_differs : row.expected;
    {
      WireClient client(broker.target());
      client.open(row.login);
      client.open_channel(1);
      client.open_channel(other_channel);

      const Answer came = answer_to(client, row, expected);

      EXPECT_EQ(came, expected);
      expect_aftermath(client, row, came);
    }
    expect_broker_serves();
  } catch (const std::runtime_error& error) {
    bystander.reset();
    FAIL() << error.what();
  }
}

}  // namespace leveret::wire
