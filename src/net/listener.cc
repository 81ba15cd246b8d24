// SPDX-License-Identifier: Apache-2.0
//
// Listener: binding, and an accept loop that takes a bounded number a turn and steps back when
// there are no descriptors left.

#include "net/listener.h"

#include "base/assert.h"
#include "base/log.h"
#include "net/timer.h"
#include "net/worker.h"
#include "net/worker_pool.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace leveret {
namespace {

using Descriptor =
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

constexpr WorkerId home{0};
constexpr int accepts_per_turn_max = 64;
constexpr std::chrono::milliseconds suspension{100};

std::error_code last_error() { return {errno, std::system_category()}; }

// What getaddrinfo() answers, as an error_code that can say itself.
class ResolverCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "resolver"; }
  [[nodiscard]] std::string message(int code) const override { return ::gai_strerror(code); }
};

std::error_code resolver_error(int code) {
  static const ResolverCategory category;
  return code == EAI_SYSTEM ? last_error() : std::error_code(code, category);
}

Result<void> set_option(const Socket& socket, int level, int option, int value,
                        const std::string& context) {
  if (::setsockopt(socket.fd(), level, option, &value, sizeof value) != 0) {
    return failure(last_error(), context);
  }
  return {};
}

Result<Socket> bind_and_listen(Socket socket, const sockaddr* address, socklen_t length,
                               int backlog, const std::string& context) {
  if (::bind(socket.fd(), address, length) != 0) return failure(last_error(), context);
  if (::listen(socket.fd(), backlog) != 0) return failure(last_error(), context);
  return socket;
}

Result<Socket> make_socket(int family, const std::string& context) {
  Socket socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return failure(last_error(), context);
  return socket;
}

Result<Socket> listen_tcp(const std::string& host, std::uint16_t port, int backlog,
                          const std::string& context) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int outcome = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (outcome != 0) return failure(resolver_error(outcome), context);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, &::freeaddrinfo);

  LEVERET_TRY(Socket socket, make_socket(found->ai_family, context));
  LEVERET_CHECK(set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1, context));
  if (found->ai_family == AF_INET6) {
    LEVERET_CHECK(set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0, context));
  }
  return bind_and_listen(std::move(socket), found->ai_addr, found->ai_addrlen, backlog, context);
}

Result<Socket> listen_tcp(const ListenAddress& address) {
  if (!address.host.empty()) {
    return listen_tcp(address.host, address.port, address.backlog, "listen " + address.text());
  }
  auto dual = listen_tcp("::", address.port, address.backlog, "listen " + address.text());
  if (dual || (dual.error().code != std::errc::address_family_not_supported &&
               dual.error().code != std::errc::address_not_available)) {
    return dual;
  }
  return listen_tcp("0.0.0.0", address.port, address.backlog, "listen " + address.text());
}

// True when `path` is a socket's file that nobody listens on: left by a process that was killed.
bool is_stale(const std::string& path, const sockaddr_un& name) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const Socket probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe &&
         ::connect(probe.fd(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 &&
         errno == ECONNREFUSED;
}

Result<Socket> listen_unix(const ListenAddress& address) {
  const std::string context = "listen " + address.text();
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.unix_path.size() >= sizeof name.sun_path) {
    return failure(make_error_code(std::errc::filename_too_long), context);
  }
  address.unix_path.copy(name.sun_path, address.unix_path.size());
  LEVERET_TRY(Socket socket, make_socket(AF_UNIX, context));
  if (is_stale(address.unix_path, name) && ::unlink(address.unix_path.c_str()) != 0) {
    return failure(last_error(), context);
  }
  // Linux gives the file the socket's mode, cut by the umask; so it is never wider than asked for,
  // not even for a moment.
  if (::fchmod(socket.fd(), address.unix_mode) != 0) return failure(last_error(), context);
  LEVERET_TRY(Socket listening,
              bind_and_listen(std::move(socket), reinterpret_cast<const sockaddr*>(&name),
                              sizeof name, address.backlog, context));
  if (::chmod(address.unix_path.c_str(), address.unix_mode) != 0) {
    const std::error_code error = last_error();
    ::unlink(address.unix_path.c_str());
    return failure(error, context);
  }
  return listening;
}

