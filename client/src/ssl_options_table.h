// SPDX-License-Identifier: Apache-2.0
//
// SSLOptions from the table that `ssl_options` is in a URL; its keys: connection_parameters.h.
//
// Thread: any.

#pragma once

#include "leveret/field_table.h"
#include "leveret/ssl_options.h"

namespace leveret::client {

/// Throws: std::invalid_argument with the key and what is allowed, never the value: one of them is
/// a password.
[[nodiscard]] SSLOptions ssl_options_in(const FieldTable& table);

}  // namespace leveret::client
