// SPDX-License-Identifier: Apache-2.0
//
// Erlang's notation for a few terms, as far as RabbitMQ's reply texts show them: what its format
// directive ~p prints, line breaks at 80 columns included.
//
// Thread: any.

#pragma once

#include "amqp/field_table.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace leveret::amqp {

/// How a term is printed: for a reply text, in lines of 80 columns and no further once `text` is
/// longer than a reply text can be; or the whole of it on one line, as events have it.
enum class ErlangLayout : std::uint8_t { reply_text, one_line };

/// Appends <<"text">> when every byte is printable Latin-1, or <<0,1,2>>. Columns are counted from
/// the last line break in `text`.
void append_erlang_binary(std::string& text, std::span<const std::byte> bytes,
                          ErlangLayout layout = ErlangLayout::reply_text);

/// An address as Erlang's tuple of numbers: {127,0,0,1}, {0,0,0,0,0,0,0,1}; another text as it is.
[[nodiscard]] std::string erlang_address(const std::string& address);

/// Appends {name,number}.
void append_erlang_pair(std::string& text, std::string_view name, unsigned number);

/// A value that came as JSON, as Erlang's JSON makes a term of it: <<"text">>, 1, true, null,
/// [1,2], #{<<"key">> => 1}; on one line.
[[nodiscard]] std::string erlang_term(const FieldValue& value);

}  // namespace leveret::amqp
