// SPDX-License-Identifier: Apache-2.0
//
// The event exchange: what happens in the broker is told to amq.rabbitmq.event. What it says is
// compared with RabbitMQ's in tests/differential.
#include "amqp/field_table.h"
#include "session/testing/client.h"
#include "session/testing/worlds.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::BasicProperties;
using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using AdminOutcome = std::expected<void, AdminRefusal>;

struct Heard {
  std::string key;
  FieldTable headers;  ///< Without the time.
};

/// Who listens, to a queue of its own.
class Listener {
 public:
  explicit Listener(TestBroker& broker, unsigned worker = 0, std::string_view key = "#")
      : broker_(broker), client_(broker, worker) {
    client_.declare("events");
    client_.call<amqp::QueueBindOk>(
        1,
        amqp::QueueBind{.queue = "events", .exchange = "amq.rabbitmq.event", .routing_key = key});
    client_.consume("events", "c", /*no_ack=*/true);
    forget();
  }

  TestClient& client() { return client_; }
  void forget() { static_cast<void>(hear()); }
  std::vector<Heard> hear() {
    broker_.settle();
    std::vector<Heard> heard;
    for (const Content& content : client_.take_deliveries()) {
      EXPECT_EQ(content.exchange, "amq.rabbitmq.event");
      EXPECT_EQ(content.body, "");
      const auto raw =
          std::as_bytes(std::span(content.properties.data(), content.properties.size()));
      const BasicProperties properties = BasicProperties::decode(raw).value();
      EXPECT_EQ(properties.delivery_mode, 2);
      FieldTable headers = FieldTable::decode(properties.headers.value()).value();
      const auto now = broker_.clock().wall_now().time_since_epoch();
      const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
      EXPECT_EQ(headers.find("timestamp_in_ms")->get_if<std::int64_t>()[0], now_ms);
      EXPECT_EQ(properties.timestamp, static_cast<std::uint64_t>(now_ms / 1000));
      headers.erase("timestamp_in_ms");
      heard.push_back({content.routing_key, std::move(headers)});
    }
    return heard;
  }
  std::vector<std::string> hear_keys() {
    std::vector<std::string> keys;
    for (const Heard& event : hear()) keys.push_back(event.key);
    return keys;
  }
  /// The one event that there is.
  Heard hear_one() {
    std::vector<Heard> heard = hear();
    if (heard.size() != 1) throw std::runtime_error(fmt::format("{} events", heard.size()));
    return std::move(heard[0]);
  }

 private:
  TestBroker& broker_;
  Guest client_;
};

MATCHER_P2(IsEvent, key, headers, "") {
  *result_listener << arg.key << " " << arg.headers.to_text();
  return arg.key == key && arg.headers == headers;
}

FieldTable by_guest(std::initializer_list<amqp::FieldTableEntry> entries) {
  FieldTable headers{{"user_who_performed_action", "guest"}};
  for (const amqp::FieldTableEntry& entry : entries) headers.append(entry.name, entry.value);
  return headers;
}

AdminOutcome change_users(
    TestBroker& broker,
    std::move_only_function<std::expected<std::vector<Change>, UsersRefusal>(Users&)> change) {
  return broker.ask<AdminOutcome>(0, [&](auto answer) {
    broker.registry().change_users(
        [&](Users& users) -> std::expected<std::vector<Change>, AdminRefusal> {
          return change(users).value();
        },
        std::move(answer), "rmq-cli");
  });
}

TEST(Events, tell_what_one_client_does_in_its_order_whoever_hears_it_where) {
  for_each_world([](TestBroker& broker, World world) {
    Listener listener(broker, world.worker(2));
    {
      Guest client(broker, world.worker(1));
      client.call<amqp::ExchangeDeclareOk>(1,
                                           amqp::ExchangeDeclare{.exchange = "x", .type = "topic"});
      client.declare("q", {.exclusive = true});
      client.call<amqp::QueueBindOk>(
          1, amqp::QueueBind{.queue = "q", .exchange = "x", .routing_key = "k"});
      client.consume("q", "c");
      client.call<amqp::BasicCancelOk>(1, amqp::BasicCancel{.consumer_tag = "c"});
      client.consume("q", "d");
    }
    EXPECT_THAT(
        listener.hear_keys(),
        ElementsAre("user.authentication.success", "connection.created", "channel.created",
                    "exchange.created", "queue.created", "binding.created", "consumer.created",
                    "consumer.deleted", "consumer.created", "consumer.deleted", "channel.closed",
                    "binding.deleted", "queue.deleted", "connection.closed"));
  });
}

