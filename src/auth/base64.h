// SPDX-License-Identifier: Apache-2.0
//
// Base64 as in RFC 4648 §4, strict: padded, no white space. For password hashes.
//
// Thread: any.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace leveret {

[[nodiscard]] std::string encode_base64(std::string_view bytes);
/// Nothing when `text` is not base64.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace leveret
