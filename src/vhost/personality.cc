// SPDX-License-Identifier: Apache-2.0
#include "vhost/personality.h"

#include <algorithm>
#include <iterator>

namespace leveret {

std::span<const Personality> personalities() {
  static constexpr Personality all[] = {
      {.name = "any", .version = "3.10.8"},
      {.name = "3.10", .version = "3.10.8"},
      {.name = "3.13", .version = "3.13.7", .is_unknown_type_soft = true, .tells_last_death = true},
      {.name = "4.x",
       .version = "4.1.0",
       .names_refused_permission = true,
       .is_unknown_type_soft = true,
       .tells_last_death = true,
       .delivery_limit = 20,
       .message_bytes_max = 16 * 1024 * 1024},
  };
  return all;
}

const Personality* find_personality(std::string_view name) {
  const auto all = personalities();
  const auto found = std::ranges::find(all, name, &Personality::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace leveret
