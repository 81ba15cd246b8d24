// SPDX-License-Identifier: Apache-2.0
//
// A whole server on one worker, which is this thread, with a broker behind it; the client is a
// socket.
#include "mgmt/http_server.h"

#include "auth/base64.h"
#include "base/log.h"
#include "metadata/metadata_store.h"
#include "mgmt/limits.h"
#include "mgmt/node_resources.h"
#include "net/socket.h"
#include "net/worker_pool.h"
#include "vhost/alarms.h"
#include "vhost/registry.h"
#include "vhost/shard.h"

#include <array>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace leveret {
namespace {

constexpr std::chrono::seconds bound{20};

class DispatchHook final : public TurnHook {
 public:
  explicit DispatchHook(Shard& shard) : shard_(shard) {}
  bool finish_turn() override { return shard_.finish_turn(); }

 private:
  Shard& shard_;
};

/// Remembers the limits, and has no numbers of its own.
class FakeResources final : public NodeResources {
 public:
  [[nodiscard]] ResourceReadings readings() const override {
    return {.memory_total = 1000,
            .memory_used = 300,
            .memory_limit = bytes_of(memory_limit, 1000),
            .memory_setting = memory_limit,
            .disk_free = 5000,
            .disk_free_limit = bytes_of(disk_free_limit, 1000)};
  }
  void set_memory_limit(ResourceLimit limit) override { memory_limit = limit; }
  void set_disk_free_limit(ResourceLimit limit) override { disk_free_limit = limit; }

  ResourceLimit memory_limit = MemoryShare{0.4};
  ResourceLimit disk_free_limit = std::uint64_t{50};
};

struct Answer {
  int status = 0;
  std::string head;
  boost::json::value body;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_level(LogLevel::error);
    std::string pattern = std::filesystem::temp_directory_path() / "leveret-mgmt-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    auto metadata = MetadataStore::open(":memory:");
    ASSERT_TRUE(metadata.has_value()) << metadata.error().text();
    metadata_ = std::move(*metadata);
    pool_.emplace(1);
    auto broker = Broker::open({.executor = &*pool_,
                                .metadata = metadata_.get(),
                                .clock = &clock_,
                                .node_name = "leveret@test"});
    ASSERT_TRUE(broker.has_value()) << broker.error().text();
    broker_ = std::move(*broker);
    pool_->run_on_caller();
    hook_.emplace(broker_->shard(WorkerId{0}));
    pool_->add_turn_hook(WorkerId{0}, *hook_);
    auto server = HttpServer::open({.broker = broker_.get(),
                                    .pool = &*pool_,
                                    .resources = &resources_,
                                    .unix_socket = socket_path(),
                                    .bind = "127.0.0.1",
                                    .port = 0,
                                    .request_stop = [this] { ++stops_; },
                                    .product_version = "1.2.3",
                                    .rabbitmq_version = "3.10.8",
                                    .data_directory = directory_});
    ASSERT_TRUE(server.has_value()) << server.error().text();
    server_ = std::move(*server);
  }

  void TearDown() override {
    server_.reset();
    if (hook_) pool_->remove_turn_hook(WorkerId{0}, *hook_);
    // Before the broker, whose tasks it may hold; the store's thread posts to it until it ends.
    metadata_.reset();
    broker_.reset();
    pool_.reset();
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] std::filesystem::path socket_path() const { return directory_ / "leveret.sock"; }

  [[nodiscard]] Socket connect_unix() const {
    Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket_path();
    std::memcpy(address.sun_path, path.c_str(), path.size());
    EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return socket;
  }

  [[nodiscard]] Socket connect_tcp() const { return connect_tcp(server_->port()); }
  [[nodiscard]] static Socket connect_tcp(std::uint16_t port) {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return socket;
  }

