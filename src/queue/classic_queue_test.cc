// SPDX-License-Identifier: Apache-2.0
#include "queue/classic_queue.h"

#include "queue/classic_store.h"
#include "queue/testing/quiet_host.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ChannelId channel_a{1};
constexpr ChannelId channel_b{2};

std::string text(const Message& message) {
  return {reinterpret_cast<const char*>(message.body().data()), message.body().size()};
}

/// Remembers what came, as "body" or "body*" when it was redelivered.
class FakeSink final : public DeliverySink {
 public:
  Readiness readiness() override {
    return static_cast<int>(came.size()) < room ? Readiness::ready : Readiness::no_room;
  }
  void deliver(const StoredMessage& message) override {
    came.push_back(text(*message.message) + (message.redelivered ? "*" : ""));
    seqs.push_back(message.seq);
  }
  void on_cancelled() override { is_cancelled = true; }

  std::vector<std::string> came;
  std::vector<MessageSeq> seqs;
  int room = 1'000'000;
  bool is_cancelled = false;
};

class QueueTest : public ::testing::Test, public testing::QuietHost {
 public:
  void confirm(PublishToken token, bool is_accepted) override {
    confirmed.push_back(is_accepted ? token.sequence : 0);
  }
  void needs_dispatch(Queue&) override { ++dispatch_requests; }
  void is_unused(Queue&) override { ++unused_reports; }

  std::vector<std::uint64_t> confirmed;
  int dispatch_requests = 0;
  int unused_reports = 0;

 protected:
  Queue& make_queue(ClassicQueue::Options options = {}) {
    queue_ = std::make_unique<ClassicQueue>(
        QueueId(1), options, *this,
        std::make_unique<ClassicStore>(nullptr, limits_, ClassicStore::Options{}));
    return *queue_;
  }
  void publish(std::string_view body, PublishToken token = {}) {
    queue_->publish(make_message("", "q", {}, std::as_bytes(std::span(body.data(), body.size()))),
                    token);
  }
  void dispatch() {
    while (queue_->dispatch(1000)) {
    }
  }
  ConsumerSpec spec(std::uint64_t id, ChannelId channel = channel_a) {
    return {.id = ConsumerId(id), .channel = channel};
  }

  StoreLimits limits_;
  std::unique_ptr<ClassicQueue> queue_;
  FakeSink sink_, other_sink_;
};

TEST_F(QueueTest, delivers_in_the_order_of_publishing) {
  Queue& queue = make_queue();
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  for (const char* body : {"a", "b", "c"}) publish(body);

  dispatch();

  EXPECT_THAT(sink_.came, ElementsAre("a", "b", "c"));
}

TEST_F(QueueTest, delivers_nothing_inside_a_command_but_asks_once_for_a_dispatch) {
  Queue& queue = make_queue();
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  publish("a");
  publish("b");
  EXPECT_THAT(sink_.came, IsEmpty());
  EXPECT_EQ(dispatch_requests, 1);

  dispatch();
  publish("c");
  EXPECT_EQ(dispatch_requests, 2);
}

TEST_F(QueueTest, stops_at_the_limit_of_a_dispatch_and_says_that_there_is_more) {
  Queue& queue = make_queue();
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  for (int i = 0; i < 5; ++i) publish("m");

  EXPECT_TRUE(queue.dispatch(3));
  EXPECT_EQ(sink_.came.size(), 3u);
  EXPECT_FALSE(queue.dispatch(3));
  EXPECT_EQ(sink_.came.size(), 5u);
}

TEST_F(QueueTest, confirms_what_it_took_to_whoever_waits) {
  make_queue();
  publish("a", {channel_a, 7});
  publish("b");
  EXPECT_THAT(confirmed, ElementsAre(7));
}

TEST_F(QueueTest, consumers_take_turns) {
  Queue& queue = make_queue();
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  ASSERT_TRUE(queue.attach(spec(2), other_sink_));
  for (const char* body : {"a", "b", "c", "d"}) publish(body);

  dispatch();

  EXPECT_THAT(sink_.came, ElementsAre("a", "c"));
  EXPECT_THAT(other_sink_.came, ElementsAre("b", "d"));
}