bool is_exhausted(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Of one connection that went wrong before it was ours; the next may be well.
bool is_of_one_connection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case EPERM:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string ListenAddress::text() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const bool needs_brackets = host.find(':') != std::string::npos;
  const std::string shown = host.empty() ? "*" : needs_brackets ? "[" + host + "]" : host;
  return shown + ":" + std::to_string(port);
}

// Held by the Listener and by the wait in the event loop, so that on_accept may destroy the former.
class Listener::Core final : public Watcher {
 public:
  Core(WorkerPool& pool, Socket socket, std::string unix_path, OnAccept on_accept)
      : pool_(pool),
        worker_(pool.worker(home)),
        local_(local_endpoint(socket.fd())),
        unix_path_(std::move(unix_path)),
        socket_(std::move(socket)),
        descriptor_(worker_.io_context().get_executor()),
        on_accept_(std::move(on_accept)),
        resume_(std::in_place, pool, home, [this] { worker_.arm_at_turn_end(*this); }) {}

  [[nodiscard]] std::error_code watch();
  void close();
  void arm() override;

 private:
  friend class Listener;

  void on_acceptable();
  void suspend(int error);

  // What Listener shows of it.
  WorkerPool& pool_;
  Worker& worker_;
  const Endpoint local_;
  std::uint64_t accepted_count_ = 0;
  std::uint64_t suspended_count_ = 0;

  const std::string unix_path_;
  Socket socket_;
  Descriptor descriptor_;  // Watches socket_ for the event loop; does not own it.
  OnAccept on_accept_;
  std::optional<Timer> resume_;  // Until closed: the event loop may hold a Core longer than timers.
  bool is_suspended_ = false;    // Since the backlog was last empty.
};

std::error_code Listener::Core::watch() {
  boost::system::error_code error;
  descriptor_.assign(socket_.fd(), error);
  if (!error) arm();
  return error;
}

void Listener::Core::arm() {
  if (!socket_) return;
  descriptor_.async_wait(Descriptor::wait_read,
                         [core = IntrusivePtr<Core>(this)](const boost::system::error_code& error) {
                           if (!error) core->on_acceptable();
                         });
}

void Listener::Core::on_acceptable() {
  for (int accepts = 0; accepts < accepts_per_turn_max && socket_; ++accepts) {
    Socket accepted(::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted) {
      ++accepted_count_;
      on_accept_(std::move(accepted));
    } else if (errno == EAGAIN) {
      is_suspended_ = false;
      break;
    } else if (!is_of_one_connection(errno)) {
      return suspend(errno);
    }
  }
  if (socket_) worker_.arm_at_turn_end(*this);
}

void Listener::Core::suspend(int error) {
  ++suspended_count_;
  if (!std::exchange(is_suspended_, true)) {
    log(is_exhausted(error) ? LogLevel::warn : LogLevel::error, "net",
        "accept_suspended listener={} reason=\"{}\" retry_ms={}", local_.text(),
        std::error_code(error, std::system_category()).message(), suspension.count());
  }
  resume_->arm_after(suspension);
}

void Listener::Core::close() {
  if (!socket_) return;
  resume_.reset();
  if (descriptor_.is_open()) descriptor_.release();
  socket_.close();
  // Gone already, or not ours to remove: nothing that anybody could do about it.
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Listener::Listener(IntrusivePtr<Core> core) : core_(std::move(core)) {}

Result<std::unique_ptr<Listener>> Listener::open(WorkerPool& pool, const ListenAddress& address,
                                                 OnAccept on_accept) {
  LEVERET_ASSERT(pool.is_home(home), "a listener is opened on worker 0");
  LEVERET_TRY(Socket socket,
              address.unix_path.empty() ? listen_tcp(address) : listen_unix(address));
  const IntrusivePtr<Core> core(
      new Core(pool, std::move(socket), address.unix_path, std::move(on_accept)));
  if (const std::error_code error = core->watch()) {
    core->close();
    return failure(error, "listen " + address.text());
  }
  return std::unique_ptr<Listener>(new Listener(core));
}

Listener::~Listener() { close(); }

void Listener::close() {
  LEVERET_ASSERT(core_->pool_.is_home(home), "a listener is closed on worker 0");
  core_->close();
}

const Endpoint& Listener::local() const { return core_->local_; }
std::uint16_t Listener::port() const { return core_->local_.port; }
std::uint64_t Listener::accepted_count() const { return core_->accepted_count_; }
std::uint64_t Listener::suspended_count() const { return core_->suspended_count_; }

}  // namespace leveret
