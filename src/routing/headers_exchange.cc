// SPDX-License-Identifier: Apache-2.0
#include "routing/headers_exchange.h"

#include "routing/header_value.h"
#include "routing/header_value_text.h"
#include "routing/reached.h"

#include <optional>
#include <span>
#include <string>
#include <utility>

namespace leveret {
namespace {

constexpr std::string_view x_match_key = "x-match";

struct XMatch {
  bool needs_all = true;
  bool takes_x = false;
};

std::optional<XMatch> parse_x_match(std::string_view word) {
  if (word == "all") return XMatch{.needs_all = true, .takes_x = false};
  if (word == "any") return XMatch{.needs_all = false, .takes_x = false};
  if (word == "all-with-x") return XMatch{.needs_all = true, .takes_x = true};
  if (word == "any-with-x") return XMatch{.needs_all = false, .takes_x = true};
  return std::nullopt;
}

bool is_criterion(std::string_view key, const XMatch& x_match) {
  return x_match.takes_x ? key != x_match_key : !key.starts_with("x-");
}

}  // namespace

HeadersExchange::Matcher::Matcher(Binding& of) : binding(&of) {
  const amqp::RawTable arguments(std::as_bytes(std::span(of.arguments)));
  XMatch x_match;
  if (const auto value = arguments.find(x_match_key)) {
    // Others have been refused: see validate_headers_binding().
    if (const auto word = value->as_string()) x_match = parse_x_match(*word).value_or(XMatch());
  }
  needs_all = x_match.needs_all;
  arguments.for_each([&](std::string_view key, amqp::FieldValueView value) {
    if (is_criterion(key, x_match)) criteria.push_back({key, value});
  });
}

bool HeadersExchange::Matcher::matches(std::span<const Header> headers) const {
  auto header = headers.begin();
  for (const Header& criterion : criteria) {
    while (header != headers.end() && header->key < criterion.key) ++header;
    bool is_met = false;
    if (header != headers.end() && header->key == criterion.key) {
      is_met = criterion.value.type() == amqp::FieldType::void_value ||
               is_same_header_value(criterion.value, header->value);
      ++header;
    }
    if (is_met != needs_all) return is_met;  // The first that decides.
  }
  return needs_all;
}

void HeadersExchange::add(Binding& binding) {
  binding.slot = static_cast<std::uint32_t>(matchers_.size());
  matchers_.emplace_back(binding);
}

void HeadersExchange::remove(Binding& binding) {
  if (binding.slot + 1 != matchers_.size()) {
    matchers_[binding.slot] = std::move(matchers_.back());
    matchers_[binding.slot].binding->slot = binding.slot;
  }
  matchers_.pop_back();
  if (matchers_.size() < matchers_.capacity() / 4) matchers_.shrink_to_fit();
}

void HeadersExchange::match(const Publication& publication, Reached& reached) const {
  if (matchers_.empty()) return;
  const std::span<const Header> headers = publication.headers.sorted();
  for (const Matcher& matcher : matchers_) {
    if (matcher.matches(headers)) reached.add(matcher.binding->destination);
  }
}

amqp::AmqpResult<void> validate_headers_binding(amqp::RawTable arguments) {
  const std::optional<amqp::FieldValueView> x_match = arguments.find(x_match_key);
  if (!x_match) return {};
  const std::optional<std::string_view> word = x_match->as_string();
  if (word && parse_x_match(*word)) return {};

  std::string text;
  if (word) {
    text = "Invalid x-match field value ";
    append_header_value(text, *x_match);
    text += "; expected all, any, all-with-x, or any-with-x";
  } else {
    text = "Invalid x-match field type ";
    text += amqp::field_type_name(x_match->type());
    text += " (value ";
    append_header_value(text, *x_match);
    text += "); expected longstr";
  }
  return amqp::refuse(amqp::ReplyCode::precondition_failed, std::move(text));
}

}  // namespace leveret
