// SPDX-License-Identifier: Apache-2.0
//
// Verdicts are those of RabbitMQ 3.10.8's rabbit_auth_mechanism_plain:handle_response/2.
#include "auth/mechanism.h"

#include <string>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using namespace std::string_literals;

TEST(PlainResponse, is_user_and_password) {
  const auto credentials = parse_plain("\0guest\0secret"s);
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->user(), "guest");
  EXPECT_EQ(credentials->password(), "secret");
}

TEST(PlainResponse, may_have_nothing_in_either) {
  const auto blank_password = parse_plain("\0guest\0"s);
  ASSERT_TRUE(blank_password);
  EXPECT_EQ(blank_password->user(), "guest");
  EXPECT_EQ(blank_password->password(), "");

  const auto blank_both = parse_plain("\0\0"s);
  ASSERT_TRUE(blank_both);
  EXPECT_EQ(blank_both->user(), "");
}

TEST(PlainResponse, is_malformed_otherwise) {
  for (const std::string& response :
       {""s, "\0"s, "\0guest"s, "guest\0secret"s, "admin\0guest\0secret"s, "\0guest\0sec\0ret"s,
        "\0guest\0secret\0"s, "\0\0\0"s}) {
    EXPECT_FALSE(parse_plain(response)) << testing::PrintToString(response);
  }
}

TEST(Credentials, leave_no_password_where_they_were) {
  for (const std::string& password : {"short"s, std::string(100, 'p')}) {
    Credentials source("guest", password);
    const char* const place = source.password().data();

    const Credentials target(std::move(source));

    EXPECT_EQ(target.password(), password);
    EXPECT_EQ(source.password(), "");  // NOLINT(bugprone-use-after-move): what is asked.
    if (target.password().data() != place) {
      EXPECT_EQ(std::string(place, password.size()), std::string(password.size(), '\0'));
    }
  }
}

}  // namespace
}  // namespace leveret
