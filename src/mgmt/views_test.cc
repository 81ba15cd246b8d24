// SPDX-License-Identifier: Apache-2.0
#include "mgmt/views.h"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using boost::json::serialize;

std::string an_encoded_table() {
  amqp::FieldTable inner{{"a", amqp::FieldArray{std::int32_t{1}, "z"}}};
  amqp::FieldTable table{{"x-max-length", std::int32_t{10}}, {"on", true}};
  table.set("far", std::int64_t{1} << 40).set("nothing", amqp::Void{});
  table.set("inner", std::move(inner));
  return encoded_table(table);
}

TEST(TableView, keeps_types_that_JSON_has) {
  EXPECT_EQ(serialize(table_view(an_encoded_table())),
            R"({"x-max-length":10,"on":true,"far":1099511627776,"nothing":null,)"
            R"("inner":{"a":[1,"z"]}})");
}

TEST(TableView, names_RabbitMQs_types_in_the_typed_form) {
  EXPECT_EQ(serialize(typed_table_view(an_encoded_table())),
            R"([["x-max-length","signedint",10],["on","bool",true],["far","long",1099511627776],)"
            R"(["nothing","void",null],)"
            R"(["inner","table",[["a","array",[["signedint",1],["longstr","z"]]]]]])");
}

TEST(TableView, of_a_malformed_table_is_empty) {
  EXPECT_EQ(serialize(table_view(std::string("\x05"
                                             "abc"))),
            "{}");
}

TEST(JsonText, replaces_what_is_no_UTF8_byte_by_byte) {
  struct Row {
    std::string_view text;
    std::string_view shown;
  };
  const Row table[] = {
      {"plain", "plain"},
      {"h\xc3\xa4se \xe2\x82\xac \xf0\x9f\x90\x87", "h\xc3\xa4se \xe2\x82\xac \xf0\x9f\x90\x87"},
      {"\xff!", "\xef\xbf\xbd!"},
      {"\xc3", "\xef\xbf\xbd"},
      {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                  // Overlong.
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},  // A surrogate.
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (const Row& row : table) EXPECT_EQ(std::string_view(json_text(row.text)), row.shown);
}

TEST(QueueView, has_RabbitMQs_keys) {
  const QueueProperties queue{.id = QueueId((std::uint64_t{1} << 48) + 7),
                              .vhost = "/",
                              .name = "q",
                              .is_durable = true,
                              .exclusive_owner = ConnectionId(3)};
  const QueueCounts counts{
      .ready = 2, .unacked = 1, .consumers = 4, .ready_body_bytes = 20, .unacked_body_bytes = 5};
  const QueueTotals totals{.published = 9, .delivered = 3, .auto_acked = 2, .got = 1, .acked = 6};

  const boost::json::object view = queue_view(queue, "n@h", Durability::os, counts, totals);

  EXPECT_EQ(view.at("messages"), 3);
  EXPECT_EQ(view.at("messages_ready"), 2);
  EXPECT_EQ(view.at("messages_unacknowledged"), 1);
  EXPECT_EQ(view.at("message_bytes"), 25);
  EXPECT_EQ(view.at("consumers"), 4);
  EXPECT_EQ(view.at("durable"), true);
  EXPECT_EQ(view.at("exclusive"), true);
  EXPECT_EQ(view.at("type"), "classic");
  EXPECT_EQ(view.at("state"), "running");
  EXPECT_EQ(view.at("pid"), "<n@h.1.7.2>");
  EXPECT_EQ(view.at("owner_pid"), "<n@h.0.3.0>");
  EXPECT_EQ(view.at("durability"), "os");
  EXPECT_EQ(view.at("message_stats").at("publish"), 9);
  EXPECT_EQ(view.at("message_stats").at("deliver_get"), 6);
}

TEST(RecoveredView, tells_what_had_been_promised_from_what_had_not) {
  const boost::json::object view =
      recovered_view({.confirmed = 3, .unconfirmed = 2, .discarded = 1});
  EXPECT_EQ(view.at("messages_confirmed"), 3);
  EXPECT_EQ(view.at("messages_unconfirmed"), 2);
  EXPECT_EQ(view.at("messages_discarded"), 1);
}

TEST(LedgerView, balances_what_came_with_what_went_and_what_is_there) {
  QueueCounts counts{.ready = 2, .unacked = 1, .dying = 2};
  QueueTotals totals{.published = 17,
                     .auto_acked = 2,
                     .acked = 1,
                     .rejected = 1,
                     .expired = 1,
                     .dropped = 2,
                     .dead_lettered = 3,
                     .purged = 3,
                     .recovered = 2,
                     .refused = 7,
                     .deduplicated = 4,
                     .damaged = 1};
  const boost::json::object view = ledger_view(counts, totals, true);
  EXPECT_EQ(view.at("recovered"), 2);
  EXPECT_EQ(view.at("present"), 5);
  EXPECT_EQ(view.at("dying"), 2);
  EXPECT_EQ(view.at("dead_lettered"), 3);
  EXPECT_EQ(view.at("refused"), 7);
  EXPECT_EQ(view.at("deduplicated"), 4);
  EXPECT_EQ(view.at("balanced"), true);
}

TEST(BindingView, tells_bindings_apart_that_differ_in_arguments_only) {
  BindingProperties binding{.vhost = "/", .source = "x", .destination = "q", .routing_key = "k"};
  EXPECT_EQ(properties_key(binding), "k");

  binding.arguments = an_encoded_table();
  const std::string with_arguments = properties_key(binding);
  binding.routing_key.clear();
  binding.arguments.clear();

  EXPECT_TRUE(with_arguments.starts_with("k~")) << with_arguments;
  EXPECT_EQ(properties_key(binding), "~");
}

}  // namespace
}  // namespace leveret
