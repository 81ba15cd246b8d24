// SPDX-License-Identifier: Apache-2.0
#include "server/settings.h"

#include "metadata/testing/temporary_directory.h"

#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using testing::HasSubstr;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() { env_conf(""); }  // Not the machine's own.

  std::string file(std::string_view name, std::string_view text) {
    const auto path = directory_ / name;
    std::ofstream(path) << text;
    return path.string();
  }
  void env_conf(std::string_view text) {
    environment_["RABBITMQ_CONF_ENV_FILE"] = file("rabbitmq-env.conf", text);
  }
  Started read(std::vector<std::string> flags = {}) {
    std::vector<const char*> argv{"leveretd"};
    for (const std::string& flag : flags) argv.push_back(flag.c_str());
    return read_settings(static_cast<int>(argv.size()), argv.data(),
                         [this](const std::string& name) -> std::optional<std::string> {
                           const auto found = environment_.find(name);
                           if (found == environment_.end()) return std::nullopt;
                           return found->second;
                         });
  }
  Settings settings(std::vector<std::string> flags = {}) {
    const Started started = read(std::move(flags));
    EXPECT_EQ(started.text, "");
    return started.settings.value_or(Settings());
  }

  TemporaryDirectory directory_;
  std::map<std::string, std::string> environment_;
};

TEST_F(SettingsTest, are_defaults_when_nobody_says_anything) {
  const Settings defaults = settings();
  EXPECT_EQ(defaults.port, 5672);
  EXPECT_EQ(defaults.management_port, 15672);
  EXPECT_EQ(defaults.prometheus_port, 15692);
  EXPECT_EQ(defaults.bind, "::");
  EXPECT_EQ(defaults.workers, 0u);
  EXPECT_EQ(defaults.durability, Durability::fsync);
  EXPECT_EQ(defaults.data_dir, "leveret-data");
}

TEST_F(SettingsTest, are_taken_from_the_strongest_source) {
  const std::string conf = file("rabbitmq.conf", "listeners.tcp.default = 1\n");
  EXPECT_EQ(settings({"--config", conf}).port, 1);
  env_conf("NODE_PORT=2\n");
  EXPECT_EQ(settings({"--config", conf}).port, 2);
  environment_["RABBITMQ_NODE_PORT"] = "3";
  EXPECT_EQ(settings({"--config", conf}).port, 3);
  EXPECT_EQ(settings({"--config", conf, "--port", "4"}).port, 4);
  environment_["RABBITMQ_NODE_PORT"] = "";  // Set to nothing is not set.
  EXPECT_EQ(settings({"--config", conf}).port, 2);
}

TEST_F(SettingsTest, take_every_flag) {
  const Settings given = settings({"--data-dir", "/d", "--bind", "127.0.0.1", "--port", "1",
                                   "--management-port", "2", "--prometheus-port", "0", "--workers",
                                   "3", "--durability", "os", "--log-level", "warning"});
  EXPECT_EQ(given.data_dir, "/d");
  EXPECT_EQ(given.bind, "127.0.0.1");
  EXPECT_EQ(given.port, 1);
  EXPECT_EQ(given.management_port, 2);
  EXPECT_EQ(given.prometheus_port, 0);
  EXPECT_EQ(given.workers, 3u);
  EXPECT_EQ(given.durability, Durability::os);
  EXPECT_EQ(given.log_level, LogLevel::warn);
}

TEST_F(SettingsTest, take_the_environment_by_rabbitmqs_names) {
  environment_["RABBITMQ_MNESIA_BASE"] = "/var/lib/rabbitmq/mnesia";
  environment_["RABBITMQ_NODE_IP_ADDRESS"] = "10.0.0.1";
  environment_["RABBITMQ_NODENAME"] = "rabbit@here";
  const Settings given = settings();
  EXPECT_EQ(given.data_dir, "/var/lib/rabbitmq/mnesia");
  EXPECT_EQ(given.bind, "10.0.0.1");
  EXPECT_EQ(given.node_name, "rabbit@here");
}

TEST_F(SettingsTest, take_an_env_conf_as_it_stands_on_existing_systems) {
  env_conf(
      "# Defaults to rabbit.\n"
      "\n"
      "NODENAME='rabbit@here'\n"
      "export RABBITMQ_NODE_PORT=\"5673\"  # not 5672\n"
      "  NODE_IP_ADDRESS=127.0.0.1\r\n"
      "SERVER_ERL_ARGS=\"+K true\"\n");
  const Settings given = settings();
  EXPECT_EQ(given.node_name, "rabbit@here");
  EXPECT_EQ(given.port, 5673);
  EXPECT_EQ(given.bind, "127.0.0.1");
}

