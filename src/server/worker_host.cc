// SPDX-License-Identifier: Apache-2.0
#include "server/worker_host.h"

#include "base/memory.h"
#include "server/connection_driver.h"
#include "vhost/shard.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace leveret {
namespace {

constexpr Duration quiet_time = std::chrono::milliseconds(500);
constexpr Duration retry_time = std::chrono::seconds(1);
/// A slowed connection is read from once in so long: some megabytes a second.
constexpr Duration wake_time_max = std::chrono::seconds(60);
constexpr Duration slow_time = std::chrono::milliseconds(10);

}  // namespace

WorkerHost::WorkerHost(WorkerPool& pool, Broker& broker, const SessionOptions& options,
                       WorkerId worker)
    : pool_(pool),
      broker_(broker),
      shard_(broker.shard(worker)),
      options_(options),
      worker_(worker),
      quiet_timer_(pool, worker, [this] { on_quiet_timer(); }),
      retry_timer_(pool, worker, [this] { on_retry_timer(); }),
      slow_timer_(pool, worker, [this] { on_slow_timer(); }),
      wake_timer_(pool, worker, [this] {
        wake_ms_ = 0;
        shard_.wake_queues();
      }) {}

WorkerHost::~WorkerHost() = default;

void WorkerHost::add_connection(Socket socket) {
  auto driver = std::make_unique<ConnectionDriver>(*this, std::move(socket));
  ConnectionDriver& added = *driver;
  drivers_.emplace(&added, std::move(driver));
  added.start();
}

void WorkerHost::close_all(amqp::ReplyCode code, const std::string& text,
                           std::move_only_function<void()> done) {
  when_empty_ = std::move(done);
  if (drivers_.empty()) {
    std::exchange(when_empty_, nullptr)();
    return;
  }
  for (auto& [key, driver] : drivers_) driver->connection().force_close(code, text);
}

void WorkerHost::abandon_all() {
  for (auto& [key, driver] : drivers_) driver->close_now();
}

bool WorkerHost::finish_turn() {
  bool has_worked = shard_.finish_turn();
  // A flush may make room for a starved consumer, whose queue then wants to be dispatched: that is
  // the next round's. Nothing is added to the list while it is walked but by end_turn() of a driver
  // that is in it.
  std::vector<ConnectionDriver*> wanting = std::exchange(wanting_, {});
  for (ConnectionDriver* driver : wanting) driver->end_turn();
  has_worked = has_worked || !wanting.empty();
  if (wanting_.empty()) {
    wanting.clear();
    wanting_ = std::move(wanting);  // Keeps its memory.
  }

  for (ConnectionDriver* driver : std::exchange(retired_, {})) {
    std::erase(wanting_, driver);
    drivers_.erase(driver);
    connection_count_.fetch_sub(1, std::memory_order_relaxed);
  }
  if (drivers_.empty() && when_empty_) std::exchange(when_empty_, nullptr)();
  // Tasks leave memory too, also where this hook has no part in them: the registry's. A timer that
  // only looks at something must not count, or the worker would tidy for ever.
  const std::uint64_t tasks_run = pool_.counters(worker_).tasks_run;
  const bool has_run_tasks = std::exchange(tasks_seen_, tasks_run) != tasks_run;
  if (has_worked || has_run_tasks) note_work();
  if (shard_.has_stalled_journal() && !retry_timer_.is_armed()) retry_timer_.arm_after(retry_time);
  if (shard_.has_slowed() && !slow_timer_.is_armed()) slow_timer_.arm_after(slow_time);
  arm_wake_timer();
  shard_.end_turn();
  return has_worked;
}

void WorkerHost::arm_wake_timer() {
  const std::optional<std::uint64_t> next_ms = shard_.next_wake_ms();
  if (!next_ms || (wake_ms_ != 0 && wake_ms_ <= *next_ms)) return;
  wake_ms_ = *next_ms;
  // Queues go by wall time, which may be set: looked at anew before long.
  const std::uint64_t now_ms = shard_.now_ms();
  const auto delay = std::chrono::milliseconds(wake_ms_ > now_ms ? wake_ms_ - now_ms : 0);
  wake_timer_.arm_after(std::min<Duration>(delay, wake_time_max));
}

void WorkerHost::note_work() {
  has_worked_since_ = true;
  if (!quiet_timer_.is_armed()) quiet_timer_.arm_after(quiet_time);
}

void WorkerHost::on_retry_timer() {
  shard_.retry_journals();
  if (shard_.has_stalled_journal()) retry_timer_.arm_after(retry_time);
}

void WorkerHost::on_slow_timer() {
  shard_.tick_slowed();
  if (shard_.has_slowed()) slow_timer_.arm_after(slow_time);
}

void WorkerHost::on_quiet_timer() {
  // Under load the timer only looks again; at rest it is not armed.
  if (std::exchange(has_worked_since_, false)) {
    quiet_timer_.arm_after(quiet_time);
  } else {
    chunks_.shrink();
    drivers_.rehash(0);
    wanting_.shrink_to_fit();
    shard_.shrink();
    pool_.shrink();
    return_unused_memory();
  }
}

}  // namespace leveret
