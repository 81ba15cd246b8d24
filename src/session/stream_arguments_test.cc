// SPDX-License-Identifier: Apache-2.0
#include "session/stream_arguments.h"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;
using ::testing::ElementsAre;
using At = StreamStart::At;

constexpr std::uint64_t now_ms = 1'700'000'000'000;

struct Read {
  ConsumerSpec spec{.prefetch = 1};
  std::string refusal{};
};
Read read(const FieldTable& arguments, ConsumerSpec spec = {.prefetch = 1}) {
  const auto done = read_stream_arguments(arguments, "queue 's' in vhost '/'", now_ms, spec);
  return {spec, done ? "" : done.error().reply_text()};
}
StreamStart start_of(FieldValue offset) {
  const Read done = read({{"x-stream-offset", std::move(offset)}});
  EXPECT_EQ(done.refusal, "");
  return done.spec.stream_start;
}

TEST(StreamArguments, say_where_to_begin) {
  EXPECT_EQ(read({}).spec.stream_start.at, At::next);
  EXPECT_EQ(start_of("next").at, At::next);
  EXPECT_EQ(start_of("first").at, At::first);
  EXPECT_EQ(start_of("last").at, At::last);
  EXPECT_EQ(start_of(5).at, At::offset);
  EXPECT_EQ(start_of(5).value, 5u);
  EXPECT_EQ(start_of(-1).value, 0u);
  EXPECT_EQ(start_of(amqp::Timestamp{1'600'000'000}).at, At::time);
  EXPECT_EQ(start_of(amqp::Timestamp{1'600'000'000}).value, 1'600'000'000'000u);
  EXPECT_EQ(start_of(amqp::Timestamp{UINT64_MAX}).value, UINT64_MAX / 1000 * 1000);
  EXPECT_EQ(start_of("2h").at, At::time);
  EXPECT_EQ(start_of("2h").value, now_ms - 7'200'000);
  EXPECT_EQ(start_of("1000Y").value, 0u);
}

TEST(StreamArguments, that_make_no_sense_are_refused) {
  const auto refused = [](std::string_view value) {
    return "PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 's' in vhost '/': "
           "{invalid_stream_offset_arg,{" +
           std::string(value) + "}}";
  };
  EXPECT_EQ(read({{"x-stream-offset", "1X"}}).refusal, refused("longstr,<<\"1X\">>"));
  EXPECT_EQ(read({{"x-stream-offset", "5"}}).refusal, refused("longstr,<<\"5\">>"));
  EXPECT_EQ(read({{"x-stream-offset", ""}}).refusal, refused("longstr,<<>>"));
  EXPECT_EQ(read({{"x-stream-offset", true}}).refusal, refused("bool,true"));
  EXPECT_EQ(read({{"x-priority", 5}}).refusal,
            "PRECONDITION_FAILED - invalid arg 'x-priority' for queue 's' in vhost '/' of queue "
            "type rabbit_stream_queue");
}

TEST(StreamArguments, say_which_messages) {
  EXPECT_EQ(read({}).spec.stream_filter, nullptr);
  const Read one = read({{"x-stream-filter", "a"}});
  ASSERT_NE(one.spec.stream_filter, nullptr);
  EXPECT_THAT(one.spec.stream_filter->values, ElementsAre("a"));
  EXPECT_FALSE(one.spec.stream_filter->takes_unfiltered);
  const Read several =
      read({{"x-stream-filter", amqp::FieldArray{"a", "b"}}, {"x-stream-match-unfiltered", true}});
  ASSERT_NE(several.spec.stream_filter, nullptr);
  EXPECT_THAT(several.spec.stream_filter->values, ElementsAre("a", "b"));
  EXPECT_TRUE(several.spec.stream_filter->takes_unfiltered);
  EXPECT_EQ(read({{"x-stream-filter", 5}}).refusal,
            "PRECONDITION_FAILED - invalid arg 'x-stream-filter' for queue 's' in vhost '/': "
            "{invalid_stream_filter_arg,{signedint,5}}");
  EXPECT_EQ(read({{"x-stream-match-unfiltered", "a"}}).refusal,
            "PRECONDITION_FAILED - invalid arg 'x-stream-match-unfiltered' for queue 's' in vhost "
            "'/': {invalid_stream_match_unfiltered_arg,{longstr,<<\"a\">>}}");
}

TEST(StreamArguments, need_a_prefetch_and_acknowledgements) {
  EXPECT_EQ(read({}, {}).refusal,
            "PRECONDITION_FAILED - consumer prefetch count is not set for 'queue 's' in vhost "
            "'/''");
  EXPECT_EQ(read({}, {.no_ack = true, .prefetch = 1}).refusal,
            "NOT_IMPLEMENTED - automatic acknowledgement not supported by stream queues queue 's' "
            "in vhost '/'");
}

}  // namespace
}  // namespace leveret
