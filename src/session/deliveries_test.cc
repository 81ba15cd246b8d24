// SPDX-License-Identifier: Apache-2.0
#include "session/deliveries.h"

#include "amqp/testing/seed.h"

#include <map>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeliveriesTest : public testing::Test {
 protected:
  std::uint64_t add() { return deliveries_.add(*queue_, MessageSeq(++seq_), true); }
  /// The tags that were taken; none when there was no such delivery.
  std::vector<std::uint64_t> take(std::uint64_t tag, bool is_multiple = false) {
    taken_.clear();
    was_there_ = deliveries_.take(tag, is_multiple, taken_);
    return tags(taken_);
  }
  static std::vector<std::uint64_t> tags(const std::vector<UnackedDelivery>& deliveries) {
    std::vector<std::uint64_t> tags;
    for (const UnackedDelivery& delivery : deliveries) tags.push_back(delivery.tag);
    return tags;
  }

  const QueueHandlePtr queue_{new QueueHandle(QueueProperties{})};
  Deliveries deliveries_;
  std::vector<UnackedDelivery> taken_;
  std::uint64_t seq_ = 0;
  bool was_there_ = false;
};

TEST_F(DeliveriesTest, count_every_delivery_also_those_that_need_no_acknowledgement) {
  EXPECT_EQ(add(), 1u);
  EXPECT_EQ(deliveries_.next_tag(), 2u);
  EXPECT_EQ(add(), 3u);
  EXPECT_EQ(deliveries_.unacked(), 2u);
}

TEST_F(DeliveriesTest, are_taken_one_by_one_in_any_order_and_once) {
  for (int i = 0; i < 3; ++i) add();
  EXPECT_THAT(take(2), ElementsAre(2));
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(take(1), IsEmpty());
  EXPECT_FALSE(was_there_);
  EXPECT_THAT(take(2), IsEmpty());
  EXPECT_THAT(take(3), ElementsAre(3));
  EXPECT_EQ(deliveries_.unacked(), 0u);
}

TEST_F(DeliveriesTest, are_taken_up_to_a_tag_oldest_first) {
  for (int i = 0; i < 5; ++i) add();
  take(2);
  EXPECT_THAT(take(4, true), ElementsAre(1, 3, 4));
  EXPECT_EQ(deliveries_.unacked(), 1u);
}

TEST_F(DeliveriesTest, are_all_taken_by_multiple_zero_even_when_there_are_none) {
  EXPECT_THAT(take(0, true), IsEmpty());
  EXPECT_TRUE(was_there_);
  add();
  add();
  EXPECT_THAT(take(0, true), ElementsAre(1, 2));
}

TEST_F(DeliveriesTest, know_nothing_of_tags_that_were_not_given) {
  add();
  EXPECT_THAT(take(0), IsEmpty());
  EXPECT_FALSE(was_there_);
  EXPECT_THAT(take(2), IsEmpty());
  EXPECT_THAT(take(2, true), IsEmpty());
  EXPECT_FALSE(was_there_);
  EXPECT_EQ(deliveries_.unacked(), 1u);
}

TEST_F(DeliveriesTest, may_be_acknowledged_when_they_were_taken_without_the_clients_knowledge) {
  for (int i = 0; i < 6; ++i) add();
  take(2);
  using Verdict = Deliveries::Verdict;
  std::vector<UnackedDelivery> lapsed;
  deliveries_.take_if(
      [](const UnackedDelivery& delivery) {
        if (delivery.tag == 5) return Verdict::stop;
        return delivery.tag == 1 ? Verdict::keep : Verdict::take;
      },
      lapsed);
  EXPECT_THAT(tags(lapsed), ElementsAre(3, 4));
  EXPECT_EQ(deliveries_.unacked(), 3u);
  EXPECT_THAT(take(3), IsEmpty());
  EXPECT_TRUE(was_there_);
  EXPECT_THAT(take(4, true), ElementsAre(1));
  EXPECT_TRUE(was_there_);
  EXPECT_THAT(take(5), ElementsAre(5));
  EXPECT_THAT(take(5), IsEmpty());
  EXPECT_FALSE(was_there_) << "it is newer, and was taken by the client";
  EXPECT_THAT(take(0), IsEmpty());
  EXPECT_FALSE(was_there_);
  EXPECT_THAT(take(0, true), ElementsAre(6));
}

TEST_F(DeliveriesTest, come_back_in_their_order_when_a_transaction_is_rolled_back) {
  for (int i = 0; i < 4; ++i) add();
  take(1);
  const std::vector<UnackedDelivery> first = taken_;
  take(3);
  deliveries_.give_back(taken_);
  deliveries_.give_back(first);
  EXPECT_EQ(deliveries_.unacked(), 4u);
  EXPECT_THAT(take(4, true), ElementsAre(1, 2, 3, 4));
}

TEST_F(DeliveriesTest, are_what_a_plain_map_says_they_are) {
  const amqp::testing::Seed seed;
  SCOPED_TRACE(seed.how_to_repeat());
  std::mt19937_64 random(seed.value);
  std::map<std::uint64_t, MessageSeq> plain;
  std::uint64_t last = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0) {
      last = add();
      plain.emplace(last, MessageSeq(seq_));
      continue;
    }
    const bool is_multiple = random() % 50 == 0;
    const std::uint64_t tag = 1 + random() % (last + 1);
    const std::vector<std::uint64_t> came = take(tag, is_multiple);
    std::vector<std::uint64_t> expected;
    if (const auto found = plain.find(tag); found != plain.end()) {
      const auto first = is_multiple ? plain.begin() : found;
      for (auto each = first; each != std::next(found); ++each) expected.push_back(each->first);
      plain.erase(first, std::next(found));
    }
    ASSERT_EQ(came, expected);
    ASSERT_EQ(was_there_, !expected.empty());
    ASSERT_EQ(deliveries_.unacked(), plain.size());
  }
  EXPECT_EQ(tags(deliveries_.take_all()).size(), plain.size());
}

}  // namespace
}  // namespace leveret
