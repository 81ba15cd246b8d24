// SPDX-License-Identifier: Apache-2.0
//
// A header value as RabbitMQ's reply texts show it: what Erlang prints for the term that its
// decoder made of the value. 1, 1.0e5, true, undefined (void), {1,15} (decimal 1.5), <<"text">>,
// [{longstr,<<"an element">>}], [{<<"key">>,table,[]}].
//
// Thread: pure functions.

#pragma once

#include "amqp/raw_table.h"

#include <string>
#include <vector>

namespace leveret {

/// Appends the value to `text`, which begins where the reply's detail begins. Stops once it is
/// longer than a reply text can be. Erlang breaks lines within long tables and arrays; this does
/// not.
void append_header_value(std::string& text, amqp::FieldValueView value);

/// Each entry of a table, whole: {<<"x-max-length">>,signedint,10}. What is malformed is left out.
[[nodiscard]] std::vector<std::string> header_entry_texts(amqp::RawTable table);

}  // namespace leveret