TEST_F(SettingsTest, take_a_listener_with_or_without_its_address) {
  struct Row {
    std::string_view value;
    std::string_view bind;
    std::uint16_t port;
  };
  static constexpr Row rows[] = {
      {"5673", "::", 5673}, {"127.0.0.1:5673", "127.0.0.1", 5673}, {"[::1]:5673", "::1", 5673}};
  for (const Row& row : rows) {
    const std::string conf =
        file("rabbitmq.conf", fmt::format("listeners.tcp.local = {}\n", row.value));
    const Settings given = settings({"--config", conf});
    EXPECT_EQ(given.bind, row.bind);
    EXPECT_EQ(given.port, row.port);
  }
}

TEST_F(SettingsTest, take_the_limits_of_memory_and_disk_in_rabbitmqs_units) {
  const ResourceLimit otherwise = std::uint64_t{1};
  EXPECT_EQ(settings().memory_high_watermark.or_else(otherwise), otherwise);
  EXPECT_EQ(settings().disk_free_limit.or_else(otherwise), otherwise);
  std::string conf = file("rabbitmq.conf",
                          "vm_memory_high_watermark.relative = 0.6\n"
                          "consumer_timeout = 5000\n"
                          "consumer_timeout_action = requeue\n"
                          "consumer_max_per_channel = 10\n"
                          "event_exchange.vhost = events\n"
                          "compat = 4.x\n"
                          "event_exchange.protocol = amqp_0_9_1\n"
                          "vm_memory_high_watermark_paging_ratio = 0.75\n"
                          "disk_free_limit.absolute = 2GB\n"
                          "total_memory_available_override_value = 512MiB\n");
  Settings given = settings({"--config", conf});
  EXPECT_EQ(given.memory_high_watermark.or_else(otherwise), ResourceLimit(MemoryShare{0.6}));
  EXPECT_EQ(given.consumer_timeout, std::chrono::seconds(5));
  EXPECT_EQ(settings().consumer_timeout_action, TimeoutAction::close_channel);
  EXPECT_EQ(given.consumer_timeout_action, TimeoutAction::requeue);
  EXPECT_EQ(given.channel_consumers_max, 10U);
  EXPECT_EQ(settings().event_vhost, "/");
  EXPECT_EQ(settings().personality->name, "any");
  EXPECT_EQ(given.event_vhost, "events");
  EXPECT_EQ(given.personality->name, "4.x");
  EXPECT_EQ(given.paging_ratio, 0.75);
  EXPECT_EQ(given.disk_free_limit.or_else(otherwise), ResourceLimit(std::uint64_t{2'000'000'000}));
  EXPECT_EQ(given.memory_total, std::uint64_t{512} << 20);
  conf = file("rabbitmq.conf",
              "vm_memory_high_watermark.absolute = 1024M\n"
              "disk_free_limit.relative = 1.5\n");
  given = settings({"--config", conf});
  EXPECT_EQ(given.memory_high_watermark.or_else(otherwise), ResourceLimit(std::uint64_t{1} << 30));
  EXPECT_EQ(given.disk_free_limit.or_else(otherwise), ResourceLimit(MemoryShare{1.5}));
  EXPECT_FALSE(given.memory_total.has_value());
}

TEST_F(SettingsTest, take_the_relative_limit_when_both_are_given) {
  const std::string conf = file("rabbitmq.conf",
                                "vm_memory_high_watermark.relative = 0.5\n"
                                "vm_memory_high_watermark.absolute = 1GB\n");
  EXPECT_EQ(settings({"--config", conf}).memory_high_watermark.or_else(std::uint64_t{1}),
            ResourceLimit(MemoryShare{0.5}));
}

TEST_F(SettingsTest, name_file_line_and_key_of_what_makes_no_sense) {
  struct Row {
    std::string_view text;
    std::string_view complaint;
  };
  static constexpr Row rows[] = {
      {"\n# comment\nlisteners.tcp.default = many\n",
       ":3: listeners.tcp.default: 'many' is no port: 0 to 65535"},
      {"durability = disk\n", ":1: durability: 'disk' is no durability: fsync, os, memory"},
      {"consumer_timeout = 5s\n",
       ":1: consumer_timeout: '5s' are no milliseconds: 0 (no timeout) to 315360000000"},
      {"consumer_max_per_channel = 0\n",
       ":1: consumer_max_per_channel: '0' is no number of consumers: infinity, 1 to 1000000"},
      {"consumer_max_per_channel = ten\n",
       ":1: consumer_max_per_channel: 'ten' is no number of consumers: infinity, 1 to 1000000"},
      {"consumer_timeout_action = ack\n",
       ":1: consumer_timeout_action: 'ack' is no consumer timeout action: close_channel, requeue"},
      {"event_exchange.vhost =\n", ":1: event_exchange.vhost: a virtual host is missing"},
      {"event_exchange.protocol = amqp_1_0\n",
       ":1: event_exchange.protocol: 'amqp_1_0' is no protocol of events: amqp_0_9_1"},
      {"consumer_timeout = -1\n",
       ":1: consumer_timeout: '-1' are no milliseconds: 0 (no timeout) to 315360000000"},
      {"vm_memory_high_watermark_paging_ratio = 2\n",
       ":1: vm_memory_high_watermark_paging_ratio: '2' is no share of the memory: 0.0 to 1.0"},
      {"workers = 0\n", ":1: workers: '0' is no number of workers: auto, 1 to 256"},
      {"workers = 257\n", ":1: workers: '257' is no number of workers: auto, 1 to 256"},
      {"log.console.level = loud\n",
       ":1: log.console.level: 'loud' is no log level: debug, info, warning, error, none"},
      {"compat = 3.9\n", ":1: compat: '3.9' is no version of RabbitMQ: any, 3.10, 3.13, 4.x"},
      {"nosuch.key = 1\n", ":1: unknown key 'nosuch.key'; known are: data_dir, "},
      {"just words\n", ":1: 'just words' is no setting: key = value"},
      {"management.tcp.ip =\n", ":1: management.tcp.ip: an address is missing"},
      {"vm_memory_high_watermark.relative = 1.5\n",
       ":1: vm_memory_high_watermark.relative: '1.5' is no share of the memory: 0.0 to 1.0"},
      {"vm_memory_high_watermark.absolute = 1 GB\n",
       ":1: vm_memory_high_watermark.absolute: '1 GB' is no number of bytes: 50000000, 50MB, "},
      {"disk_free_limit.absolute = lots\n",
       ":1: disk_free_limit.absolute: 'lots' is no number of bytes"},
      {"disk_free_limit.relative = -1\n",
       ":1: disk_free_limit.relative: '-1' is no share of the memory: 0.0 to 1000000.0"},
      {"total_memory_available_override_value = 0\n",
       ":1: total_memory_available_override_value: '0' is no memory to work with"},
  };
  for (const Row& row : rows) {
    const std::string conf = file("rabbitmq.conf", row.text);
    const Started started = read({"--config", conf});
    EXPECT_FALSE(started.settings.has_value());
    EXPECT_EQ(started.exit_code, exit_config);
    EXPECT_THAT(started.text, HasSubstr(conf + std::string(row.complaint)));
  }
}

TEST_F(SettingsTest, name_line_and_variable_of_an_env_conf) {
  struct Row {
    std::string_view text;
    std::string_view complaint;
  };
  static constexpr Row rows[] = {
      {"NODE_PORT=70000\n", "rabbitmq-env.conf:1: NODE_PORT: '70000' is no port: 0 to 65535"},
      {"\nNODENAME=rabbit@$(hostname)\n", "rabbitmq-env.conf:2: '$' and '`' are not expanded"},
      {"NODENAME=\"open\n", "rabbitmq-env.conf:1: a quote is not closed"},
      {"source other\n", "rabbitmq-env.conf:1: 'source other' is no assignment"},
  };
  for (const Row& row : rows) {
    env_conf(row.text);
    const Started started = read();
    EXPECT_EQ(started.exit_code, exit_config);
    EXPECT_THAT(started.text, HasSubstr(row.complaint));
  }
}

TEST_F(SettingsTest, name_the_variable_or_flag_that_makes_no_sense) {
  environment_["RABBITMQ_NODE_PORT"] = "x";
  Started started = read();
  EXPECT_EQ(started.exit_code, exit_config);
  EXPECT_THAT(started.text, HasSubstr("RABBITMQ_NODE_PORT: 'x' is no port"));
  environment_.erase("RABBITMQ_NODE_PORT");
  started = read({"--port", "x"});
  EXPECT_EQ(started.exit_code, exit_usage);
  EXPECT_THAT(started.text, HasSubstr("--port: 'x' is no port"));
  EXPECT_EQ(read({"--nosuch"}).exit_code, exit_usage);
}

TEST_F(SettingsTest, are_not_read_from_a_file_that_is_not_there) {
  const std::string missing = (directory_ / "missing.conf").string();
  const Started started = read({"--config", missing});
  EXPECT_EQ(started.exit_code, exit_config);
  EXPECT_THAT(started.text, HasSubstr("read " + missing + ": No such file"));
  environment_["RABBITMQ_CONF_ENV_FILE"] = missing;
  EXPECT_EQ(read().exit_code, exit_config);
}

TEST_F(SettingsTest, help_and_version_are_no_failures) {
  EXPECT_EQ(read({"--help"}).exit_code, 0);
  EXPECT_THAT(read({"--help"}).text, HasSubstr("--prometheus-port"));
  EXPECT_THAT(read({"--version"}).text, HasSubstr("leveretd "));
}

}  // namespace
}  // namespace leveret
