// SPDX-License-Identifier: Apache-2.0
#include "client/src/quoted.h"

#include <fmt/format.h>

namespace leveret::client {

std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char each : value) {
    const auto octet = static_cast<unsigned char>(each);
    if (each == '"' || each == '\\') {
      text += '\\';
      text += each;
    } else if (octet < 0x20 || octet == 0x7F) {
      text += fmt::format("\\u{:04x}", octet);
    } else {
      text += each;
    }
  }
  return text += '"';
}

}  // namespace leveret::client
