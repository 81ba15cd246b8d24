// SPDX-License-Identifier: Apache-2.0
//
// Passwords from the command line or, where it has none, from standard input: without echo when
// that is a terminal.
//
// Thread: one.

#pragma once

#include "ctl/command.h"

#include <string>

namespace leveret::ctl {

/// The n-th argument, or a line of standard input.
/// Errors: data, when there is neither.
[[nodiscard]] Outcome<std::string> password_argument(const Session& session, std::size_t n);

}  // namespace leveret::ctl
