// SPDX-License-Identifier: Apache-2.0
//
// What a queue does by itself: messages grow old, queues get full, queues are forgotten.
#include "queue/classic_queue.h"
#include "queue/classic_store.h"
#include "queue/testing/quiet_host.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ChannelId channel{1};

std::string text(const Message& message) {
  return {reinterpret_cast<const char*>(message.body().data()), message.body().size()};
}

class Sink final : public DeliverySink {
 public:
  Readiness readiness() override { return is_ready ? Readiness::ready : Readiness::no_room; }
  void deliver(const StoredMessage& message) override {
    came.push_back(text(*message.message));
    seqs.push_back(message.seq);
  }
  void on_cancelled() override {}

  bool is_ready = true;
  std::vector<std::string> came;
  std::vector<MessageSeq> seqs;
};

class QueueLife : public ::testing::Test, public testing::QuietHost {
 public:
  void confirm(PublishToken token, bool is_accepted) override {
    confirmed.push_back(fmt::format("{}{}", is_accepted ? "+" : "-", token.sequence & 0xff));
  }
  void is_unused(Queue&) override { ++unused_reports; }
  void wake_at(Queue&, std::uint64_t time_ms) override { wakes.push_back(time_ms); }
  bool dead_letter(Queue&, const StoredMessage& message, Death death) override {
    if (!has_way_for_dead_letters) return false;
    dead.push_back(fmt::format("{} {}", text(*message.message), reason(death)));
    dead_seqs.push_back(message.seq);
    return true;
  }
  void dead_letter_refused(Queue&, const MessagePtr& message) override {
    dead.push_back(fmt::format("{} refused", text(*message)));
  }

  std::vector<std::string> confirmed;
  std::vector<std::uint64_t> wakes;
  std::vector<std::string> dead;
  std::vector<MessageSeq> dead_seqs;
  bool has_way_for_dead_letters = true;
  int unused_reports = 0;

 protected:
  static std::string_view reason(Death death) {
    return death == Death::rejected ? "rejected" : death == Death::expired ? "expired" : "maxlen";
  }
  Queue& make_queue(const QueueRules& rules) {
    queue_.emplace(QueueId(1), ClassicQueue::Options{.rules = rules}, *this,
                   std::make_unique<ClassicStore>(nullptr, limits_, ClassicStore::Options{}));
    return *queue_;
  }
  void publish(std::string_view body, std::uint64_t ttl_ms = Message::no_ttl,
               PublishToken token = {}) {
    queue_->publish(make_message("", "q", {}, std::as_bytes(std::span(body.data(), body.size())),
                                 /*is_persistent=*/false, {.ttl_ms = ttl_ms}),
                    token);
  }
  void end_turn() {
    while (queue_->dispatch(1000)) continue;
    EXPECT_TRUE(queue_->is_balanced());
  }
  /// Time goes on to each moment that the queue asked for, and to `now` in the end.
  void advance(std::uint64_t by_ms) {
    const std::uint64_t until = now + by_ms;
    while (!wakes.empty()) {
      const auto next = std::ranges::min_element(wakes);
      if (*next > until) break;
      now = std::max(now, *next);
      wakes.erase(next);
      queue_->on_wake();
      end_turn();
    }
    now = until;
  }
  std::vector<std::string> ready() {
    std::vector<std::string> all;
    while (auto got = queue_->get(channel, /*no_ack=*/true).message) {
      all.push_back(text(*got->message));
    }
    return all;
  }

  StoreLimits limits_;
  std::optional<ClassicQueue> queue_;
  Sink sink_;
};

TEST_F(QueueLife, messages_of_a_queue_with_a_ttl_expire_though_nobody_looks) {
  Queue& queue = make_queue({.message_ttl_ms = 100});
  publish("a");
  end_turn();
  advance(60);
  publish("b");
  end_turn();
  advance(39);
  EXPECT_EQ(queue.counts().ready, 2u);
  advance(1);
  EXPECT_EQ(queue.counts().ready, 1u);
  advance(60);
  EXPECT_EQ(queue.counts().ready, 0u);
  EXPECT_EQ(queue.totals().expired, 2u);
}

TEST_F(QueueLife, a_messages_own_ttl_and_the_queues_hold_whichever_is_shorter) {
  Queue& queue = make_queue({.message_ttl_ms = 100});
  publish("short", 10);
  publish("long", 1000);
  end_turn();
  advance(10);
  EXPECT_EQ(queue.counts().ready, 1u);
  advance(90);
  EXPECT_EQ(queue.counts().ready, 0u);
}