TEST(Events, are_told_to_who_binds_and_only_then) {
  for_each_world([](TestBroker& broker, World world) {
    Guest client(broker, world.worker(1));
    client.declare("before");
    const auto is_listening = [&](unsigned worker) {
      return broker.shard(worker % world.workers).has_event_listener();
    };
    EXPECT_FALSE(is_listening(0));
    {
      Listener listener(broker, world.worker(0), "queue.*");
      EXPECT_TRUE(is_listening(0));
      EXPECT_TRUE(is_listening(3));
      client.declare("while");
      client.call<amqp::ExchangeDeclareOk>(1,
                                           amqp::ExchangeDeclare{.exchange = "x", .type = "topic"});
      EXPECT_THAT(listener.hear_keys(), ElementsAre("queue.created"));
      listener.client().call<amqp::QueueUnbindOk>(
          1, amqp::QueueUnbind{
                 .queue = "events", .exchange = "amq.rabbitmq.event", .routing_key = "queue.*"});
      EXPECT_FALSE(is_listening(0));
      client.declare("after");
      EXPECT_THAT(listener.hear_keys(), IsEmpty());
    }
  });
}

TEST(Events, of_exchanges_queues_and_bindings) {
  TestBroker broker;
  Listener listener(broker);
  Guest client(broker, 0);
  listener.forget();

  const std::vector<std::byte> alternate =
      FieldTable{{"alternate-exchange", "amq.fanout"}}.to_raw();
  client.call<amqp::ExchangeDeclareOk>(
      1, amqp::ExchangeDeclare{.exchange = "x",
                               .type = "topic",
                               .durable = true,
                               .arguments = amqp::RawTable(alternate)});
  EXPECT_THAT(listener.hear(),
              ElementsAre(IsEvent(
                  "exchange.created",
                  by_guest({{"policy", ""},
                            {"arguments",
                             FieldArray{"{<<\"alternate-exchange\">>,longstr,<<\"amq.fanout\">>}"}},
                            {"internal", false},
                            {"auto_delete", false},
                            {"durable", true},
                            {"type", "topic"},
                            {"name", "x"},
                            {"vhost", "/"}}))));

  const std::vector<std::byte> arguments =
      FieldTable{{"x-max-length", 10}, {"x-own", FieldArray{"a", 1, FieldTable{{"b", true}}}}}
          .to_raw();
  client.declare("q", {.durable = true, .arguments = amqp::RawTable(arguments)});
  EXPECT_THAT(listener.hear(),
              ElementsAre(IsEvent(
                  "queue.created",
                  by_guest({{"exclusive", false},
                            {"owner_pid", ""},
                            {"arguments",
                             FieldArray{"{<<\"x-max-length\">>,signedint,10}",
                                        "{<<\"x-own\">>,array,[{longstr,<<\"a\">>},{signedint,1},"
                                        "{table,[{<<\"b\">>,bool,true}]}]}"}},
                            {"auto_delete", false},
                            {"durable", true},
                            {"name", "q"},
                            {"vhost", "/"}}))));

  client.call<amqp::QueueBindOk>(
      1, amqp::QueueBind{.queue = "q", .exchange = "x", .routing_key = "k.#"});
  const auto of_binding = [](std::string_view by) {
    return FieldTable{{"user_who_performed_action", by}, {"vhost", "/"},
                      {"arguments", FieldArray()},       {"routing_key", "k.#"},
                      {"destination_kind", "queue"},     {"destination_name", "q"},
                      {"source_kind", "exchange"},       {"source_name", "x"}};
  };
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("binding.created", of_binding("guest"))));

  // What is there already is not made once more.
  client.call<amqp::QueueBindOk>(
      1, amqp::QueueBind{.queue = "q", .exchange = "x", .routing_key = "k.#"});
  client.declare("q", {.durable = true, .arguments = amqp::RawTable(arguments)});
  EXPECT_THAT(listener.hear(), IsEmpty());

  client.call<amqp::QueueDeleteOk>(1, amqp::QueueDelete{.queue = "q"});
  EXPECT_THAT(listener.hear(),
              ElementsAre(IsEvent("binding.deleted", of_binding("rmq-internal")),
                          IsEvent("queue.deleted", by_guest({{"name", "q"}, {"vhost", "/"}}))));
  client.call<amqp::ExchangeDeleteOk>(1, amqp::ExchangeDelete{.exchange = "x"});
  EXPECT_THAT(listener.hear(),
              ElementsAre(IsEvent("exchange.deleted", by_guest({{"name", "x"}, {"vhost", "/"}}))));
}

