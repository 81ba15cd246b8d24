// SPDX-License-Identifier: Apache-2.0
//
// The expected texts are what rabbitmqctl 3.10.8 printed for the same things.
#include "ctl/output.h"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace leveret::ctl {
namespace {

namespace json = boost::json;

json::array rows() {
  return json::parse(R"([
    {"name": "q2", "arguments": [], "messages": 0},
    {"name": "q1", "messages": 2, "arguments": [
      ["x-max-length", "signedint", 10], ["x-overflow", "longstr", "reject-publish"],
      ["x-b", "bool", true],
      ["x-t", "table", [["a", "array", [["signedint", 1], ["longstr", "z"]]]]]]}])")
      .as_array();
}

const std::vector<Column> columns{
    {"name", "name"}, {"arguments", "arguments", CellKind::table}, {"messages", "messages"}};

std::string formatted(Format format, bool is_silent = false) {
  Invocation invocation;
  invocation.format = format;
  invocation.is_silent = is_silent;
  return format_rows(rows(), columns, invocation, false);
}

TEST(Output, writes_tables_with_tabs_and_arguments_as_terms) {
  const std::string body =
      "q2\t[]\t0\n"
      "q1\t[{\"x-max-length\",10},{\"x-overflow\",\"reject-publish\"},{\"x-b\",true},"
      "{\"x-t\",[{\"a\",[1,\"z\"]}]}]\t2\n";

  EXPECT_EQ(formatted(Format::table), "name\targuments\tmessages\n" + body);
  EXPECT_EQ(formatted(Format::table, true), body);
}

TEST(Output, writes_JSON_a_row_a_line) {
  EXPECT_EQ(formatted(Format::json),
            "[\n"
            "{\"name\":\"q2\",\"arguments\":[],\"messages\":0}\n"
            ",{\"name\":\"q1\",\"arguments\":[[\"x-max-length\",\"signedint\",10],"
            "[\"x-overflow\",\"longstr\",\"reject-publish\"],[\"x-b\",\"bool\",true],"
            "[\"x-t\",\"table\",[[\"a\",\"array\",{\"signedint\":1,\"longstr\":\"z\"}]]]],"
            "\"messages\":2}\n"
            "]\n");
}

TEST(Output, writes_CSV_with_everything_quoted) {
  EXPECT_EQ(formatted(Format::csv),
            "\"name\",\"arguments\",\"messages\"\n"
            "\"q2\",\"[]\",\"0\"\n"
            "\"q1\",\"[{\"\"x-max-length\"\",10},{\"\"x-overflow\"\",\"\"reject-publish\"\"},"
            "{\"\"x-b\"\",true},{\"\"x-t\"\",[{\"\"a\"\",[1,\"\"z\"\"]}]}]\",\"2\"\n");
}

TEST(Output, draws_tables_for_terminals) {
  Invocation invocation;
  invocation.format = Format::pretty_table;
  const json::array users = json::parse(R"([{"user": "u2", "tags": []},
                                            {"user": "guest", "tags": ["administrator"]}])")
                                .as_array();

  EXPECT_EQ(
      format_rows(users, {{"user", "user"}, {"tags", "tags", CellKind::atoms}}, invocation, true),
      "\x1b(0lqqqqqqqwqqqqqqqqqqqqqqqk\x1b(B\n"
      "\x1b(0x\x1b(B \x1b[1muser\x1b[0m  \x1b(0x\x1b(B \x1b[1mtags\x1b[0m          "
      "\x1b(0x\x1b(B\n"
      "\x1b(0tqqqqqqqnqqqqqqqqqqqqqqqu\x1b(B\n"
      "\x1b(0x\x1b(B u2    \x1b(0x\x1b(B               \x1b(0x\x1b(B\n"
      "\x1b(0tqqqqqqqnqqqqqqqqqqqqqqqu\x1b(B\n"
      "\x1b(0x\x1b(B guest \x1b(0x\x1b(B administrator \x1b(0x\x1b(B\n"
      "\x1b(0mqqqqqqqvqqqqqqqqqqqqqqqj\x1b(B\n");
}

TEST(Output, of_no_rows_is_nothing_or_an_empty_line) {
  const Invocation invocation;
  EXPECT_EQ(format_rows({}, columns, invocation, false), "");
  EXPECT_EQ(format_rows({}, columns, invocation, true), "\n");
}

TEST(Output, finds_cells_inside_objects_and_nothing_where_there_is_none) {
  const json::object row = json::parse(R"({"queue": {"name": "q"}, "n": 1})").as_object();
  EXPECT_EQ(cell(row, "queue.name"), "q");
  EXPECT_TRUE(cell(row, "n.name").is_null());
  EXPECT_TRUE(cell(row, "").is_null());
  EXPECT_TRUE(cell(row, "none").is_null());
}

}  // namespace
}  // namespace leveret::ctl
