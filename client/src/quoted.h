// SPDX-License-Identifier: Apache-2.0
//
// quoted(): text that somebody else chose, as people may read it.
//
// Thread: any.

#pragma once

#include <string>
#include <string_view>

namespace leveret::client {

/// In double quotes; these, backslashes and what is no printing ASCII are escaped. Other bytes are
/// left as they are.
[[nodiscard]] std::string quoted(std::string_view value);

}  // namespace leveret::client