TEST_F(QueueLife, a_message_that_lives_long_holds_back_those_behind_it) {
  Queue& queue = make_queue({});
  publish("long", 1000);
  publish("short", 1);
  end_turn();
  advance(500);
  EXPECT_EQ(queue.counts().ready, 2u);
  advance(500);
  EXPECT_EQ(queue.counts().ready, 0u);
}

TEST_F(QueueLife, what_expired_is_not_delivered) {
  Queue& queue = make_queue({});
  publish("old", 10);
  publish("new");
  end_turn();
  now += 11;  // And nobody has woken the queue yet.
  ASSERT_TRUE(queue.attach({.id = ConsumerId(1), .channel = channel, .no_ack = true}, sink_));
  end_turn();
  EXPECT_THAT(sink_.came, ElementsAre("new"));
  publish("old", 10);
  sink_.is_ready = false;
  end_turn();
  EXPECT_EQ(queue.counts().ready, 1u);
  now += 11;
  EXPECT_FALSE(queue.get(channel, true).message);
}

TEST_F(QueueLife, a_ttl_of_0_is_for_who_is_there_and_nobody_else) {
  Queue& queue = make_queue({.message_ttl_ms = 0});
  publish("missed");
  EXPECT_EQ(queue.look().ready, 0u);
  EXPECT_FALSE(queue.get(channel, true).message);
  ASSERT_TRUE(queue.attach({.id = ConsumerId(1), .channel = channel}, sink_));
  publish("a");
  publish("b");
  end_turn();
  EXPECT_THAT(sink_.came, ElementsAre("a", "b"));
  sink_.is_ready = false;
  publish("c");
  end_turn();
  EXPECT_EQ(queue.counts().ready, 0u);
}

TEST_F(QueueLife, what_comes_back_is_as_old_as_before) {
  Queue& queue = make_queue({});
  ASSERT_TRUE(queue.attach({.id = ConsumerId(1), .channel = channel}, sink_));
  publish("a", 50);
  end_turn();
  advance(60);
  EXPECT_EQ(queue.counts().unacked, 1u);  // It is the consumer's.
  queue.detach(ConsumerId(1));
  queue.release(channel);
  end_turn();
  EXPECT_EQ(queue.counts().ready, 0u);
  EXPECT_EQ(queue.totals().expired, 1u);
}

TEST_F(QueueLife, rules_that_come_later_hold_for_what_comes_later) {
  Queue& queue = make_queue({});
  publish("a");
  queue.set_rules({.message_ttl_ms = 50});
  publish("b");
  end_turn();
  advance(1000);
  EXPECT_EQ(queue.counts().ready, 2u);  // RabbitMQ: the first has no end, and is first.
  EXPECT_EQ(text(*queue.get(channel, true).message->message), "a");
  end_turn();
  EXPECT_EQ(queue.counts().ready, 0u);
}

TEST_F(QueueLife, the_oldest_go_when_there_are_too_many) {
  Queue& queue = make_queue({.length_max = 2});
  for (const char* body : {"a", "b", "c", "d"}) publish(body);
  end_turn();
  EXPECT_EQ(queue.totals().dropped, 2u);
  EXPECT_THAT(ready(), ElementsAre("c", "d"));
}

TEST_F(QueueLife, the_oldest_go_when_they_are_too_large) {
  Queue& queue = make_queue({.body_bytes_max = 5});
  for (const char* body : {"aaa", "bb", "c"}) publish(body);
  end_turn();
  EXPECT_EQ(queue.counts().ready_body_bytes, 3u);
  publish("much too large");
  end_turn();
  EXPECT_THAT(ready(), IsEmpty());
  EXPECT_EQ(queue.totals().dropped, 4u);
}

TEST_F(QueueLife, nothing_is_dropped_that_a_consumer_could_have_had) {
  Queue& queue = make_queue({.length_max = 1});
  ConsumerSpec spec{.id = ConsumerId(1), .channel = channel};
  spec.prefetch = 3;
  ASSERT_TRUE(queue.attach(spec, sink_));
  for (const char* body : {"a", "b", "c", "d", "e"}) publish(body);
  end_turn();
  EXPECT_THAT(sink_.came, ElementsAre("a", "b", "c"));
  EXPECT_EQ(queue.totals().dropped, 1u);
  EXPECT_THAT(ready(), ElementsAre("e"));
}