TEST_F(QueueTest, a_consumer_with_full_prefetch_is_passed_over_until_it_acknowledges) {
  Queue& queue = make_queue();
  ConsumerSpec limited = spec(1);
  limited.prefetch = 1;
  ASSERT_TRUE(queue.attach(limited, sink_));
  ASSERT_TRUE(queue.attach(spec(2, channel_b), other_sink_));
  for (const char* body : {"a", "b", "c"}) publish(body);
  dispatch();
  EXPECT_THAT(sink_.came, ElementsAre("a"));
  EXPECT_THAT(other_sink_.came, ElementsAre("b", "c"));

  queue.settle(channel_a, sink_.seqs, Settlement::acked);
  publish("d");
  dispatch();
  publish("e");
  dispatch();

  EXPECT_EQ(sink_.came.size() + other_sink_.came.size(), 5u);
  EXPECT_EQ(sink_.came.size(), 2u);
}

TEST_F(QueueTest, prefetch_does_not_hold_a_consumer_that_does_not_acknowledge) {
  Queue& queue = make_queue();
  ConsumerSpec free = spec(1);
  free.no_ack = true;
  free.prefetch = 1;
  ASSERT_TRUE(queue.attach(free, sink_));
  for (const char* body : {"a", "b", "c"}) publish(body);
  dispatch();

  EXPECT_EQ(sink_.came.size(), 3u);
  EXPECT_EQ(queue.counts().unacked, 0u);
  EXPECT_EQ(queue.totals().auto_acked, 3u);
}

TEST_F(QueueTest, higher_priority_comes_first_while_it_can_take_messages) {
  Queue& queue = make_queue();
  ConsumerSpec high = spec(2, channel_b);
  high.priority = 10;
  high.prefetch = 2;
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  ASSERT_TRUE(queue.attach(high, other_sink_));
  for (const char* body : {"a", "b", "c"}) publish(body);

  dispatch();

  EXPECT_THAT(other_sink_.came, ElementsAre("a", "b"));
  EXPECT_THAT(sink_.came, ElementsAre("c"));
}

TEST_F(QueueTest, a_sink_without_room_is_passed_over_until_it_resumes) {
  Queue& queue = make_queue();
  sink_.room = 1;
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  for (const char* body : {"a", "b", "c"}) publish(body);
  dispatch();
  EXPECT_THAT(sink_.came, ElementsAre("a"));

  sink_.room = 3;
  dispatch();
  EXPECT_THAT(sink_.came, ElementsAre("a"));
  queue.resume(ConsumerId(1));
  dispatch();
  EXPECT_THAT(sink_.came, ElementsAre("a", "b", "c"));
}

TEST_F(QueueTest, requeued_messages_return_to_their_place_marked_redelivered) {
  Queue& queue = make_queue();
  ConsumerSpec limited = spec(1);
  limited.prefetch = 3;
  ASSERT_TRUE(queue.attach(limited, sink_));
  for (const char* body : {"a", "b", "c", "d"}) publish(body);
  dispatch();
  const std::vector<MessageSeq> given = sink_.seqs;
  queue.detach(ConsumerId(1));

  // Out of order on purpose.
  queue.settle(channel_a, std::vector{given[2], given[0]}, Settlement::requeued);
  ASSERT_TRUE(queue.attach(spec(2, channel_b), other_sink_));
  dispatch();

  EXPECT_THAT(other_sink_.came, ElementsAre("a*", "c*", "d"));
  EXPECT_EQ(queue.counts().unacked, 4u);
}

TEST_F(QueueTest, redelivers_unacked_in_order_when_the_channel_closes) {
  Queue& queue = make_queue();
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  for (const char* body : {"a", "b", "c"}) publish(body);
  dispatch();
  queue.settle(channel_a, std::vector{sink_.seqs[1]}, Settlement::acked);

  queue.detach(ConsumerId(1));
  queue.release(channel_a);

  EXPECT_EQ(queue.counts().ready, 2u);
  ASSERT_TRUE(queue.attach(spec(2, channel_b), other_sink_));
  dispatch();
  EXPECT_THAT(other_sink_.came, ElementsAre("a*", "c*"));
}

