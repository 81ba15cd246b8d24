// SPDX-License-Identifier: Apache-2.0
//
// From what a program asks for to what a Session needs.
//
// Thread: any.

#pragma once

#include "client/src/session.h"
#include "leveret/connection_parameters.h"

namespace leveret::client {

[[nodiscard]] SessionOptions options_of(const ConnectionParameters& parameters);

}  // namespace leveret::client