TEST_F(QueueLife, who_looks_sees_no_more_than_the_limit) {
  Queue& queue = make_queue({.length_max = 2});
  for (const char* body : {"a", "b", "c"}) publish(body);
  EXPECT_EQ(queue.look().ready, 2u);
  publish("d");
  const Queue::Got got = queue.get(channel, true);
  EXPECT_EQ(text(*got.message->message), "c");
  EXPECT_EQ(got.left, 1u);
  publish("e");
  publish("f");
  EXPECT_EQ(queue.purge(), 2u);
}

TEST_F(QueueLife, a_lower_limit_holds_at_once) {
  Queue& queue = make_queue({});
  for (const char* body : {"a", "b", "c"}) publish(body);
  end_turn();
  queue.set_rules({.length_max = 1});
  end_turn();
  EXPECT_THAT(ready(), ElementsAre("c"));
  queue.set_rules({});
  for (const char* body : {"a", "b", "c"}) publish(body);
  end_turn();
  EXPECT_EQ(queue.counts().ready, 3u);
}

TEST_F(QueueLife, a_full_queue_refuses_when_its_rules_say_so) {
  Queue& queue = make_queue({.length_max = 1, .overflow = Overflow::reject_publish});
  publish("a", Message::no_ttl, {channel, 1});
  publish("b", Message::no_ttl, {channel, 2});
  publish("c");
  end_turn();
  EXPECT_THAT(confirmed, ElementsAre("+1", "-2"));
  EXPECT_EQ(queue.totals().refused, 2u);
  EXPECT_EQ(queue.totals().published, 1u);
  EXPECT_THAT(dead, IsEmpty());
  EXPECT_THAT(ready(), ElementsAre("a"));
}

TEST_F(QueueLife, a_queue_is_not_full_of_what_a_consumer_waits_for) {
  Queue& queue = make_queue({.length_max = 1, .overflow = Overflow::reject_publish});
  ConsumerSpec spec{.id = ConsumerId(1), .channel = channel};
  spec.prefetch = 2;
  ASSERT_TRUE(queue.attach(spec, sink_));
  for (std::uint64_t i = 1; i <= 5; ++i) publish("m", Message::no_ttl, {channel, i});
  end_turn();
  EXPECT_THAT(confirmed, ElementsAre("+1", "+2", "+3", "-4", "-5"));
  EXPECT_EQ(sink_.came.size(), 2u);
}

TEST_F(QueueLife, a_dead_letter_that_a_full_queue_turns_away_has_its_answer) {
  make_queue({.length_max = 0, .overflow = Overflow::reject_publish});
  publish("a", Message::no_ttl, {channel, PublishToken::move_bit | 7});
  EXPECT_THAT(confirmed, ElementsAre("+7"));
}

TEST_F(QueueLife, what_is_refused_dies_too_when_the_rules_say_so) {
  make_queue({.length_max = 0,
              .overflow = Overflow::reject_publish_dlx,
              .has_dead_letter_exchange = true});
  publish("a", Message::no_ttl, {channel, 1});
  EXPECT_THAT(confirmed, ElementsAre("-1"));
  EXPECT_THAT(dead, ElementsAre("a refused"));
}

TEST_F(QueueLife, what_dies_stays_until_its_dead_letter_is_safe) {
  Queue& queue =
      make_queue({.message_ttl_ms = 10, .length_max = 2, .has_dead_letter_exchange = true});
  ASSERT_FALSE(queue.get(channel, false).message);
  publish("a");
  publish("b");
  publish("c");
  end_turn();
  const auto got = queue.get(channel, /*no_ack=*/false);
  queue.settle(channel, std::vector{got.message->seq}, Settlement::rejected);
  advance(10);
  EXPECT_THAT(dead, ElementsAre("a maxlen", "b rejected", "c expired"));
  EXPECT_EQ(queue.counts().dying, 3u);
  EXPECT_TRUE(queue.is_balanced());
  for (const MessageSeq seq : dead_seqs) queue.on_dead_lettered(seq);
  EXPECT_EQ(queue.counts().dying, 0u);
  EXPECT_EQ(queue.totals().dead_lettered, 3u);
  queue.on_dead_lettered(dead_seqs[0]);
  EXPECT_EQ(queue.totals().dead_lettered, 3u);
  EXPECT_TRUE(queue.is_balanced());
}

TEST_F(QueueLife, what_dies_and_nobody_gets_is_counted_by_how_it_died) {
  has_way_for_dead_letters = false;
  Queue& queue = make_queue({.length_max = 1, .has_dead_letter_exchange = true});
  publish("a");
  publish("b", 5);
  end_turn();
  advance(5);
  publish("c");
  const auto got = queue.get(channel, /*no_ack=*/false);
  queue.settle(channel, std::vector{got.message->seq}, Settlement::rejected);
  EXPECT_EQ(queue.totals().dropped, 1u);
  EXPECT_EQ(queue.totals().expired, 1u);
  EXPECT_EQ(queue.totals().rejected, 1u);
  EXPECT_TRUE(queue.is_balanced());
}

