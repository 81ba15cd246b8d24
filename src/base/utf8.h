// SPDX-License-Identifier: Apache-2.0
//
// Is this text UTF-8? As RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF.
//
// Thread: any.

#pragma once

#include <string_view>

namespace leveret {

[[nodiscard]] bool is_utf8_beyond_ascii(std::string_view text);

/// Complexity: one pass; names are nearly always ASCII, which is told inline.
[[nodiscard]] inline bool is_utf8(std::string_view text) {
  unsigned char high = 0;
  for (const char c : text) high |= static_cast<unsigned char>(c);
  return high < 0x80 || is_utf8_beyond_ascii(text);
}

}  // namespace leveret