TEST_F(QueueTest, rejected_messages_do_not_come_back) {
  Queue& queue = make_queue();
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  publish("a");
  dispatch();
  queue.settle(channel_a, sink_.seqs, Settlement::rejected);
  queue.release(channel_a);
  EXPECT_EQ(queue.counts().ready, 0u);
  EXPECT_EQ(queue.totals().rejected, 1u);
}

TEST_F(QueueTest, settling_what_one_does_not_hold_changes_nothing) {
  Queue& queue = make_queue();
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  publish("a");
  dispatch();
  queue.settle(channel_b, sink_.seqs, Settlement::acked);
  EXPECT_EQ(queue.counts().unacked, 1u);
  queue.settle(channel_a, sink_.seqs, Settlement::acked);
  queue.settle(channel_a, sink_.seqs, Settlement::requeued);
  EXPECT_EQ(queue.counts().unacked, 0u);
  EXPECT_EQ(queue.counts().ready, 0u);
}

TEST_F(QueueTest, an_undone_delivery_is_as_if_it_had_not_happened) {
  Queue& queue = make_queue();
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  publish("a");
  dispatch();
  queue.undo_delivery(channel_a, sink_.seqs[0]);
  dispatch();
  EXPECT_EQ(sink_.came.size(), 1u);  // Passed over until it resumes.
  EXPECT_EQ(queue.totals().delivered, 0u);

  queue.resume(ConsumerId(1));
  dispatch();
  EXPECT_THAT(sink_.came, ElementsAre("a", "a"));
}

TEST_F(QueueTest, get_takes_the_first_and_says_how_many_are_left) {
  Queue& queue = make_queue();
  publish("a");
  publish("b");

  const Queue::Got first = queue.get(channel_a, /*no_ack=*/false);
  const Queue::Got second = queue.get(channel_a, /*no_ack=*/true);
  const Queue::Got third = queue.get(channel_a, /*no_ack=*/true);

  ASSERT_TRUE(first.message && second.message);
  EXPECT_EQ(text(*first.message->message), "a");
  EXPECT_EQ(first.left, 1u);
  EXPECT_EQ(text(*second.message->message), "b");
  EXPECT_FALSE(third.message);
  EXPECT_EQ(queue.counts().unacked, 1u);
  queue.release(channel_a);
  EXPECT_TRUE(queue.get(channel_a, true).message->redelivered);
}

TEST_F(QueueTest, an_exclusive_consumer_is_alone) {
  Queue& queue = make_queue();
  ConsumerSpec alone = spec(1);
  alone.is_exclusive = true;
  ASSERT_TRUE(queue.attach(alone, sink_));
  EXPECT_FALSE(queue.attach(spec(2), other_sink_));

  queue.detach(ConsumerId(1));
  ASSERT_TRUE(queue.attach(spec(3), other_sink_));
  alone.id = ConsumerId(4);
  EXPECT_FALSE(queue.attach(alone, sink_));
}

TEST_F(QueueTest, a_single_active_consumer_gets_all_until_it_goes) {
  Queue& queue = make_queue({.is_single_active = true});
  FakeSink third;
  ConsumerSpec urgent = spec(3);
  urgent.priority = 5;
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  ASSERT_TRUE(queue.attach(spec(2), other_sink_));
  ASSERT_TRUE(queue.attach(urgent, third));
  EXPECT_EQ(queue.single_active_consumer(), ConsumerId(1));
  for (const char* body : {"a", "b"}) publish(body);
  dispatch();
  EXPECT_THAT(sink_.came, ElementsAre("a", "b"));

  publish("c");
  queue.detach(ConsumerId(1));
  EXPECT_EQ(queue.single_active_consumer(), ConsumerId(3));  // The highest priority.
  dispatch();
  queue.detach(ConsumerId(3));
  publish("d");
  dispatch();
  EXPECT_THAT(third.came, ElementsAre("c"));
  EXPECT_THAT(other_sink_.came, ElementsAre("d"));
  queue.detach(ConsumerId(2));
  EXPECT_EQ(queue.single_active_consumer(), ConsumerId());
}