TEST(Events, of_an_auto_delete_queue_that_goes_are_the_brokers_own) {
  TestBroker broker;
  Listener listener(broker, 0, "queue.deleted");
  Guest client(broker, 0);
  client.declare("q", {.auto_delete = true});
  client.consume("q", "c");
  client.call<amqp::BasicCancelOk>(1, amqp::BasicCancel{.consumer_tag = "c"});
  const FieldTable headers = listener.hear_one().headers;
  EXPECT_EQ(*headers.find("user_who_performed_action")->as_string(), "rmq-internal");
}

TEST(Events, of_connections_name_each_by_what_no_other_has) {
  TestBroker broker;
  Listener listener(broker);
  FieldTable created;
  FieldTable opened;
  FieldTable consuming;
  FieldTable owned;
  {
    Guest client(broker, 0);
    client.declare("q", {.exclusive = true});
    client.call<amqp::BasicQosOk>(1, amqp::BasicQos{.prefetch_count = 7});
    client.consume("q", "tag");
    const std::vector<Heard> heard = listener.hear();
    ASSERT_EQ(heard.size(), 5U);
    EXPECT_EQ(heard[0].key, "user.authentication.success");
    EXPECT_EQ(heard[0].headers, (FieldTable{{"ssl", false},
                                            {"auth_mechanism", "PLAIN"},
                                            {"protocol", "{0,9,1}"},
                                            {"peer_port", *heard[0].headers.find("peer_port")},
                                            {"peer_host", "{192,0,2,1}"},
                                            {"connection_name", client.connection().name().c_str()},
                                            {"host", "{192,0,2,2}"},
                                            {"name", "guest"},
                                            {"connection_type", "network"}}));
    created = heard[1].headers;
    opened = heard[2].headers;
    owned = heard[3].headers;
    consuming = heard[4].headers;
    EXPECT_EQ(*created.find("name")->as_string(), client.connection().name());
    EXPECT_EQ(*opened.find("name")->as_string(), client.connection().name() + " (1)");
  }
  EXPECT_EQ(*created.find("user")->as_string(), "guest");
  EXPECT_EQ(*created.find("vhost")->as_string(), "/");
  EXPECT_EQ(*created.find("node")->as_string(), "leveret@test");
  EXPECT_EQ(created.find("channel_max")->as_integer(), 2047);
  const std::string connection = *created.find("pid")->as_string();
  const std::string channel = *opened.find("pid")->as_string();
  EXPECT_EQ(*opened.find("connection")->as_string(), connection);
  EXPECT_EQ(opened.find("number")->as_integer(), 1);
  EXPECT_EQ(*owned.find("owner_pid")->as_string(), connection);
  EXPECT_EQ(consuming, by_guest({{"arguments", FieldArray()},
                                 {"prefetch_count", std::int64_t{7}},
                                 {"queue", "q"},
                                 {"vhost", "/"},
                                 {"channel", channel.c_str()},
                                 {"ack_required", true},
                                 {"exclusive", false},
                                 {"consumer_tag", "tag"}}));
  const std::vector<Heard> heard = listener.hear();
  ASSERT_EQ(heard.size(), 4U);
  EXPECT_THAT(heard[0], IsEvent("consumer.deleted", by_guest({{"queue", "q"},
                                                              {"vhost", "/"},
                                                              {"channel", channel.c_str()},
                                                              {"consumer_tag", "tag"}})));
  EXPECT_THAT(heard[1], IsEvent("channel.closed", by_guest({{"pid", channel.c_str()}})));
  EXPECT_EQ(heard[2].key, "queue.deleted");
  EXPECT_THAT(heard[3],
              IsEvent("connection.closed",
                      FieldTable({{"client_properties", *created.find("client_properties")},
                                  {"node", "leveret@test"},
                                  {"pid", connection.c_str()},
                                  {"name", *created.find("name")}})));
}

