// SPDX-License-Identifier: Apache-2.0
#include "vhost/limits.h"

#include "amqp/erlang_text.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace leveret {

namespace {

std::unexpected<std::string> refuse(const LimitNames& allowed, std::string complaint) {
  if (!allowed.is_parameter) return std::unexpected(std::move(complaint));
  return std::unexpected(fmt::format("Validation failed\n\n{}\n", complaint));
}

}  // namespace

std::expected<LimitsRecord, std::string> read_limits(const amqp::FieldTable& given,
                                                     const LimitNames& allowed) {
  LimitsRecord limits;
  std::vector<std::string> unknown;
  for (const auto& [name, value] : given) {
    if (std::ranges::find(allowed.names, name) == std::end(allowed.names)) {
      unknown.push_back(fmt::format("{{{},{}}}", amqp::erlang_term(amqp::FieldValue(name)),
                                    amqp::erlang_term(value)));
      continue;
    }
    const auto number = value.as_integer();
    if (!number) {
      return refuse(allowed, fmt::format("{} should be a number, actually was {}", name,
                                         amqp::erlang_term(value)));
    }
    limits[name] = *number;
  }
  if (unknown.empty()) return limits;
  std::ranges::sort(unknown);
  return refuse(allowed, fmt::format("Unrecognised terms [{}] in {}", fmt::join(unknown, ","),
                                     allowed.called));
}

std::int64_t limit_of(const LimitsRecord& limits, std::string_view name) {
  const auto found = limits.find(std::string(name));
  return found == limits.end() ? -1 : found->second;
}

}  // namespace leveret