TEST_F(QueueLife, only_so_many_are_dying_at_once) {
  Queue& queue = make_queue({.has_dead_letter_exchange = true});
  for (int i = 0; i < 10'000; ++i) publish("m");
  end_turn();
  queue.set_rules({.length_max = 0, .has_dead_letter_exchange = true});
  end_turn();
  EXPECT_LT(queue.counts().dying, 5000u);
  std::size_t done = 0;
  while (done < dead_seqs.size()) {
    queue.on_dead_lettered(dead_seqs[done++]);
    end_turn();
  }
  EXPECT_EQ(queue.totals().dead_lettered, 10'000u);
  EXPECT_EQ(queue.counts().ready, 0u);
}

TEST_F(QueueLife, a_queue_that_nobody_uses_says_so) {
  Queue& queue = make_queue({.expires_ms = 100});
  end_turn();
  publish("a");
  end_turn();
  advance(99);
  EXPECT_EQ(unused_reports, 0);
  static_cast<void>(queue.look());
  end_turn();
  advance(99);
  static_cast<void>(queue.get(channel, true));
  end_turn();
  advance(99);
  EXPECT_EQ(unused_reports, 0);
  advance(1);
  EXPECT_EQ(unused_reports, 1);
}

TEST_F(QueueLife, a_queue_with_a_consumer_is_used_however_long) {
  Queue& queue = make_queue({.expires_ms = 100});
  ASSERT_TRUE(queue.attach({.id = ConsumerId(1), .channel = channel}, sink_));
  end_turn();
  advance(1000);
  EXPECT_EQ(unused_reports, 0);
  queue.detach(ConsumerId(1));
  end_turn();
  advance(99);
  EXPECT_EQ(unused_reports, 0);
  advance(1);
  EXPECT_EQ(unused_reports, 1);
}

TEST_F(QueueLife, keeps_its_books_whatever_happens) {
  const std::uint64_t seed = ::testing::UnitTest::GetInstance()->random_seed();
  SCOPED_TRACE(fmt::format("--gtest_random_seed={}", seed));
  std::mt19937_64 random(seed);
  Queue& queue = make_queue({});
  ConsumerSpec spec{.id = ConsumerId(1), .channel = channel};
  spec.prefetch = 5;
  ASSERT_TRUE(queue.attach(spec, sink_));
  QueueRules rules;
  std::size_t settled = 0;
  std::size_t told = 0;
  for (int i = 0; i < 20'000; ++i) {
    switch (random() % 10) {
      case 0:
        rules = {.message_ttl_ms = random() % 2 ? QueueRules::unlimited : random() % 50,
                 .length_max = random() % 2 ? QueueRules::unlimited : random() % 20,
                 .body_bytes_max = random() % 2 ? QueueRules::unlimited : random() % 60,
                 .overflow = static_cast<Overflow>(random() % 3),
                 .has_dead_letter_exchange = random() % 2 == 0};
        queue.set_rules(rules);
        has_way_for_dead_letters = random() % 4 != 0;
        break;
      case 1:
        if (settled < sink_.seqs.size()) {
          queue.settle(channel, std::span(&sink_.seqs[settled++], 1),
                       static_cast<Settlement>(random() % 3));
        }
        break;
      case 2:
        while (told < dead_seqs.size() && random() % 4) queue.on_dead_lettered(dead_seqs[told++]);
        break;
      case 3:
        advance(random() % 20);
        break;
      case 4:
        end_turn();
        if (rules.overflow == Overflow::drop_head) {
          EXPECT_LE(queue.counts().ready, rules.length_max);
          EXPECT_LE(queue.counts().ready_body_bytes, rules.body_bytes_max);
        }
        break;
      case 5:
        sink_.is_ready = !sink_.is_ready;
        if (sink_.is_ready) queue.resume(ConsumerId(1));
        break;
      default:
        publish(std::string(random() % 10, 'm'), random() % 3 ? Message::no_ttl : random() % 50,
                {channel, 1});
    }
    ASSERT_TRUE(queue.is_balanced()) << i;
  }
  EXPECT_GT(queue.totals().dead_lettered, 0u);
  EXPECT_GT(queue.totals().expired, 0u);
  EXPECT_GT(queue.totals().dropped, 0u);
}

}  // namespace
}  // namespace leveret