TEST(Events, of_a_login_that_is_refused) {
  TestBroker broker;
  Listener listener(broker);
  {
    TestClient stranger(broker, 0, {.password = "wrong"});
    EXPECT_THROW(stranger.handshake(), std::runtime_error);
  }
  const std::vector<Heard> heard = listener.hear();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].key, "user.authentication.failure");
  EXPECT_EQ(heard[0].headers.begin()->name, "error");
  EXPECT_EQ(*heard[0].headers.find("error")->as_string(),
            "user 'guest' - invalid credentials: wrong password");
  EXPECT_EQ(*heard[0].headers.find("name")->as_string(), "guest");
  EXPECT_EQ(heard[1].key, "connection.closed");
}

TEST(Events, of_a_channel_that_breaks_the_rules) {
  TestBroker broker;
  Listener listener(broker, 0, "channel.*");
  Guest client(broker, 0);
  client.send(1, amqp::QueueDeclare{.queue = "nowhere", .passive = true});
  EXPECT_THAT(listener.hear_keys(), ElementsAre("channel.created", "channel.closed"));
  client.send(1, amqp::ChannelCloseOk{});
  EXPECT_THAT(listener.hear(), IsEmpty());
}

TEST(Events, of_users_and_permissions) {
  TestBroker broker;
  Listener listener(broker);
  const auto by_owner = [](std::initializer_list<amqp::FieldTableEntry> entries) {
    FieldTable headers{{"user_who_performed_action", "rmq-cli"}};
    for (const amqp::FieldTableEntry& entry : entries) headers.append(entry.name, entry.value);
    return headers;
  };
  const FieldTable bob = by_owner({{"name", "bob"}});
  ASSERT_TRUE(change_users(broker, [](Users& users) { return users.add_user("bob", "a"); }));
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("user.created", bob)));
  ASSERT_TRUE(change_users(broker, [](Users& users) { return users.change_password("bob", "b"); }));
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("user.password.changed", bob)));
  ASSERT_TRUE(change_users(broker, [](Users& users) { return users.clear_password("bob"); }));
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("user.password.cleared", bob)));
  ASSERT_TRUE(change_users(broker, [](Users& users) { return users.set_tags("bob", {"a", "b"}); }));
  EXPECT_THAT(listener.hear(),
              ElementsAre(IsEvent("user.tags.set",
                                  by_owner({{"tags", FieldArray{"a", "b"}}, {"name", "bob"}}))));
  ASSERT_TRUE(change_users(broker, [](Users& users) {
    return users.set_limits("bob", {{"max-connections", 5}});
  }));
  EXPECT_THAT(
      listener.hear(),
      ElementsAre(IsEvent("user.limits.set", FieldTable({{"max-connections", std::int64_t{5}},
                                                         {"username", "bob"},
                                                         {"user_who_performed_action", "rmq-cli"},
                                                         {"name", "limits"}}))));
  ASSERT_TRUE(change_users(broker, [](Users& users) { return users.clear_limits("bob"); }));
  EXPECT_THAT(listener.hear(),
              ElementsAre(IsEvent("user.limits.cleared",
                                  FieldTable({{"username", "bob"},
                                              {"user_who_performed_action", "rmq-cli"},
                                              {"name", "limits"}}))));
  ASSERT_TRUE(change_users(broker, [](Users& users) {
    return users.set_permissions({"bob", "/", ".*", "w", ""});
  }));
  EXPECT_THAT(listener.hear(),
              ElementsAre(IsEvent("permission.created", by_owner({{"read", ""},
                                                                  {"write", "w"},
                                                                  {"configure", ".*"},
                                                                  {"vhost", "/"},
                                                                  {"user", "bob"}}))));
  ASSERT_TRUE(
      change_users(broker, [](Users& users) { return users.clear_permissions("bob", "/"); }));
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("permission.deleted",
                                                   by_owner({{"vhost", "/"}, {"user", "bob"}}))));
  ASSERT_TRUE(change_users(broker, [](Users& users) { return users.delete_user("bob"); }));
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("user.deleted", bob)));
}

