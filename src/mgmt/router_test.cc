// SPDX-License-Identifier: Apache-2.0
#include "mgmt/router.h"

#include <set>
#include <utility>

#include <gtest/gtest.h>

namespace leveret {
namespace {

void ignore(Call) {}

Router a_router() {
  return Router({{"GET", "/api/queues", Need::management, ignore},
                 {"GET", "/api/queues/{}/{}", Need::management, ignore},
                 {"DELETE", "/api/queues/{}/{}", Need::administrator, ignore}});
}

std::string allowed(const HttpResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (name == "allow") return value;
  }
  return "none";
}

TEST(Router, cuts_the_path_before_it_decodes_its_pieces) {
  const Router router = a_router();

  const auto match = router.find("GET", "/api/queues/%2F/a%2fb%20c?page=1");

  ASSERT_TRUE(match.has_value());
  EXPECT_EQ(match->names, (std::vector<std::string>{"/", "a/b c"}));
}

TEST(Router, takes_a_path_with_a_slash_at_its_end_and_HEAD_for_GET) {
  const Router router = a_router();

  EXPECT_TRUE(router.find("GET", "/api/queues/").has_value());
  EXPECT_TRUE(router.find("HEAD", "/api/queues").has_value());
}

TEST(Router, distinguishes_what_is_not_there_from_what_cannot_be_done_with_it) {
  const Router router = a_router();

  const auto unknown = router.find("GET", "/api/nothing");
  const auto wrong_method = router.find("PATCH", "/api/queues/%2F/q");
  const auto options = router.find("OPTIONS", "/api/queues");

  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().status, 404);
  EXPECT_EQ(unknown.error().body, R"({"error":"Object Not Found","reason":"Not Found"})");
  ASSERT_FALSE(wrong_method.has_value());
  EXPECT_EQ(wrong_method.error().status, 405);
  EXPECT_EQ(allowed(wrong_method.error()), "DELETE, HEAD, GET, OPTIONS");
  ASSERT_FALSE(options.has_value());
  EXPECT_EQ(options.error().status, 200);
  EXPECT_EQ(allowed(options.error()), "HEAD, GET, OPTIONS");
}

TEST(Router, refuses_a_path_that_cannot_be_decoded) {
  const Router router = a_router();

  for (const char* path : {"/api/queues/%2/q", "/api/queues/%zz/q", "/api/queues/a/%"}) {
    const auto match = router.find("GET", path);
    ASSERT_FALSE(match.has_value()) << path;
    EXPECT_EQ(match.error().status, 400) << path;
  }
}

TEST(Router, has_each_method_and_path_of_the_API_once) {
  std::set<std::pair<std::string_view, std::string_view>> seen;

  for (const Route& route : all_routes()) {
    EXPECT_TRUE(seen.emplace(route.method, route.path).second) << route.path;
    EXPECT_NE(route.handle, nullptr) << route.path;
    if (route.method != "GET") {
      EXPECT_NE(route.need, Need::management) << route.path;
    }
  }
  EXPECT_GT(seen.size(), 30u);
}

}  // namespace
}  // namespace leveret
