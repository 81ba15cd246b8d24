// SPDX-License-Identifier: Apache-2.0
//
// StringMap: a hash map with string keys that is searched by string_view without making a string.
//
// Thread: as any container.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace leveret {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

template <class Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

}  // namespace leveret
