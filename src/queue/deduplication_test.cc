// SPDX-License-Identifier: Apache-2.0
//
// What has come before is not let in again: whose ids a queue holds, for how long, and when it says
// that it has the second.
#include "queue/deduplication.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"
#include "journal/testing/manual_lane.h"
#include "journal/testing/simulated_file_system.h"
#include "queue/classic_queue.h"
#include "queue/classic_store.h"
#include "queue/testing/quiet_host.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Holds = DeduplicationRules::Holds;

constexpr ChannelId channel{1};

MessagePtr message(std::string_view body, const FieldTable& headers, bool is_persistent = false) {
  const std::vector<std::byte> encoded = headers.to_raw();
  const amqp::BasicProperties properties{.headers = amqp::RawTable(encoded)};
  return make_message("", "q", properties.to_raw(),
                      std::as_bytes(std::span(body.data(), body.size())), is_persistent);
}

class DeduplicatingQueue : public ::testing::Test, public testing::QuietHost {
 public:
  void confirm(PublishToken token, bool is_accepted) override {
    confirmed.push_back(fmt::format("{}{}", is_accepted ? "+" : "-", token.sequence));
  }
  bool dead_letter(Queue&, const StoredMessage& dead, Death) override {
    dead_seqs.push_back(dead.seq);
    return true;
  }

  std::vector<std::string> confirmed;
  std::vector<MessageSeq> dead_seqs;

 protected:
  Queue& make_queue(DeduplicationRules rules, QueueRules life = {}) {
    queue_.emplace(QueueId(1),
                   ClassicQueue::Options{.rules = life, .deduplication = std::move(rules)}, *this,
                   std::make_unique<ClassicStore>(nullptr, limits_, ClassicStore::Options{}));
    return *queue_;
  }
  /// True: it was let in.
  bool publish(FieldTable headers) {
    const std::uint64_t published = queue_->totals().published;
    queue_->publish(message("body", headers), {});
    return queue_->totals().published != published;
  }
  bool publish_id(FieldValue id) {
    FieldTable headers;
    headers.set("x-deduplication-header", std::move(id));
    return publish(std::move(headers));
  }
  MessageSeq get() { return queue_->get(channel, /*no_ack=*/false).message->seq; }
  void settle(MessageSeq seq, Settlement settlement) {
    queue_->settle(channel, {&seq, 1}, settlement);
    EXPECT_TRUE(queue_->is_balanced());
  }

  StoreLimits limits_;
  std::optional<ClassicQueue> queue_;
};

TEST_F(DeduplicatingQueue, has_each_id_once_and_what_has_none_as_often_as_it_comes) {
  Queue& queue = make_queue({});
  EXPECT_TRUE(publish_id("a"));
  EXPECT_FALSE(publish_id("a"));
  EXPECT_TRUE(publish_id("b"));
  EXPECT_TRUE(publish({}));
  EXPECT_TRUE(publish({{"other", "a"}}));
  EXPECT_EQ(queue.totals().deduplicated, 1u);
  EXPECT_EQ(queue.counts().ready, 4u);
  EXPECT_TRUE(queue.is_balanced());
}

TEST_F(DeduplicatingQueue, takes_values_that_mean_the_same_for_the_same_id) {
  make_queue({});
  EXPECT_TRUE(publish_id(7));
  EXPECT_FALSE(publish_id(std::int64_t{7}));
  EXPECT_TRUE(publish_id("7"));
  EXPECT_TRUE(publish_id(7.0));
  EXPECT_TRUE(publish_id(true));
  EXPECT_TRUE(publish_id(FieldTable{{"k", 1}}));
  EXPECT_FALSE(publish_id(FieldTable{{"k", 1}}));
  EXPECT_TRUE(publish_id(FieldTable{{"k", 2}}));
  EXPECT_TRUE(publish_id(FieldValue()));  // Void says nothing.
  EXPECT_TRUE(publish_id(FieldValue()));
}

TEST_F(DeduplicatingQueue, looks_at_the_header_that_it_was_told) {
  make_queue({.header = "id"});
  EXPECT_TRUE(publish({{"id", "a"}}));
  EXPECT_FALSE(publish({{"x", 1}, {"id", "a"}}));
  EXPECT_TRUE(publish_id("a"));
  EXPECT_TRUE(publish_id("a"));
}

