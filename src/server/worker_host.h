// SPDX-License-Identifier: Apache-2.0
//
// WorkerHost: the connections of one worker, and the end of its loop turn: queues are dispatched,
// then each connection that has something to say writes it with one gathering write.
//
// Thread: its worker; connection_count() any. Owns: the drivers. Borrows: pool and broker.

#pragma once

#include "base/random.h"
#include "net/socket.h"
#include "net/timer.h"
#include "net/worker_pool.h"
#include "session/connection.h"
#include "vhost/broker.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace leveret {

class ConnectionDriver;

class WorkerHost final : public TurnHook {
 public:
  WorkerHost(WorkerPool& pool, Broker& broker, const SessionOptions& options, WorkerId worker);
  ~WorkerHost() override;

  /// Takes an accepted socket in.
  void add_connection(Socket socket);
  /// Sends every client connection.close; `done` is called when the last has gone.
  void close_all(amqp::ReplyCode code, const std::string& text,
                 std::move_only_function<void()> done);
  /// Ends what has not gone by itself.
  void abandon_all();

  /// Accepted and not yet gone, including those on their way here. Any thread.
  [[nodiscard]] std::uint32_t connection_count() const {
    return connection_count_.load(std::memory_order_relaxed);
  }
  /// Counts a connection that is on its way here, so that the next is placed well. Any thread.
  void expect_connection() { connection_count_.fetch_add(1, std::memory_order_relaxed); }

  // For the drivers.
  [[nodiscard]] WorkerPool& pool() const { return pool_; }
  [[nodiscard]] Shard& shard() const { return shard_; }
  [[nodiscard]] ChunkPool& chunks() { return chunks_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] const Clock& clock() const { return broker_.clock(); }
  [[nodiscard]] const SessionOptions& options() const { return options_; }
  [[nodiscard]] WorkerId worker() const { return worker_; }
  void wants_turn(ConnectionDriver& driver) { wanting_.push_back(&driver); }
  /// Destroys the driver when the turn ends.
  void retire(ConnectionDriver& driver) { retired_.push_back(&driver); }

  // TurnHook
  bool finish_turn() override;

 private:
  void note_work();
  void on_quiet_timer();
  void on_retry_timer();
  void on_slow_timer();
  void arm_wake_timer();

  WorkerPool& pool_;
  Broker& broker_;
  Shard& shard_;
  const SessionOptions& options_;
  const WorkerId worker_;
  ChunkPool chunks_;
  SystemRandom random_;
  std::unordered_map<ConnectionDriver*, std::unique_ptr<ConnectionDriver>> drivers_;
  std::vector<ConnectionDriver*> wanting_;
  std::vector<ConnectionDriver*> retired_;
  std::move_only_function<void()> when_empty_;
  // Gives freed memory back once the worker has been quiet for a while after work.
  Timer quiet_timer_;
  // While a journal cannot be written it tries again, for space may have been made.
  Timer retry_timer_;
  // Who feeds heavy queues is read from once in its interval.
  Timer slow_timer_;
  // Queues want to be looked at, for what expires.
  Timer wake_timer_;
  std::uint64_t wake_ms_ = 0;  // What it was armed for; 0: it is not armed.
  bool has_worked_since_ = false;
  std::uint64_t tasks_seen_ =
      0;  // The worker's count of tasks at the end of the last turn but one.
  std::atomic<std::uint32_t> connection_count_{0};
};

}  // namespace leveret
