// SPDX-License-Identifier: Apache-2.0
#include "session/message_rules.h"

#include "amqp/basic_properties.h"
#include "amqp/field_table.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using amqp::BasicProperties;
using amqp::FieldArray;
using amqp::FieldTable;
using testing::ElementsAre;

MessagePtr with(const BasicProperties& properties) {
  return make_message("x", "key", properties.to_raw(), {});
}
MessagePtr with(const FieldTable& headers) {
  const std::vector<std::byte> encoded = headers.to_raw();
  return with(BasicProperties{.headers = amqp::RawTable(encoded)});
}
amqp::RawTable headers_of(const MessagePtr& message) {
  return amqp::peek_headers(message->properties()).value_or(amqp::RawTable());
}
/// The refusal's text; empty when there is none.
std::string complaint(const MessagePtr& message, bool may_impersonate = false) {
  const auto checked = check_properties(*message, "me", may_impersonate);
  if (checked) return {};
  EXPECT_EQ(checked.error().code, amqp::ReplyCode::precondition_failed);
  return checked.error().text;
}

TEST(MessageRules, a_user_id_is_ones_own_unless_one_may_impersonate) {
  EXPECT_EQ(complaint(with(BasicProperties{.user_id = "me"})), "");
  EXPECT_EQ(complaint(with(BasicProperties{.user_id = "you"})),
            "user_id property set to 'you' but authenticated user was 'me'");
  EXPECT_EQ(complaint(with(BasicProperties{.user_id = "you"}), true), "");
}

TEST(MessageRules, an_expiration_is_a_number_of_milliseconds) {
  struct Row {
    std::string_view expiration;
    std::string_view complaint;
  };
  static constexpr Row rows[] = {
      {"0", ""},
      {"60000", ""},
      {"315360000000", ""},
      {"315360000001", "{value_too_large,315360000001}"},
      {"99999999999999", "{value_too_large,99999999999999}"},
      {"99999999999999999999999", "{value_too_large,99999999999999999999999}"},
      {"-1", "{value_negative,-1}"},
      {"", "no_integer"},
      {"soon", "no_integer"},
      {"1s", "{leftover_string,\"s\"}"},
      {"1.5", "{leftover_string,\".5\"}"},
  };
  for (const Row& row : rows) {
    const std::string expected = row.complaint.empty() ? ""
                                                       : fmt::format("invalid expiration '{}': {}",
                                                                     row.expiration, row.complaint);
    EXPECT_EQ(complaint(with(BasicProperties{.expiration = row.expiration})), expected);
  }
}

TEST(MessageRules, a_delivery_mode_is_one_or_two) {
  for (const int mode : {1, 2}) {
    EXPECT_EQ(complaint(with(BasicProperties{.delivery_mode = mode})), "");
  }
  EXPECT_EQ(complaint(with(BasicProperties{.delivery_mode = 3})),
            "invalid message: {delivery_mode_unknown,3}");
}

TEST(MessageRules, cc_and_bcc_are_arrays) {
  EXPECT_EQ(complaint(with(FieldTable{{"CC", FieldArray{"a"}}, {"BCC", FieldArray{}}})), "");
  EXPECT_EQ(complaint(with(FieldTable{{"CC", "a"}})),
            "invalid message: {unacceptable_type_in_header,\"CC\",longstr}");
  EXPECT_EQ(complaint(with(FieldTable{{"BCC", std::int32_t{1}}})),
            "invalid message: {unacceptable_type_in_header,\"BCC\",signedint}");
}

TEST(MessageRules, extra_keys_are_the_strings_of_cc_and_bcc) {
  const MessagePtr message = with(
      FieldTable{{"BCC", FieldArray{"hidden"}}, {"CC", FieldArray{"a", std::int32_t{5}, "b"}}});
  EXPECT_TRUE(has_extra_keys(headers_of(message)));
  EXPECT_THAT(all_keys("key", headers_of(message)), ElementsAre("key", "a", "b", "hidden"));
  EXPECT_FALSE(has_extra_keys(headers_of(with(FieldTable{{"cc", FieldArray{"a"}}}))));
}

TEST(MessageRules, bcc_is_not_delivered_and_all_else_is) {
  const MessagePtr message =
      with(FieldTable{{"a", true}, {"BCC", FieldArray{"hidden"}}, {"CC", FieldArray{"seen"}}});
  const MessagePtr delivered = without_bcc(message, headers_of(message));
  EXPECT_EQ(*FieldTable::decode(headers_of(delivered)),
            (FieldTable{{"a", true}, {"CC", FieldArray{"seen"}}}));
  EXPECT_EQ(delivered->routing_key(), "key");
  const MessagePtr plain = with(FieldTable{{"CC", FieldArray{"seen"}}});
  EXPECT_EQ(without_bcc(plain, headers_of(plain)).get(), plain.get());
}

}  // namespace
}  // namespace leveret
