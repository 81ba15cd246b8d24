// SPDX-License-Identifier: Apache-2.0
#include "session/confirms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {

bool operator==(const Confirms::Answer& a, const Confirms::Answer& b) {
  return a.sequence == b.sequence && a.is_multiple == b.is_multiple && a.is_ack == b.is_ack;
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Answer = Confirms::Answer;

constexpr Answer ack(std::uint64_t sequence) { return {.sequence = sequence}; }
constexpr Answer ack_upto(std::uint64_t sequence) {
  return {.sequence = sequence, .is_multiple = true};
}
constexpr Answer nack(std::uint64_t sequence) { return {.sequence = sequence, .is_ack = false}; }

TEST(Confirms, counts_publishes_from_one) {
  Confirms confirms;
  EXPECT_EQ(confirms.add(1), 1u);
  EXPECT_EQ(confirms.add(1), 2u);
  EXPECT_EQ(confirms.unconfirmed(), 2u);
}

TEST(Confirms, says_a_run_of_safe_publishes_with_one_multiple) {
  Confirms confirms;
  for (int i = 0; i < 100; ++i) confirms.add(1);
  for (std::uint64_t sequence = 1; sequence <= 100; ++sequence) confirms.on_answer(sequence, true);

  EXPECT_THAT(confirms.take_answers(), ElementsAre(ack_upto(100)));
  EXPECT_THAT(confirms.take_answers(), IsEmpty());
  EXPECT_EQ(confirms.unconfirmed(), 0u);
}

TEST(Confirms, one_alone_is_not_multiple) {
  Confirms confirms;
  confirms.add(1);
  confirms.on_answer(1, true);
  EXPECT_THAT(confirms.take_answers(), ElementsAre(ack(1)));
}

TEST(Confirms, an_unroutable_publish_is_safe_at_once) {
  Confirms confirms;
  confirms.add(0);
  EXPECT_TRUE(confirms.has_answers());
  EXPECT_THAT(confirms.take_answers(), ElementsAre(ack(1)));
}

TEST(Confirms, waits_for_every_queue) {
  Confirms confirms;
  confirms.add(3);
  confirms.on_answer(1, true);
  confirms.on_answer(1, true);
  EXPECT_FALSE(confirms.has_answers());
  confirms.on_answer(1, true);
  EXPECT_THAT(confirms.take_answers(), ElementsAre(ack(1)));
}

TEST(Confirms, what_is_safe_beyond_a_waiting_publish_is_said_alone_and_only_once) {
  Confirms confirms;
  for (int i = 0; i < 4; ++i) confirms.add(1);
  confirms.on_answer(3, true);
  EXPECT_THAT(confirms.take_answers(), ElementsAre(ack(3)));

  confirms.on_answer(1, true);
  confirms.on_answer(2, true);
  EXPECT_THAT(confirms.take_answers(), ElementsAre(ack_upto(2)));

  confirms.on_answer(4, true);
  EXPECT_THAT(confirms.take_answers(), ElementsAre(ack(4)));
}

TEST(Confirms, a_refused_publish_is_nacked_before_a_multiple_passes_over_it) {
  Confirms confirms;
  for (int i = 0; i < 3; ++i) confirms.add(1);
  confirms.on_answer(1, true);
  confirms.on_answer(2, false);
  confirms.on_answer(3, true);
  EXPECT_THAT(confirms.take_answers(), ElementsAre(nack(2), ack_upto(3)));
}

TEST(Confirms, one_refusal_among_several_queues_is_a_nack) {
  Confirms confirms;
  confirms.add(2);
  confirms.on_answer(1, false);
  confirms.on_answer(1, true);
  EXPECT_THAT(confirms.take_answers(), ElementsAre(nack(1)));
}

}  // namespace
}  // namespace leveret
