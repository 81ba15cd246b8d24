// SPDX-License-Identifier: Apache-2.0
//
// The names of the durability levels, as an operator and a queue's argument say them.
//
// Thread: any.

#pragma once

#include "journal/journal.h"

#include <optional>
#include <string_view>

namespace leveret {

/// "fsync, os, memory": what may be said.
inline constexpr std::string_view durability_names = "fsync, os, memory";

[[nodiscard]] std::string_view durability_name(Durability durability);
/// nullopt: none of durability_names.
[[nodiscard]] std::optional<Durability> parse_durability(std::string_view name);

}  // namespace leveret
