// SPDX-License-Identifier: Apache-2.0
//
// What it costs to make a batch durable: written, fdatasync()ed, and the worker told, which sleeps
// in epoll_wait meanwhile. One batch is under way at a time.
//
//   in_place/BYTES/WHERE   the caller writes and syncs: the disk alone
//   thread/BYTES/WHERE     an IoThread does, as in the journal
//   ring/BYTES/WHERE       io_uring does: a write and a sync that are linked, and an eventfd
//                          (only where liburing-dev is installed)
//   lone/BYTES/WHERE       somebody across a TCP connection sends them, 200 times a second; who
//                          receives them writes and syncs in place and answers. No broker can
//                          confirm a lone publisher's message sooner
//
// WHERE: 0 behind the end of the file; 1 into space that was only allocated; 2 over blocks that
// were written before. Files lie in the working directory, which should be on the disk that is
// meant. The counters are microseconds a batch: median and 99th percentile of the time until the
// worker knows, and the CPU time of all threads, the ring's own among them.

#include "journal/file_system.h"
#include "journal/io_lane.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef LEVERET_LIBURING
#include <liburing.h>
#endif

namespace leveret {
namespace {

enum class Where { behind_the_end, allocated, written_before };

constexpr int batches = 200;
constexpr std::uint64_t file_bytes = 64 << 20;

/// A file of its own to write batches to, one behind the other, and removed afterwards.
class Target {
 public:
  explicit Target(Where where) : where_(where) {
    std::filesystem::remove(path);
    file = files_.open(path, OpenMode::create_new).value();
    if (where == Where::allocated) file->allocate(batches * (1ull << 20)).value();
    if (where == Where::written_before) {
      const std::vector<std::byte> zeros(1 << 20);
      const std::span<const std::byte> part = zeros;
      for (std::uint64_t at = 0; at < file_bytes; at += part.size()) {
        file->write_at(at, std::span(&part, 1)).value();
      }
    }
    file->sync().value();
  }
  ~Target() { std::filesystem::remove(path); }

  std::uint64_t next_offset(std::uint64_t bytes) {
    if (where_ == Where::written_before && offset_ + bytes > file_bytes) offset_ = 0;
    return std::exchange(offset_, offset_ + bytes);
  }

  const std::filesystem::path path = "sync_bench.data";
  std::unique_ptr<File> file;

 private:
  const Where where_;
  PosixFileSystem files_;
  std::uint64_t offset_ = 0;
};

/// The worker: sleeps until its eventfd is written, then runs what was posted.
class Home final : public Executor {
 public:
  Home() {
    epoll_event event{.events = EPOLLIN, .data = {}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake, &event);
  }
  ~Home() override {
    ::close(wake);
    ::close(epoll_);
  }

  unsigned worker_count() const override { return 1; }
  WorkerId here() const override { return WorkerId(0); }
  void post(WorkerId target, Task task) override { post_from_outside(target, std::move(task)); }
  void post_from_outside(WorkerId /*target*/, Task task) override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    ::eventfd_write(wake, 1);
  }

  void sleep_and_run() {
    epoll_event event;
    while (::epoll_wait(epoll_, &event, 1, -1) != 1) {
    }
    eventfd_t ignored;
    ::eventfd_read(wake, &ignored);
    std::vector<Task> taken;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(tasks_);
    }
    for (Task& task : taken) task();
  }

  const int wake = ::eventfd(0, EFD_CLOEXEC);

 private:
  const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::mutex mutex_;
  std::vector<Task> tasks_;
};

double cpu_microseconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto microseconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return microseconds(used.ru_utime) + microseconds(used.ru_stime);
}

/// Times `commit(offset, bytes)`, which returns when the batch is durable; each one `pause` after
/// the one before.
template <class Commit>
void commit_batches(benchmark::State& state, Target& target, Commit commit,
                    std::chrono::milliseconds pause = {}) {
  using Clock = std::chrono::steady_clock;
  const std::vector<std::byte> batch(static_cast<std::size_t>(state.range(0)), std::byte{'x'});
  std::vector<double> times;
  times.reserve(batches);
  const double cpu_before = cpu_microseconds();
  for (auto _ : state) {
    const std::uint64_t offset = target.next_offset(batch.size());
    if (pause.count() != 0) ::poll(nullptr, 0, static_cast<int>(pause.count()));
    const auto begin = Clock::now();
    commit(offset, std::span<const std::byte>(batch));
    const std::chrono::duration<double> took = Clock::now() - begin;
    state.SetIterationTime(took.count());
    times.push_back(took.count() * 1e6);
  }
  state.counters["cpu"] = (cpu_microseconds() - cpu_before) / static_cast<double>(times.size());
  std::ranges::sort(times);
  state.counters["p50"] = times[times.size() / 2];
  state.counters["p99"] = times[times.size() * 99 / 100];
}

