// SPDX-License-Identifier: Apache-2.0
//
// From a Failure to the exception of the public tree that says the same.
//
// Thread: any.

#pragma once

#include "client/src/failure.h"

namespace leveret::client {

[[noreturn]] void raise(const Failure& failure);

}  // namespace leveret::client