TEST_F(DeduplicatingQueue, holds_the_ids_of_what_is_present) {
  Queue& queue = make_queue({});
  EXPECT_TRUE(publish_id("acked"));
  settle(get(), Settlement::requeued);
  EXPECT_FALSE(publish_id("acked"));
  const MessageSeq acked = get();
  EXPECT_FALSE(publish_id("acked"));
  settle(acked, Settlement::acked);
  EXPECT_TRUE(publish_id("acked"));
  settle(get(), Settlement::rejected);
  EXPECT_TRUE(publish_id("acked"));
  ASSERT_TRUE(queue.get(channel, /*no_ack=*/true).message);
  EXPECT_TRUE(publish_id("acked"));
}

TEST_F(DeduplicatingQueue, frees_the_ids_of_what_is_purged_but_not_of_what_is_unacknowledged) {
  Queue& queue = make_queue({});
  publish_id("unacked");
  publish_id("ready");
  const MessageSeq unacked = get();
  EXPECT_EQ(queue.purge(), 1u);
  EXPECT_TRUE(publish_id("ready"));
  EXPECT_FALSE(publish_id("unacked"));
  settle(unacked, Settlement::acked);
  EXPECT_TRUE(publish_id("unacked"));
}

TEST_F(DeduplicatingQueue, lets_a_message_back_that_was_dead_lettered) {
  for (const Holds holds : {Holds::present, Holds::last}) {
    Queue& queue = make_queue({.holds = holds}, {.has_dead_letter_exchange = true});
    publish_id("a");
    settle(get(), Settlement::rejected);
    EXPECT_TRUE(publish_id("a"));  // Before on_dead_lettered(): its letter may go in a circle.
    queue.on_dead_lettered(dead_seqs.back());
    EXPECT_FALSE(publish_id("a"));
    EXPECT_TRUE(queue.is_balanced());
  }
}

TEST_F(DeduplicatingQueue, does_not_hold_the_id_of_a_publish_that_it_refused) {
  Queue& queue = make_queue({}, {.length_max = 1, .overflow = Overflow::reject_publish});
  EXPECT_TRUE(publish_id("a"));
  EXPECT_FALSE(publish_id("b"));
  EXPECT_EQ(queue.totals().refused, 1u);
  settle(get(), Settlement::acked);
  EXPECT_TRUE(publish_id("b"));
  // What it has is not refused for want of room.
  queue.publish(message("body", {{"x-deduplication-header", "b"}}), {channel, 1});
  EXPECT_THAT(confirmed, ElementsAre("+1"));
  EXPECT_EQ(queue.totals().refused, 1u);
}

TEST_F(DeduplicatingQueue, frees_the_id_of_what_a_full_queue_drops) {
  Queue& queue = make_queue({}, {.length_max = 1});
  publish_id("a");
  publish_id("b");
  EXPECT_FALSE(queue.dispatch(1000));
  EXPECT_EQ(queue.totals().dropped, 1u);
  EXPECT_TRUE(publish_id("a"));
}

TEST_F(DeduplicatingQueue, with_a_cache_holds_the_last_ids_whatever_became_of_their_messages) {
  make_queue({.holds = Holds::last, .ids_max = 2, .ttl_ms = 1000});
  EXPECT_TRUE(publish_id("a"));
  settle(get(), Settlement::acked);
  EXPECT_FALSE(publish_id("a"));
  queue_->purge();
  EXPECT_FALSE(publish_id("a"));
  EXPECT_TRUE(publish_id("b"));
  EXPECT_TRUE(publish_id("c"));
  EXPECT_TRUE(publish_id("a"));  // It was one too many.
  now += 999;
  EXPECT_FALSE(publish_id("a"));
  now += 1;
  EXPECT_TRUE(publish_id("a"));
}

TEST_F(DeduplicatingQueue, with_a_cache_holds_an_id_as_long_as_its_message_says) {
  make_queue({.holds = Holds::last, .ids_max = 10, .ttl_ms = 1000});
  const auto publish_for = [&](const char* id, FieldValue ttl_ms) {
    return publish({{"x-deduplication-header", id}, {"x-cache-ttl", std::move(ttl_ms)}});
  };
  EXPECT_TRUE(publish_for("short", 10));
  EXPECT_TRUE(publish_for("senseless", -1));
  now += 10;
  EXPECT_TRUE(publish_id("short"));
  EXPECT_FALSE(publish_id("senseless"));
}

