// SPDX-License-Identifier: Apache-2.0
//
// Python literals, as pika's URLs hold them: the part of the language that tables need.
//
//   None  True  False  12  -0.5  'text'  "text"  [value, ...]  {'key': value, ...}
//
// They become what pika would send for them: None is Void, a whole number an std::int32_t if it
// fits and an std::int64_t else, another number a double. Of equal keys, the last wins. Escapes are
// Python's, without \N{...}. Not taken: tuples, sets, bytes, prefixes such as r'', ''' texts, texts
// side by side, numbers such as 0x10, 1_000 and 1j, comments.
//
// Thread: any.

#pragma once

#include "leveret/field_table.h"

#include <expected>
#include <string>
#include <string_view>

namespace leveret::client {

/// Errors: what was expected and at which character, counted from 1. Nothing of the text itself,
/// which may hold a password. Nesting: at most amqp::table_depth_max.
[[nodiscard]] std::expected<FieldValue, std::string> parse_python_literal(std::string_view text);

}  // namespace leveret::client
