// SPDX-License-Identifier: Apache-2.0
#include "vhost/recent_history.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;

MessagePtr message(std::string_view body, const FieldTable& headers = {}) {
  const std::vector<std::byte> encoded = headers.to_raw();
  const amqp::BasicProperties properties{.headers = amqp::RawTable(encoded)};
  return make_message("x", "k", properties.to_raw(),
                      std::as_bytes(std::span(body.data(), body.size())));
}

RecentHistory history(const FieldTable& arguments) {
  const std::vector<std::byte> encoded = arguments.to_raw();
  return RecentHistory(amqp::RawTable(encoded));
}

std::string texts(const RecentHistory& history) {
  std::string all;
  for (const MessagePtr& kept : history.messages()) {
    all.append(reinterpret_cast<const char*>(kept->body().data()), kept->body().size());
    all += ' ';
  }
  return all;
}

TEST(RecentHistory, keeps_the_last_messages) {
  RecentHistory three = history({{"x-recent-history-length", 3}});
  for (const char* body : {"a", "b", "c", "d"}) three.add(message(body));
  EXPECT_EQ(texts(three), "b c d ");
  RecentHistory twenty = history({});
  for (int i = 0; i < 30; ++i) twenty.add(message("m"));
  EXPECT_EQ(twenty.messages().size(), 20u);
}

TEST(RecentHistory, keeps_no_more_than_so_many_bytes_but_the_last_message) {
  const std::string half(RecentHistory::bytes_max / 2, 'x');
  RecentHistory kept = history({});
  kept.add(message("small"));
  kept.add(message(half));
  EXPECT_EQ(kept.messages().size(), 2u);
  kept.add(message(half));
  EXPECT_EQ(kept.messages().size(), 1u);
  kept.add(message(half + half + half));
  EXPECT_EQ(kept.messages().size(), 1u);
  kept.add(message("small"));
  EXPECT_EQ(texts(kept), "small ");
}

TEST(RecentHistory, has_a_positive_length) {
  const auto refusal = [](FieldValue length) {
    FieldTable arguments;
    arguments.set("x-recent-history-length", std::move(length));
    const std::vector<std::byte> encoded = arguments.to_raw();
    const auto valid = validate_history_arguments(amqp::RawTable(encoded));
    return valid ? "" : valid.error().reply_text();
  };
  const auto text = [](std::string_view value) {
    return "PRECONDITION_FAILED - Invalid argument " + std::string(value) +
           ", 'x-recent-history-length' must be a positive integer";
  };
  EXPECT_TRUE(validate_history_arguments({}));
  EXPECT_EQ(refusal(1), "");
  EXPECT_EQ(refusal(std::int64_t{1} << 40), "");
  EXPECT_EQ(refusal(0), text("0"));
  EXPECT_EQ(refusal(-1), text("-1"));
  EXPECT_EQ(refusal("a"), text("<<\"a\">>"));
  EXPECT_EQ(refusal(true), text("true"));
  EXPECT_EQ(refusal(FieldValue()), text("undefined"));
}

TEST(RecentHistory, keeps_out_who_says_so) {
  EXPECT_TRUE(is_kept_out_of_histories(*message("m", {{"x-recent-history-no-store", true}})));
  EXPECT_FALSE(is_kept_out_of_histories(*message("m", {{"x-recent-history-no-store", false}})));
  EXPECT_FALSE(is_kept_out_of_histories(*message("m", {{"x-recent-history-no-store", "true"}})));
  EXPECT_FALSE(is_kept_out_of_histories(*message("m")));
}

}  // namespace
}  // namespace leveret
