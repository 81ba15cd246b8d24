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
  Asked all_wrong = a_policy("p", "(", 0, {});
  all_wrong.record.apply_to = "some";
  EXPECT_EQ(complaint(all_wrong),
            "no policy provided\n"
            "pattern should be regular expression but is invalid: {\"missing )\",1}\n"
            "apply-to 'some' unrecognised; should be 'queues', 'exchanges' or 'all'");
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
  std::string match(std::string_view queue) {
    const PolicyPtr policy = policies_.match_queue(queue);
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
  policies_.remove("d");
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
  return broker.ask<Outcome>(
      0, [&](auto answer) { broker.registry().clear_policy(vhost, name, std::move(answer)); });
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
  const PolicyPtr& policy = queues.find(queue)->second.policy;
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
