// SPDX-License-Identifier: Apache-2.0
#include "routing/message_headers.h"

#include <algorithm>
#include <string>

namespace leveret {
namespace {

std::string_view chars(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// All headers of the table, sorted. False when it is malformed.
bool collect(amqp::RawTable table, std::vector<Header>& headers) {
  headers.clear();
  const bool is_whole = table.for_each([&](std::string_view key, amqp::FieldValueView value) {
    headers.push_back({key, value});
  });
  // All keys are in one run of bytes, so their addresses keep equal ones in order. A stable sort
  // would, but allocates.
  std::ranges::sort(headers, [](const Header& a, const Header& b) {
    const auto order = a.key <=> b.key;
    return order != 0 ? order < 0 : a.key.data() < b.key.data();
  });
  return is_whole;
}

}  // namespace

std::span<const Header> MessageHeaders::sorted() {
  if (!is_sorted_) {
    collect(encoded_, headers_);
    is_sorted_ = true;
  }
  return headers_;
}

std::string canonical_arguments(amqp::RawTable arguments) {
  std::vector<Header> headers;
  if (!collect(arguments, headers)) return std::string(chars(arguments.bytes()));

  std::string canonical;
  canonical.reserve(arguments.size());
  for (const auto& [key, value] : headers) {
    // An entry lies as | key length | key | type | length, for some types | value |.
    const char* const type = key.data() + key.size();
    const std::string_view octets = chars(value.bytes());
    canonical.push_back(static_cast<char>(key.size()));
    canonical.append(key);
    canonical.push_back(static_cast<char>(value.type()));  // `L` has become `l`.
    if (const auto truth = value.as_bool()) {
      canonical.push_back(*truth ? 1 : 0);  // Any octet but zero is true.
    } else {
      canonical.append(type + 1, octets.data() + octets.size());
    }
  }
  return canonical;
}

}  // namespace leveret