  /// What comes until `is_enough`, or until the server closes.
  template <class IsEnough>
  std::string receive(const Socket& socket, IsEnough is_enough) {
    std::string all;
    const bool came = pool_->poll_turns_until(
        [&] {
          std::array<char, 4096> room;
          const ssize_t count = ::recv(socket.fd(), room.data(), room.size(), MSG_DONTWAIT);
          if (count == 0) return true;
          if (count > 0) all.append(room.data(), static_cast<std::size_t>(count));
          return is_enough(all);
        },
        bound);
    EXPECT_TRUE(came) << "only came: " << all;
    return all;
  }

  static bool is_complete(const std::string& wire) {
    const std::size_t end = wire.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::size_t length = wire.find("content-length: ");
    if (length == std::string::npos || length > end) return true;
    return wire.size() >= end + 4 + std::stoul(wire.substr(length + 16));
  }

  Answer ask(const Socket& socket, const std::string& request) {
    EXPECT_EQ(::send(socket.fd(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    const bool is_head = request.starts_with("HEAD ");
    return read_answer(receive(socket, [is_head](const std::string& wire) {
      return is_head ? wire.ends_with("\r\n\r\n") : is_complete(wire);
    }));
  }

  static Answer read_answer(const std::string& wire) {
    Answer answer;
    if (wire.size() < 12) return answer;
    const std::size_t end = wire.find("\r\n\r\n");
    answer.head = wire.substr(0, end);
    answer.status = std::stoi(wire.substr(9, 3));
    boost::json::error_code error;
    answer.body = boost::json::parse(wire.substr(end + 4), error);
    return answer;
  }

  /// As the owner of the process, each on a connection of its own.
  Answer owner(std::string_view method, std::string_view path, std::string_view body = {}) {
    return ask(connect_unix(),
               fmt::format("{} {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", method,
                           path, body.size(), body));
  }

  Answer user(std::string_view credentials, std::string_view method, std::string_view path) {
    return ask(connect_tcp(),
               fmt::format("{} {} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {}\r\n\r\n", method,
                           path, encode_base64(credentials)));
  }

  SystemClock clock_;
  std::filesystem::path directory_;
  std::unique_ptr<MetadataStore> metadata_;
  std::optional<WorkerPool> pool_;
  std::unique_ptr<Broker> broker_;
  std::optional<DispatchHook> hook_;
  FakeResources resources_;
  std::unique_ptr<HttpServer> server_;
  int stops_ = 0;
};

TEST_F(HttpServerTest, makes_a_socket_for_its_owner_only_and_takes_it_away) {
  struct stat file {};
  ASSERT_EQ(::stat(socket_path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);

  server_->close();

  EXPECT_NE(::stat(socket_path().c_str(), &file), 0);
}

TEST_F(HttpServerTest, knows_its_owner_by_the_socket_and_others_by_password) {
  EXPECT_EQ(owner("GET", "/api/whoami").status, 200);
  EXPECT_EQ(user("guest:guest", "GET", "/api/whoami").body.at("name"), "guest");
  EXPECT_EQ(user("guest:wrong", "GET", "/api/whoami").status, 401);
  EXPECT_EQ(ask(connect_tcp(), "GET /api/whoami HTTP/1.1\r\nHost: x\r\n\r\n").status, 401);
}

TEST_F(HttpServerTest, tells_metrics_to_whoever_asks_on_a_port_of_their_own) {
  auto metrics = HttpServer::open({.broker = broker_.get(),
                                   .pool = &*pool_,
                                   .resources = &resources_,
                                   .bind = "127.0.0.1",
                                   .port = 0,
                                   .is_for_metrics = true,
                                   .product_version = "1.2.3",
                                   .rabbitmq_version = "3.10.8"});
  ASSERT_TRUE(metrics.has_value()) << metrics.error().text();
  const Socket socket = connect_tcp((*metrics)->port());
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(::send(socket.fd(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));

  const std::string answer = receive(socket, is_complete);

  EXPECT_NE(answer.find("content-type: text/plain; version=0.0.4"), std::string::npos) << answer;
  EXPECT_NE(answer.find("\nrabbitmq_queues 0\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("\nrabbitmq_queue_messages_ready 0\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("\nrabbitmq_alarms_memory_used_watermark 0\n"), std::string::npos);
  EXPECT_NE(answer.find("\nrabbitmq_resident_memory_limit_bytes 400\n"), std::string::npos);
  EXPECT_NE(answer.find("\nrabbitmq_disk_space_available_limit_bytes 50\n"), std::string::npos);
  EXPECT_EQ(
      ask(connect_tcp((*metrics)->port()), "GET /api/whoami HTTP/1.1\r\nHost: x\r\n\r\n").status,
      404);
}

TEST_F(HttpServerTest, keeps_a_connection_and_answers_pipelined_requests_in_order) {
  const Socket socket = connect_unix();
  const std::string both =
      "GET /api/leveret/ping HTTP/1.1\r\nHost: x\r\n\r\nGET /api/queues HTTP/1.1\r\nHost: "
      "x\r\n\r\n";
  ASSERT_EQ(::send(socket.fd(), both.data(), both.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(both.size()));

  const std::string wire =
      receive(socket, [](const std::string& all) { return all.ends_with("[]"); });

  const std::size_t ping = wire.find("{\"status\":\"ok\"}");
  ASSERT_NE(ping, std::string::npos);
  EXPECT_GT(wire.rfind("[]"), ping);
}

TEST_F(HttpServerTest, answers_a_broken_request_and_closes) {
  const Socket socket = connect_unix();
  const std::string garbage = "this is no HTTP\r\n\r\n";
  ASSERT_EQ(::send(socket.fd(), garbage.data(), garbage.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(garbage.size()));

  const std::string wire = receive(socket, [](const std::string&) { return false; });

  EXPECT_TRUE(wire.starts_with("HTTP/1.1 400 Bad Request\r\n")) << wire;
  EXPECT_NE(wire.find("connection: close\r\n"), std::string::npos);
  EXPECT_EQ(owner("GET", "/api/leveret/ping").status, 200) << "others are not disturbed";
}

TEST_F(HttpServerTest, makes_vhosts_users_and_permissions_and_takes_them_away) {
  EXPECT_EQ(owner("PUT", "/api/vhosts/phptest", R"({"description":"d"})").status, 201);
  EXPECT_EQ(owner("PUT", "/api/vhosts/phptest").status, 204);
  EXPECT_EQ(owner("GET", "/api/vhosts/phptest").body.at("description"), "d");
  EXPECT_EQ(owner("PUT", "/api/users/phptest", R"({"password":"p","tags":"management"})").status,
            201);
  EXPECT_EQ(owner("PUT", "/api/permissions/phptest/phptest",
                  R"({"configure":".*","write":".*","read":".*"})")
                .status,
            201);
  EXPECT_EQ(owner("GET", "/api/permissions/phptest/phptest").body.at("write"), ".*");
  EXPECT_EQ(user("phptest:p", "GET", "/api/exchanges/phptest").status, 200);
  EXPECT_EQ(user("phptest:p", "GET", "/api/exchanges/%2F").status, 401);
  EXPECT_EQ(user("phptest:p", "DELETE", "/api/vhosts/phptest").status, 401);

  EXPECT_EQ(owner("DELETE", "/api/vhosts/phptest").status, 204);

  EXPECT_EQ(owner("GET", "/api/vhosts/phptest").status, 404);
  EXPECT_EQ(owner("GET", "/api/users/phptest/permissions").body, boost::json::array());
}

TEST_F(HttpServerTest, shows_purges_and_deletes_queues) {
  std::optional<amqp::AmqpResult<DeclaredQueue>> declared;
  broker_->registry().declare_queue(
      {.vhost = "/", .name = "q/1"},
      [&](amqp::AmqpResult<DeclaredQueue> done) { declared = std::move(done); });
  ASSERT_TRUE(pool_->poll_turns_until([&] { return declared.has_value(); }, bound));
  ASSERT_TRUE(declared->has_value());

  const Answer queue = owner("GET", "/api/queues/%2F/q%2F1");
  ASSERT_EQ(queue.status, 200);
  EXPECT_EQ(queue.body.at("name"), "q/1");
  EXPECT_EQ(queue.body.at("messages"), 0);
  EXPECT_EQ(owner("GET", "/api/bindings/%2F").body.at(0).at("routing_key"), "q/1");
  EXPECT_EQ(owner("DELETE", "/api/queues/%2F/q%2F1/contents").status, 204);
  const Answer refused =
      owner("POST", "/api/leveret/delete_queue", R"({"vhost":"/","name":"none"})");
  EXPECT_EQ(refused.status, 404);
  EXPECT_EQ(refused.body.at("error"), "no_such_queue");
  EXPECT_EQ(owner("DELETE", "/api/queues/%2F/q%2F1?if-empty=true").status, 204);
  EXPECT_EQ(owner("GET", "/api/queues/%2F/q%2F1").status, 404);
}

TEST_F(HttpServerTest, tells_exactly_what_was_missing) {
  struct Row {
    const char* verb;
    const char* body;
    int status;
    const char* error;
  };
  const Row table[] = {
      {"add_user", R"({"name":"guest","password":"x"})", 409, "already_exists"},
      {"add_user", R"({"name":"x"})", 400, "bad_request"},
      {"add_user", R"({"name":5,"password":"x"})", 400, "bad_request"},
      {"add_user", "[1]", 400, "bad_request"},
      {"add_user", "{", 400, "bad_request"},
      {"change_password", R"({"name":"no","password":"x"})", 404, "no_such_user"},
      {"clear_password", R"({"name":"no"})", 404, "no_such_user"},
      {"set_user_tags", R"({"name":"no","tags":[]})", 404, "no_such_user"},
      {"set_user_tags", R"({"name":"guest","tags":[1]})", 400, "bad_request"},
      {"authenticate_user", R"({"name":"guest","password":"x"})", 400, "not_authenticated"},
      {"set_permissions", R"({"user":"guest","vhost":"no","configure":"","write":"","read":""})",
       404, "no_such_vhost"},
      {"set_permissions", R"({"user":"guest","vhost":"/","configure":"[","write":"","read":""})",
       400, "bad_request"},
      {"clear_permissions", R"({"user":"no","vhost":"/"})", 404, "no_such_user"},
  };
  for (const Row& row : table) {
    const Answer answer = owner("POST", std::string("/api/leveret/") + row.verb, row.body);
    EXPECT_EQ(answer.status, row.status) << row.verb << " " << row.body;
    EXPECT_EQ(answer.body.at("error"), row.error) << row.verb << " " << row.body;
  }
  EXPECT_EQ(
      owner("POST", "/api/leveret/authenticate_user", R"({"name":"guest","password":"guest"})")
          .status,
      204);
}

TEST_F(HttpServerTest, answers_every_listing) {
  for (const char* path : {"/api/overview", "/api/nodes", "/api/vhosts", "/api/users",
                           "/api/permissions", "/api/exchanges", "/api/queues", "/api/bindings",
                           "/api/connections", "/api/channels", "/api/consumers"}) {
    EXPECT_EQ(owner("GET", path).status, 200) << path;
    EXPECT_EQ(owner("HEAD", path).status, 200) << path;
  }
  const Answer overview = owner("GET", "/api/overview");
  EXPECT_EQ(overview.body.at("rabbitmq_version"), "3.10.8");
  EXPECT_EQ(overview.body.at("object_totals").at("queues"), 0);
  EXPECT_EQ(owner("DELETE", "/api/connections/none").status, 404);
}

TEST_F(HttpServerTest, tells_which_alarms_are_on) {
  const auto healthy = owner("GET", "/api/health/checks/alarms");
  EXPECT_EQ(healthy.status, 200);
  EXPECT_EQ(boost::json::serialize(healthy.body), R"({"status":"ok"})");
  EXPECT_EQ(owner("GET", "/api/health/checks/local-alarms").status, 200);
  EXPECT_EQ(owner("GET", "/api/nodes/leveret@test").body.at("mem_alarm"), false);

  broker_->alarms().raise("memory", "low on memory", "used=2 limit=1");
  broker_->alarms().raise("disk", "low on disk", "free=1 limit=2");

  const auto all = owner("GET", "/api/health/checks/alarms");
  EXPECT_EQ(all.status, 503);
  EXPECT_EQ(boost::json::serialize(all.body),
            R"({"alarms":[{"node":"leveret@test","resource":"disk space"},)"
            R"({"node":"leveret@test","resource":"memory"}],)"
            R"("reason":"There are alarms in effect in the cluster","status":"failed"})");
  const auto local = owner("GET", "/api/health/checks/local-alarms");
  EXPECT_EQ(local.status, 503);
  EXPECT_EQ(local.body.at("reason"), "There are alarms in effect on the node");
  const boost::json::value node = owner("GET", "/api/nodes/leveret@test").body;
  EXPECT_EQ(node.at("mem_alarm"), true);
  EXPECT_EQ(node.at("disk_free_alarm"), true);

  broker_->alarms().clear("disk", "free=3 limit=2");
  EXPECT_EQ(owner("GET", "/api/nodes/leveret@test").body.at("disk_free_alarm"), false);
  EXPECT_EQ(owner("GET", "/api/health/checks/alarms").status, 503);
}

TEST_F(HttpServerTest, shows_and_changes_the_limits_of_memory_and_disk) {
  boost::json::value node = owner("GET", "/api/nodes/leveret@test").body;
  EXPECT_EQ(node.at("mem_limit"), 400);
  EXPECT_EQ(node.at("mem_used"), 300);
  EXPECT_EQ(node.at("disk_free"), 5000);
  EXPECT_EQ(node.at("disk_free_limit"), 50);
  EXPECT_EQ(node.at("mem_limit_setting").at("relative"), 0.4);

  const std::string memory = "/api/leveret/set_vm_memory_high_watermark";
  const std::string disk = "/api/leveret/set_disk_free_limit";
  EXPECT_EQ(owner("POST", memory, R"({"relative":0.5})").status, 204);
  EXPECT_EQ(resources_.memory_limit, ResourceLimit(MemoryShare{0.5}));
  EXPECT_EQ(owner("POST", memory, R"({"absolute":"1kB"})").status, 204);
  EXPECT_EQ(resources_.memory_limit, ResourceLimit(std::uint64_t{1000}));
  EXPECT_EQ(owner("POST", disk, R"({"mem_relative":2})").status, 204);
  EXPECT_EQ(resources_.disk_free_limit, ResourceLimit(MemoryShare{2}));
  EXPECT_EQ(owner("POST", disk, R"({"absolute":"50MB"})").status, 204);
  EXPECT_EQ(resources_.disk_free_limit, ResourceLimit(std::uint64_t{50'000'000}));

  for (const char* wrong : {R"({"relative":1.5})", R"({"relative":"x"})", R"({"absolute":"x"})",
                            R"({"absolute":5})", "{}", "["}) {
    EXPECT_EQ(owner("POST", memory, wrong).status, 400) << wrong;
  }
  EXPECT_EQ(resources_.memory_limit, ResourceLimit(std::uint64_t{1000}));
  EXPECT_EQ(user("guest:guest", "POST", disk).status, 400);
}

TEST_F(HttpServerTest, stops_the_broker_after_it_has_answered) {
  EXPECT_EQ(owner("POST", "/api/leveret/stop").status, 204);
  EXPECT_EQ(stops_, 1);
}

TEST_F(HttpServerTest, turns_away_one_connection_too_many) {
  std::vector<Socket> held;
  for (std::size_t i = 0; i < http_connections_max; ++i) held.push_back(connect_unix());
  const Socket late = connect_unix();

  const std::string wire = receive(late, [](const std::string&) { return false; });

  EXPECT_TRUE(wire.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << wire;
  EXPECT_EQ(ask(held[0], "GET /api/leveret/ping HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
}

}  // namespace
}  // namespace leveret
