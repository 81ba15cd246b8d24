// SPDX-License-Identifier: Apache-2.0
#include "mgmt/identity.h"

#include "auth/base64.h"
#include "auth/users.h"

#include <gtest/gtest.h>

namespace leveret {
namespace {

std::string basic(std::string_view credentials) { return "Basic " + encode_base64(credentials); }

Users a_book() {
  Users users({}, {}, [](const std::string& vhost) { return vhost == "/"; });
  EXPECT_TRUE(users.add_user("guest", "guest").has_value());
  EXPECT_TRUE(users.set_tags("guest", {"administrator"}).has_value());
  EXPECT_TRUE(users.add_user("ann", "s:e:c").has_value());
  EXPECT_TRUE(users.set_tags("ann", {"management"}).has_value());
  EXPECT_TRUE(users.set_permissions({"ann", "/", ".*", ".*", ".*"}).has_value());
  EXPECT_TRUE(users.add_user("mo", "mo").has_value());
  EXPECT_TRUE(users.set_tags("mo", {"monitoring"}).has_value());
  EXPECT_TRUE(users.add_user("pam", "pam").has_value());
  EXPECT_TRUE(users.set_tags("pam", {"policymaker"}).has_value());
  EXPECT_TRUE(users.add_user("plain", "plain").has_value());
  return users;
}

TEST(BasicCredentials, are_split_at_the_first_colon) {
  const auto credentials = parse_basic(basic("ann:s:e:c"));

  ASSERT_TRUE(credentials.has_value());
  EXPECT_EQ(credentials->user, "ann");
  EXPECT_EQ(credentials->password, "s:e:c");
}

TEST(BasicCredentials, are_nothing_when_the_header_is_something_else) {
  for (const std::string& header :
       {std::string("Bearer abc"), std::string("Basic"), std::string("Basic !!!!"),
        basic("nocolon"), std::string("basicYTpi")}) {
    EXPECT_FALSE(parse_basic(header).has_value()) << header;
  }
  EXPECT_TRUE(parse_basic("basic YTpi").has_value()) << "the scheme is in any case";
}

TEST(Identity, of_nobody_and_of_a_wrong_password_asks_for_credentials) {
  const Users users = a_book();

  for (const std::string& header : {std::string(), basic("ann:wrong"), basic("nobody:x")}) {
    const auto identity = Identity::of(header, true, users.snapshot());
    ASSERT_FALSE(identity.has_value()) << header;
    EXPECT_EQ(identity.error().status, 401);
    ASSERT_EQ(identity.error().headers.size(), 1u);
    EXPECT_EQ(identity.error().headers[0].second, "Basic realm=\"RabbitMQ Management\"");
  }
}

TEST(Identity, decides_by_tags_what_may_be_done_and_seen) {
  const Users users = a_book();

  const auto guest = Identity::of(basic("guest:guest"), true, users.snapshot());
  const auto ann = Identity::of(basic("ann:s:e:c"), false, users.snapshot());
  const auto mo = Identity::of(basic("mo:mo"), false, users.snapshot());

  const auto pam = Identity::of(basic("pam:pam"), false, users.snapshot());

  ASSERT_TRUE(guest && ann && mo && pam);
  EXPECT_TRUE(guest->has(Need::policymaker));
  EXPECT_TRUE(pam->has(Need::policymaker));
  EXPECT_TRUE(pam->has(Need::management));
  EXPECT_FALSE(pam->has(Need::administrator));
  EXPECT_FALSE(ann->has(Need::policymaker));
  EXPECT_FALSE(mo->has(Need::policymaker));
  EXPECT_TRUE(guest->has(Need::administrator));
  EXPECT_FALSE(ann->has(Need::administrator));
  EXPECT_TRUE(ann->has(Need::management));
  EXPECT_TRUE(ann->sees_vhost("/"));
  EXPECT_FALSE(ann->sees_vhost("other"));
  EXPECT_TRUE(ann->sees_connection_of("ann"));
  EXPECT_FALSE(ann->sees_connection_of("guest"));
  EXPECT_FALSE(mo->has(Need::administrator));
  EXPECT_TRUE(mo->sees_vhost("other"));
  EXPECT_TRUE(mo->sees_connection_of("guest"));
}

TEST(Identity, refuses_users_without_a_tag_and_loopback_users_from_elsewhere) {
  const Users users = a_book();

  const auto plain = Identity::of(basic("plain:plain"), true, users.snapshot());
  const auto guest = Identity::of(basic("guest:guest"), false, users.snapshot());

  ASSERT_FALSE(plain.has_value());
  EXPECT_EQ(plain.error().body, R"({"error":"not_authorised","reason":"Not management user"})");
  ASSERT_FALSE(guest.has_value());
  EXPECT_EQ(guest.error().status, 401);
}

}  // namespace
}  // namespace leveret
