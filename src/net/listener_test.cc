// SPDX-License-Identifier: Apache-2.0
//
// Listeners on ports the kernel chooses and on unix paths.

#include "net/listener.h"

#include "net/testing/sockets.h"
#include "net/worker_pool.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace leveret {
namespace {

using std::chrono::milliseconds;
using testing::bound;
using testing::ClientEnd;

class ListenerTest : public ::testing::Test {
 protected:
  ListenerTest() {
    pool.run_on_caller();
    std::string pattern = std::filesystem::temp_directory_path() / "listener_test.XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directory = pattern;
  }
  ~ListenerTest() override { std::filesystem::remove_all(directory); }

  [[nodiscard]] Result<std::unique_ptr<Listener>> open(const ListenAddress& address) {
    return Listener::open(pool, address,
                          [this](Socket socket) { accepted.push_back(std::move(socket)); });
  }
  [[nodiscard]] bool until_accepted(std::size_t count) {
    return pool.poll_turns_until([&] { return accepted.size() >= count; }, bound);
  }

  WorkerPool pool{1};
  std::vector<Socket> accepted;
  std::filesystem::path directory;
};

[[nodiscard]] Socket connect_unix(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  Socket socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  if (::connect(socket.fd(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) return {};
  return socket;
}

TEST_F(ListenerTest, hands_over_connections_on_the_port_the_kernel_chose) {
  auto listener = open({.host = "127.0.0.1"});
  ASSERT_TRUE(listener) << listener.error().text();
  EXPECT_GT((*listener)->port(), 0);
  const ClientEnd first = ClientEnd::connect((*listener)->port());
  const ClientEnd second = ClientEnd::connect((*listener)->port());
  ASSERT_TRUE(until_accepted(2));
  EXPECT_EQ(peer_endpoint(accepted[0].fd()).text(), local_endpoint(first.fd()).text());
  EXPECT_EQ(::fcntl(accepted[0].fd(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  EXPECT_EQ(::fcntl(accepted[0].fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ((*listener)->accepted_count(), 2U);
}

TEST_F(ListenerTest, takes_ipv4_on_the_dual_stack_address_and_shows_it_as_ipv4) {
  for (const char* host : {"::", ""}) {
    accepted.clear();
    auto listener = open({.host = host});
    ASSERT_TRUE(listener) << listener.error().text();
    const ClientEnd client = ClientEnd::connect((*listener)->port());
    ASSERT_TRUE(until_accepted(1));
    EXPECT_EQ(peer_endpoint(accepted[0].fd()).address, "127.0.0.1");
    EXPECT_TRUE(peer_endpoint(accepted[0].fd()).is_loopback());
  }
}

TEST_F(ListenerTest, says_which_address_is_taken) {
  auto first = open({.host = "127.0.0.1"});
  ASSERT_TRUE(first);
  auto second = open({.host = "127.0.0.1", .port = (*first)->port()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, std::errc::address_in_use);
  EXPECT_EQ(second.error().context, "listen 127.0.0.1:" + std::to_string((*first)->port()));
}

TEST_F(ListenerTest, says_which_address_makes_no_sense) {
  auto listener = open({.host = "300.1.1.1", .port = 5672});
  ASSERT_FALSE(listener);
  EXPECT_TRUE(listener.error().text().starts_with("listen 300.1.1.1:5672: "))
      << listener.error().text();
}

TEST_F(ListenerTest, refuses_after_close) {
  auto listener = open({.host = "127.0.0.1"});
  ASSERT_TRUE(listener);
  (*listener)->close();
  const Socket late(::socket(AF_INET, SOCK_STREAM, 0));
  const sockaddr_in address = ClientEnd::loopback((*listener)->port());
  EXPECT_EQ(::connect(late.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
}

TEST_F(ListenerTest, may_be_destroyed_while_it_hands_over_a_connection) {
  std::unique_ptr<Listener> listener;
  bool was_called = false;
  auto opened = Listener::open(pool, {.host = "127.0.0.1"}, [&](const Socket&) {
    was_called = true;
    listener.reset();
  });
  ASSERT_TRUE(opened);
  listener = std::move(*opened);
  const ClientEnd client = ClientEnd::connect(listener->port());
  EXPECT_TRUE(pool.poll_turns_until([&] { return was_called; }, bound));
  EXPECT_FALSE(listener);
}

TEST_F(ListenerTest, listens_on_a_unix_path_with_its_mode_and_removes_it) {
  const std::string path = directory / "broker.sock";
  auto listener = open({.unix_path = path, .unix_mode = 0620});
  ASSERT_TRUE(listener) << listener.error().text();
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0620U);
  const Socket client = connect_unix(path);
  ASSERT_TRUE(client);
  ASSERT_TRUE(until_accepted(1));
  EXPECT_EQ(local_endpoint(accepted[0].fd()).text(), "unix:" + path);
  EXPECT_TRUE(peer_endpoint(accepted[0].fd()).is_loopback());

  listener->reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ListenerTest, replaces_a_dead_unix_socket_but_neither_a_living_one_nor_a_file) {
  const std::string path = directory / "broker.sock";
  {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    const Socket dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.fd(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  }
  auto first = open({.unix_path = path});
  ASSERT_TRUE(first) << first.error().text();
  auto second = open({.unix_path = path});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, std::errc::address_in_use);
  EXPECT_TRUE(connect_unix(path)) << "the living one was disturbed";

  const std::string file = directory / "file";
  ASSERT_GE(Socket(::open(file.c_str(), O_CREAT | O_WRONLY, 0600)).fd(), 0);
  auto over_file = open({.unix_path = file});
  ASSERT_FALSE(over_file);
  EXPECT_TRUE(std::filesystem::exists(file));

  EXPECT_FALSE(open({.unix_path = std::string(200, 'x')}));
}

/// Lowers the limit of open files to what is open now, and puts it back.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    // The limit is on the number a new one would get, which is the lowest that is free.
    const Socket probe(::dup(0));
    EXPECT_TRUE(probe);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(probe.fd()), .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptorsLeft() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
  NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;

 private:
  rlimit before_{};
};

TEST_F(ListenerTest, steps_back_without_spinning_when_descriptors_run_out_and_recovers) {
  auto listener = open({.host = "127.0.0.1"});
  ASSERT_TRUE(listener);
  const ClientEnd client = ClientEnd::connect((*listener)->port());
  {
    const NoDescriptorsLeft none;
    EXPECT_TRUE(pool.poll_turns_until([&] { return (*listener)->suspended_count() >= 2; }, bound));
    EXPECT_TRUE(accepted.empty());
  }
  EXPECT_LE(pool.counters(WorkerId(0)).turns, 20U) << "it spins";
  EXPECT_TRUE(until_accepted(1));
}

TEST(ListenAddress, is_shown_as_people_write_it) {
  EXPECT_EQ((ListenAddress{.host = "10.0.0.1", .port = 5672}.text()), "10.0.0.1:5672");
  EXPECT_EQ((ListenAddress{.host = "::1", .port = 5672}.text()), "[::1]:5672");
  EXPECT_EQ((ListenAddress{.port = 5672}.text()), "*:5672");
  EXPECT_EQ((ListenAddress{.unix_path = "/run/l.sock"}.text()), "unix:/run/l.sock");
}

}  // namespace
}  // namespace leveret
