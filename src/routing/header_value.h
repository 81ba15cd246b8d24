// SPDX-License-Identifier: Apache-2.0
//
// When two header values are the same, for the headers exchange. RabbitMQ compares what its decoder
// made of them with Erlang's `==`, so that at the top the type on the wire is forgotten:
//
//   integers of any width and timestamps     by number
//   ... and floats and doubles               by number too: 1 is 1.0, exactly, without rounding
//   long strings and byte arrays             by bytes
//   booleans, void, decimals                 only among themselves; 1.5 is not 1.50
//   arrays                                   element by element: same type and same value
//   tables                                   entry by entry, in order: same key, type and value
//   an empty table and an empty array        the same
//
// Thread: pure functions.

#pragma once

#include "amqp/raw_table.h"

namespace leveret {

[[nodiscard]] bool is_same_header_value(amqp::FieldValueView a, amqp::FieldValueView b);

}  // namespace leveret
