// SPDX-License-Identifier: Apache-2.0
#include "queue/durability.h"

namespace leveret {

std::string_view durability_name(Durability durability) {
  switch (durability) {
    case Durability::memory:
      return "memory";
    case Durability::os:
      return "os";
    case Durability::fsync:
      return "fsync";
  }
  return {};
}

std::optional<Durability> parse_durability(std::string_view name) {
  for (const Durability durability : {Durability::memory, Durability::os, Durability::fsync}) {
    if (durability_name(durability) == name) return durability;
  }
  return std::nullopt;
}

}  // namespace leveret