TEST(Deduplication, finds_the_ids_of_what_is_present_while_some_of_it_leaves) {
  const auto with_id = [](const char* id) {
    return message("body", {{"x-deduplication-header", id}});
  };
  const auto is_held = [&](const Deduplication& ids, const char* id) {
    return ids.is_held(*ids.id_of(*with_id(id)), 0);
  };
  Deduplication ids({});
  ids.begin_finding();
  ids.hold_found(*with_id("stays"));
  ids.on_left(*with_id("left before it was found"));
  ids.hold_found(*with_id("left before it was found"));
  ids.hold_found(*with_id("left"));
  ids.on_left(*with_id("left"));
  ids.end_finding();
  EXPECT_TRUE(is_held(ids, "stays"));
  EXPECT_FALSE(is_held(ids, "left before it was found"));
  EXPECT_FALSE(is_held(ids, "left"));
  // Nobody can say which have left: rather none is held.
  ids.begin_finding();
  ids.on_left_but({}, 0);
  ids.hold_found(*with_id("perhaps"));
  ids.end_finding();
  EXPECT_FALSE(is_held(ids, "perhaps"));
  ids.begin_finding();
  ids.hold_found(*with_id("stays"));
  ids.end_finding();
  EXPECT_TRUE(is_held(ids, "stays"));
}

/// A queue over a journal over a disk that takes its time.
class DurableDeduplication : public DeduplicatingQueue, public JournalHost {
 protected:
  DurableDeduplication() {
    EXPECT_TRUE(files_.make_directory("/journal"));
    journal_.emplace(Journal::Deps{.files = &files_,
                                   .writing = &writing_,
                                   .reading = &reading_,
                                   .host = this,
                                   .clock = &clock_},
                     Journal::Options{.directory = "/journal"});
    journal_->start({}, SegmentId(1));
    log_.emplace(*journal_, static_cast<QueueHost&>(*this));
    queue_.emplace(
        QueueId(1), ClassicQueue::Options{.deduplication = DeduplicationRules{}}, *this,
        std::make_unique<ClassicStore>(
            &*log_, limits_, ClassicStore::Options{.owner = OwnerId(1), .is_durable = true}));
  }
  ~DurableDeduplication() override { queue_.reset(); }

  void publish_persistent(std::uint64_t sequence) {
    queue_->publish(message("body", {{"x-deduplication-header", "a"}}, /*is_persistent=*/true),
                    {channel, sequence});
  }
  void end_turn() { journal_->flush(); }
  void let_disk_work() {
    while (writing_.step()) journal_->flush();
  }

  void on_durable(BatchId upto) override { log_->on_durable(upto); }
  void on_stalled(const Error&) override {}
  void on_resumed() override {}
  void on_poisoned(const Error&) override { log_->on_poisoned(); }
  void find_alive(OwnerId, SegmentId, std::span<const IndexEntry>,
                  std::vector<IndexEntry>&) override {}
  void relocate(OwnerId, SegmentId, std::span<Relocation>) override {}

  SimulatedFileSystem files_{1};
  testing::ManualLane writing_, reading_;
  ManualClock clock_;
  std::optional<Journal> journal_;
  std::optional<MessageLog> log_;
};

TEST_F(DurableDeduplication, says_that_it_has_the_second_when_the_first_is_on_disk) {
  publish_persistent(1);
  publish_persistent(2);
  EXPECT_THAT(confirmed, IsEmpty());
  end_turn();
  publish_persistent(3);
  EXPECT_THAT(confirmed, IsEmpty());
  let_disk_work();
  EXPECT_THAT(confirmed, ElementsAre("+1", "+2", "+3"));
  EXPECT_EQ(queue_->totals().deduplicated, 2u);
}

TEST_F(DurableDeduplication, never_says_so_when_the_first_cannot_be_written) {
  publish_persistent(1);
  publish_persistent(2);
  files_.fail({.kind = OperationKind::sync});
  end_turn();
  let_disk_work();
  EXPECT_THAT(confirmed, ElementsAre("-1", "-2"));
  publish_persistent(3);
  EXPECT_THAT(confirmed, ElementsAre("-1", "-2", "-3"));
}

}  // namespace
}  // namespace leveret
