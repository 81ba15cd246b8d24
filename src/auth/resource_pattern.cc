// SPDX-License-Identifier: Apache-2.0
#include "auth/resource_pattern.h"

#include "base/assert.h"
#include "base/log.h"

#include <array>
#include <utility>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

namespace leveret {
namespace {

template <auto Free>
struct Freed {
  template <class Thing>
  void operator()(Thing* thing) const {
    Free(thing);
  }
};
using CompileContext = std::unique_ptr<pcre2_compile_context, Freed<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data_free>>;

CompileContext make_compile_context() {
  CompileContext context(pcre2_compile_context_create(nullptr));
  LEVERET_ASSERT(context, "no memory for a pattern");
  // Erlang's default; PCRE2's own depends on how it was built.
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  return context;
}

const pcre2_match_context* match_limits() {
  static const MatchContext context = [] {
    MatchContext made(pcre2_match_context_create(nullptr));
    LEVERET_ASSERT(made, "no memory for a pattern");
    pcre2_set_match_limit(made.get(), ResourcePattern::match_steps_max);
    pcre2_set_depth_limit(made.get(), ResourcePattern::match_steps_max);
    pcre2_set_heap_limit(made.get(), ResourcePattern::match_heap_kibibytes_max);
    return made;
  }();
  return context.get();
}

/// Where a match puts its captures and its stack, one for each thread that matches.
pcre2_match_data* match_data() {
  thread_local const MatchData data(pcre2_match_data_create(1, nullptr));
  LEVERET_ASSERT(data, "no memory for a pattern");
  return data.get();
}

/// RabbitMQ prints what PCRE 8 says; PCRE2 has other words for a few of the same mistakes.
std::string reason_of(int code) {
  switch (code) {
    case PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS:
      return "missing )";
    case PCRE2_ERROR_QUANTIFIER_INVALID:
      return "nothing to repeat";
    case PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS:
      return "unmatched parentheses";
    case PCRE2_ERROR_MISSING_NAME_TERMINATOR:
      return "syntax error in subpattern name (missing terminator)";
    case PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY:
      return "unknown property name after \\P or \\p";
    default:
      break;
  }
  std::array<PCRE2_UCHAR, 256> text;
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace

std::string InvalidPattern::text() const {
  return fmt::format("{{:invalid_regexp, '{}', {{'{}', {}}}}}", pattern, reason, offset);
}

struct ResourcePattern::Code {
  std::unique_ptr<pcre2_code, Freed<pcre2_code_free>> compiled;
};

ResourcePattern::ResourcePattern(Kind kind, std::unique_ptr<const Code> code)
    : kind_(kind), code_(std::move(code)) {}
ResourcePattern::ResourcePattern(ResourcePattern&&) noexcept = default;
ResourcePattern& ResourcePattern::operator=(ResourcePattern&&) noexcept = default;
ResourcePattern::~ResourcePattern() = default;

std::expected<ResourcePattern, InvalidPattern> ResourcePattern::compile(std::string_view pattern) {
  if (pattern.empty() || pattern == "^$") return ResourcePattern(Kind::only_empty, nullptr);
  if (pattern == ".*" || pattern == "^.*$") return ResourcePattern(Kind::everything, nullptr);

  // The one switch that PCRE2 spells otherwise than the PCRE in Erlang.
  constexpr std::string_view utf8_switch = "(*UTF8)";
  constexpr std::string_view utf_switch = "(*UTF)";
  std::string expression(pattern);
  const bool is_respelled = pattern.starts_with(utf8_switch);
  if (is_respelled) expression.replace(0, utf8_switch.size(), utf_switch);

  const CompileContext context = make_compile_context();
  int code = 0;
  std::size_t offset = 0;
  pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()),
                                       expression.size(), 0, &code, &offset, context.get());
  if (!compiled) {
    if (is_respelled) offset += utf8_switch.size() - utf_switch.size();
    return std::unexpected(InvalidPattern{std::string(pattern), reason_of(code), offset});
  }
  auto made = std::make_unique<Code>();
  made->compiled.reset(compiled);
  return ResourcePattern(Kind::expression, std::move(made));
}

ResourcePattern ResourcePattern::nothing() { return {Kind::nothing, nullptr}; }

bool ResourcePattern::matches(std::string_view name) const {
  switch (kind_) {
    case Kind::everything:
      return true;
    case Kind::only_empty:
      return name.empty() || name == "\n";  // Perl's $ looks past a last line feed.
    case Kind::nothing:
      return false;
    case Kind::expression:
      break;
  }
  const int code =
      pcre2_match(code_->compiled.get(), reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0,
                  0, match_data(), const_cast<pcre2_match_context*>(match_limits()));
  if (code >= 0) return true;
  if (code != PCRE2_ERROR_NOMATCH) {
    // Also a name that is not UTF-8 under a pattern that says it wants UTF-8.
    std::array<PCRE2_UCHAR, 256> text;
    pcre2_get_error_message(code, text.data(), text.size());
    log(LogLevel::warn, "auth", "match_given_up name=\"{}\" reason=\"{}\"", log_safe(name),
        reinterpret_cast<const char*>(text.data()));
  }
  return false;
}

}  // namespace leveret