TEST(Events, of_vhosts_and_their_limits) {
  TestBroker broker;
  Listener listener(broker, 0, "vhost.#");
  const auto ask = [&broker](auto what) {
    const auto done = broker.ask<AdminOutcome>(0, std::move(what));
    ASSERT_TRUE(done);
  };
  const auto described = [](std::string_view text) {
    return FieldTable{{"tags", FieldArray{"t"}},
                      {"description", text},
                      {"user_who_performed_action", "guest"},
                      {"cluster_state", FieldTable{{"leveret@test", "running"}}},
                      {"tracing", false},
                      {"metadata", fmt::format("#{{description => <<\"{}\">>,tags => [t]}}", text)},
                      {"default_queue_type", "undefined"},
                      {"name", "v"}};
  };
  ask([&](auto answer) {
    broker.registry().add_vhost({.name = "v", .description = "d", .tags = {"t"}}, std::move(answer),
                                "guest");
  });
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("vhost.created", described("d"))));
  ask([&](auto answer) {
    broker.registry().change_vhost(
        "v", [](VhostRecord& record) { record.description = "e"; }, std::move(answer), "guest");
  });
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("vhost.updated", described("e"))));
  ask([&](auto answer) {
    broker.registry().change_vhost_limits(
        "v", [](LimitsRecord& limits) { limits["max-queues"] = 7; }, std::move(answer), "guest");
  });
  EXPECT_THAT(
      listener.hear(),
      ElementsAre(IsEvent("vhost.limits.set", FieldTable({{"max-queues", std::int64_t{7}},
                                                          {"user_who_performed_action", "guest"},
                                                          {"name", "limits"}}))));
  ask([&](auto answer) {
    broker.registry().change_vhost_limits(
        "v", [](LimitsRecord& limits) { limits.clear(); }, std::move(answer), "guest");
  });
  EXPECT_THAT(listener.hear(),
              ElementsAre(IsEvent("vhost.limits.cleared", by_guest({{"name", "limits"}}))));
  ask([&](auto answer) { broker.registry().delete_vhost("v", std::move(answer), "guest"); });
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("vhost.deleted", by_guest({{"name", "v"}}))));
}

TEST(Events, of_a_vhost_that_goes_with_all_that_is_in_it) {
  for_each_world([](TestBroker& broker, World world) {
    const auto made = broker.ask<AdminOutcome>(
        0, [&](auto answer) { broker.registry().add_vhost({.name = "v"}, std::move(answer)); });
    ASSERT_TRUE(made);
    ASSERT_TRUE(change_users(broker, [](Users& users) {
      return users.set_permissions({"guest", "v", ".*", ".*", ".*"});
    }));
    Guest client(broker, world.worker(1), {.vhost = "v"});
    client.declare("q", {.durable = true});
    Listener listener(broker, world.worker(2));
    const auto gone = broker.ask<AdminOutcome>(
        0, [&](auto answer) { broker.registry().delete_vhost("v", std::move(answer), "guest"); });
    ASSERT_TRUE(gone);
    const std::vector<std::string> keys = listener.hear_keys();
    EXPECT_EQ(std::ranges::count(keys, "queue.deleted"), 1);
    EXPECT_EQ(std::ranges::count(keys, "permission.deleted"), 1);
    EXPECT_EQ(std::ranges::count(keys, "exchange.deleted"), 7);
    EXPECT_EQ(std::ranges::count(keys, "vhost.deleted"), 1);
  });
}

