// SPDX-License-Identifier: Apache-2.0
#include "mgmt/resource_limit.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace leveret {
namespace {

constexpr auto bytes_max = std::numeric_limits<std::int64_t>::max();

/// What the unit multiplies by; 0: there is no such unit.
std::uint64_t factor_of(std::string_view unit) {
  if (unit.empty()) return 1;
  constexpr std::string_view letters = "kMGTP";
  const std::size_t power = letters.find(unit.front() == 'K' ? 'k' : unit.front());
  if (power == std::string_view::npos) return 0;
  unit.remove_prefix(1);
  const bool is_decimal = unit == "B";
  if (!is_decimal && !unit.empty() && unit != "i" && unit != "iB") return 0;
  std::uint64_t factor = 1;
  for (std::size_t i = 0; i <= power; ++i) factor *= is_decimal ? 1000 : 1024;
  return factor;
}

}  // namespace

std::uint64_t bytes_of(const ResourceLimit& limit, std::uint64_t memory_total) {
  if (const auto* bytes = std::get_if<std::uint64_t>(&limit)) return *bytes;
  const double bytes = std::get<MemoryShare>(limit).share * static_cast<double>(memory_total);
  return bytes >= static_cast<double>(bytes_max) ? std::uint64_t{bytes_max}
                                                 : static_cast<std::uint64_t>(bytes);
}

Result<std::uint64_t> parse_byte_count(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, number);
  const std::uint64_t factor =
      error == std::errc() ? factor_of({unit, static_cast<std::size_t>(end - unit)}) : 0;
  if (factor == 0 || number > std::uint64_t{bytes_max} / factor) {
    return failure(
        fmt::format("'{}' is no number of bytes: 50000000, 50MB, 512MiB, 1GB, 1GiB", text));
  }
  return number * factor;
}

Result<double> parse_share(std::string_view text, double max) {
  double share = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(share) ||
      share < 0 || share > max) {
    return failure(fmt::format("'{}' is no share of the memory: 0.0 to {:.1f}", text, max));
  }
  return share;
}

}  // namespace leveret
