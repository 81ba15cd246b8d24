// SPDX-License-Identifier: Apache-2.0
#include "session/access.h"

#include "session/testing/client.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

/// Grants guest these rights in "/", as an administrator would.
void grant(TestBroker& broker, const PermissionRecord& permission) {
  const auto changed = broker.ask<std::expected<void, AdminRefusal>>(0, [&](auto answer) {
    broker.registry().change_users(
        [&](Users& users) -> std::expected<std::vector<Change>, AdminRefusal> {
          return users.set_permissions(permission).value();
        },
        std::move(answer));
  });
  ASSERT_TRUE(changed.has_value());
}

TEST(Access, knows_the_three_rights_apart) {
  TestBroker broker;
  grant(broker, {"guest", "/", "^c$", "^w$", "^r$"});
  Access access(broker.shard(0));
  access.log_in("guest", "/");
  for (const char* name : {"c", "w", "r"}) {
    EXPECT_EQ(access.check(Permission::configure, ResourceKind::queue, name).has_value(),
              *name == 'c');
    EXPECT_EQ(access.check(Permission::write, ResourceKind::queue, name).has_value(), *name == 'w');
    EXPECT_EQ(access.check(Permission::read, ResourceKind::exchange, name).has_value(),
              *name == 'r');
  }
}

TEST(Access, tells_which_right_is_missing_where_rabbitmq_does) {
  for (const char* name : {"any", "3.13", "4.x"}) {
    TestBroker broker({.personality = find_personality(name)});
    grant(broker, {"guest", "/", "^$", "^$", "^$"});
    Access access(broker.shard(0));
    access.log_in("guest", "/");
    const bool is_told = std::string(name) == "4.x";
    const std::string rest = "access to queue 'q' in vhost '/' refused for user 'guest'";
    EXPECT_EQ(access.check(Permission::configure, ResourceKind::queue, "q").error().reply_text(),
              "ACCESS_REFUSED - " + std::string(is_told ? "configure " : "") + rest);
    EXPECT_EQ(access.check(Permission::write, ResourceKind::queue, "q").error().reply_text(),
              "ACCESS_REFUSED - " + std::string(is_told ? "write " : "") + rest);
    EXPECT_EQ(access.check(Permission::read, ResourceKind::queue, "q").error().reply_text(),
              "ACCESS_REFUSED - " + std::string(is_told ? "read " : "") + rest);
  }
}

TEST(Access, is_refused_in_rabbitmqs_words) {
  TestBroker broker;
  grant(broker, {"guest", "/", "", "", ""});
  Access access(broker.shard(0));
  access.log_in("guest", "/");
  EXPECT_EQ(access.check(Permission::write, ResourceKind::queue, "q").error().reply_text(),
            "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'guest'");
  EXPECT_EQ(access.check(Permission::write, ResourceKind::exchange, "").error().reply_text(),
            "ACCESS_REFUSED - access to exchange 'amq.default' in vhost '/' refused for user "
            "'guest'");
}

TEST(Access, forgets_its_verdicts_when_rights_change) {
  TestBroker broker({.workers = 2});
  Guest client(broker, 1);
  client.declare("q");
  client.publish(1, {.routing_key = "q"}, "allowed");
  broker.settle();
  grant(broker, {"guest", "/", ".*", "nothing", ".*"});
  client.publish(1, {.routing_key = "q"}, "refused");
  broker.settle();
  EXPECT_EQ(client.take_close(1),
            "403 ACCESS_REFUSED - access to exchange 'amq.default' in vhost '/' refused for user "
            "'guest' (60.40)");
  EXPECT_EQ(broker.totals().ready, 1u);
  client.send(1, amqp::ChannelCloseOk{});
  client.open_channel();
  grant(broker, {"guest", "/", ".*", ".*", ".*"});
  client.publish(1, {.routing_key = "q"}, "allowed");
  broker.settle();
  EXPECT_EQ(broker.totals().ready, 2u);
}

TEST(Access, asks_about_more_names_than_it_remembers) {
  TestBroker broker;
  grant(broker, {"guest", "/", ".*", "^even", ".*"});
  Access access(broker.shard(0));
  access.log_in("guest", "/");
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3000; ++i) {
      const std::string name = fmt::format("{}-{}", i % 2 == 0 ? "even" : "odd", i);
      ASSERT_EQ(access.check(Permission::write, ResourceKind::queue, name).has_value(), i % 2 == 0);
    }
  }
}

TEST(Access, takes_names_without_line_ends) {
  EXPECT_EQ(plain_name("a\r\nb\n"), "ab");
  EXPECT_TRUE(check_name("queue", "amqp").has_value());
  EXPECT_EQ(check_name("queue", "amq.q").error().text,
            "queue name 'amq.q' contains reserved prefix 'amq.*'");
  EXPECT_FALSE(check_not_default("").has_value());
}

}  // namespace
}  // namespace leveret::testing