TEST_F(QueueTest, a_single_active_consumer_without_room_is_waited_for) {
  Queue& queue = make_queue({.is_single_active = true});
  ConsumerSpec limited = spec(1);
  limited.prefetch = 1;
  ASSERT_TRUE(queue.attach(limited, sink_));
  ASSERT_TRUE(queue.attach(spec(2, channel_b), other_sink_));
  for (const char* body : {"a", "b"}) publish(body);
  dispatch();
  EXPECT_THAT(sink_.came, ElementsAre("a"));
  EXPECT_THAT(other_sink_.came, IsEmpty());
  queue.resume(ConsumerId(2));
  queue.settle(channel_a, sink_.seqs, Settlement::acked);
  dispatch();
  EXPECT_THAT(sink_.came, ElementsAre("a", "b"));
  EXPECT_THAT(other_sink_.came, IsEmpty());
}

TEST_F(QueueTest, purge_drops_what_is_ready_and_leaves_what_is_unacked) {
  Queue& queue = make_queue();
  publish("a");
  publish("b");
  publish("c");
  ASSERT_TRUE(queue.get(channel_a, false).message);

  EXPECT_EQ(queue.purge(), 2u);
  EXPECT_EQ(queue.counts().ready, 0u);
  EXPECT_EQ(queue.counts().unacked, 1u);
}

TEST_F(QueueTest, an_auto_delete_queue_reports_when_its_last_consumer_left) {
  Queue& queue = make_queue({.is_auto_delete = true});
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  ASSERT_TRUE(queue.attach(spec(2), other_sink_));
  queue.detach(ConsumerId(1));
  EXPECT_EQ(unused_reports, 0);
  queue.detach(ConsumerId(2));
  EXPECT_EQ(unused_reports, 1);
  queue.detach(ConsumerId(2));
  EXPECT_EQ(unused_reports, 1);
}

TEST_F(QueueTest, says_why_it_may_not_be_deleted) {
  Queue& queue = make_queue();
  publish("a");
  EXPECT_TRUE(queue.may_delete(true, false));
  EXPECT_EQ(queue.may_delete(false, true).error(), DeleteRefusal::not_empty);
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  EXPECT_EQ(queue.may_delete(true, false).error(), DeleteRefusal::in_use);
  EXPECT_TRUE(queue.may_delete(false, false));
}

TEST_F(QueueTest, close_tells_every_consumer_and_counts_what_was_ready) {
  Queue& queue = make_queue();
  ASSERT_TRUE(queue.attach(spec(1), sink_));
  publish("a");
  EXPECT_EQ(queue.close(), 1u);
  EXPECT_TRUE(sink_.is_cancelled);
}

TEST_F(QueueTest, what_came_in_is_what_went_out_or_is_there) {
  Queue& queue = make_queue();
  ConsumerSpec limited = spec(1);
  limited.prefetch = 10;
  ASSERT_TRUE(queue.attach(limited, sink_));
  const std::uint64_t seed = ::testing::UnitTest::GetInstance()->random_seed();
  std::mt19937_64 random(seed);
  SCOPED_TRACE("--gtest_random_seed=" + std::to_string(seed));
  std::size_t settled = 0;
  for (int i = 0; i < 10'000; ++i) {
    switch (random() % 6) {
      case 0:
      case 1:
      case 2:
        publish("m");
        break;
      case 3:
        dispatch();
        break;
      case 4:
        if (settled < sink_.seqs.size()) {
          const auto how = static_cast<Settlement>(random() % 3);
          queue.settle(channel_a, std::span(&sink_.seqs[settled++], 1), how);
        }
        break;
      case 5:
        (void)queue.get(channel_b, random() % 2 == 0);
        break;
    }
    if (i % 1000 == 999) queue.release(channel_b);
  }
  const QueueCounts counts = queue.counts();
  const QueueTotals& totals = queue.totals();
  EXPECT_EQ(totals.published, counts.ready + counts.unacked + totals.acked + totals.rejected +
                                  totals.auto_acked + totals.purged);
  EXPECT_EQ(counts.ready_body_bytes, counts.ready);
  EXPECT_EQ(counts.unacked_body_bytes, counts.unacked);
}

}  // namespace
}  // namespace leveret
