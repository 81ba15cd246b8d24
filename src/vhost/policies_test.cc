// SPDX-License-Identifier: Apache-2.0
//
// Texts and results are those of RabbitMQ 3.10.8, but for the settings, of which it knows others.
#include "vhost/policies.h"

#include "metadata/testing/file_size_limit.h"
#include "metadata/testing/temporary_directory.h"
#include "vhost/queue_arguments.h"
#include "vhost/testing/test_broker.h"

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::testing {
namespace {

using amqp::FieldTable;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::StartsWith;

struct Asked {
  PolicyRecord record;
  FieldTable definition;
};

Asked a_policy(std::string name, std::string pattern, std::int64_t priority = 0,
               FieldTable definition = {{"durability", "os"}}) {
  return {.record = {.vhost = "/",
                     .name = std::move(name),
                     .pattern = std::move(pattern),
                     .apply_to = "all",
                     .definition = {},
                     .priority = priority},
          .definition = std::move(definition)};
}

std::string complaint(const Asked& asked) {
  const auto policy = Policy::read(asked.record, asked.definition);
  return policy ? "" : policy.error();
}

TEST(Policy, says_what_is_wrong_with_it) {
  EXPECT_EQ(complaint(a_policy("p", "^q")), "");
  EXPECT_EQ(complaint(a_policy("p", "(")),
            "pattern should be regular expression but is invalid: {\"missing )\",1}");
  EXPECT_EQ(complaint(a_policy("p", "^q", 0, {})), "no policy provided");
  EXPECT_EQ(complaint(a_policy("p", "^q", 0, {{"foo", std::int64_t{10}}, {"bar", "x"}})),
            "[{<<\"bar\">>,<<\"x\">>},{<<\"foo\">>,10}] are not recognised policy settings");
  EXPECT_EQ(complaint(a_policy("p", "^q", 0, {{"durability", "disk"}})),
            "<<\"disk\">> is not a valid durability; should be one of fsync, os, memory");
  EXPECT_EQ(complaint(a_policy("p", "^q", 0, {{"durability", std::int64_t{1}}})),
            "1 is not a valid durability; should be one of fsync, os, memory");
  EXPECT_EQ(complaint(a_policy("p", "^q", 0, {{"consumer-timeout", std::int64_t{60000}}})), "");
  EXPECT_EQ(complaint(a_policy("p", "^q", 0, {{"consumer-timeout", "60000"}})),
            "<<\"60000\">> is not a valid consumer timeout");
  EXPECT_EQ(complaint(a_policy("p", "^q", 0, {{"consumer-timeout", std::int64_t{-1}}})),
            "-1 is not a valid consumer timeout");
  EXPECT_EQ(complaint(a_policy("p", "^q", 0, {{"consumer-timeout-action", "requeue"}})), "");
  EXPECT_EQ(complaint(a_policy("p", "^q", 0, {{"consumer-timeout-action", "ack"}})),
            "<<\"ack\">> is not a valid consumer timeout action; should be one of close_channel, "
            "requeue");
  Asked all_wrong = a_policy("p", "(", 0, {});
  all_wrong.record.apply_to = "some";
  EXPECT_EQ(complaint(all_wrong),
            "no policy provided\n"
            "pattern should be regular expression but is invalid: {\"missing )\",1}\n"
            "apply-to 'some' unrecognised; should be 'queues', 'exchanges' or 'all'");
}

TEST(Policy, has_settings_without_an_effect_and_says_what_is_wrong_with_them) {
  const auto complaint_about = [](FieldTable definition) {
    return complaint(a_policy("p", "^q", 0, std::move(definition)));
  };
  EXPECT_EQ(complaint_about({{"queue-mode", "lazy"},
                             {"queue-version", std::int64_t{2}},
                             {"queue-master-locator", "min-masters"},
                             {"queue-leader-locator", "balanced"},
                             {"initial-cluster-size", std::int64_t{3}},
                             {"max-in-memory-length", std::int64_t{0}},
                             {"max-in-memory-bytes", std::int64_t{0}}}),
            "");
  EXPECT_EQ(complaint_about({{"queue-mode", "x"}}), "<<\"x\">> is not a valid queue-mode value");
  EXPECT_EQ(complaint_about({{"queue-version", std::int64_t{3}}}),
            "3 is not a valid queue-version value");
  EXPECT_EQ(complaint_about({{"queue-master-locator", "x"}}),
            "<<\"x\">> invalid queue-master-locator value");
  EXPECT_EQ(complaint_about({{"queue-leader-locator", "x"}}),
            "<<\"x\">> is not a valid queue leader locator value");
  EXPECT_EQ(complaint_about({{"max-in-memory-length", std::int64_t{-1}}}),
            "-1 is not a valid maximum memory in bytes");
  EXPECT_EQ(complaint_about({{"alternate-exchange", std::int64_t{1}}}),
            "1 is not a valid alternate exchange name");
}

TEST(Policy, of_mirrored_queues_is_looked_at_as_a_whole) {
  const auto complaint_about = [](FieldTable definition) {
    return complaint(a_policy("p", "^q", 0, std::move(definition)));
  };
  EXPECT_EQ(complaint_about({{"ha-mode", "all"}, {"ha-sync-mode", "automatic"}}), "");
  EXPECT_EQ(complaint_about({{"ha-mode", "exactly"}, {"ha-params", std::int64_t{2}}}), "");
  EXPECT_EQ(complaint_about({{"ha-params", std::int64_t{1}}}),
            "ha-mode must be specified to specify ha-params, ha-sync-mode or "
            "ha-promote-on-shutdown");
  EXPECT_EQ(complaint_about({{"ha-mode", "some"}}), "<<\"some\">> is not a valid ha-mode value");
  EXPECT_EQ(complaint_about({{"ha-mode", "exactly"}}),
            "ha-mode=\"exactly\" takes an integer, none given");
  EXPECT_EQ(complaint_about({{"ha-mode", "nodes"}, {"ha-params", std::int64_t{2}}}),
            "ha-mode=\"nodes\" takes a list, 2 given");
  EXPECT_EQ(complaint_about({{"ha-mode", "all"}, {"ha-params", std::int64_t{2}}}),
            "ha-mode=\"all\" does not take parameters");
}

TEST(Policy, of_an_operator_has_numbers_only) {
  const auto complaint_about = [](FieldTable definition) {
    Asked asked = a_policy("p", "^q", 0, std::move(definition));
    asked.record.is_operator = true;
    return complaint(asked);
  };
  for (const char* name : {"message-ttl", "expires", "max-length", "max-length-bytes",
                           "max-in-memory-length", "max-in-memory-bytes"}) {
    EXPECT_EQ(complaint_about({{name, std::int64_t{9}}}), "") << name;
  }
  for (const char* name : {"overflow", "durability", "dead-letter-exchange", "alternate-exchange",
                           "queue-mode", "ha-mode"}) {
    EXPECT_EQ(complaint_about({{name, "all"}}),
              fmt::format("[{{<<\"{}\">>,<<\"all\">>}}] are not recognised policy settings", name));
  }
}

TEST(Policy, with_a_key_that_no_table_can_hold_is_refused_like_any_unknown) {
  const std::string key(300, 'k');
  FieldTable definition;
  definition.set(key, true);
  EXPECT_THAT(
      complaint(a_policy("p", "^q", 0, definition)),
      AllOf(StartsWith("[{<<\"kkk"), EndsWith(",true}] are not recognised policy settings")));
}

class PoliciesTest : public ::testing::Test {
 protected:
  void put(const Asked& asked) {
    policies_.put(
        std::make_shared<const Policy>(std::move(*Policy::read(asked.record, asked.definition))));
  }
  std::string match(std::string_view queue, QueueType type = QueueType::classic) {
    const PolicyPtr policy = policies_.match_queue(queue, type).policy;
    return policy ? policy->record.name : "";
  }

  Policies policies_;
};

TEST_F(PoliciesTest, the_highest_priority_counts_and_then_the_name) {
  put(a_policy("b", "^q"));
  put(a_policy("a", "^q"));
  put(a_policy("c", "^q\\.", 7));
  put(a_policy("d", "", -1));

  EXPECT_EQ(match("q"), "a");
  EXPECT_EQ(match("q.1"), "c");
  EXPECT_EQ(match("other"), "d");
  policies_.remove("d", /*is_operator=*/false);
  EXPECT_EQ(match("other"), "");
  put(a_policy("a", "^z", 9));
  EXPECT_EQ(match("q"), "b");
}

TEST_F(PoliciesTest, are_for_queues_or_for_exchanges_or_for_both) {
  const auto match_exchange = [&](std::string_view exchange) {
    const PolicyPtr policy = policies_.match_exchange(exchange);
    return policy ? policy->record.name : "";
  };
  Asked asked = a_policy("p", "");
  put(asked);
  EXPECT_EQ(match("q"), "p");
  EXPECT_EQ(match_exchange("x"), "p");
  EXPECT_EQ(match_exchange(""), "") << "nothing can be said of the default exchange";
  asked.record.apply_to = "exchanges";
  put(asked);
  EXPECT_EQ(match("q"), "");
  EXPECT_EQ(match_exchange("x"), "p");
  asked.record.apply_to = "queues";
  put(asked);
  EXPECT_EQ(match("q"), "p");
  EXPECT_EQ(match_exchange("x"), "");
}

TEST_F(PoliciesTest, with_a_setting_that_is_not_of_a_queues_type_are_not_its) {
  put(a_policy("low", "", 0, {{"max-length-bytes", std::int64_t{5}}}));
  const auto number = std::int64_t{5};
  put(a_policy("mirrored", "^m", 1, {{"ha-mode", "all"}, {"message-ttl", number}}));
  put(a_policy("limited", "^l", 1, {{"delivery-limit", number}, {"message-ttl", number}}));
  put(a_policy("clustered", "^c", 1, {{"initial-cluster-size", number}}));
  put(a_policy("aged", "^a", 1, {{"max-age", "7D"}, {"max-length-bytes", number}}));
  for (const auto& [queue, of_classic, of_quorum, of_stream] :
       {std::tuple("m", "mirrored", "low", "low"), std::tuple("l", "low", "limited", "low"),
        std::tuple("c", "low", "low", "clustered"), std::tuple("a", "low", "low", "aged"),
        std::tuple("q", "low", "low", "low")}) {
    EXPECT_EQ(match(queue, QueueType::classic), of_classic) << queue;
    EXPECT_EQ(match(queue, QueueType::quorum), of_quorum) << queue;
    EXPECT_EQ(match(queue, QueueType::stream), of_stream) << queue;
  }
}

TEST_F(PoliciesTest, may_be_for_queues_of_one_type) {
  Asked asked = a_policy("p", "", 0, {{"max-length-bytes", std::int64_t{5}}});
  for (const auto& [apply_to, type] :
       {std::pair("classic_queues", QueueType::classic),
        std::pair("quorum_queues", QueueType::quorum), std::pair("streams", QueueType::stream)}) {
    asked.record.apply_to = apply_to;
    put(asked);
    for (const QueueType other : {QueueType::classic, QueueType::quorum, QueueType::stream}) {
      EXPECT_EQ(match("q", other), other == type ? "p" : "") << apply_to;
    }
    EXPECT_EQ(policies_.match_exchange("x"), nullptr);
  }
}

TEST_F(PoliciesTest, of_an_operator_hold_beside_the_others_and_the_lower_number_counts) {
  const auto number = [](std::int64_t value) { return value; };
  Asked limits = a_policy("p", "^q", 0, {{"max-length", number(10)}, {"message-ttl", number(50)}});
  limits.record.is_operator = true;
  put(a_policy("p", "^q[.]", 0,
               {{"max-length", number(5)}, {"message-ttl", number(100)}, {"durability", "os"}}));
  put(limits);

  const QueuePolicy both = policies_.match_queue("q.1", QueueType::classic);
  EXPECT_EQ(both.policy->durability, Durability::os);
  EXPECT_TRUE(both.of_operator->record.is_operator);
  EXPECT_EQ(both.in_force->rules.length_max, 5u);
  EXPECT_EQ(both.in_force->rules.message_ttl_ms, 50u);
  EXPECT_EQ(both.in_force->durability, Durability::os);
  EXPECT_EQ(policies_.match_queue("q.2", QueueType::classic).in_force, both.in_force)
      << "made once for all queues";

  const QueuePolicy one = policies_.match_queue("q", QueueType::classic);
  EXPECT_EQ(one.policy, nullptr);
  EXPECT_EQ(one.in_force, one.of_operator);

  policies_.remove("p", /*is_operator=*/true);
  EXPECT_EQ(policies_.match_queue("q.1", QueueType::classic).in_force, both.policy);
  EXPECT_FALSE(both.is_same_as(policies_.match_queue("q.1", QueueType::classic)));
}

TEST(QueueArguments, durability_is_the_queues_or_its_policys) {
  const Asked asked = a_policy("p", "");
  const auto policy = Policy::read(asked.record, asked.definition);
  QueueProperties queue;
  EXPECT_EQ(durability_of(queue, &*policy, Durability::fsync), Durability::memory);
  queue.number = 1;
  EXPECT_EQ(durability_of(queue, &*policy, Durability::fsync), Durability::os);
  queue.arguments = encoded_table(FieldTable{{"x-durability", "memory"}});
  EXPECT_EQ(durability_of(queue, &*policy, Durability::fsync), Durability::memory);
}

using Outcome = std::expected<void, AdminRefusal>;

Outcome set(TestBroker& broker, const Asked& asked) {
  return broker.ask<Outcome>(0, [&](auto answer) {
    broker.registry().set_policy(asked.record, asked.definition, std::move(answer));
  });
}

Outcome clear(TestBroker& broker, const std::string& vhost, const std::string& name) {
  return broker.ask<Outcome>(0, [&](auto answer) {
    broker.registry().clear_policy(vhost, name, false, std::move(answer));
  });
}

void declare(TestBroker& broker, std::string name) {
  QueueDeclaration declaration;
  declaration.vhost = "/";
  declaration.name = std::move(name);
  declaration.is_durable = true;
  declaration.connection = IdSource<ConnectionId>(WorkerId(0)).next();
  const auto declared = broker.ask<amqp::AmqpResult<DeclaredQueue>>(0, [&](auto answer) {
    broker.registry().declare_queue(std::move(declaration), std::move(answer));
  });
  EXPECT_TRUE(declared.has_value());
}

std::string policy_of(const TestBroker& broker, const std::string& queue) {
  const auto& queues = broker.registry().vhosts().find("/")->second.queues;
  const PolicyPtr& policy = queues.find(queue)->second.policy.policy;
  return policy ? policy->record.name : "";
}

TEST(RegistryPolicies, are_given_to_queues_old_and_new_and_survive_a_restart) {
  const TemporaryDirectory directory;
  for (const unsigned workers : {1U, 3U}) {
    const auto file = directory / fmt::format("{}.db", workers);
    {
      TestBroker broker({.workers = workers, .metadata_file = file});
      declare(broker, "q.old");
      EXPECT_EQ(policy_of(broker, "q.old"), "");
      ASSERT_TRUE(set(broker, a_policy("low", "^q")));
      ASSERT_TRUE(set(broker, a_policy("high", "new$", 5)));
      declare(broker, "q.new");
      EXPECT_EQ(policy_of(broker, "q.old"), "low");
      EXPECT_EQ(policy_of(broker, "q.new"), "high");
    }
    TestBroker broker({.workers = workers, .metadata_file = file});
    EXPECT_EQ(policy_of(broker, "q.old"), "low");
    EXPECT_EQ(policy_of(broker, "q.new"), "high");
    ASSERT_TRUE(clear(broker, "/", "high"));
    EXPECT_EQ(policy_of(broker, "q.new"), "low");
    ASSERT_TRUE(clear(broker, "/", "low"));
    EXPECT_EQ(policy_of(broker, "q.new"), "");
  }
}

TEST(RegistryPolicies, that_cannot_be_are_refused) {
  TestBroker broker;
  Asked elsewhere = a_policy("p", "^q");
  elsewhere.record.vhost = "nowhere";
  EXPECT_EQ(set(broker, elsewhere).error().error, AdminError::no_such_vhost);
  const Outcome invalid = set(broker, a_policy("p", "("));
  EXPECT_EQ(invalid.error().error, AdminError::invalid);
  EXPECT_EQ(invalid.error().text,
            "Validation failed\n\npattern should be regular expression but is invalid: "
            "{\"missing )\",1}\n");
  EXPECT_EQ(clear(broker, "/", "p").error().error, AdminError::no_such_policy);
  EXPECT_EQ(clear(broker, "nowhere", "p").error().error, AdminError::no_such_vhost);
}

TEST(RegistryPolicies, that_could_not_be_written_never_were) {
  const TemporaryDirectory directory;
  TestBroker broker({.workers = 2, .metadata_file = directory / "metadata.db"});
  declare(broker, "q");
  ASSERT_TRUE(set(broker, a_policy("kept", "^q")));
  std::vector<Outcome> outcomes;
  {
    const FileSizeLimit limit(0);
    broker.as(0, [&] {
      for (const char* name : {"lost", "kept", "lost too"}) {
        const Asked asked = a_policy(name, "^q", 9, {{"durability", "memory"}});
        broker.registry().set_policy(asked.record, asked.definition,
                                     [&](Outcome done) { outcomes.push_back(std::move(done)); });
      }
    });
    broker.settle();
  }

  ASSERT_EQ(outcomes.size(), 3u);
  for (const Outcome& outcome : outcomes) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().error, AdminError::storage_failed);
  }
  EXPECT_EQ(policy_of(broker, "q"), "kept");
  const Policies& policies = *broker.registry().vhosts().find("/")->second.policies;
  ASSERT_EQ(policies.all().size(), 1u);
  EXPECT_EQ(policies.all()[0]->durability, Durability::os);
}

TEST(RegistryPolicies, of_a_vhost_that_is_deleted_are_not_those_of_the_next_of_its_name) {
  TestBroker broker;
  const auto add = [&](auto answer) {
    broker.registry().add_vhost({.name = "v"}, std::move(answer));
  };
  ASSERT_TRUE(broker.ask<Outcome>(0, add));
  Asked asked = a_policy("p", "");
  asked.record.vhost = "v";
  int answers = 0;
  broker.as(0, [&] {
    const auto count = [&](const Outcome& done) { answers += done ? 1 : 0; };
    broker.registry().set_policy(asked.record, asked.definition, count);
    broker.registry().delete_vhost("v", count);
    broker.registry().add_vhost({.name = "v"}, count);
  });
  broker.settle();

  EXPECT_EQ(answers, 3);
  EXPECT_TRUE(broker.registry().vhosts().find("v")->second.policies->all().empty());
}

}  // namespace
}  // namespace leveret::testing