void write_and_sync(File& file, std::uint64_t offset, std::span<const std::byte> bytes) {
  file.write_at(offset, std::span(&bytes, 1)).value();
  file.sync().value();
}

Where where(const benchmark::State& state) { return static_cast<Where>(state.range(1)); }

void in_place(benchmark::State& state) {
  Target target(where(state));
  commit_batches(state, target, [&](std::uint64_t offset, std::span<const std::byte> bytes) {
    write_and_sync(*target.file, offset, bytes);
  });
}

void thread(benchmark::State& state) {
  Target target(where(state));
  Home home;
  IoThread lane(home, WorkerId(0), "writing");
  commit_batches(state, target, [&](std::uint64_t offset, std::span<const std::byte> bytes) {
    bool is_durable = false;
    lane.submit([&] { write_and_sync(*target.file, offset, bytes); }, [&] { is_durable = true; });
    while (!is_durable) home.sleep_and_run();
  });
}

void sizes_and_places(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgsProduct({{4 << 10, 64 << 10, 1 << 20}, {0, 1, 2}});
  benchmark->Iterations(batches)->UseManualTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK(in_place)->Apply(sizes_and_places);
BENCHMARK(thread)->Apply(sizes_and_places);

/// Two ends of a TCP connection on the loopback.
class Loopback {
 public:
  Loopback() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    is_open = ::bind(listener, any, bytes) == 0 && ::listen(listener, 1) == 0 &&
              ::getsockname(listener, any, &bytes) == 0 && ::connect(near, any, bytes) == 0;
    if (is_open) far = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    const int on = 1;
    for (const int end : {near, far}) {
      ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
  }
  ~Loopback() {
    ::close(near);
    ::close(far);
  }
  static bool read_all(int end, std::span<std::byte> into) {
    return ::recv(end, into.data(), into.size(), MSG_WAITALL) == static_cast<ssize_t>(into.size());
  }
  static bool write_all(int end, std::span<const std::byte> bytes) {
    return ::send(end, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

  bool is_open = false;
  const int near = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int far = -1;
};

void lone(benchmark::State& state) {
  Target target(where(state));
  Loopback loopback;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  std::thread receiver([&] {
    std::vector<std::byte> got(bytes);
    for (std::uint64_t at = 0; Loopback::read_all(loopback.far, got);
         at = (at + bytes) % file_bytes) {
      write_and_sync(*target.file, at, got);
      Loopback::write_all(loopback.far, std::span(got).first(1));
    }
  });
  commit_batches(
      state, target,
      [&](std::uint64_t, std::span<const std::byte> batch) {
        std::byte answer;
        if (!loopback.is_open || !Loopback::write_all(loopback.near, batch) ||
            !Loopback::read_all(loopback.near, std::span(&answer, 1))) {
          state.SkipWithError("no connection");
        }
      },
      std::chrono::milliseconds(5));
  ::shutdown(loopback.near, SHUT_RDWR);
  receiver.join();
}
BENCHMARK(lone)->Apply([](benchmark::internal::Benchmark* benchmark) {
  benchmark->Args({1 << 10, 2})->Iterations(batches)->UseManualTime();
  benchmark->Unit(benchmark::kMicrosecond);
});

#ifdef LEVERET_LIBURING
void ring(benchmark::State& state) {
  Target target(where(state));
  Home home;
  const int fd = ::open(target.path.c_str(), O_RDWR | O_CLOEXEC);
  io_uring ring;
  if (fd < 0 || ::io_uring_queue_init(8, &ring, 0) < 0) {
    state.SkipWithError("no ring");
    return;
  }
  ::io_uring_register_eventfd(&ring, home.wake);
  commit_batches(state, target, [&](std::uint64_t offset, std::span<const std::byte> bytes) {
    io_uring_sqe* write = ::io_uring_get_sqe(&ring);
    ::io_uring_prep_write(write, fd, bytes.data(), static_cast<unsigned>(bytes.size()), offset);
    ::io_uring_sqe_set_flags(write, IOSQE_IO_LINK);
    ::io_uring_prep_fsync(::io_uring_get_sqe(&ring), fd, IORING_FSYNC_DATASYNC);
    ::io_uring_submit(&ring);
    for (int completed = 0; completed < 2;) {
      home.sleep_and_run();
      for (io_uring_cqe* cqe; ::io_uring_peek_cqe(&ring, &cqe) == 0; ++completed) {
        if (cqe->res < 0) state.SkipWithError("the ring failed");
        ::io_uring_cqe_seen(&ring, cqe);
      }
    }
  });
  ::io_uring_queue_exit(&ring);
  ::close(fd);
}
BENCHMARK(ring)->Apply(sizes_and_places);
#endif

}  // namespace
}  // namespace leveret

BENCHMARK_MAIN();
