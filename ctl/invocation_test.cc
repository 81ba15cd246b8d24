// SPDX-License-Identifier: Apache-2.0
#include "ctl/invocation.h"

#include <array>

#include <gtest/gtest.h>

namespace leveret::ctl {
namespace {

constexpr std::array own{Switch{"--if-empty", "-e"}, Switch{"--tags", "", true}};

std::expected<Invocation, InvalidOptions> read(std::vector<std::string> given,
                                               std::string_view data_dir = "") {
  return read_invocation(std::move(given), own, data_dir);
}

TEST(Invocation, takes_options_before_and_after_the_verb) {
  const auto invocation = read({"-q", "-p", "v", "delete_queue", "a", "-e", "--tags=x,y", "b"});

  ASSERT_TRUE(invocation.has_value());
  EXPECT_EQ(invocation->verb, "delete_queue");
  EXPECT_EQ(invocation->arguments, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(invocation->vhost, "v");
  EXPECT_TRUE(invocation->is_quiet);
  EXPECT_TRUE(invocation->has_switch("--if-empty"));
  EXPECT_EQ(invocation->switch_or("--tags", ""), "x,y");
}

TEST(Invocation, takes_everything_behind_two_dashes_as_arguments) {
  const auto invocation = read({"add_user", "--", "-name", "--password"});

  ASSERT_TRUE(invocation.has_value());
  EXPECT_EQ(invocation->arguments, (std::vector<std::string>{"-name", "--password"}));
}

TEST(Invocation, finds_the_verb_behind_options_with_values) {
  EXPECT_EQ(find_verb(std::vector<std::string>{"-n", "rabbit@x", "-t", "5", "list_users"}),
            "list_users");
  EXPECT_EQ(find_verb(std::vector<std::string>{"-q"}), "");
}

TEST(Invocation, names_the_options_that_make_no_sense) {
  const struct {
    std::vector<std::string> given;
    std::vector<std::string> invalid;
  } table[] = {
      {{"v", "--nosuch"}, {"--nosuch : "}},
      {{"v", "-t", "x"}, {"-t : x"}},
      {{"v", "-p"}, {"-p : "}},
      {{"v", "--quiet=1"}, {"--quiet : "}},
      {{"v", "--formatter", "nosuch"}, {"--formatter : nosuch"}},
      {{"v", "--a", "--b"}, {"--a : ", "--b : "}},
      {{"v", "--socket", "s", "--host", "h"},
       {"--host : a socket and an address cannot go together"}},
  };
  for (const auto& row : table) {
    const auto invocation = read(row.given);
    ASSERT_FALSE(invocation.has_value()) << row.given[1];
    EXPECT_EQ(invocation.error().options, row.invalid);
  }
}

TEST(Invocation, goes_where_it_is_told_and_else_where_the_environment_says) {
  EXPECT_EQ(read({"v"}, "/data")->target.socket, "/data/leveret.sock");
  EXPECT_EQ(read({"v", "--data-dir", "/other"}, "/data")->target.socket, "/other/leveret.sock");
  EXPECT_EQ(read({"v", "--host", "h"}, "/data")->target.text(), "h:15672");
}

TEST(Invocation, shows_banners_to_people_only) {
  EXPECT_TRUE(read({"v"})->shows_banner());
  EXPECT_TRUE(read({"v", "--formatter", "pretty_table"})->shows_banner());
  EXPECT_FALSE(read({"v", "--formatter", "json"})->shows_banner());
  EXPECT_FALSE(read({"v", "-s"})->shows_banner());
  EXPECT_TRUE(read({"v", "-q"})->shows_headers());
  EXPECT_FALSE(read({"v", "-s"})->shows_headers());
  EXPECT_FALSE(read({"v", "--no-table-headers"})->shows_headers());
}

}  // namespace
}  // namespace leveret::ctl
