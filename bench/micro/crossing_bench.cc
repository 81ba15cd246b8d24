// SPDX-License-Identifier: Apache-2.0
//
// What it costs to send a task to another worker.
//
//   hand_over/N      the crossing itself, on one thread: N tasks made, pushed as one batch, taken,
//                    run, the batch given back. Time per item = per task.
//   steady_flow/N    two workers: 0 sends groups of N tasks, 1 runs them and grants the next group;
//                    64 groups are under way. CPU time of both threads per task, with loops, wakes
//                    and grants. Groups that meet in a turn leave together, as in life.
//   wake_and_answer  one task there and one back between two workers that sleep in between, and the
//                    caller's own wake. Real time.
//
// On a busy machine only hand_over and the CPU column mean anything.

#include "net/crossing.h"
#include "net/worker_pool.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <semaphore>

#include <benchmark/benchmark.h>

namespace leveret {
namespace {

constexpr WorkerId source{0};
constexpr WorkerId target{1};

void hand_over(benchmark::State& state) {
  const auto tasks = static_cast<std::size_t>(state.range(0));
  Inbox inbox;
  BatchStock stock;
  std::uint64_t arrived = 0;
  for (auto _ : state) {
    for (std::size_t left = tasks; left > 0;) {
      std::unique_ptr<Batch> batch = stock.take();
      const std::size_t count = std::min(left, Batch::tasks_max);
      for (std::size_t i = 0; i < count; ++i) batch->tasks.emplace_back([&arrived] { ++arrived; });
      left -= count;
      benchmark::DoNotOptimize(inbox.push(std::move(batch)));
    }
    for (Batch* next = inbox.take_all(); next;) {
      std::unique_ptr<Batch> batch(next);
      next = batch->next;
      for (Task& task : batch->tasks) task();
      batch->tasks.clear();
      stock.give_back(std::move(batch));
    }
  }
  if (arrived != static_cast<std::uint64_t>(state.iterations()) * tasks) {
    state.SkipWithError("tasks were lost");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(arrived));
}
BENCHMARK(hand_over)->Arg(1)->Arg(100)->Arg(1000);

class Flow {
 public:
  Flow(WorkerPool& pool, std::uint64_t groups, std::uint64_t per_group)
      : pool_(pool), to_send_(groups), to_arrive_(groups), per_group_(per_group) {}

  void begin() {
    for (int i = 0; i < 64; ++i) send_group();
  }
  void wait() { finished_.acquire(); }
  [[nodiscard]] std::uint64_t arrived() const { return arrived_; }

 private:
  void send_group() {
    if (to_send_ == 0) return;
    --to_send_;
    for (std::uint64_t i = 1; i < per_group_; ++i) pool_.post(target, [this] { ++arrived_; });
    pool_.post(target, [this] {
      ++arrived_;
      if (--to_arrive_ == 0) return finished_.release();
      pool_.post(source, [this] { send_group(); });
    });
  }

  WorkerPool& pool_;
  std::uint64_t to_send_;                // The source's.
  alignas(64) std::uint64_t to_arrive_;  // The target's, and the next.
  std::uint64_t arrived_ = 0;
  const std::uint64_t per_group_;
  std::binary_semaphore finished_{0};
};

void steady_flow(benchmark::State& state) {
  const auto per_group = static_cast<std::uint64_t>(state.range(0));
  const std::uint64_t groups = std::max<std::uint64_t>(1'000'000 / per_group, 1000);
  WorkerPool pool(2);
  pool.start();
  for (auto _ : state) {
    Flow flow(pool, groups, per_group);
    pool.post_from_outside(source, [&flow] { flow.begin(); });
    flow.wait();
    // The last grants may still be on their way to the flow.
    std::binary_semaphore is_empty{0};
    pool.post_from_outside(target, [&] { pool.post(source, [&is_empty] { is_empty.release(); }); });
    is_empty.acquire();
    if (flow.arrived() != groups * per_group) state.SkipWithError("tasks were lost");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(groups * per_group));
}
BENCHMARK(steady_flow)->Arg(1)->Arg(100)->Arg(1000)->MeasureProcessCPUTime();

void wake_and_answer(benchmark::State& state) {
  WorkerPool pool(2);
  pool.start();
  struct Ball {
    WorkerPool& pool;
    std::binary_semaphore back{0};
  } ball{pool};
  for (auto _ : state) {
    pool.post_from_outside(source, [&ball] {
      ball.pool.post(target, [&ball] { ball.pool.post(source, [&ball] { ball.back.release(); }); });
    });
    ball.back.acquire();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(wake_and_answer)->UseRealTime();

}  // namespace
}  // namespace leveret

BENCHMARK_MAIN();
