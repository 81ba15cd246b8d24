// SPDX-License-Identifier: Apache-2.0
#include "ctl/output.h"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

std::string text_of(const json::string& text) { return {text.data(), text.size()}; }

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// Of a value inside an AMQP table.
std::string term_text(std::string_view type, const json::value& value);

std::string table_text(const json::array& table) {
  std::string out = "[";
  for (const json::value& entry : table) {
    const json::array& triple = entry.as_array();
    if (out.size() > 1) out += ',';
    out += fmt::format("{{{},{}}}", quoted(text_of(triple[0].as_string())),
                       term_text(text_of(triple[1].as_string()), triple[2]));
  }
  return out + "]";
}

std::string term_text(std::string_view type, const json::value& value) {
  if (type == "table") return table_text(value.as_array());
  if (type == "array") {
    std::string out = "[";
    for (const json::value& element : value.as_array()) {
      const json::array& pair = element.as_array();
      if (out.size() > 1) out += ',';
      out += term_text(text_of(pair[0].as_string()), pair[1]);
    }
    return out + "]";
  }
  if (const auto* text = value.if_string()) return quoted(text_of(*text));
  if (value.is_null()) return "undefined";
  return json::serialize(value);
}

/// rabbitmqctl's JSON of a table: triples; but an array's pairs, being pairs, become an object, in
/// which the last of a type wins.
json::value table_json(const json::array& table);

json::value term_json(std::string_view type, const json::value& value) {
  if (type == "table") return table_json(value.as_array());
  if (type != "array") return value;
  json::object elements;
  for (const json::value& element : value.as_array()) {
    const json::array& pair = element.as_array();
    elements[pair[0].as_string()] = term_json(text_of(pair[0].as_string()), pair[1]);
  }
  return elements;
}

json::value table_json(const json::array& table) {
  json::array out;
  for (const json::value& entry : table) {
    const json::array& triple = entry.as_array();
    out.push_back(
        json::array{triple[0], triple[1], term_json(text_of(triple[1].as_string()), triple[2])});
  }
  return out;
}

json::value cell_json(const json::value& value, CellKind kind) {
  if (value.is_null()) return "";
  if (kind == CellKind::table && value.is_array()) return table_json(value.as_array());
  return value;
}

std::string csv_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string format_table(const json::array& rows, const std::vector<Column>& columns,
                         bool has_headers) {
  std::string out;
  const auto add_line = [&](auto&& text_for) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out += '\t';
      out += text_for(columns[i]);
    }
    out += '\n';
  };
  if (has_headers) add_line([](const Column& column) { return std::string(column.name); });
  for (const json::value& row : rows) {
    add_line([&](const Column& column) {
      return cell_text(cell(row.as_object(), column.key), column.kind);
    });
  }
  return out;
}

std::string format_csv(const json::array& rows, const std::vector<Column>& columns,
                       bool has_headers) {
  std::string out;
  const auto add_line = [&](auto&& text_for) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out += ',';
      out += csv_quoted(text_for(columns[i]));
    }
    out += '\n';
  };
  if (has_headers) add_line([](const Column& column) { return std::string(column.name); });
  for (const json::value& row : rows) {
    add_line([&](const Column& column) {
      return cell_text(cell(row.as_object(), column.key), column.kind);
    });
  }
  return out;
}

std::string format_json(const json::array& rows, const std::vector<Column>& columns) {
  std::string out = "[\n";
  bool is_first = true;
  for (const json::value& row : rows) {
    json::object shown;
    for (const Column& column : columns) {
      shown[json::string_view(column.name.data(), column.name.size())] =
          cell_json(cell(row.as_object(), column.key), column.kind);
    }
    if (!is_first) out += ',';
    is_first = false;
    out += json::serialize(shown) + "\n";
  }
  return out + "]\n";
}

/// Characters that a terminal shows, taking each code point for one.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

std::string format_pretty(const json::array& rows, const std::vector<Column>& columns) {
  // Lines are drawn in the terminal's second character set, which these two sequences switch.
  constexpr std::string_view begin_lines = "\x1b(0";
  constexpr std::string_view end_lines = "\x1b(B";
  std::vector<std::size_t> widths;
  widths.reserve(columns.size());
  std::vector<std::vector<std::string>> cells;
  cells.reserve(rows.size());
  for (const Column& column : columns) widths.push_back(column.name.size());
  for (const json::value& row : rows) {
    auto& line = cells.emplace_back();
    line.reserve(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      line.push_back(cell_text(cell(row.as_object(), columns[i].key), columns[i].kind));
      if (columns[i].kind == CellKind::atoms)
        line.back() = line.back().substr(1, line.back().size() - 2);
      widths[i] = std::max(widths[i], width(line.back()));
    }
  }
  std::string out;
  const auto draw = [&](char left, char cross, char right) {
    out += begin_lines;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      out += i == 0 ? left : cross;
      out.append(widths[i] + 2, 'q');
    }
    out += right;
    out.append(end_lines).append("\n");
  };
  const std::string bar = fmt::format("{}x{}", begin_lines, end_lines);
  const auto write = [&](const auto& text_for) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const auto [text, shown] = text_for(i);
      out += bar + " " + text + std::string(widths[i] - shown, ' ') + " ";
    }
    out += bar + "\n";
  };
  draw('l', 'w', 'k');
  write([&](std::size_t i) { return std::pair(bold(columns[i].name), columns[i].name.size()); });
  for (const auto& line : cells) {
    draw('t', 'n', 'u');
    write([&](std::size_t i) { return std::pair(line[i], width(line[i])); });
  }
  draw('m', 'v', 'j');
  return out;
}

}  // namespace

json::value cell(const json::object& row, std::string_view key) {
  if (key.empty()) return nullptr;
  const std::size_t dot = key.find('.');
  const std::string_view first = key.substr(0, dot);
  const json::value* value = row.if_contains({first.data(), first.size()});
  if (value == nullptr) return nullptr;
  if (dot == std::string_view::npos) return *value;
  const json::object* inner = value->if_object();
  return inner == nullptr ? json::value(nullptr) : cell(*inner, key.substr(dot + 1));
}

std::string cell_text(const json::value& value, CellKind kind) {
  if (value.is_null()) return {};
  if (kind == CellKind::table && value.is_array()) return table_text(value.as_array());
  if (kind == CellKind::atoms && value.is_array()) {
    std::string out = "[";
    for (const json::value& name : value.as_array()) {
      if (out.size() > 1) out += ", ";
      out += text_of(name.as_string());
    }
    return out + "]";
  }
  if (const auto* text = value.if_string()) return text_of(*text);
  return json::serialize(value);
}

std::string bold(std::string_view text) { return fmt::format("\x1b[1m{}\x1b[0m", text); }

std::string format_rows(const json::array& rows, const std::vector<Column>& columns,
                        const Invocation& invocation, bool prints_empty_line) {
  if (invocation.format == Format::json) return format_json(rows, columns);
  if (rows.empty()) return prints_empty_line ? "\n" : "";
  switch (invocation.format) {
    case Format::csv:
      return format_csv(rows, columns, invocation.shows_headers());
    case Format::pretty_table:
      return format_pretty(rows, columns);
    case Format::table:
    case Format::json:
      break;
  }
  return format_table(rows, columns, invocation.shows_headers());
}

}  // namespace leveret::ctl