TEST(Events, of_policies_and_what_they_change) {
  TestBroker broker;
  Listener listener(broker);
  listener.client().declare("q");
  listener.forget();
  const FieldTable definition{{"max-length", std::int64_t{5}}};
  const auto set = [&](bool is_operator) {
    const auto done = broker.ask<AdminOutcome>(0, [&](auto answer) {
      broker.registry().set_policy({.vhost = "/",
                                    .name = "p",
                                    .pattern = "^q$",
                                    .apply_to = "queues",
                                    .definition = encoded_table(definition),
                                    .priority = 3,
                                    .is_operator = is_operator},
                                   definition, std::move(answer), "guest");
    });
    ASSERT_TRUE(done);
  };
  const auto clear = [&](bool is_operator) {
    const auto done = broker.ask<AdminOutcome>(0, [&](auto answer) {
      broker.registry().clear_policy("/", "p", is_operator, std::move(answer), "guest");
    });
    ASSERT_TRUE(done);
  };
  FieldTable said{{"apply-to", "queues"},
                  {"priority", std::int64_t{3}},
                  {"definition", definition},
                  {"pattern", "^q$"},
                  {"user_who_performed_action", "guest"}};
  FieldTable of_queue = said;
  of_queue.append("type", "rabbit_classic_queue");
  for (FieldTable* headers : {&said, &of_queue}) headers->append("vhost", "/");
  said.append("name", "p");
  of_queue.append("name", "q");
  set(false);
  EXPECT_THAT(listener.hear(),
              ElementsAre(IsEvent("queue.policy.updated", of_queue), IsEvent("policy.set", said)));
  clear(false);
  EXPECT_THAT(
      listener.hear(),
      ElementsAre(
          IsEvent("queue.policy.cleared",
                  by_guest({{"type", "rabbit_classic_queue"}, {"vhost", "/"}, {"name", "q"}})),
          IsEvent("policy.cleared", by_guest({{"vhost", "/"}, {"name", "p"}}))));
  set(true);
  EXPECT_THAT(listener.hear_keys(),
              ElementsAre("queue.policy.updated", "parameter.set", "policy.set"));
  clear(true);
  EXPECT_THAT(listener.hear_keys(),
              ElementsAre("queue.policy.cleared", "parameter.cleared", "operator.policy.cleared"));
}

TEST(Events, of_alarms) {
  TestBroker broker;
  Listener listener(broker);
  const FieldTable headers{{"node", "leveret@test"}, {"source", "memory"}};
  broker.raise_alarm("memory", "low on memory");
  broker.raise_alarm("memory", "low on memory, still");
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("alarm.set", headers)));
  broker.clear_alarm("memory");
  EXPECT_THAT(listener.hear(), ElementsAre(IsEvent("alarm.cleared", headers)));
}

TEST(Events, are_nobody_elses_to_publish_and_only_in_their_vhost) {
  TestBroker broker;
  EXPECT_TRUE(broker.has_exchange("amq.rabbitmq.event"));
  const auto made = broker.ask<AdminOutcome>(
      0, [&](auto answer) { broker.registry().add_vhost({.name = "v"}, std::move(answer)); });
  ASSERT_TRUE(made);
  EXPECT_FALSE(broker.has_exchange("amq.rabbitmq.event", "v"));
  Guest client(broker, 0);
  client.publish(1, {.exchange = "amq.rabbitmq.event", .routing_key = "k"}, "m");
  broker.settle();
  EXPECT_EQ(client.take_close(1),
            "403 ACCESS_REFUSED - cannot publish to internal exchange 'amq.rabbitmq.event' in "
            "vhost '/' (60.40)");
}

// The queue of a listener that goes is told of on its own way out.
TEST(Events, do_not_reach_a_listener_that_has_gone) {
  for_each_world([](TestBroker& broker, World world) {
    { Listener listener(broker, world.worker(1)); }
    broker.settle();
    Guest client(broker, world.worker(0));
    client.call<amqp::QueueDeleteOk>(1, amqp::QueueDelete{.queue = "events"});
    broker.settle();
    EXPECT_FALSE(broker.shard(0).has_event_listener());
    EXPECT_EQ(broker.queue_count(), 0U);
  });
}

}  // namespace
}  // namespace leveret::testing
