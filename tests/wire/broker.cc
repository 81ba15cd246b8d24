// SPDX-License-Identifier: Apache-2.0
//
// Starting and stopping leveretd. Its end is watched by a pidfd, so that a broker that dies while
// it starts is told from one that is slow.

#include "broker.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace leveret::wire {
namespace {

constexpr int start_milliseconds_max = 30'000;
constexpr int stop_milliseconds_max = 10'000;
constexpr int retry_milliseconds = 10;

std::string from_environment(const char* name, std::string_view otherwise = {}) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::string(value) : std::string(otherwise);
}

Target parse_target(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    throw std::runtime_error("LEVERET_WIRE_TARGET is not host:port: " + text);
  }
  return {.host = text.substr(0, colon),
          .port = static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1)))};
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool is_bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!is_bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

bool accepts(const Target& target) {
  try {
    const WireClient client(target);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

/// True: the process ended within `milliseconds`.
bool ends_within(int process_fd, int milliseconds) {
  pollfd end{.fd = process_fd, .events = POLLIN, .revents = 0};
  return ::poll(&end, 1, milliseconds) > 0;
}

std::string shell_word(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else {
      result += c;
    }
  }
  return result + '\'';
}

}  // namespace

Broker& Broker::instance() {
  // GoogleTest owns and deletes environments.
  static auto* const broker = static_cast<Broker*>(testing::AddGlobalTestEnvironment(new Broker()));
  return *broker;
}

void Broker::SetUp() {
  ctl_ = from_environment("LEVERET_WIRE_CTL");
  is_rabbitmq_ = from_environment("LEVERET_WIRE_BROKER") == "rabbitmq";
  if (const std::string target = from_environment("LEVERET_WIRE_TARGET"); !target.empty()) {
    target_ = parse_target(target);
  } else {
    start_leveretd();
  }
}

void Broker::start_leveretd() {
  std::string name = (std::filesystem::temp_directory_path() / "leveret-wire-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  data_directory_ = name;
  target_ = {.host = "127.0.0.1", .port = free_port()};
  ctl_ = fmt::format("{} --data-dir {}", shell_word(LEVERETCTL_PATH), shell_word(data_directory_));

  std::vector<std::string> arguments = {LEVERETD_PATH,
                                        "--data-dir",
                                        data_directory_,
                                        "--bind",
                                        target_.host,
                                        "--port",
                                        std::to_string(target_.port),
                                        "--management-port",
                                        std::to_string(free_port()),
                                        "--prometheus-port",
                                        std::to_string(free_port()),
                                        "--workers",
                                        from_environment("LEVERET_WORKERS", "2"),
                                        "--log-level",
                                        "warning"};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  process_ = ::fork();
  if (process_ == 0) {
    ::execv(argv[0], argv.data());
    ::perror(argv[0]);
    ::_exit(127);
  }
  // glibc 2.36 has a wrapper, whose header C++ cannot include beside <signal.h> on every floor.
  process_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, process_, 0));
  if (process_ < 0 || process_fd_ < 0) throw std::runtime_error("leveretd cannot be started");
  for (int waited = 0; !accepts(target_); waited += retry_milliseconds) {
    if (ends_within(process_fd_, retry_milliseconds)) {
      throw std::runtime_error("leveretd ended while it started");
    }
    if (waited > start_milliseconds_max) throw std::runtime_error("leveretd does not listen");
  }
}

Broker::~Broker() {
  if (process_ >= 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    ::close(process_fd_);
  }
  std::error_code ignored;  // What cannot be removed is in the temporary directory.
  if (!data_directory_.empty()) std::filesystem::remove_all(data_directory_, ignored);
}

void Broker::TearDown() {
  if (has_users_) {
    EXPECT_TRUE(ctl({"delete_user", "wire.limited"}) && ctl({"delete_user", "wire.outsider"}) &&
                ctl({"delete_vhost", "wire.other"}));
  }
  if (process_ < 0) return;
  ::kill(process_, SIGTERM);
  const bool has_ended = ends_within(process_fd_, stop_milliseconds_max);
  EXPECT_TRUE(has_ended) << "leveretd does not stop";
  if (!has_ended) ::kill(process_, SIGKILL);
  int status = 0;
  ::waitpid(process_, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "leveretd ended badly: " << status;
  ::close(process_fd_);
  process_ = -1;
}

bool Broker::ctl(std::initializer_list<std::string_view> arguments) const {
  std::string command = ctl_;
  for (const std::string_view argument : arguments) command += ' ' + shell_word(argument);
  command += " > /dev/null 2>&1";
  return std::system(command.c_str()) == 0;
}

void Broker::make_users() {
  if (has_users_) return;
  // What an interrupted run left; there is usually nothing, so their failure is none.
  for (const std::string_view user : {"wire.limited", "wire.outsider"}) {
    static_cast<void>(ctl({"delete_user", user}));
  }
  static_cast<void>(ctl({"delete_vhost", "wire.other"}));
  const bool is_made =
      ctl({"add_user", "wire.limited", "wire.limited"}) &&
      ctl({"set_permissions", "-p", "/", "wire.limited", R"(^c\.)", R"(^w\.)", R"(^r\.)"}) &&
      ctl({"add_user", "wire.outsider", "wire.outsider"}) && ctl({"add_vhost", "wire.other"}) &&
      ctl({"set_permissions", "-p", "wire.other", "guest", ".*", ".*", ".*"});
  if (!is_made) throw std::runtime_error("the users of the test cannot be made");
  has_users_ = true;
}

}  // namespace leveret::wire
