// SPDX-License-Identifier: Apache-2.0
//
// What rabbitmqctl's formatters make of rows: tab-separated tables, JSON, CSV, and tables with
// lines for terminals.
//
// Thread: one.

#pragma once

#include "ctl/invocation.h"

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace leveret::ctl {

/// How a cell is written.
enum class CellKind {
  plain,  ///< Text, number, boolean; null is nothing.
  table,  ///< An AMQP table as [[key, type, value], ...].
  atoms,  ///< A list of names: [administrator, monitoring]
};

struct Column {
  std::string_view name;  ///< As the user says it.
  std::string_view key;   ///< Of the API's JSON; a dot goes inside: "queue.name". Empty: unknown.
  CellKind kind = CellKind::plain;
};

/// The cell of a row; null when the API does not have it.
[[nodiscard]] boost::json::value cell(const boost::json::object& row, std::string_view key);

/// All rows, as `invocation` wants them. `prints_empty_line`: as rabbitmqctl does after some
/// banners when there is no row.
[[nodiscard]] std::string format_rows(const boost::json::array& rows,
                                      const std::vector<Column>& columns,
                                      const Invocation& invocation, bool prints_empty_line);

/// A cell as it stands in a table: `[{"x-max-length",10}]`.
[[nodiscard]] std::string cell_text(const boost::json::value& value, CellKind kind);

/// Bold where rabbitmqctl has it so, which is also when nobody looks.
[[nodiscard]] std::string bold(std::string_view text);

}  // namespace leveret::ctl
