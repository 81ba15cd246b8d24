// SPDX-License-Identifier: Apache-2.0
//
// Verdicts and texts marked as RabbitMQ's are what 3.10.8 answered to re:run(Name, Pattern) and to
// rabbitmqctl set_permissions.
#include "auth/resource_pattern.h"

#include <string>

#include <gtest/gtest.h>

namespace leveret {
namespace {

using namespace std::string_literals;

bool is_match(const std::string& pattern, const std::string& name) {
  auto compiled = ResourcePattern::compile(pattern);
  EXPECT_TRUE(compiled) << pattern;
  return compiled && compiled->matches(name);
}

TEST(ResourcePattern, gives_the_verdicts_of_rabbitmq) {
  const struct {
    std::string pattern;
    std::string name;
    bool is_match;
  } rows[] = {
      {"^$", "a", false},
      {"^$", "", true},
      {"^$", "\n", true},
      {"", "a", false},
      {"", "amq.default", false},
      {".*", "", true},
      {".*", "orders", true},
      {"^(amq\\.gen.*|amq\\.default)$", "amq.gen-x", true},
      {"^(amq\\.gen.*|amq\\.default)$", "amq.default", true},
      {"^(amq\\.gen.*|amq\\.default)$", "xamq.default", false},
      {"a", "xay", true},  // Anywhere, when not anchored.
      {"\\xff", "\xff", true},
      {"^.$", "\303\274", false},  // Bytes, not characters.
      {"(*UTF8)^.$", "\303\274", true},
      {"(?i)a", "A", true},
      {"a$", "a\r", false},
      {"^\\x00", "\0\1"s, true},
      {"b", "a\0b"s, true},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(is_match(row.pattern, row.name), row.is_match) << row.pattern << " on " << row.name;
  }
}

TEST(ResourcePattern, is_refused_in_the_words_of_rabbitmq) {
  const std::pair<const char*, const char*> rows[] = {
      {"(", "{:invalid_regexp, '(', {'missing )', 1}}"},
      {"+a", "{:invalid_regexp, '+a', {'nothing to repeat', 0}}"},
      {"*", "{:invalid_regexp, '*', {'nothing to repeat', 0}}"},
      {"[a", "{:invalid_regexp, '[a', {'missing terminating ] for character class', 2}}"},
      {")", "{:invalid_regexp, ')', {'unmatched parentheses', 0}}"},
      {"a\\", "{:invalid_regexp, 'a\\', {'\\ at end of pattern', 2}}"},
      {"[z-a]", "{:invalid_regexp, '[z-a]', {'range out of order in character class', 3}}"},
      {"(?<n",
       "{:invalid_regexp, '(?<n', {'syntax error in subpattern name (missing terminator)', 4}}"},
      {"(?z)", "{:invalid_regexp, '(?z)', {'unrecognized character after (? or (?-', 2}}"},
      {"a{2,1}", "{:invalid_regexp, 'a{2,1}', {'numbers out of order in {} quantifier', 5}}"},
  };
  for (const auto& [pattern, text] : rows) {
    const auto compiled = ResourcePattern::compile(pattern);
    ASSERT_FALSE(compiled) << pattern;
    EXPECT_EQ(compiled.error().text(), text);
  }
}

TEST(ResourcePattern, that_is_refused_may_be_so_at_another_offset) {
  // RabbitMQ points at 5 and 6, before the brace and at the assertion; PCRE2 looks elsewhere.
  const auto property = ResourcePattern::compile("\\p{Xx}");
  ASSERT_FALSE(property);
  EXPECT_EQ(property.error().reason, "unknown property name after \\P or \\p");

  const auto lookbehind = ResourcePattern::compile("(?<=a+)b");
  ASSERT_FALSE(lookbehind);
  EXPECT_EQ(lookbehind.error().reason, "lookbehind assertion is not fixed length");
}

TEST(ResourcePattern, that_takes_too_many_steps_matches_nothing) {
  // There is a match, by the second way, but the first takes 2^18 steps to be found wrong.
  const std::string pattern = "^(a+)+$|!";
  EXPECT_TRUE(is_match(pattern, std::string(8, 'a') + "!"));
  EXPECT_FALSE(is_match(pattern, std::string(18, 'a') + "!"));
}

TEST(ResourcePattern, that_would_run_for_ever_is_stopped) {
  const std::string hostile = std::string(254, 'a') + "!";
  EXPECT_FALSE(is_match("^(a+)+$", hostile));
  EXPECT_FALSE(is_match("^(a|aa)+$", hostile));
  EXPECT_FALSE(is_match("^(([a-z])+.)+[A-Z]([a-z])+$", hostile));
}

TEST(ResourcePattern, that_asks_much_and_is_honest_has_its_verdict) {
  const std::string name = std::string(250, 'q') + ".gen";
  EXPECT_TRUE(is_match("^(app|team|shared)?[a-z]+(\\.[a-z0-9_-]+)*$", name));
  EXPECT_TRUE(is_match(".*.*.gen$", name));
  EXPECT_FALSE(is_match("^(?!.*gen).*$", name));
}

TEST(ResourcePattern, of_nothing_matches_no_name) {
  const ResourcePattern nothing = ResourcePattern::nothing();
  EXPECT_FALSE(nothing.matches(""));
  EXPECT_FALSE(nothing.matches("a"));
}

}  // namespace
}  // namespace leveret
