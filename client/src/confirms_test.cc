// SPDX-License-Identifier: Apache-2.0
#include "client/src/confirms.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace leveret::client {
namespace {

/// The runs of an answer, as "1-3 5-5 ".
std::string runs(Confirms& confirms, std::uint64_t sequence, bool is_multiple) {
  std::string text;
  EXPECT_TRUE(
      confirms.on_answer(sequence, is_multiple, [&](std::uint64_t first, std::uint64_t last) {
        text += fmt::format("{}-{} ", first, last);
      }));
  return text;
}

TEST(Confirms, numbers_publishes_from_one) {
  Confirms confirms;
  EXPECT_EQ(confirms.add(), 1u);
  EXPECT_EQ(confirms.add(), 2u);
  EXPECT_EQ(confirms.outstanding(), 2u);
}

TEST(Confirms, an_answer_for_many_leaves_out_those_that_were_answered_alone) {
  Confirms confirms;
  for (int i = 0; i < 6; ++i) confirms.add();

  EXPECT_EQ(runs(confirms, 2, false), "2-2 ");
  EXPECT_EQ(runs(confirms, 4, false), "4-4 ");
  EXPECT_EQ(confirms.outstanding(), 4u);
  EXPECT_EQ(runs(confirms, 5, true), "1-1 3-3 5-5 ");
  EXPECT_EQ(confirms.outstanding(), 1u);
  EXPECT_EQ(runs(confirms, 6, true), "6-6 ");
  EXPECT_EQ(confirms.outstanding(), 0u);
  EXPECT_EQ(confirms.add(), 7u);
}

TEST(Confirms, a_second_answer_changes_nothing) {
  Confirms confirms;
  for (int i = 0; i < 3; ++i) confirms.add();

  EXPECT_EQ(runs(confirms, 2, true), "1-2 ");
  EXPECT_EQ(runs(confirms, 2, true), "");
  EXPECT_EQ(runs(confirms, 1, false), "");
  EXPECT_EQ(runs(confirms, 3, false), "3-3 ");
  EXPECT_EQ(runs(confirms, 3, false), "");
}

TEST(Confirms, a_number_that_was_never_given_out_is_refused) {
  Confirms confirms;
  const auto ignore = [](std::uint64_t, std::uint64_t) { FAIL(); };
  EXPECT_FALSE(confirms.on_answer(1, false, ignore));
  confirms.add();
  EXPECT_FALSE(confirms.on_answer(2, true, ignore));
  EXPECT_EQ(confirms.outstanding(), 1u);
}

}  // namespace
}  // namespace leveret::client
